"""The table of values: what this tree's modules set on a host of each kind, and which of it some test reads.

`python -m tests.nix.values` writes values.json anew from what the modules say; the difference is what a reviewer reads.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from typing import Any

from tests.nix import toolbox

TABLE = toolbox.HERE / "values.json"
EVERYWHERE = "every host"
ELSEWHERE = {
    # keep-sorted start
    "disko.": "test_disks.py",
    "environment.etc.nixfleet/closure.json": "test_access.py",
    "fileSystems.": "test_disks.py",
    "networking.firewall.extraInputRules": "test_access.py",
    "networking.hostName": "test_hosts.py",
    "networking.nftables.tables.": "test_access.py",
    "nixpkgs.hostPlatform": "test_hosts.py",
    "programs.ssh.knownHosts.": "test_hosts.py",
    "services.openssh.settings.PermitRootLogin": "test_access.py",
    "systemd.network.": "test_network.py",
    "systemd.services.k3s.environment.": "test_hosts.py",
    "users.users.": "test_access.py",
    # keep-sorted end
}
"""Values that follow from a stack file: by the beginning of their path, the test that holds them to it."""

Found = dict[str, list[dict[str, Any]]]
Values = dict[str, Any]


def name(path: list[str]) -> str:
    """An option's path as one text."""
    return ".".join(path)


def plain(value: Any) -> Any:
    """The value without the hashes of store paths."""
    return json.loads(re.sub(r"/nix/store/[a-z0-9]{32}-", "/nix/store/", json.dumps(value)))


def elsewhere(path: str) -> bool:
    """Whether another test holds it to the stack file."""
    return any(path.startswith(prefix) for prefix in ELSEWHERE)


def said(leaves: list[dict[str, Any]]) -> Values:
    """What one host has of what the modules say: their part of lists and long texts, else what the value became."""
    values: Values = {}
    for leaf in leaves:
        path, own, final = name(leaf["path"]), plain(leaf["own"]), plain(leaf["final"])
        if path in values and isinstance(own, list):
            own = [*values[path], *(one for one in own if one not in values[path])]
        values[path] = own if holds(own, final) else final
    return {path: value for path, value in values.items() if value is not None and not elsewhere(path)}


def table(found: Found) -> dict[str, Values]:
    """The values of all hosts: those that all share first, then what each kind has beside them."""
    hosts = {place: said(leaves) for place, leaves in found.items()}
    first = next(iter(hosts.values()))
    common = {path: first[path] for path in first if all(one.get(path, []) == first[path] for one in hosts.values())}
    own = {place: {path: one[path] for path in one if path not in common} for place, one in hosts.items()}
    return {EVERYWHERE: common, **own}


def holds(expected: Any, final: Any) -> bool:
    """Whether a value is what the table has: sets and lists may have more, a text may have more lines."""
    if isinstance(expected, list) and isinstance(final, list):
        return all(any(holds(one, other) for other in final) for one in expected)
    if isinstance(expected, dict) and isinstance(final, dict):
        return all(key in final and holds(value, final[key]) for key, value in expected.items())
    if isinstance(expected, str) and "\n" in expected:
        return isinstance(final, str) and expected.strip() in final
    return bool(expected == final)


def share(found: Found, stored: dict[str, Values]) -> tuple[int, int]:
    """How many option values that hosts set are read by a test, and how many there are."""
    paths = {(place, name(leaf["path"])) for place, leaves in found.items() for leaf in leaves}
    read = {
        (place, path)
        for place, path in paths
        if elsewhere(path) or path in stored[EVERYWHERE] or path in stored.get(place, {})
    }
    return len(read), len(paths)


def main() -> int:
    """Write the table."""
    root = toolbox.inputs_root()
    if root is None:
        sys.stderr.write("no flake inputs: see tests/nix/README.md\n")
        return 1
    done = toolbox.Inputs(root=root).evaluate("values")
    if done.returncode != 0:
        sys.stderr.write(f"{toolbox.errors(done.stderr)}\n")
        return 1
    found = json.loads(done.stdout)
    TABLE.write_text(json.dumps(table(found), indent=2, sort_keys=True) + "\n")
    counted = Counter({place: len(leaves) for place, leaves in found.items()})
    sys.stdout.write(f"{TABLE.name}: {counted.total()} values of {len(found)} hosts\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
