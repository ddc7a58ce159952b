"""systemd-run and journalctl: starting transient units, and what units said."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

from sim.machines.commands.call import Call, Reply
from sim.machines.commands.systemd import K3S, full_name
from sim.machines.machine import Unit

_SPAN = re.compile(r"(\d+)\s*(ms|min|sec|s|m|h|)")
_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "": 1, "m": 60, "min": 60, "h": 3600}


def seconds(span: str) -> float:
    """A time span of systemd, for example `15m` or `1min 30s`."""
    parts = _SPAN.findall(span)
    if not parts or _SPAN.sub("", span).strip():
        raise ValueError(f"Failed to parse time span: {span}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


async def journalctl(call: Call) -> Reply:
    """Print units' logs, or make them smaller: -u UNIT [-u UNIT] [-n LINES], --vacuum-size=SIZE."""
    words = iter(call.argv)
    units, lines = [], None
    for word in words:
        if word in ("-u", "--unit"):
            units.append(full_name(next(words, "")))
        elif word in ("-n", "--lines"):
            lines = int(next(words, "10"))
        elif word.startswith("--vacuum-"):
            return Reply(err="Vacuuming done, freed 0B of archived journals from /var/log/journal.\n")
    text = [line for unit in units for line in _log(call, unit)]
    return Reply(out="".join(f"{line}\n" for line in text[-lines if lines else None :]))


def _log(call: Call, unit: str) -> list[str]:
    if unit == K3S:
        service = call.host.site.kube.services.get(call.host.id)
        return [service.reason] if service and service.reason else []
    path = call.host.journal(unit)
    return path.read_text(errors="replace").splitlines() if path.exists() else []


async def systemd_run(call: Call) -> Reply:
    """Load and start a transient service, or a timer that starts it later."""
    unit, name, delay, wait = _parse_run(call.argv)
    quiet = bool({"-q", "--quiet"} & set(call.argv[: len(call.argv) - len(unit.argv)]))
    kinds = ("service",) if delay is None else ("timer", "service")
    for kind in kinds:
        if call.host.units.get(f"{name}.{kind}"):
            what = f"Unit {name}.{kind} was already loaded or has a fragment file."
            return Reply(1, err=f"Failed to start transient {kinds[0]} unit: {what}\n")
    if delay is not None:
        call.host.units.arm(name, unit, delay)
        said = f"Running timer as unit: {name}.timer\nWill run service as unit: {name}.service\n"
        return Reply(err="" if quiet else said)
    task = call.host.units.start(f"{name}.service", unit)
    message = "" if quiet else f"Running as unit: {name}.service\n"
    if not wait and (unit.service_type != "oneshot" or "--no-block" in call.argv):
        return Reply(err=message)
    # One that is collected is not there any more to be asked.
    status = await asyncio.shield(task)
    return Reply(status if wait else int(status != 0), err=message)


def _parse_run(argv: tuple[str, ...]) -> tuple[Unit, str, float | None, bool]:
    words = list(argv)
    values: dict[str, str] = {}
    environment: dict[str, str] = {}
    properties = dict(_PROPERTIES)
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
            if option in ("-p", "--property", "--timer-property"):
                name, _, setting = value.partition("=")
                if name not in _PROPERTIES:
                    raise ValueError(f"property {name} is not simulated; add it to sim/machines/commands or do without")
                properties[name] = setting
        else:
            raise ValueError(f"option {option} is not simulated; add it to sim/machines/commands or do without")
    if not words:
        raise ValueError("Command line to execute required.")
    name = values.get("--unit", values.get("-u", f"run-r{uuid4().hex}")).removesuffix(".service").removesuffix(".timer")
    unit = Unit(
        argv=tuple(_expanded(word, environment) for word in words),
        user_env=environment,
        service_type=values.get("--service-type", "simple"),
        remain_after_exit=bool(flags & {"-r", "--remain-after-exit"}),
        collect=bool(flags & {"-G", "--collect"}),
        stop_seconds=seconds(properties["TimeoutStopSec"]),
        description=values.get("--description", ""),
    )
    # systemd may fire a timer as late as its accuracy allows; so this one does.
    late = seconds(properties["AccuracySec"])
    delay = seconds(values["--on-active"]) + late if "--on-active" in values else None
    return unit, name, delay, "--wait" in flags


_VARIABLE = re.compile(r"\$(\$|\{(\w+)\})")


def _expanded(word: str, environment: dict[str, str]) -> str:
    """A word of a command line as systemd starts it: `$$` is one dollar, `${NAME}` a variable of the unit."""
    return _VARIABLE.sub(lambda found: "$" if found[1] == "$" else environment.get(found[2], ""), word)


_PROPERTIES = {"AccuracySec": "1min", "TimeoutStopSec": "90s"}
"""What can be said of a unit, with systemd's defaults."""

_FLAGS = {"-r", "--remain-after-exit", "-G", "--collect", "--no-block", "--quiet", "-q", "--wait", "--no-ask-password"}
_VALUES = {
    "--unit",
    "-u",
    "--on-active",
    "--service-type",
    "--description",
    "-p",
    "--property",
    "--timer-property",
    "-E",
    "--setenv",
}
