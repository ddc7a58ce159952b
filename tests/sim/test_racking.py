"""Laws of the rack: a machine that no installer medium boots on cannot be installed, in a rehearsal as on the shelf."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from fleet import stackfile
from fleet.document import read_fleet
from fleet.profiles import load_profiles
from operate.engine import ROOT
from operate.messages import OperateError
from sim import racking
from sim.machines.rack import Rack
from sim.throwaway import Ring
from sim.world import World

if TYPE_CHECKING:
    from pathlib import Path


def rack(root: Path) -> Rack:
    found = Rack(World(root))
    document = yaml.safe_load((ROOT / "Pulumi.lab.yaml").read_bytes())
    fleet = read_fleet(document["config"][stackfile.FLEET_KEY], "Pulumi.lab.yaml", load_profiles(ROOT))
    ring = Ring()
    ring.identities(tuple(sorted(fleet.hosts)))
    racking.rack_records(found, fleet, ring.hosts, "ssh-ed25519 AAAA")
    return found


def test_every_board_of_the_lab_has_a_medium(tmp_path: Path) -> None:
    assert sorted(machine.spec.name for machine in rack(tmp_path).machines()) == [
        "jetson-1",
        "jetson-2",
        "n100-1",
        "n100-2",
        "n100-3",
    ]


def test_a_board_that_no_medium_boots_on_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = ROOT / "nix" / "iso" / "media.json"
    fewer = tmp_path / "nix" / "iso" / "media.json"
    fewer.parent.mkdir(parents=True)
    fewer.write_text(json.dumps({**json.loads(media.read_text()), "aarch64-linux": []}))
    monkeypatch.setattr(racking, "ROOT", tmp_path)
    with pytest.raises(OperateError) as raised:
        rack(tmp_path / "world")
    assert str(raised.value) == (
        "host jetson-1: no installer medium boots on hardware jetson-orin-nano, so the machine could not be installed: "
        "use hardware of nix/iso/media.json, or write an installer for it there"
    )
