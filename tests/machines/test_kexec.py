"""Installation over a running system, by a real kexec; and what is left of one that was stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.machines.host import assert_at_rest
from tests.machines.points import HARDWARE
from tests.machines.test_install import LABELS, TOKEN

if TYPE_CHECKING:
    from tests.machines.points import Points, Site

CLOUD = "printf 'ID=debian\\nNAME=Debian\\nPRETTY_NAME=Debian\\n' >/etc/os-release"
"""What runs is no installer then, and no NixOS."""


def test_a_machine_without_room_for_the_installer_is_left_as_it_is(installer: Site) -> None:
    installer.machine.tell(f"{CLOUD}; fallocate -l 200M /dev/shm/kept")
    ended = installer.run("install")
    assert (ended.code, ended.phases[-1]) == (3, "kexec"), ended.err
    assert "MiB of memory are free; the installer needs 900; use a machine with 2 GiB or more" in ended.last
    assert installer.machine.tell("lsblk -nro NAME /dev/sda") == "sda"


def test_a_cloud_image_becomes_the_host_also_when_the_installation_was_stopped(points: Points) -> None:
    with points.cold(replace(HARDWARE, memory_mib=2048)) as site:
        site.machine.tell(CLOUD)
        run = site.operator.start("install", site.host, NIXFLEET_REINSTALL=TOKEN)
        run.until("### install ###")
        run.kill()
        # What is on the disk by now is of this token.
        other = site.run("install")
        assert (other.code, f"an installation of ours is on the disk /dev/sda ({LABELS}" in other.last) == (3, True), (
            other.err
        )
        ended = site.run("install", NIXFLEET_REINSTALL=TOKEN)
        assert ended.code == 0, ended.err
        site.machine.await_up()
        assert_at_rest(site.machine, site.operator.wanted(site.host))
        again = site.run("install", NIXFLEET_REINSTALL=TOKEN)
        assert (again.code, again.phases) == (0, ["contact", "guard", "ready"]), again.err
