"""systemctl, systemd-run and journalctl: transient units, k3s, and the units that every system has."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from uuid import uuid4

from sim.machines.commands.call import Call, Reply, not_simulated
from sim.machines.machine import Unit

if TYPE_CHECKING:
    from sim.machines.host import Host

K3S = "k3s.service"
MESH = "nixfleet-mesh.service"
ALWAYS = {"sshd.service", "ssh.service", "dbus.service", "systemd-networkd.service", "systemd-timesyncd.service", "multi-user.target"}
_SPAN = re.compile(r"(\d+)\s*(ms|min|sec|s|m|h|)")
_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "": 1, "m": 60, "min": 60, "h": 3600}


def full_name(name: str) -> str:
    """A unit's name with its type."""
    return name if re.search(r"\.(service|timer|target|socket)$", name) else f"{name}.service"


def seconds(span: str) -> float:
    """A time span of systemd, for example `15m` or `1min 30s`."""
    parts = _SPAN.findall(span)
    if not parts or _SPAN.sub("", span).strip():
        raise ValueError(f"Failed to parse time span: {span}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def properties(host: Host, name: str) -> dict[str, str]:
    """What `systemctl show` knows of a unit."""
    unit = host.units.get(name)
    if unit is not None:
        return _shown(name, "loaded", unit.active, unit.sub, unit.result, unit.status)
    if name == K3S and host.system == "nixos":
        service = host.site.kube.services.get(host.id)
        states = {"activating": ("activating", "start"), "active": ("active", "running"), "failed": ("failed", "failed")}
        active, sub = states[service.state] if service else ("inactive", "dead")
        failed = service is not None and service.state == "failed"
        return _shown(name, "loaded", active, sub, "exit-code" if failed else "success", int(failed))
    if name in ALWAYS or (name == MESH and host.system == "nixos" and host.current_system().cluster.get("mesh")):
        return _shown(name, "loaded", "active", "running", "success", 0)
    return _shown(name, "not-found", "inactive", "dead", "success", 0)


def _shown(name: str, load: str, active: str, sub: str, result: str, status: int) -> dict[str, str]:
    return {
        "Id": name,
        "LoadState": load,
        "ActiveState": active,
        "SubState": sub,
        "Result": result,
        "ExecMainStatus": str(status),
    }


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
        elif word not in flags:
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
        chosen = {name: known.get(name, "") for name in wanted} if wanted else known
        bare = "--value" in call.argv
        blocks.append("".join(f"{value if bare else f'{name}={value}'}\n" for name, value in chosen.items()))
    return Reply(out="\n".join(blocks))


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
            call.host.site.kube.stop(call.host.id)
        elif call.host.units.get(unit):
            await call.host.units.stop(unit)
        elif unit not in ALWAYS:
            return Reply(5, err=f"Failed to stop {unit}: Unit {unit} not loaded.\n")
    return Reply()


async def _start(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units:
        if unit == K3S and call.host.system == "nixos":
            service = call.host.site.kube.services.get(call.host.id)
            if call.argv[0] == "restart" or service is None or service.state != "active":
                call.host.start_k3s()
            if call.host.site.kube.services[call.host.id].state == "failed":
                return Reply(1, err=f"Job for {unit} failed because the control process exited with error code.\n")
        elif call.host.units.get(unit):
            task = call.host.units.start_loaded(unit)
            if task is not None and "--no-block" not in call.argv:
                await asyncio.shield(task)
        elif unit not in ALWAYS:
            return Reply(5, err=f"Failed to {call.argv[0]} {unit}: Unit {unit} not found.\n")
    return Reply()


async def _reload(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units:
        if properties(call.host, unit)["LoadState"] != "loaded":
            return Reply(5, err=f"Failed to reload {unit}: Unit {unit} not found.\n")
    call.host.site.kube.look_again()
    return Reply()


async def _reset_failed(call: Call, units: list[str], _: list[str]) -> Reply:
    for unit in units or list(call.host.units.names()):
        call.host.units.reset_failed(unit)
    return Reply()


async def _list_units(call: Call, units: list[str], _: list[str]) -> Reply:
    names = units or [*call.host.units.names(), K3S]
    rows = [properties(call.host, name) for name in names]
    if "--failed" in call.argv:
        rows = [row for row in rows if row["ActiveState"] == "failed"]
    return Reply(out="".join(f"{row['Id']} {row['LoadState']} {row['ActiveState']} {row['SubState']}\n" for row in rows))


async def _is_system_running(call: Call, _units: list[str], _: list[str]) -> Reply:
    states = [properties(call.host, name)["ActiveState"] for name in (*call.host.units.names(), K3S)]
    degraded = "failed" in states
    return Reply(int(degraded), out="degraded\n" if degraded else "running\n")


async def _reboot(call: Call, _units: list[str], _: list[str]) -> Reply:
    call.host.site.world.record(call.host.name, "reboot", "asked by a command")
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
_CHANGES = {"reboot", "reload", "reset-failed", "restart", "start", "stop"}


async def journalctl(call: Call) -> Reply:
    """Print a unit's log: -u UNIT [-n LINES]."""
    words = iter(call.argv)
    unit, lines = "", None
    for word in words:
        if word in ("-u", "--unit"):
            unit = full_name(next(words, ""))
        elif word in ("-n", "--lines"):
            lines = int(next(words, "10"))
    if unit == K3S:
        service = call.host.site.kube.services.get(call.host.id)
        return Reply(out=f"{service.reason}\n" if service and service.reason else "")
    path = call.host.journal(unit)
    text = path.read_text(errors="replace").splitlines() if path.exists() else []
    return Reply(out="".join(f"{line}\n" for line in text[-lines if lines else None :]))


async def systemd_run(call: Call) -> Reply:
    """Load and start a transient service, or a timer that starts it later."""
    unit, name, delay, wait = _parse_run(call.argv)
    if call.host.units.get(f"{name}.service") or call.host.units.get(f"{name}.timer"):
        return Reply(
            1,
            err=f"Failed to start transient service unit: Unit {name}.service was already loaded or has a fragment file.\n",
        )
    if delay is not None:
        call.host.units.arm(name, unit, delay)
        return Reply(err=f"Running timer as unit: {name}.timer\nWill run service as unit: {name}.service\n")
    task = call.host.units.start(f"{name}.service", unit)
    message = f"Running as unit: {name}.service\n"
    if not wait and (unit.service_type != "oneshot" or "--no-block" in call.argv):
        return Reply(err=message)
    await asyncio.shield(task)
    ended = call.host.units.get(f"{name}.service")
    return Reply(ended.status if ended and wait else int(ended is not None and ended.active == "failed"), err=message)


def _parse_run(argv: tuple[str, ...]) -> tuple[Unit, str, float | None, bool]:
    words = list(argv)
    values: dict[str, str] = {}
    environment: dict[str, str] = {}
    flags: set[str] = set()
    while words and words[0].startswith("-"):
        option, has_value, value = words.pop(0).partition("=")
        if option == "--":
            break
        if option in _FLAGS:
            flags.add(option)
        elif option in _VALUES:
            value = value if has_value else words.pop(0)
            values[option] = value
            if option in ("-E", "--setenv"):
                environment[value.partition("=")[0]] = value.partition("=")[2]
        else:
            raise ValueError(f"option {option} is not simulated; add it to sim/machines/commands or do without")
    if not words:
        raise ValueError("Command line to execute required.")
    name = values.get("--unit", values.get("-u", f"run-r{uuid4().hex}")).removesuffix(".service").removesuffix(".timer")
    unit = Unit(
        argv=tuple(words),
        user_env=environment,
        service_type=values.get("--service-type", "simple"),
        remain_after_exit=bool(flags & {"-r", "--remain-after-exit"}),
        collect=bool(flags & {"-G", "--collect"}),
        description=values.get("--description", ""),
    )
    delay = seconds(values["--on-active"]) if "--on-active" in values else None
    return unit, name, delay, "--wait" in flags


_FLAGS = {"-r", "--remain-after-exit", "-G", "--collect", "--no-block", "--quiet", "-q", "--wait", "--no-ask-password"}
_VALUES = {"--unit", "-u", "--on-active", "--service-type", "--description", "-p", "--property", "--timer-property", "-E", "--setenv"}
