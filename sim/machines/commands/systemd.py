"""systemctl: transient units, k3s, and the units that every system has. Starting transient ones is in transient.py."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from sim.machines.commands.call import Call, Reply, not_simulated
from sim.machines.machine import edit
from sim.machines.systems import HOST_KEY

if TYPE_CHECKING:
    from sim.machines.host import Host

K3S = "k3s.service"
MESH = "nixfleet-mesh.service"
SSHD = "sshd.service"
ALWAYS = {
    SSHD,
    "ssh.service",
    "dbus.service",
    "systemd-networkd.service",
    "systemd-timesyncd.service",
    "multi-user.target",
}


def full_name(name: str) -> str:
    """A unit's name with its type."""
    return name if re.search(r"\.(service|timer|target|socket)$", name) else f"{name}.service"


def properties(host: Host, name: str) -> dict[str, str]:
    """What `systemctl show` knows of a unit."""
    shown = {"Id": name, "LoadState": "loaded", "Result": "success", "ExecMainStatus": "0"}
    unit = host.units.get(name)
    if unit is not None:
        state = {"ActiveState": unit.active, "SubState": unit.sub}
        return shown | state | {"Result": unit.result, "ExecMainStatus": str(unit.status)}
    if name == K3S and host.system == "nixos":
        return shown | _k3s(host)
    if name in ALWAYS or (name == MESH and host.system == "nixos" and host.current_system().cluster.get("mesh")):
        return shown | {"ActiveState": "active", "SubState": "running"}
    return shown | {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}


def _k3s(host: Host) -> dict[str, str]:
    service = host.site.kube.services.get(host.id)
    subs = {"activating": "start", "active": "running", "failed": "failed"}
    state = service.state if service else "inactive"
    failure = {"Result": "exit-code", "ExecMainStatus": "1"} if state == "failed" else {}
    return {"ActiveState": state, "SubState": subs.get(state, "dead"), **failure}


async def systemctl(call: Call) -> Reply:
    """Run one verb on units."""
    flags = {"-q", "--quiet", "--no-block", "--no-pager", "--value", "--plain", "--no-legend", "--all", "--failed"}
    words, wanted, given = iter(call.argv), [], []
    for word in words:
        if word in ("-p", "--property"):
            wanted += next(words, "").split(",")
        elif word.startswith(("--property=", "-p")):
            wanted += word.removeprefix("--property=").removeprefix("-p").split(",")
        elif not word.startswith("-"):
            given.append(word)
        elif word not in flags and not word.startswith("--state="):
            return not_simulated(call, word)
    verb, *units = given or [""]
    run = _VERBS.get(verb)
    if run is None:
        return not_simulated(call, verb or "no verb")
    if verb in _CHANGES and not call.root:
        return Reply(1, err=f"Failed to {verb} {' '.join(units)}: Interactive authentication required.\n")
    return await run(call, [full_name(unit) for unit in units], wanted)


async def _show(call: Call, units: list[str], wanted: list[str]) -> Reply:
    blocks = []
    for unit in units:
        known = properties(call.host, unit)
        chosen = {name: known.get(name, "") for name in _in_order(wanted)} if wanted else known
        bare = "--value" in call.argv
        blocks.append("".join(f"{value if bare else f'{name}={value}'}\n" for name, value in chosen.items()))
    return Reply(out="\n".join(blocks))


_ORDER = ("Restart", "NRestarts", "Result", "ExecMainStatus", "Id", "LoadState", "ActiveState", "SubState")
"""What systemctl shows of a unit comes in the order in which systemd's bus has it, not in that of the question."""


def _in_order(wanted: list[str]) -> list[str]:
    known = [name for name in _ORDER if name in wanted]
    return known + [name for name in wanted if name not in known]


async def _is_active(call: Call, units: list[str], _: list[str]) -> Reply:
    states = [properties(call.host, unit)["ActiveState"] for unit in units]
    quiet = "-q" in call.argv or "--quiet" in call.argv
    return Reply(0 if "active" in states else 3, out="" if quiet else "".join(f"{state}\n" for state in states))


async def _is_failed(call: Call, units: list[str], _: list[str]) -> Reply:
    states = [properties(call.host, unit)["ActiveState"] for unit in units]
    return Reply(0 if "failed" in states else 1, out="".join(f"{state}\n" for state in states))


