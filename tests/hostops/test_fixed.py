"""What a switch cannot change: partitions and the cluster's address, by what the host says of itself."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from fleet.layouts import PARTITIONS
from hostops.failure import Code, Failure
from hostops.fixed import check_fixed
from hostops.look import Identity, Look
from hostops.task import load_contract

if TYPE_CHECKING:
    from fleet.contract.facts import HostFacts

BASE = load_contract("sim", {}).hosts["n100-1"]
OWN = "nf.sim.a."


def entry(**changes: object) -> HostFacts:
    """A host with layout n100-standard; changes are of its disk."""
    disk = BASE.disk.model_copy(update={"device": "/dev/sda", **changes})
    prefix = "nixfleet-" if disk.labels == "shared" else OWN
    address = IPv4Address("10.0.0.1")
    return BASE.model_copy(update={"disk": disk, "label_prefix": prefix, "address": address, "volume_size_gib": None})


def look(prefix: str = OWN, layout: str = "n100-standard", more: str = "", **facts: str) -> Look:
    """An installed host with the partitions of a layout."""
    labels = " ".join(sorted(f"{prefix}{part}" for part in PARTITIONS[layout]))  # type: ignore[index]  # a word of a table
    identity = Identity(stack="sim", host="a", install_id="i", machine_id="m", address=facts.pop("address", ""))
    facts = {"disk_labels": f" EFI {labels} {more}", **facts}
    return Look(key="final", user="root", state="installed", facts=facts, identity=identity)


def refusal(wanted: HostFacts, seen: Look) -> str:
    with pytest.raises(Failure) as caught:
        check_fixed("sim", "a", wanted, seen)
    assert (caught.value.code, caught.value.phase) == (Code.REFUSED, "look")
    return caught.value.text


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (entry(), look()),
        (entry(labels="shared"), look("nixfleet-")),
        (entry(layout="hetzner-cloud"), look(layout="hetzner-cloud", more=f"{OWN}longhorn")),
        # Storage was switched off: its partition stays, and nothing looks for it.
        (
            entry(layout="hetzner-cloud").model_copy(update={"storage": False}),
            look(layout="hetzner-cloud", more=f"{OWN}longhorn"),
        ),
        (entry(), look(address="10.0.0.1")),
        (entry(), look(node="True v1.35.6+k3s1 10.0.0.1")),
        # What its node says now is of no weight where the installation is on record.
        (entry(), look(address="10.0.0.1", node="True v1.35.6+k3s1 10.0.0.9")),
        (entry(), look(node="The connection was refused")),
    ],
)
def test_what_is_as_it_was_installed_may_be_switched(wanted: HostFacts, seen: Look) -> None:
    check_fixed("sim", "a", wanted, seen)


def test_a_host_of_an_earlier_release_is_not_given_a_system_that_finds_no_root() -> None:
    assert refusal(entry(), look("nixfleet-")) == (
        "its partitions carry the labels that all hosts shared in earlier releases (nixfleet-...), and a system that "
        "looks for nf.sim.a.... would not find its root; set hosts.a.disk.labels: shared, then run "
        "make contract STACK=sim; the line may go when the host is installed again"
    )
    assert refusal(entry(labels="shared"), look()) == (
        "its partitions carry labels of its own (nf.sim.a....), and a system that looks for nixfleet-... would not "
        "find its root; remove hosts.a.disk.labels, then run make contract STACK=sim"
    )


BACK = (
    "; set layout, storage, volume and disks of hosts.a back, or install it again with what is new: "
    "reinstall: a@<anything new>"
)


def test_another_layout_needs_an_installation() -> None:
    assert refusal(entry(layout="zfs-server", labels="own"), look(layout="n100-zfs")) == (
        f"of ours, /dev/sda has the partitions {OWN}boot, {OWN}esp, {OWN}longhorn, {OWN}swap, {OWN}zfs; its entry "
        f"means {OWN}esp, {OWN}longhorn, {OWN}zfs, and a system that looks for these would not start{BACK}"
    )
    assert refusal(entry(layout="hetzner-cloud"), look(layout="hetzner-cloud")) == (
        f"of ours, /dev/sda has the partitions {OWN}bios, {OWN}esp, {OWN}root; its entry means {OWN}bios, {OWN}esp, "
        f"{OWN}longhorn, {OWN}root, and a system that looks for these would not start{BACK}"
    )


def test_a_disk_without_our_partitions_is_not_the_host_s() -> None:
    nothing = Look(key="final", user="root", state="installed", facts={}, identity=None)
    assert refusal(entry(layout="vm-test"), nothing) == (
        f"of ours, /dev/sda has the partitions none; its entry means {OWN}esp, {OWN}root, {OWN}swap, and a system that "
        f"looks for these would not start{BACK}"
    )


@pytest.mark.parametrize("told", [{"address": "10.0.0.9"}, {"node": "True v1.35.6+k3s1 10.0.0.9"}])
def test_another_address_needs_an_installation(told: dict[str, str]) -> None:
    assert refusal(entry(), look(**told)) == (
        "it was installed with the cluster address 10.0.0.9, and its entry says 10.0.0.1; etcd and the other nodes "
        "know it by the old one; set hosts.a.address back, or install it again with what is new: "
        "reinstall: a@<anything new>"
    )
