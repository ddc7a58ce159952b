"""What Hetzner sells and which versions go together, as dated data in `data/`. Laws that use it are in laws/."""

from __future__ import annotations

from pathlib import Path

from fleet.model import Arch, Model, Name

_DATA = Path(__file__).parent / "data"


class ServerType(Model):
    """A Hetzner server type."""

    arch: Arch
    cores: int
    memory_gb: int
    disk_gb: int
    sold: bool
    """Whether new servers of this type can be made."""


class Location(Model):
    """A Hetzner location."""

    zone: str
    """Network zone: a private network lies in one."""


class LoadBalancerType(Model):
    """A Hetzner load balancer type."""

    max_targets: int
    max_services: int


class HcloudLimits(Model):
    """How many of a thing Hetzner takes."""

    attachments_per_network: int
    """Servers and load balancers on one private network."""

    placement_groups: int
    """Placement groups of one project."""

    ranges_per_rule: int
    """Address ranges that one rule of a firewall names."""


class HcloudCatalog(Model):
    """Hetzner's catalogue on the day that `source` names."""

    source: str
    limits: HcloudLimits
    server_types: dict[Name, ServerType]
    locations: dict[Name, Location]
    load_balancer_types: dict[Name, LoadBalancerType]


class KubernetesRange(Model):
    """Minor versions of Kubernetes 1 that a release supports."""

    first_minor: int
    last_minor: int | None
    """None: no upper bound is published."""

    def __contains__(self, minor: object) -> bool:
        """Whether Kubernetes 1.`minor` is supported."""
        return (
            isinstance(minor, int)
            and self.first_minor <= minor
            and (self.last_minor is None or minor <= self.last_minor)
        )

    def __str__(self) -> str:
        """The range as people write it: `1.33 to 1.35`."""
        return (
            f"1.{self.first_minor} or newer"
            if self.last_minor is None
            else f"1.{self.first_minor} to 1.{self.last_minor}"
        )


class Versions(Model):
    """Releases of the add-ons that the program knows, and what they run on."""

    source: str
    kyverno: dict[str, KubernetesRange]
    longhorn: dict[str, KubernetesRange]
    multus: tuple[str, ...]


HCLOUD = HcloudCatalog.model_validate_json((_DATA / "hcloud.json").read_text(encoding="utf-8"))
VERSIONS = Versions.model_validate_json((_DATA / "versions.json").read_text(encoding="utf-8"))
