"""Laws of storage: what holds replicas stays until they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.transition.law import Step, law

if TYPE_CHECKING:
    from collections.abc import Iterator


@law
def longhorn_goes_before_its_hosts_tools(step: Step) -> Iterator[Fault]:
    """Hosts keep what Longhorn needs (iSCSI, its directory, its volume) until a run has uninstalled it.

    A run brings hosts to their new systems first and uninstalls last.
    """
    if step.before.longhorn_version is None or step.after.longhorn_version is not None:
        return
    for name, (old, new) in step.staying.items():
        if (old.storage and not new.storage) or (old.volume and not new.volume):
            yield Fault(
                path=f"hosts.{name}.storage",
                value="removed together with Longhorn",
                law="a host keeps iSCSI and the replicas' disk until Longhorn is uninstalled",
                cure="leave storage and volume in this run, and remove them in the next one",
            )


@law
def a_host_with_replicas_keeps_its_storage(step: Step) -> Iterator[Fault]:
    """Storage or a volume is not taken from a host while Longhorn may have replicas there."""
    if step.before.longhorn_version is None or step.after.longhorn_version is None:
        return
    for name, (old, new) in step.staying.items():
        for word, gone in (("storage", old.storage and not new.storage), ("volume", old.volume and not new.volume)):
            if gone and name not in step.replaced:
                yield Fault(
                    path=f"hosts.{name}.{word}",
                    value="removed",
                    law="Longhorn may keep replicas there, and only a host that leaves the fleet is emptied first",
                    cure=f"remove {name} from the file and run up, which moves its replicas away; then add it without",
                )
