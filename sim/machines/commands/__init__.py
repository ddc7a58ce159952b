"""Commands on simulated machines, by name and by system. Those that need no answer are in shims/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.machines.commands import basic, block, install, kubernetes, loader, mounts, nixos, systemd, transient
from sim.machines.commands.call import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sim.machines.machine import System

__all__ = ["COMMANDS", "Call", "Command", "Reply", "answer", "names"]

ALL: tuple[System, ...] = ("cloud-image", "installer", "nixos")
NIX: tuple[System, ...] = ("installer", "nixos")


@dataclass(frozen=True)
class Command:
    """One simulated command."""

    run: Callable[[Call], Awaitable[Reply]]
    systems: tuple[System, ...] = ALL
    root: bool = False
    """Whether only root may run it."""

    writes: bool = False
    """Whether it needs room on the disk."""


COMMANDS: dict[str, Command] = {
    # keep-sorted start
    "blkid": Command(block.blkid, root=True),
    "bootctl": Command(loader.bootctl, ("nixos",), root=True),
    "curl": Command(kubernetes.curl),
    "grub-editenv": Command(loader.grub_editenv, ("nixos",), root=True),
    "hostname": Command(basic.hostname),
    "ip": Command(basic.ip),
    "journalctl": Command(transient.journalctl),
    "k3s": Command(kubernetes.k3s, ("nixos",)),
    "k3s-killall.sh": Command(kubernetes.killall, ("nixos",), root=True),
    "kubectl": Command(kubernetes.kubectl_command, ("nixos",)),
    "lsblk": Command(block.lsblk),
    "mount": Command(mounts.mount, root=True),
    "nix-collect-garbage": Command(nixos.nix_collect_garbage, ("nixos",), root=True),
    "nix-env": Command(nixos.nix_env, NIX, writes=True),
    "nixos-version": Command(nixos.nixos_version, NIX),
    "poweroff": Command(basic.poweroff, root=True),
    "reboot": Command(basic.reboot, root=True),
    "sim-disko": Command(install.disko, ("installer",), root=True),
    "sim-install": Command(install.nixos_install, ("installer",), root=True, writes=True),
    "sim-kexec": Command(install.kexec, ("cloud-image", "nixos"), root=True),
    "sim-receive": Command(install.receive, NIX, root=True, writes=True),
    "switch-to-configuration": Command(nixos.switch_to_configuration, NIX, root=True, writes=True),
    "systemctl": Command(systemd.systemctl),
    "systemd-run": Command(transient.systemd_run, root=True),
    "timedatectl": Command(basic.timedatectl),
    "udevadm": Command(block.udevadm),
    "umount": Command(mounts.umount, root=True),
    "uname": Command(basic.uname),
    "wipefs": Command(block.wipefs, root=True),
    # keep-sorted end
}


def names(system: System) -> tuple[str, ...]:
    """The commands that a system has."""
    return tuple(name for name, command in COMMANDS.items() if system in command.systems)


async def answer(call: Call) -> Reply:
    """Run a command."""
    command = COMMANDS[call.name]
    if command.root and not call.root:
        return Reply(1, err=f"{call.name}: Operation not permitted (must be root)\n")
    if command.writes and call.host.full:
        return Reply(1, err=f"error: {call.name}: writing to file: No space left on device\n")
    call.host.site.world.record(call.host.name, "command", " ".join((call.name, *call.argv))[:200])
    try:
        return await command.run(call)
    except (LookupError, ValueError) as error:
        return Reply(1, err=f"{call.name}: {error.args[0] if error.args else error}\n")
