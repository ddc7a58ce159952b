"""NixOS' own commands: profiles and activation."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from sim.machines import closure, loader, systems
from sim.machines.commands.call import Call, Reply, forever, not_simulated
from sim.machines.machine import edit
from sim.world import SLOW_SECONDS

LOCK = "run/nixos/switch-to-configuration.lock"
ACTIVATION_FAILED, UNITS_FAILED = 2, 4


async def nixos_version(call: Call) -> Reply:
    """Print the release."""
    return (
        Reply(out="26.05.20260701.simulated (Yarara)\n") if not call.argv else not_simulated(call, " ".join(call.argv))
    )


async def nix_env(call: Call) -> Reply:
    """Change the system profile: -p PROFILE and --set, --rollback, --switch-generation or --delete-generations."""
    root, words = call.host.root, list(call.argv)
    if words[:1] not in (["-p"], ["--profile"]) or closure.outside(root, words[1]) != f"/{closure.PROFILE}":
        return not_simulated(call, "any profile but -p /nix/var/nix/profiles/system")
    if not call.root and "--list-generations" not in words:
        return Reply(1, err="error: opening lock file '/nix/var/nix/profiles/system.lock': Permission denied\n")
    match words[2:]:
        case ["--set", path]:
            closure.add_generation(root, closure.outside(root, path))
        case ["--rollback"]:
            older = [n for n in closure.generations(root) if n < (closure.current_generation(root) or 0)]
            if not older:
                return Reply(1, err="error: no profile version to roll back to exists\n")
            closure.set_generation(root, older[-1])
        case ["--switch-generation" | "-G", number]:
            closure.set_generation(root, int(number))
        case ["--delete-generations", *numbers]:
            closure.delete_generations(root, {int(number) for number in numbers})
        case ["--list-generations"]:
            current = closure.current_generation(root)
            marks = ((n, "   (current)" if n == current else "") for n in closure.generations(root))
            return Reply(out="".join(f"{n:4}   2026-01-01 00:00:00{mark}\n" for n, mark in marks))
        case rest:
            return not_simulated(call, " ".join(rest))
    return Reply()


async def nix_collect_garbage(call: Call) -> Reply:
    """Delete generations that nothing needs, and what they kept: here it is that which a full disk is full of."""
    root = call.host.root
    if call.argv[:1] not in (("-d",), ("--delete-old",), ("--delete-older-than",)):
        return not_simulated(call, " ".join(call.argv) or "to delete no generation")
    current = closure.current_generation(root)
    old = {number for number in closure.generations(root) if number != current}
    if call.argv[0] != "--delete-older-than":
        closure.delete_generations(root, old)
    with edit(call.host.site.world, call.host.id) as machine:
        machine.full = False
    call.host.full = False
    return Reply(out="512 store paths deleted, 2048.00 MiB freed\n")


async def switch_to_configuration(call: Call) -> Reply:
    """Make the system that it belongs to the running one, the default one, or both."""
    host = call.host
    if host.system != "nixos":
        return Reply(1, err="This is not a NixOS installation!\n")
    system = _own_system(call)
    match call.argv:
        case ("boot",):
            return _boot(call, system)
        case ("switch",):
            _boot(call, system)
            return await _activate(call, system)
        case ("test",):
            return await _activate(call, system)
        case ("dry-activate" | "check",):
            return Reply()
    return Reply(1, err="Usage: switch-to-configuration [check|switch|boot|test|dry-activate]\n")


def _own_system(call: Call) -> closure.Closure:
    program = Path(call.cwd) / call.program
    root = call.host.root
    return closure.Closure.read(root, closure.outside(root, Path(os.path.realpath(program.parent.parent))))


def _boot(call: Call, system: closure.Closure) -> Reply:
    loader.install_menu(call.host.root, system.path)
    if loader.default_boot(call.host.root) == system.path:
        call.host.site.world.record(call.host.name, "boot default", system.path)
    return Reply(err="updating the boot menu...\n")


async def _activate(call: Call, system: closure.Closure) -> Reply:
    """Activate under the lock; a fault in the step `activate` stops it there."""
    lock = call.host.root / LOCK
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch(exist_ok=False)
    except FileExistsError:
        return Reply(1, err="Could not acquire lock: /run/nixos/switch-to-configuration.lock is held\n")
    try:
        return await _activate_locked(call, system)
    finally:
        lock.unlink(missing_ok=True)


async def _activate_locked(call: Call, system: closure.Closure) -> Reply:
    host = call.host
    fault = host.site.world.fault(host.name, f"activate {system.path}")
    host.site.world.record(host.name, "activate", system.path)
    if fault == "hang":
        await forever()
    if fault == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if fault == "deaf":
        return Reply(then="trap '' TERM INT HUP; while :; do sleep 1; done")
    if fault == "shut":
        host.door.close()
    if fault == "disconnect":
        host.door.drop_connections()
    if fault == "fail":
        return Reply(ACTIVATION_FAILED, err="Activation script snippet 'etc' failed (1)\n")
    before = host.current_system()
    closure.point(host.root / "run/current-system", closure.inside(host.root, system.path))
    systems.lay_nixos_files(host.root, system)
    service = host.site.kube.services.get(host.id)
    if service is None or service.state == "failed" or before.k3s_unit != system.k3s_unit:
        host.start_k3s()
    service = host.site.kube.services.get(host.id)
    if service is not None:
        service.closure = system
    host.site.kube.settle()
    if service is not None and service.state == "failed":
        return Reply(UNITS_FAILED, err="warning: the following units failed: k3s.service\n")
    return Reply(err="activating the configuration...\n")
