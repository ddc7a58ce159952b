"""Ten changes of stack sim, as data: what the plan's renderings are held to."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from fleet import stackfile
from fleet.contract.difference import Side
from fleet.contract.facts import contract
from fleet.document import read_fleet
from fleet.files import read_text
from fleet.keys.pairs import make_identities
from fleet.plan.comparison import compare
from fleet.plan.revision import Revision
from fleet.plan.times import Times
from fleet.profiles import load_profiles
from fleet.stackfile import ROOT
from sim.crowd import many
from tests.fleet.documents import changed

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.plan.model import Plan

PROFILES = load_profiles(ROOT)
AGENT: dict[str, Any] = {
    "kind": "hcloud",
    "role": "agent",
    "hardware": "hcloud-x86",
    "address": "10.90.0.14",
    "privateAddress": "10.20.0.14",
    "serverType": "cpx32",
    "location": "nbg1",
    "disk": {"device": "/dev/sda", "layout": "hetzner-cloud", "sizeGib": 160, "unstablePath": True},
}
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a label and an option of the kernel": {
        "set": {
            "hosts/n100-1/labels": {"example.net/rack": "a"},
            # Text that would be markup, a mention or the end of a cell.
            "hosts/jetson-1/tuning": {"kernelParams": ["a|b`c`@ada<script>&amp;"]},
            "hosts/ovh-1/tuning": {"zramPercent": 50},
        }
    },
    "a new agent": {"set": {"hosts/worker": AGENT}},
    "an agent goes": {"remove": ["hosts/jetson-1"]},
    "a server moves": {"set": {"hosts/hcloud-2/location": "nbg1"}},
    "a server becomes stronger": {"set": {"hosts/hcloud-1/serverType": "ccx13"}},
    "a board is installed again": {"set": {"hosts/n100-1/reinstall": "n100-1@2"}},
    "a minor of k3s": {"from": "v1.34.2+k3s1", "set": {}},
    "two servers move at once": {"set": {"hosts/hcloud-2/location": "nbg1", "hosts/hcloud-3/location": "hel1"}},
    "settings that no host needs": {
        "set": {"rollout": {"batchSize": 2, "window": {"opens": "01:00", "closes": "04:00"}}, "monthlyCeilingEur": 100}
    },
}
TIMES = Times(
    seconds={
        "first": {"hcloud-1": 60.0, "n100-1": 90.0},
        "install": {"hcloud-1": 200.0, "n100-1": 310.0},
        "k3s": {"hcloud-1": 100.0},
    }
)


def document() -> dict[str, Any]:
    """The fleet of stack sim, as plain data."""
    path = stackfile.path_of("sim", ROOT)
    fleet: dict[str, Any] = copy.deepcopy(stackfile.config_of(path, read_text(path))[stackfile.FLEET_KEY])
    return fleet


_IDENTITIES = make_identities({*document()["hosts"], "worker", *(f"worker-{number:03}" for number in range(1, 100))})[0]


def revision(fleet: dict[str, Any], folder: Path, label: str) -> Revision:
    """One side, whose nix/ is `folder`."""
    found = read_fleet(fleet, "the test", PROFILES)
    made = contract("sim", found, _IDENTITIES, PROFILES)
    return Revision(label=label, fleet=found, side=Side(contract=made, fleet=found), nix=folder)


def planned(change: dict[str, Any], folder: Path, *, times: Times = TIMES) -> Plan:
    """The plan of one change of stack sim."""
    old, new = document(), changed(change, document())
    if "from" in change:
        old["cluster"]["k3sVersion"] = change["from"]
    return compare(revision(old, folder, "0123abc"), revision(new, folder, ""), times)


def crowd(folder: Path) -> Plan:
    """A hundred hosts, of which each is drained for another minor of k3s."""
    old, new = (many(100)[stackfile.FLEET_KEY] for _ in range(2))
    old["cluster"]["k3sVersion"] = "v1.34.2+k3s1"
    return compare(revision(old, folder, "0123abc"), revision(new, folder, ""), TIMES)
