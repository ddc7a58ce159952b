"""Disk layouts: partitions and sizes, the loader that starts from them, and where Longhorn's replicas lie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fleet.hosts import DataDisk, Disk
from fleet.layouts import partitions
from hostops.payload import KEPT
from sim.machines import persistence
from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable

    Evaluate = Callable[[str], Any]
Hosts = dict[tuple[str, str], Any]
Contracts = dict[str, Any]

LAYOUTS = {
    "hetzner-cloud": {"main": {"bios": "1M", "esp": "1G", "longhorn": "100%", "root": "40G"}},
    "n100-standard": {
        "main": {
            "boot": "2G",
            "containerd": "100G",
            "esp": "1G",
            "longhorn": "100%",
            "root": "50G",
            "swap": "8G",
            "tmp": "10G",
            "var": "50G",
        }
    },
    "n100-zfs": {"main": {"boot": "2G", "esp": "1G", "longhorn": "100G", "swap": "8G", "zfs": "100%"}},
    "ovh-cloud": {"main": {"bios": "1M", "boot": "2G", "esp": "512M", "longhorn": "100%", "root": "40G"}},
    "vm-test": {"main": {"esp": "512M", "root": "100%", "swap": "2G"}},
    "zfs-server": {"main": {"esp": "1G", "longhorn": "100G", "zfs": "100%"}, "tank": {"tank": "100%"}},
}


@pytest.fixture
def layouts(evaluated: Evaluate) -> dict[str, Any]:
    found: dict[str, Any] = evaluated("modules")["layouts"]
    return found


def test_partitions_and_sizes(layouts: dict[str, Any]) -> None:
    found = {
        name: {
            disk: {part: facts["size"] for part, facts in parts.items()}
            for disk, parts in kinds["partition"]["partitions"].items()
        }
        for name, kinds in layouts.items()
    }
    assert found == LAYOUTS


def test_every_partition_s_label_begins_with_the_host_s_prefix(layouts: dict[str, Any]) -> None:
    for kinds in layouts.values():
        for layout in kinds.values():
            for parts in layout["partitions"].values():
                assert all(part["label"] == f"nf.s.layout.{name}" for name, part in parts.items())


def test_partitions_are_those_that_the_other_half_guards(layouts: dict[str, Any]) -> None:
    """The guards of hostops compare a disk's labels with fleet/layouts.py."""
    for name, kinds in layouts.items():
        for longhorn, layout in kinds.items():
            disk = Disk(device="/dev/x", size_gib=500, layout=name)
            data = DataDisk(device="/dev/y", size_gib=500, layout="tank") if name == "zfs-server" else None
            found = {part for parts in layout["partitions"].values() for part in parts}
            assert found == partitions(disk, data, longhorn_inside=longhorn == "partition"), name


