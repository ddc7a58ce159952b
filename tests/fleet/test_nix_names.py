"""Names that stand here and in nix/ are the same on both sides."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from fleet.hosts import HARDWARE, HOST_KINDS, HardwareName, Layout
from fleet.laws.disks import ROOM_GIB
from fleet.laws.hardware import LAYOUTS
from fleet.stackfile import ROOT


def test_every_hardware_module_has_a_file() -> None:
    assert set(get_args(HardwareName)) == set(HARDWARE) == set(LAYOUTS)
    for name in HARDWARE:
        assert (ROOT / f"nix/modules/hardware/{name}.nix").is_file()


def test_the_layouts_are_those_of_disko() -> None:
    text = (ROOT / "nix/disko/default.nix").read_text(encoding="utf-8")
    assert set(re.findall(r"^  ([a-z0-9-]+) = import", text, re.MULTILINE)) == set(get_args(Layout)) == set(ROOM_GIB)


def test_every_layout_boots_somewhere() -> None:
    assert {layout for layouts in LAYOUTS.values() for layout in layouts} == set(get_args(Layout))


@pytest.mark.parametrize("kind", sorted(HOST_KINDS))
def test_every_kind_of_host_has_hardware_that_there_is(kind: str) -> None:
    assert set(HOST_KINDS[kind].hardware_choices) <= set(HARDWARE)


def test_room_for_replicas_is_never_less() -> None:
    assert all(plain <= with_replicas for plain, with_replicas in ROOM_GIB.values())
