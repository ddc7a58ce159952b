"""Labels of partitions: by stack and host, within GPT's limit, and no two hosts' alike."""

from __future__ import annotations

import pytest

from fleet.hosts import Disk
from fleet.layouts import DATA_PARTITIONS, LABEL_LIMIT, OUR_PREFIXES, PARTITIONS, label_prefix

OWN = Disk(device="/dev/sda", size_gib=100, layout="vm-test")
PARTS = {part for parts in (*PARTITIONS.values(), *DATA_PARTITIONS.values()) for part in parts}


@pytest.mark.parametrize(
    ("stack", "host", "prefix"),
    [
        ("lab", "n100-1", "nf.lab.n100-1."),
        ("production", "hcloud-arm1", "nf.production.hcloud-arm1."),
        ("production", "hcloud-arm-1", "nf.358922dc_hcloud-arm-1."),
        ("s" * 63, "h" * 63, "nf.ee5ab6cf_hhhhhhhhhhhhh."),
    ],
)
def test_a_prefix_names_stack_and_host_or_ends_with_them(stack: str, host: str, prefix: str) -> None:
    assert label_prefix(stack, host, OWN) == prefix
    assert prefix.startswith(OUR_PREFIXES)
    assert max(len(prefix + part) for part in PARTS) <= LABEL_LIMIT


def test_no_two_hosts_share_a_prefix() -> None:
    hosts = [
        *(("lab", f"n{number}") for number in range(500)),
        *(("production-cluster", f"hcloud-worker-{number}") for number in range(500)),
        # Names whose parts run into one another.
        ("a-b", "c"),
        ("a", "b-c"),
        ("a", "b"),
    ]
    assert len({label_prefix(stack, host, OWN) for stack, host in hosts}) == len(hosts)


def test_a_host_of_an_earlier_release_keeps_the_labels_that_it_was_installed_with() -> None:
    shared = OWN.model_copy(update={"labels": "shared"})
    assert label_prefix("lab", "n100-1", shared) == "nixfleet-"
    assert "nixfleet-".startswith(OUR_PREFIXES)
