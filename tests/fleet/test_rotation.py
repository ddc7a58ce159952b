"""What the stack file says while keys are rotated: whole at every step, and where to go on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from fleet import stackfile
from fleet.faults import FleetError
from fleet.keys import pairs
from fleet.keys.rotation import MARK, Rotation, What, with_admin_key, with_host
from fleet.stackfile import ROOT
from fleet.yamltext import set_scalar

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "simulated-fleet-guards-nothing"  # noqa: S105 - it stands in the Makefile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout's root with stack `sim` alone."""
    for name in ("Pulumi.yaml", "Pulumi.sim.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "nix/network/profiles", tmp_path / "nix/network/profiles")
    return tmp_path


def rotation(root: Path, what: What, subject: str = "") -> Rotation:
    """A rotation of stack `sim`."""
    environment = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    return Rotation(stack="sim", root=root, environment=environment, what=what, subject=subject)


def test_keys_that_hosts_take_stand_beside_the_present_ones_until_they_have_them(root: Path) -> None:
    before = (root / "Pulumi.sim.yaml").read_text()
    one = rotation(root, What.HOSTKEY, "n100-1")
    old = one.host_keys(one.own)
    fresh = pairs.another_host_key(old)
    one.begin({one.next: pairs.as_secret(fresh)})
    assert (one.begun, one.taken, one.host_keys(one.own), one.host_keys(one.next)) == (True, False, old, fresh)
    assert stackfile.load("sim", root).identities.hosts["n100-1"] == pairs.host_identity(old)
    one.settle({one.own: pairs.as_secret(fresh)}, with_host(one.identities(), "n100-1", fresh))
    assert (one.taken, one.host_keys(one.own)) == (True, fresh)
    assert stackfile.load("sim", root).identities.hosts["n100-1"] == pairs.host_identity(fresh)
    one.end()
    changed = set(before.splitlines()) ^ set((root / "Pulumi.sim.yaml").read_text().splitlines())
    # Host key and its age recipient, and the secret: each once before and once after.
    assert len(changed) == 6


def test_one_rotation_ends_before_the_next_one_begins(root: Path) -> None:
    rotation(root, What.KUBECONFIG).begin({})
    other = rotation(root, What.WIREGUARD, "n100-1")
    with pytest.raises(FleetError) as caught:
        other.begun  # noqa: B018 - it raises
    assert str(caught.value) == (
        "Pulumi.sim.yaml has 1 fault:\n"
        f"  {MARK}: WHAT=kubeconfig: one rotation ends before the next one begins; "
        "finish it first: make rotate WHAT=kubeconfig STACK=sim"
    )
    rotation(root, What.KUBECONFIG).end()
    assert not other.begun


def test_the_former_deploy_key_goes_along_while_there_is_one(root: Path) -> None:
    own = rotation(root, What.DEPLOYKEY).cluster_keys()
    assert pairs.logins(own) == {"deployKey": own.deploy_key}
    fresh = pairs.another_deploy_key(own)
    assert pairs.logins(fresh) == {"deployKey": fresh.deploy_key, "formerDeployKey": own.deploy_key}


def test_an_admin_s_key_is_replaced_and_nothing_else(root: Path) -> None:
    text = (root / "Pulumi.sim.yaml").read_text()
    old = next(iter(stackfile.load("sim", root).fleet.users["ada"].keys.values()))
    assert with_admin_key(text, old, "NEW") == text.replace(old, "NEW") != text


def test_a_word_of_one_line_is_added_and_replaced_in_its_place_among_the_configuration() -> None:
    text = "config:\n  a: 1\nencryptionsalt: x\n"
    once = set_scalar(text, "b:c", "now")
    assert once == 'config:\n  a: 1\n  b:c: "now"\nencryptionsalt: x\n'
    assert set_scalar(once, "b:c", "later") == 'config:\n  a: 1\n  b:c: "later"\nencryptionsalt: x\n'
