"""Instances of an OVH project by their names: OVH keeps no labels, and takes two of one name.

Signing and endpoints: github.com/ovh/go-ovh. Paths: ovh_cloud_project_instances of the Terraform provider.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fleet import inventory
from operate.clouds.ask import Found, NotAnsweredError, ask

if TYPE_CHECKING:
    from collections.abc import Collection

ENDPOINTS = {
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
}
"""By the word that OVH_ENDPOINT has; any other is taken for an address, as the plugin does."""


@dataclass(frozen=True, kw_only=True)
class Ovh:
    """A Public Cloud project."""

    endpoint: str
    application_key: str = field(repr=False)
    application_secret: str = field(repr=False)
    consumer_key: str = field(repr=False)
    project: str

    def found(self, names: Collection[str]) -> tuple[Found, ...]:
        """Instances with these names, in every region; raises NotAnsweredError."""
        base = ENDPOINTS.get(self.endpoint, self.endpoint).rstrip("/")
        answer: Any = self._ask(base, f"/cloud/project/{quote(self.project, safe='')}/instance")
        try:
            return tuple(_instance(one) for one in answer if one["name"] in names)
        except (KeyError, TypeError) as error:
            raise NotAnsweredError(f"{base}: an answer of another form ({error})") from None

    def _ask(self, base: str, path: str) -> Any:  # noqa: ANN401 - JSON
        # Signed by OVH's clock: this machine's may be wrong.
        now = int(ask(f"{base}/auth/time", {}))
        url = f"{base}{path}"
        text = "+".join((self.application_secret, self.consumer_key, "GET", url, "", str(now)))
        signature = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        headers = {
            "X-Ovh-Application": self.application_key,
            "X-Ovh-Consumer": self.consumer_key,
            "X-Ovh-Signature": f"$1${signature}",
            "X-Ovh-Timestamp": str(now),
        }
        return ask(url, headers)


def _instance(one: dict[str, Any]) -> Found:
    name = one["name"]
    return Found(
        type=inventory.INSTANCE,
        name=f"{name}-instance",
        id=one["id"],
        title=f"instance {name} ({one['id']}, {one['region']})",
        host=name,
    )
