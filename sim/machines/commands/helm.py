"""kubectl on the secrets in which Helm keeps a release's revisions: the double of its plugin keeps the releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.machines.commands.call import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "sh.helm.release.v1."


def secrets(document: dict[str, Any], namespace: str, selector: str) -> Reply:
    """Names of the newest revisions' secrets that a selector chooses."""
    wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
    chosen = (name for name, labels in _all(document, namespace) if wanted.items() <= labels.items())
    return Reply(out="".join(f"secret/{name}\n" for name in chosen))


def _all(document: dict[str, Any], namespace: str) -> Iterator[tuple[str, dict[str, str]]]:
    for ident, release in document.get("releases", {}).items():
        place, name = ident.split("/")
        if place == namespace:
            labels = {"owner": "helm", "name": name, "status": release.get("status", "deployed")}
            yield f"{PREFIX}{name}.v{release['revision']}", labels


def forget(document: dict[str, Any], namespace: str, secret: str) -> bool:
    """Delete the newest revision of a release: the one before is its newest then, or there is none."""
    name, _, number = secret.removeprefix(PREFIX).rpartition(".v")
    releases = document.get("releases", {})
    release = releases.get(f"{namespace}/{name}")
    if release is None or release["revision"] != int(number):
        return False
    if release["revision"] == 1:
        del releases[f"{namespace}/{name}"]
    else:
        release.update(revision=release["revision"] - 1, status="deployed")
    return True
