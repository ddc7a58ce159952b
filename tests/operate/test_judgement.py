"""Laws over the engine's preview: each with a plan that breaks it and one that does not, and the whole message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet.document import read_fleet
from operate.judgement import INSTANCE, JUDGES, SERVER, VOLUME, Judge, Preview, broken
from operate.record import Operation
from tests.operate.test_planned import made_run
from tests.plan.scenarios import PROFILES, document

if TYPE_CHECKING:
    from fleet.settings import Fleet

FIREWALL = "hcloud:index/firewall:Firewall"
LABELS = {"stack": "sim", "cluster": "sim", "name": "a"}


def _fleet(**firewall: Any) -> Fleet:
    wanted = document()
    wanted["firewall"] |= firewall
    return read_fleet(wanted, "the test", PROFILES)


def _operation(op: str, token: str, name: str, **more: Any) -> Operation:
    return Operation(op=op, urn=f"urn:pulumi:sim::nixfleet::nixfleet:index:Host${token}::{name}", **more)


def _rules(port: str, *sources: str) -> dict[str, Any]:
    return {"labels": LABELS, "rules": [{"direction": "in", "port": port, "sourceIps": list(sources)}]}


DISK = "its system disk goes with it, and nothing in the stack file means that"
CURE = "find out what changed beside the file: a provider's version, or something in the cloud's console"
OPEN = (
    "SSH and the API of Kubernetes are open to the admin ranges alone; name the admins' ranges, or say "
    "firewall.allowEveryone: true"
)
CLEAR = (
    "keys and tokens stand in the state and in logs encrypted, or not at all; pass it as a secret (Output.secret), by "
    "standard input"
)
BREAKS: dict[str, tuple[Operation, str]] = {
    "a server of a host that stays is deleted": (
        _operation("delete", SERVER, "hcloud-1-server"),
        f"{SERVER} hcloud-1-server: delete: {DISK}; {CURE}",
    ),
    "a server is replaced for what the file does not say": (
        _operation("replace", SERVER, "hcloud-1-server", changes=("location", "placementGroupId")),
        f"{SERVER} hcloud-1-server: replace for placementGroupId: {DISK}; {CURE}",
    ),
    "an instance is replaced for no reason": (
        _operation("replace", INSTANCE, "ovh-1-instance"),
        f"{INSTANCE} ovh-1-instance: replace: {DISK}; {CURE}",
    ),
    "a volume that the file has is deleted": (
        _operation("delete", VOLUME, "hcloud-3-volume"),
        (
            f"{VOLUME} hcloud-3-volume: delete: replicas of Longhorn lie on it, and nothing in the stack file means "
            f"that; {CURE}"
        ),
    ),
    "SSH is open to everyone": (
        _operation("update", FIREWALL, "sim", new=_rules("22", "192.0.2.0/24", "::/0")),
        f"{FIREWALL} sim: port 22 from ::/0: {OPEN}",
    ),
    "a private key is an input": (
        _operation(
            "create", "command:local:Command", "a", new={"create": "x", "stdin": "-----BEGIN OPENSSH PRIVATE KEY-----"}
        ),
        f"command:local:Command a: input stdin: {CLEAR}",
    ),
    "a token is an output": (
        _operation("same", "command:local:Command", "a", results={"stdout": [f"K10{'0' * 64}::server:x"]}),
        f"command:local:Command a: output stdout: {CLEAR}",
    ),
    "a server has no label of its stack": (
        _operation("create", SERVER, "hcloud-1-server", new={"labels": {"name": "hcloud-1", "cluster": "sim"}}),
        (
            f"{SERVER} hcloud-1-server: no label stack: what is made in a cloud can be found again by its labels; give "
            "it args.labels(...) of components/clouds/registry.py"
        ),
    ),
}
PASSES: dict[str, Operation] = {
    "a server of a host that is in the file no more": _operation("delete", SERVER, "hcloud-9-server"),
    "a server at another place": _operation("replace", SERVER, "hcloud-1-server", changes=("location",)),
    "an instance of another flavor": _operation("replace", INSTANCE, "ovh-1-instance", changes=("flavor.flavorId",)),
    "a volume that the file has no more": _operation("delete", VOLUME, "hcloud-1-volume"),
    "a command that is deleted": _operation("delete", "command:local:Command", "hcloud-1-install"),
    "the mesh's port for everyone": _operation("create", FIREWALL, "sim", new=_rules("51820", "0.0.0.0/0")),
    "SSH for admins": _operation("create", FIREWALL, "sim", new=_rules("22", "192.0.2.0/24")),
    "a key that the engine has blinded": _operation("create", "command:local:Command", "a", new={"stdin": "[secret]"}),
    "a server with all labels": _operation("create", SERVER, "hcloud-1-server", new={"labels": LABELS}),
}


@pytest.mark.parametrize("case", BREAKS)
def test_a_preview_that_breaks_a_law_is_told_whole(case: str) -> None:
    operation, said = BREAKS[case]
    assert [str(fault) for fault in broken(made_run(operation), _fleet())] == [said]


@pytest.mark.parametrize("case", PASSES)
def test_a_preview_that_breaks_none_is_silent(case: str) -> None:
    assert broken(made_run(PASSES[case]), _fleet()) == ()


def test_the_file_may_open_the_doors_itself() -> None:
    fleet = _fleet(adminRanges=["0.0.0.0/0"], allowEveryone=True)
    assert broken(made_run(BREAKS["SSH is open to everyone"][0]), fleet) == ()


@pytest.mark.parametrize("judge", JUDGES)
def test_every_law_is_broken_by_a_case(judge: Judge) -> None:
    found = [
        fault for operation, _ in BREAKS.values() for fault in judge(Preview(run=made_run(operation), fleet=_fleet()))
    ]
    assert found
