"""Whose key a machine shows, and whom it lets in. Keys are all that an operator knows a machine by."""

from __future__ import annotations

import pytest

from sim.machines import hostkeys
from sim.machines.userdata import parse_user_data
from tests.sim.machines.lab import Lab, user_data

REFUSED = 255


def test_a_cloud_image_shows_the_key_of_its_user_data(lab: Lab) -> None:
    lab.add("s1")
    assert lab.ssh("s1", "true", lab.boot_key).returncode == 0


def test_a_cloud_image_without_a_key_in_its_user_data_makes_a_random_one(lab: Lab) -> None:
    lab.add("s1", user_data="#cloud-config\n{}\n")
    ended = lab.ssh("s1", "true", lab.boot_key)
    assert ended.returncode == REFUSED
    assert "Host key verification failed." in ended.stderr


def test_a_wrong_pinned_key_is_refused_before_anything_runs(lab: Lab) -> None:
    lab.add("s1")
    assert lab.ssh("s1", "touch seen", hostkeys.new_key()).returncode == REFUSED
    assert lab.world.events("s1", "ssh exec") == ()


def test_a_stranger_is_not_let_in(lab: Lab) -> None:
    lab.add("s1", authorized_keys=(hostkeys.public_half(hostkeys.new_key()),))
    ended = lab.ssh("s1", "true")
    assert ended.returncode == REFUSED
    assert "Permission denied (publickey)" in ended.stderr


def test_only_the_images_own_account_opens(lab: Lab) -> None:
    lab.add("s1", login_user="ubuntu")
    assert lab.ssh("s1", "true", user="root").returncode == REFUSED
    assert lab.ssh("s1", "id -un; id -u; sudo id -u", user="ubuntu").stdout == "ubuntu\n1000\n0\n"


def test_a_reboot_of_a_cloud_image_keeps_its_random_key(lab: Lab) -> None:
    spec = lab.add("s1", user_data=None)
    key = (lab.world.root / "machines/id-s1/root/etc/ssh/ssh_host_ed25519_key").read_text()
    lab.rack.reboot(spec.id)
    assert lab.ssh("s1", "true", key).returncode == 0


def test_images_keep_their_common_key_only_if_they_are_told_to(lab: Lab) -> None:
    keys = []
    for name in ("s1", "s2"):
        lab.add(name, user_data="#cloud-config\nssh_deletekeys: false\n")
        keys.append((lab.world.root / f"machines/id-{name}/root/etc/ssh/ssh_host_ed25519_key").read_text())
    assert keys[0] == keys[1]


def test_an_installer_shows_the_key_it_was_racked_with(lab: Lab) -> None:
    key = hostkeys.new_key()
    spec = lab.add("a1", medium="installer", host_key=key)
    assert lab.ssh("a1", "cat $NIXFLEET_ROOT/etc/os-release", key).stdout.splitlines()[2] == "VARIANT_ID=installer"
    lab.rack.reboot(spec.id)
    assert lab.ssh("a1", "true", key).returncode == 0


def test_kexec_keeps_the_host_key_and_the_authorized_keys(lab: Lab) -> None:
    lab.add("s1", login_user="ubuntu")
    assert lab.anywhere("s1", "kexec").returncode == 0
    assert lab.ssh("s1", "hostname", lab.boot_key, user="root").stdout == "nixos-installer\n"


def test_an_installed_system_shows_the_key_that_was_laid_there(lab: Lab) -> None:
    lab.add("s1")
    lab.install("s1")
    assert lab.ssh("s1", "hostname", lab.final_key).stdout == "s1\n"
    assert lab.ssh("s1", "true", lab.boot_key).returncode == REFUSED


def test_user_data_that_is_not_simulated_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^user data has runcmd: the simulated cloud-init knows") as error:
        parse_user_data("#cloud-config\nruncmd: [reboot]\n")
    assert "ssh_keys" in str(error.value)
    with pytest.raises(
        ValueError, match=r"^user data begins with '#!/bin/sh': only #cloud-config is simulated; use it$"
    ):
        parse_user_data("#!/bin/sh\n")


def test_user_data_adds_keys_of_the_default_account(lab: Lab) -> None:
    public = hostkeys.public_half(lab.key)
    lab.add("s1", authorized_keys=(), user_data=user_data(lab.boot_key) + f"ssh_authorized_keys: [{public}]\n")
    assert lab.ssh("s1", "true").returncode == 0


def test_an_installed_system_lets_deploy_in_for_named_commands_and_root_not_at_all(lab: Lab) -> None:
    """As nix/modules/mixins/deploy.nix has it."""
    lab.add("s1")
    lab.install("s1")
    assert lab.ssh("s1", "true", user="root").returncode == REFUSED
    assert lab.ssh("s1", "id -un; echo id -u | sudo -n nixfleet-run", user="deploy").stdout == "deploy\n0\n"
    refused = lab.ssh("s1", "sudo -n systemctl stop k3s", user="deploy")
    assert (refused.returncode, refused.stderr) == (1, "sudo: a password is required\n")
