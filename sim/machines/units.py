"""Transient units of one machine's systemd: services and timers. The words of systemctl are in commands/systemd.py."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.machines import machine as machines
from sim.machines.site import Session, Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.machines.machine import Unit
    from sim.machines.owner import Owner

SIGNALS = 128
CLEAN = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)
"""Signals that are no failure of a service that runs on; of a oneshot they are."""


class Units:
    """What systemd-run started. Every change is written down, so a restarted daemon goes on."""

    def __init__(self, host: Owner) -> None:
        """No unit is looked after yet; the loaded ones are in the host's document."""
        self._host = host
        self._runs: dict[str, asyncio.Task[int]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def get(self, name: str) -> Unit | None:
        """The loaded unit of that name."""
        return self._host.load().units.get(name)

    def names(self) -> tuple[str, ...]:
        """All loaded units."""
        return tuple(sorted(self._host.load().units))

    def start(self, name: str, unit: Unit) -> asyncio.Task[int]:
        """Load a service and run it; the task ends with it, with its exit status."""
        active, sub = ("activating", "start") if unit.service_type == "oneshot" else ("active", "running")
        self._save(name, replace(unit, active=active, sub=sub))
        self._host.site.world.record(self._host.name, f"unit start {name}", " ".join(unit.argv))
        task = asyncio.create_task(self._run(name, unit))
        self._runs[name] = task
        return task

    def arm(self, name: str, unit: Unit, seconds: float) -> None:
        """Load a timer and the service that it starts later."""
        self._save(f"{name}.timer", replace(unit, active="active", sub="waiting", due=time.time() + seconds))
        self._save(f"{name}.service", replace(unit, active="inactive", sub="dead"))
        self._host.site.world.record(self._host.name, f"timer armed {name}.timer", f"{seconds:g}")
        self._schedule(f"{name}.timer", seconds)

    async def stop(self, name: str) -> None:
        """Stop a unit; a transient one is forgotten, unless it failed."""
        if handle := self._timers.pop(name, None):
            handle.cancel()
        if task := self._runs.get(name):
            await self._end(name, task)
        unit = self.get(name)
        if unit is not None and unit.active != "failed":
            self._forget(name)
        service = f"{name.removesuffix('.timer')}.service"
        if name.endswith(".timer") and service not in self._runs and service in self.names():
            self._forget(service)

    async def _end(self, name: str, task: asyncio.Task[int]) -> None:
        """End a service: the polite signal, and after its time the other one."""
        unit, process = self.get(name), self._processes.get(name)
        if unit is None or process is None:
            await task
            return
        os.killpg(process.pid, signal.SIGTERM)
        done, _ = await asyncio.wait({task}, timeout=unit.stop_seconds)
        if not done:
            self._host.site.world.record(self._host.name, f"unit kill {name}")
            os.killpg(process.pid, signal.SIGKILL)
            await task

    def start_loaded(self, name: str) -> asyncio.Task[int] | None:
        """Start a loaded service that does not run, such as a timer's before its time; None if it runs already."""
        unit = self.get(name)
        if unit is None:
            raise LookupError(f"Failed to start {name}: Unit {name} not found.")
        return self._runs.get(name) or self.start(name, unit)

    def reset_failed(self, name: str) -> None:
        """Forget a failed unit."""
        unit = self.get(name)
        if unit is not None and unit.active == "failed":
            self._forget(name)

    def elapse(self, seconds: float) -> None:
        """Move every timer forward."""
        for name in tuple(self._timers):
            unit = self.get(name)
            if unit is not None and unit.due is not None:
                self._timers.pop(name).cancel()
                self._save(name, replace(unit, due=unit.due - seconds))
                self._schedule(name, unit.due - seconds - time.time())

    def resume(self, units: dict[str, Unit]) -> None:
        """Go on after a restart of the daemon: timers keep their time, services that ran run again."""
        for name, unit in units.items():
            if unit.due is not None:
                self._schedule(name, unit.due - time.time())
            elif unit.sub in ("running", "start") and name.endswith(".service") and name not in self._runs:
                self.start(name, unit)

    def halt(self) -> None:
        """Stop looking after units: the machine is down, or the daemon ends."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        for task in self._runs.values():
            task.cancel()
        self._runs.clear()
        self._processes.clear()

    def _schedule(self, name: str, seconds: float) -> None:
        fire: Callable[[], None] = lambda: self._fire(name)  # noqa: E731 - a name for the type
        if seconds <= 0:
            fire()
        else:
            self._timers[name] = asyncio.get_running_loop().call_later(seconds, fire)

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        timer = self.get(name)
        if timer is None:
            return
        self._save(name, replace(timer, sub="running", due=None))
        self._host.site.world.record(self._host.name, f"timer fired {name}")
        self.start(f"{name.removesuffix('.timer')}.service", replace(timer, due=None))

    async def _run(self, name: str, unit: Unit) -> int:
        # A daemon that runs on is no movement that would come to an end.
        async with nullcontext() if unit.service_type == "exec" else self._host.site.moving():
            session = Session(host=self._host, user="root", connection=None)
            with self._host.journal(name).open("ab") as journal:
                streams = Streams(stdin=asyncio.subprocess.DEVNULL, stdout=journal.fileno(), stderr=journal.fileno())
                try:
                    process = await self._host.spawn(unit.argv, session, unit.user_env, streams)
                except OSError as error:
                    journal.write(f"{name}: Failed at step EXEC spawning {unit.argv[0]}: {error.strerror}\n".encode())
                    status = 203
                else:
                    self._processes[name] = process
                    status = await self._host.finished(process)
            session.ended.set()
            return self._ended(name, unit, status)

    def _ended(self, name: str, unit: Unit, status: int) -> int:
        """Note how a service ended; its exit status."""
        self._runs.pop(name, None)
        self._processes.pop(name, None)
        timer = f"{name.removesuffix('.service')}.timer"
        if timer not in self._timers and self.get(timer):
            # A transient timer that has elapsed goes when its service ends.
            self._forget(timer)
        done = replace(unit, status=status % SIGNALS if status > SIGNALS else status)
        self._host.site.world.record(self._host.name, f"unit end {name}", str(status))
        if unit.service_type != "oneshot" and status - SIGNALS in CLEAN:
            status = 0
        if status == 0 and unit.remain_after_exit:
            self._save(name, replace(done, active="active", sub="exited"))
        elif status == 0 or unit.collect:
            self._forget(name)
        else:
            result = "signal" if status > SIGNALS else "exit-code"
            self._save(name, replace(done, active="failed", sub="failed", result=result))
        return status

    def _save(self, name: str, unit: Unit) -> None:
        with machines.edit(self._host.site.world, self._host.id) as machine:
            machine.units[name] = unit

    def _forget(self, name: str) -> None:
        with machines.edit(self._host.site.world, self._host.id) as machine:
            machine.units.pop(name, None)
