"""The plan as data: one versioned model, which every rendering reads and which other programs may read as JSON."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Final, Literal, Self

from fleet.faults import Fault
from fleet.model import Model, Name, Role
from fleet.plan.effect import Effect

PLAN_VERSION: Final = 1


class Setting(Model):
    """One setting that differs, beyond what single hosts say of themselves."""

    path: str
    """Where in the stack file, dotted."""

    words: str
    """What the setting means; empty where its field has no docstring."""

    before: str
    after: str


class Amount(Model):
    """Net euros a month; a span, because a server that was ordered before a price went up may still pay the old one."""

    low: Decimal
    high: Decimal

    @property
    def exact(self) -> bool:
        """Whether the span is one value."""
        return self.low == self.high


class PackageChange(Model):
    """One package of a host's system."""

    name: str
    before: tuple[str, ...]
    """Versions; empty: it is added."""

    after: tuple[str, ...]
    """Versions; empty: it is removed."""


class HostPlan(Model):
    """One host: what it is, and what happens to it."""

    kind: str
    site: str
    """Where it stands, as people say it: `Hetzner Cloud fsn1`."""

    role: Role
    address: str
    """On the cluster network."""

    machine: str
    """Type of the server, or hardware of the board."""

    storage: bool
    volume_gib: int | None
    effect: Effect
    reasons: tuple[str, ...]
    closure_before: str | None
    """Key of the closure; None: the host is new."""

    closure_after: str | None
    """None: the host goes."""

    packages: tuple[PackageChange, ...] | None = None
    """Which of its packages differ; None where Nix was not asked, or its derivations are not at hand."""

    price_before: Amount | None = None
    """A month; None: unknown, or not there."""

    price_after: Amount | None = None


class Wave(Model):
    """Hosts that are worked on at the same time."""

    hosts: tuple[Name, ...]
    begins_minute: float
    ends_minute: float
    members: int
    """Members of etcd while it lasts, at most."""

    quorum: int
    """How many of them have to answer."""

    answering: int
    """How many of them do, at least."""

    @property
    def safe(self) -> bool:
        """Whether the members that answer are a quorum; a cluster that is only being made has none to lose."""
        return self.members == 0 or self.answering >= self.quorum


class Rollout(Model):
    """Order and length of a run."""

    waves: tuple[Wave, ...]
    minutes: float
    measured: bool
    """Whether the minutes come from runs of this stack on this machine; else they are assumed."""

    window: str | None
    """When hosts may be rebooted; None: at any time."""


class Money(Model):
    """Net euros a month for all that clouds make for the stack."""

    before: Amount
    after: Amount
    difference: Amount
    unknown: tuple[str, ...]
    """Hosts, and the load balancer, whose price is not known; they are in no sum."""

    ceiling: Decimal | None
    """What the stack file allows; None: any."""

    as_of: str
    """Day of the price table."""


class Refusal(Model):
    """One law that the change breaks; nothing is begun while there is one."""

    path: str
    value: str
    law: str
    cure: str

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """A fault, as a plan has it."""
        return cls.model_validate(asdict(fault))

    def __str__(self) -> str:
        """One line."""
        return str(Fault(**self.model_dump()))


class NetworkPlan(Model):
    """A network of the fleet."""

    name: str
    range: str
    hosts: tuple[Name, ...]
    changed: bool


class EndpointPlan(Model):
    """Where the API of Kubernetes answers."""

    name: str
    words: str
    """What it is: a load balancer, or a virtual IP."""

    address: str
    changed: bool


class Topology(Model):
    """What the picture shows beside the hosts."""

    endpoint: EndpointPlan
    networks: tuple[NetworkPlan, ...]
    """The cluster's own network first."""


class EngineOperation(Model):
    """One operation of the engine that changes something."""

    op: str
    """The engine's word: create, update, replace, delete."""

    type: str
    name: str
    host: Name | None
    """The host that it belongs to; None: the stack's own."""

    protected: bool
    """Whether the engine would refuse to delete it."""

    changes: tuple[str, ...]
    """Paths of the properties that differ."""


class EnginePlan(Model):
    """What the engine's preview said."""

    operations: tuple[EngineOperation, ...]
    """Deletions first, then replacements, then the rest."""

    unchanged: int


class Plan(Model):
    """What a change of a stack would do."""

    version: Literal[1] = PLAN_VERSION
    stack: Name
    cluster: str
    base: str
    """What it is compared with: a revision, or empty for a first run."""

    evaluated: bool
    """Whether Nix said which closures differ and how hard; else it is judged by the contract and the files of nix/."""

    settings: tuple[Setting, ...]
    hosts: dict[Name, HostPlan]
    rollout: Rollout
    money: Money
    refusals: tuple[Refusal, ...]
    topology: Topology
    engine: EnginePlan | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the hosts that something happens to, the gravest first."""
        found = [name for name, host in self.hosts.items() if host.effect is not Effect.NOTHING]
        return tuple(sorted(found, key=lambda name: (-self.hosts[name].effect.gravity, name)))

    @property
    def counts(self) -> dict[Effect, int]:
        """How many hosts each effect has, the gravest first, without those that nothing happens to."""
        effects = [self.hosts[name].effect for name in self.changed]
        return {effect: effects.count(effect) for effect in dict.fromkeys(effects)}