def test_no_disk_is_formatted_that_the_contract_does_not_name(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        host = contracts[stack]["hosts"][name]
        named = {disk["device"] for disk in (host["disk"], host["dataDisk"]) if disk}
        assert {disk["device"] for disk in facts["storage"]["disks"].values()} == named, (stack, name)


def test_a_host_finds_its_partitions_by_its_own_labels(hosts: Hosts) -> None:
    for (stack, name), facts in hosts.items():
        labels = {part["label"] for disk in facts["storage"]["disks"].values() for part in disk["partitions"].values()}
        assert all(label.startswith(f"nf.{stack}.{name}.") for label in labels), (stack, name)
        devices = [mount["device"] for mount in facts["storage"]["fileSystems"].values()] + facts["storage"]["swap"]
        links = {device for device in devices if "/by-partlabel/" in device}
        assert links, (stack, name)
        assert links <= {f"/dev/disk/by-partlabel/{label}" for label in labels}


def test_an_empty_root_keeps_what_the_installation_brought(layouts: dict[str, Any]) -> None:
    """The installer writes below /persist (hostops/payload.py); the initrd only goes back to the blank snapshot."""
    assert {
        name: folder.lstrip("/") for name, kinds in layouts.items() for folder in kinds["none"]["persistence"]
    } == KEPT
    layout = layouts["zfs-server"]["none"]
    assert layout["rollback"] == "zfs rollback -r rpool/local/root@blank"
    kept = layout["persistence"]["/persist"]
    assert (sorted(kept["directories"]), sorted(kept["files"])) == (
        sorted(persistence.DIRECTORIES),
        sorted(persistence.FILES),
    )
    assert layout["secretKey"] == "/persist/etc/ssh/ssh_host_ed25519_key"


def test_the_share_of_the_rest_comes_last(layouts: dict[str, Any]) -> None:
    for kinds in layouts.values():
        for layout in kinds.values():
            for parts in layout["partitions"].values():
                order = [part["size"] for part in sorted(parts.values(), key=lambda part: part["priority"])]
                assert [size for size in order if size == "100%"] == order[-1:]


def test_the_cloud_layouts_start_under_bios_and_uefi(layouts: dict[str, Any]) -> None:
    for name in ("hetzner-cloud", "ovh-cloud"):
        layout = layouts[name]["none"]
        assert layout["partitions"]["main"]["bios"]["type"] == "EF02"
        assert layout["partitions"]["main"]["esp"]["type"] == "EF00"
        assert layout["grubDevices"] == ["/dev/disk/by-id/first"]


def test_nothing_is_declared_twice(layouts: dict[str, Any], hosts: Hosts) -> None:
    for kinds in layouts.values():
        for layout in kinds.values():
            assert len(layout["swap"]) == len(set(layout["swap"]))
    for name, facts in hosts.items():
        storage = facts["storage"]
        assert len(storage["swap"]) == len(set(storage["swap"])), name
        assert storage["tmpfsOnTmp"] is not ("/tmp" in storage["fileSystems"]), name  # noqa: S108 - a mount point


def test_mount_options_are_the_reference_s(layouts: dict[str, Any]) -> None:
    mounts = layouts["n100-standard"]["partition"]["fileSystems"]
    assert {"noatime", "errors=remount-ro"} <= set(mounts["/"]["options"])
    assert {"noatime", "nosuid"} <= set(mounts["/var"]["options"])
    assert {"noatime", "nosuid", "nodev"} <= set(mounts["/tmp"]["options"])  # noqa: S108 - a mount point
    assert "noexec" not in mounts["/tmp"]["options"]  # noqa: S108 - builds run there
    btrfs = layouts["hetzner-cloud"]["none"]["fileSystems"]
    for path in ("/", "/home", "/var"):
        assert {"noatime", "compress=zstd", "space_cache=v2"} <= set(btrfs[path]["options"])


def test_datasets_and_volumes_are_the_reference_s(layouts: dict[str, Any]) -> None:
    rpool = layouts["n100-zfs"]["partition"]["datasets"]["rpool"]
    assert rpool["reserved"]["reservation"] == "10G"
    assert rpool["containerd"]["recordsize"] == "128K"
    assert rpool["var/log"]["compression"] == "zstd"
    assert set(layouts["zfs-server"]["none"]["datasets"]["rpool"]) >= {
        "local/root",
        "local/nix",
        "safe/home",
        "safe/persist",
    }
    assert layouts["zfs-server"]["none"]["datasets"]["tank"]["reserved"]["reservation"] == "100G"


POOL = {
    "acltype": "posixacl",
    "ashift": "12",
    "atime": "off",
    "autotrim": "on",
    "com.sun:auto-snapshot": "false",
    "compression": "lz4",
    "mountpoint": "none",
    "xattr": "sa",
}


@pytest.mark.parametrize(("layout", "pools"), [("n100-zfs", {"rpool"}), ("zfs-server", {"rpool", "tank"})])
def test_zfs_is_bounded_scrubbed_and_trimmed(layouts: dict[str, Any], layout: str, pools: set[str]) -> None:
    assert layouts[layout]["none"]["zfs"] == {
        "devNodes": "/dev/disk/by-partlabel",
        "forceImportRoot": False,
        # 4 and 1 GiB: what is left of 8 is the cluster's.
        "limits": ["zfs.zfs_arc_max=4294967296", "zfs.zfs_arc_min=1073741824"],
        "pools": dict.fromkeys(pools, POOL),
        "scrub": ["Sun, 02:00"],
        "trim": ["weekly"],
    }


def test_datasets_have_their_own_properties(layouts: dict[str, Any]) -> None:
    rpool = layouts["n100-zfs"]["partition"]["datasets"]["rpool"]
    assert (rpool["containerd"]["logbias"], rpool["containerd"]["recordsize"]) == ("throughput", "128K")
    assert (rpool["tmp"]["devices"], rpool["tmp"]["setuid"]) == ("off", "off")
    tank = layouts["zfs-server"]["none"]["datasets"]["tank"]
    assert {name: options.get("recordsize") for name, options in tank.items() if "recordsize" in options} == {
        "backups": "1M",
        "containers": "128K",
        "vm": "64K",
    }


def test_layouts_can_be_made_by_hand(inputs: toolbox.Inputs) -> None:
    """For the disko command, which asks for the disk and for how labels begin."""
    apply = (
        'builtins.mapAttrs (_: make: (make { device = "/dev/x"; prefix = "nf.s.h."; }).disko.devices.disk.main '
        "// { content = null; })"
    )
    done = inputs.output("diskoConfigurations", apply)
    assert done.returncode == 0, toolbox.errors(done.stderr)
    assert json.loads(done.stdout) == {name: {"content": None, "device": "/dev/x", "type": "disk"} for name in LAYOUTS}


def test_a_zfs_host_has_an_id(layouts: dict[str, Any]) -> None:
    assert layouts["n100-zfs"]["none"]["hostId"]
    assert layouts["zfs-server"]["none"]["hostId"]


def test_replicas_lie_on_ext4_or_xfs(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        host, mounts = contracts[stack]["hosts"][name], facts["storage"]["fileSystems"]
        if not host["storage"]:
            continue
        assert mounts["/var/lib/longhorn"]["fsType"] in {"ext4", "xfs"}, (stack, name)
        if host["volumeSizeGib"]:
            assert mounts["/var/lib/longhorn"]["device"] == "/dev/disk/by-label/longhorn"
            assert "nixfleet-volume.service" in facts["units"]
        assert "RequiresMountsFor=/var/lib/longhorn" in facts["units"]["k3s.service"]


def test_the_system_disk_is_the_contract_s(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        host = contracts[stack]["hosts"][name]
        assert facts["storage"]["disks"]["main"]["device"] == host["disk"]["device"]
        if facts["boot"]["grub"]:
            # An arm machine has no BIOS, and GRUB no core for one.
            target = host["disk"]["device"] if host["arch"] == "x86_64-linux" else "nodev"
            assert facts["boot"]["grubDevices"] == [target]
        else:
            assert facts["boot"]["systemdBoot"] is True
            assert facts["storage"]["fileSystems"][facts["boot"]["esp"]]["fsType"] == "vfat"