async def _status(call: Call, units: list[str], _: list[str]) -> Reply:
    known = properties(call.host, units[0])
    text = f"{known['Id']}\n  Loaded: {known['LoadState']}\n  Active: {known['ActiveState']} ({known['SubState']})\n"
    return Reply({"not-found": 4}.get(known["LoadState"], 0 if known["ActiveState"] == "active" else 3), out=text)


async def _stop(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units:
        if unit == K3S:
            call.host.stop_k3s()
        elif call.host.units.get(unit):
            await call.host.units.stop(unit)
        elif unit == SSHD:
            call.host.door.close()
        elif unit not in ALWAYS:
            return Reply(5, err=f"Failed to stop {unit}: Unit {unit} not loaded.\n")
    return Reply()


async def _start(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units:
        if unit == K3S and call.host.system == "nixos":
            service = call.host.site.kube.services.get(call.host.id)
            if call.argv[0] == "restart" or service is None or service.state != "active":
                call.host.start_k3s()
            service = call.host.site.kube.services.get(call.host.id)
            if service is not None and service.state == "failed":
                return Reply(1, err=f"Job for {unit} failed because the control process exited with error code.\n")
        elif unit == SSHD and call.argv[0] == "restart":
            # Its connections stay.
            await call.host.door.listen((call.host.root / HOST_KEY).read_text())
        elif call.host.units.get(unit):
            task = call.host.units.start_loaded(unit)
            if task is not None and "--no-block" not in call.argv:
                await asyncio.shield(task)
        elif properties(call.host, unit)["LoadState"] != "loaded":
            return Reply(5, err=f"Failed to {call.argv[0]} {unit}: Unit {unit} not found.\n")
        else:
            call.host.site.kube.look_again(call.host.id)
    return Reply()


async def _reload(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units:
        if properties(call.host, unit)["LoadState"] != "loaded":
            return Reply(5, err=f"Failed to reload {unit}: Unit {unit} not found.\n")
    call.host.site.kube.look_again(call.host.id)
    return Reply()


async def _reset_failed(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units:
        if properties(call.host, unit)["LoadState"] != "loaded":
            text = f"Failed to reset failed state of unit {unit}: Unit {unit} not loaded.\n"
            return Reply(1, err=text)
    for unit in units or list(call.host.units.names()):
        call.host.units.reset_failed(unit)
    return Reply()


async def _list_units(call: Call, units: list[str], _: list[str]) -> Reply:
    names = units or [*call.host.units.names(), K3S]
    rows = [properties(call.host, name) for name in names]
    states = {"failed"} if "--failed" in call.argv else set()
    for word in call.argv:
        if word.startswith("--state="):
            states |= set(word.removeprefix("--state=").split(","))
    if states:
        rows = [row for row in rows if states & {row["LoadState"], row["ActiveState"], row["SubState"]}]
    return Reply(
        out="".join(f"{row['Id']} {row['LoadState']} {row['ActiveState']} {row['SubState']}\n" for row in rows)
    )


async def _is_system_running(call: Call, _units: list[str], _: list[str]) -> Reply:
    states = [properties(call.host, name)["ActiveState"] for name in (*call.host.units.names(), K3S)]
    degraded = "failed" in states
    return Reply(int(degraded), out="degraded\n" if degraded else "running\n")


async def _reboot(call: Call, _units: list[str], _: list[str]) -> Reply:
    call.host.site.world.record(call.host.name, "reboot", "asked by a command")
    return Reply(reboots=True)


async def _poweroff(call: Call, _units: list[str], _: list[str]) -> Reply:
    call.host.site.world.record(call.host.name, "poweroff", "asked by a command")
    with edit(call.host.site.world, call.host.id) as machine:
        machine.power = False
    return Reply(reboots=True)


async def _nothing(_call: Call, _units: list[str], _: list[str]) -> Reply:
    return Reply()


_VERBS = {
    # keep-sorted start
    "daemon-reload": _nothing,
    "is-active": _is_active,
    "is-failed": _is_failed,
    "is-system-running": _is_system_running,
    "list-units": _list_units,
    "poweroff": _poweroff,
    "reboot": _reboot,
    "reload": _reload,
    "reset-failed": _reset_failed,
    "restart": _start,
    "show": _show,
    "start": _start,
    "status": _status,
    "stop": _stop,
    # keep-sorted end
}
_CHANGES = {"poweroff", "reboot", "reload", "reset-failed", "restart", "start", "stop"}
