"""What only an installation can change: a system that is switched to must find its partitions and its address.

The host itself is asked: its disks say how they were laid out, whatever a state file remembers. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.layouts import LONGHORN, SHARED_PREFIX, label_prefix
from hostops.drives import ours
from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from fleet.contract.facts import HostFacts
    from hostops.look import Look


def check_fixed(stack: str, host: str, entry: HostFacts, seen: Look) -> None:
    """Refuse a system whose partitions or address are others than the installed one's; raises Failure."""
    _check_partitions(stack, host, entry, frozenset(ours(seen["disk_labels"])))
    if seen.address and seen.address != str(entry.address):
        raise _refused(
            f"it was installed with the cluster address {seen.address}, and its entry says {entry.address}; etcd and "
            f"the other nodes know it by the old one; set hosts.{host}.address back, or {_again(host)}"
        )


def _check_partitions(stack: str, host: str, entry: HostFacts, found: frozenset[str]) -> None:
    if _fits(entry, entry.label_prefix, found):
        return
    own = label_prefix(stack, host, entry.disk.model_copy(update={"labels": "own"}))
    if entry.disk.labels == "own" and _fits(entry, SHARED_PREFIX, found):
        raise _refused(
            f"its partitions carry the labels that all hosts shared in earlier releases ({SHARED_PREFIX}...), and a "
            f"system that looks for {own}... would not find its root; set hosts.{host}.disk.labels: shared, then run "
            f"make contract STACK={stack}; the line may go when the host is installed again"
        )
    if entry.disk.labels == "shared" and _fits(entry, own, found):
        raise _refused(
            f"its partitions carry labels of its own ({own}...), and a system that looks for {SHARED_PREFIX}... would "
            f"not find its root; remove hosts.{host}.disk.labels, then run make contract STACK={stack}"
        )
    devices = " and ".join(drive.device for drive in entry.drives.values())
    wanted = ", ".join(sorted(f"{entry.label_prefix}{part}" for part in entry.partitions))
    raise _refused(
        f"of ours, {devices} has the partitions {', '.join(sorted(found)) or 'none'}; its entry means {wanted}, and a "
        f"system that looks for these would not start; set layout, storage, volume and disks of hosts.{host} back, or "
        f"{_again(host)}"
    )


def _fits(entry: HostFacts, prefix: str, found: frozenset[str]) -> bool:
    """Whether all partitions are there that the system looks for, and no more: one for Longhorn may be left over."""
    wanted = frozenset(f"{prefix}{part}" for part in entry.partitions)
    return wanted <= found <= wanted | {f"{prefix}{LONGHORN}"}


def _again(host: str) -> str:
    return f"install it again with what is new: reinstall: {host}@<anything new>"


def _refused(text: str) -> Failure:
    return Failure(Code.REFUSED, "look", text)
