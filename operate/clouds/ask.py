"""One question to a cloud's API over HTTPS, and what an object that it names is to the program."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 30
"""Limit of one answer."""


class NotAnsweredError(Exception):
    """A cloud that did not answer; the text says why, in the form that its plugin would."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """An object in a cloud that says it is this stack's."""

    type: str
    """Type token of its resource."""

    name: str
    """Name of its resource in the program."""

    id: str
    """What the plugin takes it into a state by."""

    state_id: str = ""
    """Its id in a state, where that is another one."""

    title: str
    """What it is, for people."""

    host: str = ""
    """Of a machine: the host that it is for."""

    address: str = ""
    """Of a machine: where SSH answers; empty while it is off."""

    place: str = ""
    """Where it is: its cloud's word for a location; empty where that does not matter."""


def ask(url: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """GET a document; raises NotAnsweredError."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - the endpoint is the user's own
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")[:500]
        raise NotAnsweredError(f"{url}: status {error.code}: {said}") from None
    except (OSError, ValueError) as error:
        raise NotAnsweredError(f"{url}: {error}") from None
