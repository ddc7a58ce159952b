"""What the namespace of other stacks is held to. The objects that hold it are addons/consumers.py's matter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fleet.model import Model, Name

Quantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
"""An amount as Kubernetes writes it: `500m` of a processor, `2Gi` of memory."""


class Quota(Model):
    """How much all pods of the namespace may take together; what is absent has no limit."""

    cpu: Quantity | None = None
    """Processors that they ask for, for example `4`."""

    memory: Quantity | None = None
    """Memory that they ask for and are limited to, for example `8Gi`."""

    storage: Quantity | None = None
    """Storage that their claims ask for, for example `100Gi`."""

    pods: Annotated[int, Field(ge=1, le=10000)] | None = None


class Consumers(Model):
    """Other stacks, and what holds them apart from the machines and from each other's neighbours."""

    pod_security: Literal["baseline", "restricted"] = "baseline"
    """The least that every pod of theirs keeps to (Kubernetes' Pod Security Standards). `baseline` keeps a pod off its
    node: no privileges, no host's namespaces, ports or folders. There is no weaker one: who is root on a node has the
    cluster."""

    isolated: bool = False
    """Their pods reach each other, DNS and the internet only, no private network, and are reached from `admit` only;
    they may not change that."""

    admit: tuple[Name, ...] = ()
    """Namespaces whose pods may reach isolated ones, for example an ingress controller's."""

    quota: Quota = Quota()
