"""A server that stands for a whole file of tests: each leaves it at rest, or the next one gets another machine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.machines.host import at_rest, state
from tests.machines.monitor import Gone

if TYPE_CHECKING:
    from tests.machines.points import Points, Site


class Standing:
    """A server that hostops has installed. Its tests come one after the other, as changes do on a real one."""

    def __init__(self, points: Points) -> None:
        """No machine is on yet."""
        self._points, self._stack = points, ExitStack()
        self._site: Site | None = None

    def site(self) -> Site:
        """The server, healthy, on the system that its operator means."""
        if self._site is None:
            site = self._stack.enter_context(self._points.at("installed"))
            site.operator.runs(site.host, state(site.machine).runs)
            self._site = site
        return self._site

    def settle(self) -> None:
        """After a test that passed: the operator means what runs. A machine that is not at rest is replaced."""
        assert self._site is not None
        site = self._site
        try:
            system = state(site.machine).runs
            if site.operator.knows(system) and at_rest(site.machine, system):
                site.operator.mean(site.host, system)
                site.operator.watchdog_minutes = 15
                site.operator.write()
                return
        except (AssertionError, Gone):
            # It is off, or does not say how it is.
            pass
        self.discard()

    def discard(self) -> None:
        """Switch it off; the next test gets a new one."""
        self._stack.close()
        self._site = None
