"""A host whose boot loader is GRUB: the same promises, with its menu and its environment block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site


def test_what_only_a_boot_can_prove_is_tried_once_by_grub_too(installed: Site) -> None:
    operator, machine, host = installed.operator, installed.machine, installed.host
    grub = operator.want(host, loader="grub")
    done = installed.run("switch")
    assert done.code == 0, done.err
    assert_at_rest(machine, grub)

    newer = operator.want(host, kernel="6.12.4")
    done = installed.run("switch")
    assert done.code == 0, done.err
    machine.await_up()
    assert state(machine).booted == newer
    assert_at_rest(machine, newer)

    operator.want(host, kernel="6.12.5", way="no-boot")
    back = installed.run("switch")
    assert (back.code, "its boot did not come up" in back.last) == (7, True), back.err
    machine.await_up()
    assert_at_rest(machine, newer)

    # A power cut boots the menu's default, which is what had proven itself.
    machine.cut_power()
    machine.start()
    machine.await_up()
    assert_at_rest(machine, newer)
