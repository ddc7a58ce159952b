"""`make lock` for images and charts: asks their registries for digests and writes fleet/data/artifacts.json.

`--check` writes nothing, and fails where a registry has another content under a name, or where a digest is not known.
What cannot be reached keeps the digest that it has; the end says what is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fleet.addons.artifacts import Artifacts, names  # noqa: E402  the checkout is no installed package
from fleet.addons.pinned import LOCK  # noqa: E402  as above

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIMIT_SECONDS = 60
KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
HOSTS = {"docker.io": "registry-1.docker.io"}
"""Registries that answer at another address than their name."""


def parts(image: str) -> tuple[str, str, str]:
    """Registry, repository and tag of a reference."""
    name, _, tag = image.rpartition(":")
    registry, _, repository = name.partition("/")
    return registry, repository, tag


def _open(url: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - the standard library's
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - https only, see the callers
    return urllib.request.urlopen(request, timeout=LIMIT_SECONDS)  # noqa: S310 - as above


def challenge(header: str) -> str:
    """Where a registry hands out tokens for one repository, from the header of its refusal."""
    found = dict(re.findall(r'(\w+)="([^"]*)"', header))
    query = urllib.parse.urlencode({key: found[key] for key in ("service", "scope") if key in found})
    return f"{found['realm']}?{query}"


def image_digest(image: str) -> str:
    """What a registry has under this tag; raises OSError or ValueError where it does not say."""
    registry, repository, tag = parts(image)
    url = f"https://{HOSTS.get(registry, registry)}/v2/{repository}/manifests/{tag}"
    headers = {"Accept": ", ".join(KINDS)}
    try:
        answer = _open(url, headers)
    except urllib.error.HTTPError as error:
        realm = challenge(error.headers.get("WWW-Authenticate", ""))
        if not realm.startswith("https://"):
            raise ValueError(f"{registry} sends to {realm}") from None
        token = json.load(_open(realm, {}))["token"]
        answer = _open(url, {**headers, "Authorization": f"Bearer {token}"})
    with answer:
        return f"sha256:{hashlib.sha256(answer.read()).hexdigest()}"


@cache
def _index(repository: str) -> dict[str, Any]:
    with _open(f"{repository.rstrip('/')}/index.yaml", {}) as answer:
        index: dict[str, Any] = yaml.safe_load(answer.read())
    return index


def chart_digest(chart: str) -> str:
    """What a repository's index says of a chart's archive."""
    repository, name, version = chart.split()
    entry = next(one for one in _index(repository)["entries"][name] if one["version"] == version)
    return f"sha256:{entry['digest'].removeprefix('sha256:')}"


def asked(
    known: Mapping[str, str | None], ask: Callable[[str], str], tell: Callable[[str], object]
) -> dict[str, str | None]:
    """Digests of all these names: fresh ones, and those that are known where nobody answers."""
    found: dict[str, str | None] = {}
    for name, before in sorted(known.items()):
        try:
            found[name] = ask(name)
        except (OSError, ValueError, KeyError, StopIteration, yaml.YAMLError) as error:
            found[name] = before
            kept = f"keeps {before}" if before else "has no digest"
            tell(f"{name}: {kept}, nobody answered: {str(error) or type(error).__name__}")
    return found


def known_now(lock: Path) -> Artifacts:
    """The names of now with the digests that the lock has for them."""
    wanted = names()
    if not lock.exists():
        return wanted
    before = Artifacts.model_validate_json(lock.read_text(encoding="utf-8"))
    return Artifacts(
        images={name: before.images.get(name) for name in wanted.images},
        charts={name: before.charts.get(name) for name in wanted.charts},
    )


def changed(before: Artifacts, after: Artifacts) -> list[str]:
    """Names whose content is another one than the lock says."""
    pairs = [(before.images, after.images), (before.charts, after.charts)]
    return [name for old, new in pairs for name in new if old[name] and old[name] != new[name]]


def rendered(artifacts: Artifacts) -> str:
    """The lock's bytes."""
    return json.dumps(artifacts.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Ask and write, or ask and compare; 1 where a digest is missing or another one."""
    parser = argparse.ArgumentParser(prog="tools/artifacts.py", description="Digests of images and charts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a content is another one")
    options = parser.parse_args(arguments)
    silent: list[str] = []
    before = known_now(LOCK)
    after = Artifacts(
        images=asked(before.images, image_digest, silent.append),
        charts=asked(before.charts, chart_digest, silent.append),
    )
    others = changed(before, after)
    for line in silent:
        print(line, file=sys.stderr)
    for name in others:
        print(f"{name}: another content than before", file=sys.stderr)
    if not options.check:
        LOCK.write_text(rendered(after), encoding="utf-8")
        print(f"wrote {LOCK.relative_to(ROOT)}")
    return 1 if silent or (options.check and others) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
