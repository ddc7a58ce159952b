"""What a law of a step is, and how one is registered. See the package's docstring for how to add one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.model import Role

if TYPE_CHECKING:
    from fleet.transition.precedent import HostPrecedent, Precedent


@dataclass(frozen=True, kw_only=True)
class Step:
    """From one fleet to the next."""

    before: Precedent
    after: Precedent

    @property
    def staying(self) -> dict[str, tuple[HostPrecedent, HostPrecedent]]:
        """Hosts of both fleets, as they were and as they will be, sorted by name."""
        both = sorted(set(self.before.hosts) & set(self.after.hosts))
        return {name: (self.before.hosts[name], self.after.hosts[name]) for name in both}

    @property
    def removed(self) -> tuple[str, ...]:
        """Hosts that are in the file no more, sorted."""
        return tuple(sorted(set(self.before.hosts) - set(self.after.hosts)))

    @property
    def replaced(self) -> tuple[str, ...]:
        """Hosts whose machine becomes another one, sorted."""
        return tuple(name for name, (old, new) in self.staying.items() if old.machine != new.machine)

    @property
    def leaving(self) -> tuple[str, ...]:
        """Hosts that leave the cluster, for good or to come back as another node, sorted."""
        turned = {name for name, (old, new) in self.staying.items() if old.role is not new.role}
        return tuple(sorted({*self.removed, *self.replaced, *turned}))

    @property
    def leaving_servers(self) -> tuple[str, ...]:
        """Servers that leave the cluster: each is a member of etcd less."""
        return tuple(name for name in self.leaving if self.before.hosts[name].role is Role.SERVER)


Find = Callable[[Step], Iterator[Fault]]

_LAWS: list[Find] = []


def law(find: Find) -> Find:
    """Register a law of the step from one fleet to the next."""
    _LAWS.append(find)
    return find


def laws() -> tuple[Find, ...]:
    """All registered laws."""
    return tuple(_LAWS)
