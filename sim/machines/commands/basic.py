"""Commands that tell what a machine is, or stop it."""

from __future__ import annotations

from sim.machines import machine as machines
from sim.machines.commands.call import Call, Reply, not_simulated

KERNELS = {"cloud-image": "6.12.48-amd64", "installer": "6.12.60", "nixos": "6.12.60"}


async def hostname(call: Call) -> Reply:
    """Print the running host name; setting it is a configuration's matter."""
    if call.argv and not call.argv[0].startswith("-"):
        return not_simulated(call, "setting a name")
    return Reply(out=(call.host.root / "proc/sys/kernel/hostname").read_text())


async def uname(call: Call) -> Reply:
    """Print the kernel's name, release or machine type."""
    values = {
        "-s": "Linux",
        "-n": (call.host.root / "proc/sys/kernel/hostname").read_text().strip(),
        "-r": KERNELS[call.host.system],
        "-m": call.host.load().spec.arch.removesuffix("-linux"),
    }
    wanted = call.argv or ("-s",)
    wanted = ("-s", "-n", "-r", "-m") if wanted == ("-a",) else wanted
    if not set(wanted) <= set(values):
        return not_simulated(call, " ".join(wanted))
    return Reply(out=" ".join(values[option] for option in wanted) + "\n")


async def reboot(call: Call) -> Reply:
    """Boot again once the asking command has ended."""
    call.host.site.world.record(call.host.name, "reboot", "asked by a command")
    return Reply(reboots=True)


async def poweroff(call: Call) -> Reply:
    """Switch the machine off."""
    with machines.edit(call.host.site.world, call.host.id) as machine:
        machine.power = False
    return Reply(reboots=True)


async def timedatectl(call: Call) -> Reply:
    """Say whether the clock is right."""
    if call.argv[:1] != ("show",):
        return not_simulated(call, " ".join(call.argv))
    right = "no" if call.host.clock_seconds else "yes"
    return Reply(out=f"{right}\n" if "--value" in call.argv else f"NTPSynchronized={right}\n")


async def ip(call: Call) -> Reply:
    """Print the address that the running system has on its cluster network: -o address show to ADDRESS."""
    match call.argv:
        case ("-o", "address", "show", "to", wanted) if call.host.system == "nixos":
            entry = call.host.current_system().entry
            here = wanted in (entry["address"], entry.get("privateAddress"))
            return Reply(out=f"2: eth0    inet {wanted}/24 scope global eth0\n" if here else "")
    return not_simulated(call, " ".join(call.argv))
