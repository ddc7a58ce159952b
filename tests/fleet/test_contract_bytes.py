"""The contract: its bytes, what a host's entry depends on, and refusing a stale one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fleet.contract.facts import Contract, contract, render, require_fresh
from fleet.document import read_fleet
from fleet.faults import FleetError
from fleet.keys.pairs import make_identities
from fleet.stackfile import ROOT, load, names
from tests.fleet.documents import PROFILES, base, changed

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = {name: sorted(base(name)["hosts"]) for name in ("lan", "mesh", "hetzner")}
IDENTITIES = make_identities({"new", *(host for hosts in HOSTS.values() for host in hosts)})[0]


def _contract(document: Any) -> Contract:
    return contract("x", read_fleet(document, "x", PROFILES), IDENTITIES, PROFILES)


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_a_contract_reads_back_as_it_was_written(name: str) -> None:
    document = _contract(base(name))
    assert Contract.model_validate_json(render(document)) == document


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_the_order_of_hosts_changes_no_byte(name: str) -> None:
    document = base(name)
    reordered = document | {"hosts": dict(reversed(document["hosts"].items()))}
    assert render(_contract(reordered)) == render(_contract(document))


@pytest.mark.parametrize("stack", names(ROOT))
def test_two_runs_write_the_same_bytes_whatever_the_hash_seed(stack: str) -> None:
    program = (
        "import sys; from fleet.contract.generated import *; from fleet.stackfile import *; s = load(sys.argv[1]);"
        "print({**contract_file(s, ROOT), **known_hosts_file(s, ROOT), **sops_file(ROOT), **schema_file(ROOT)})"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program, stack],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_an_agent_that_joins_changes_no_other_host() -> None:
    document = base("lan")
    agent = document["hosts"]["j1"] | {"address": "10.0.1.15", "storageAddress": "192.168.100.15"}
    agent["disk"] = agent["disk"] | {"device": "/dev/disk/by-id/nvme-A_5", "serial": "A5"}
    before, after = _contract(document), _contract(changed({"set": {"hosts/new": agent}}, base("lan")))
    assert after.cluster == before.cluster
    assert {name: host for name, host in after.hosts.items() if name != "new"} == before.hosts


def test_joining_nodes_find_the_api_at_the_virtual_ip_else_at_the_seed() -> None:
    assert str(_contract(base("lan")).cluster.join) == "10.0.1.10"
    assert str(_contract(base("mesh")).cluster.join) == "10.90.0.11"


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("lan", {}, "10.0.1.0/24"),
        ("mesh", {}, "10.90.0.0/24"),
        ("hetzner", {}, "10.20.0.0/24"),
        (
            "mesh",
            {
                "network": {"kind": "provider", "provider": "ovh"},
                "endpoint": {"kind": "virtualIp", "name": "api.example.net", "address": "10.30.0.5"},
                "cluster/seed": "o1",
                "addons/longhorn": {"replicas": 1},
                "hosts": {
                    "o1": base("mesh")["hosts"]["o1"] | {"role": "server", "address": "10.30.0.41", "storage": True}
                },
            },
            "10.30.0.0/24",
        ),
    ],
)
def test_the_cluster_range_is_that_of_its_network(name: str, change: dict[str, Any], expected: str) -> None:
    assert str(_contract(changed({"set": change}, base(name))).cluster.cluster_range) == expected


def test_ssh_answers_where_the_entry_says_or_where_the_cloud_will_say() -> None:
    found = {name: str(host.ssh_address) for name, host in _contract(base("mesh")).hosts.items()}
    assert found["b1"] == "192.168.50.21"
    assert found["b2"] == "198.51.100.22"
    assert found["h1"] == found["o1"] == "None"
    assert str(_contract(base("lan")).hosts["n1"].ssh_address) == "10.0.1.11"


def test_a_hosts_profile_is_whole_and_without_the_example_nodes() -> None:
    hosts = _contract(base("lan")).hosts
    profiles = {name: host.profile for name, host in hosts.items() if host.profile}
    assert sorted(profiles) == ["j1", "n1", "n2", "n3"]
    assert profiles["n1"].bond
    assert profiles["j1"].bond
    assert (profiles["n1"].bond.members, profiles["j1"].bond.members) == (("enp1s0", "enp2s0"), ("eth0",))
    assert all(profile.nodes == {} for profile in profiles.values())


def test_keys_with_digits_keep_their_spelling() -> None:
    assert "k3sVersion" in json.loads(render(_contract(base("lan"))))["cluster"]


@pytest.mark.parametrize("stack", names(ROOT))
def test_a_contract_holds_nothing_secret(stack: str) -> None:
    text = (ROOT / f"nix/fleet/{stack}.json").read_text(encoding="utf-8")
    assert "PRIVATE" not in text
    assert "oken" not in text
    assert load(stack).identities.deploy_key in text


@pytest.mark.parametrize(("text", "value"), [(None, "absent or unreadable"), ("{}\n", "stale")])
def test_a_stale_contract_is_refused_with_the_command_that_writes_it(
    tmp_path: Path, text: str | None, value: str
) -> None:
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(FleetError) as caught:
        require_fresh(path, _contract(base("lan")))
    assert str(caught.value) == (
        f"{path} has 1 fault:\n"
        f"  document: {value}: the contract is what the stack file of x says now; "
        "run `make contract STACK=x` and commit the file"
    )


def test_a_fresh_contract_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(render(_contract(base("lan"))), encoding="utf-8")
    require_fresh(path, _contract(base("lan")))
