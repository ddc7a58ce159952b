"""Puts boards and dedicated servers, which no cloud makes, into the rack, booted from the installer medium."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.contract.facts import ssh_address
from fleet.hosts import HARDWARE, OvhDedicatedHost, OvhInstanceHost
from operate.engine import ROOT
from operate.messages import OperateError
from sim.machines.rack import Disk, MachineSpec, Rack
from sim.plugins.ovh.instances import FLAVORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.hosts import Drive, Host
    from fleet.keys.pairs import HostKeys
    from fleet.settings import Fleet
    from sim.world import World

BY_ID = "/dev/disk/by-id/"
MEDIA = "nix/iso/media.json"
"""Installer media: by architecture, the hardware that each one boots on."""


def machine_id(name: str, host: Host) -> str:
    """What the machine is known by: OVH's name of it, its disk's serial, or its own name without either."""
    return host.service_name if isinstance(host, OvhDedicatedHost) else host.disk.serial or name


def disks(name: str, host: Host) -> tuple[Disk, ...]:
    """The disks exactly as the stack file describes them, the system's first."""
    return tuple(_disk(name, drive, number) for number, drive in enumerate(host.drives.values()))


def _disk(name: str, drive: Drive, number: int) -> Disk:
    serial = drive.serial or f"SIM-{name}"
    if not drive.device.startswith(BY_ID):
        return Disk(serial=serial, size_gib=drive.size_gib, device=drive.device)
    by_id = drive.device.removeprefix(BY_ID)
    node = f"/dev/nvme{number}n1" if by_id.startswith("nvme") else f"/dev/sd{'ab'[number]}"
    return Disk(serial=serial, size_gib=drive.size_gib, device=node, by_id=by_id)


def check_medium(name: str, host: Host) -> None:
    """Raise OperateError where no installer medium boots on the host's hardware: a real one could not be installed."""
    media: dict[str, list[str]] = json.loads((ROOT / MEDIA).read_text())
    if host.hardware not in media.get(HARDWARE[host.hardware].arch.value, ()):
        raise OperateError(
            f"host {name}: no installer medium boots on hardware {host.hardware}, so the machine could not be "
            f"installed: use hardware of {MEDIA}, or write an installer for it there"
        )


def spec(name: str, host: Host, keys: HostKeys, deploy_key: str) -> MachineSpec:
    """The machine, with the installer medium in it: it answers by the bootstrap key and lets the deploy key in."""
    hardware = HARDWARE[host.hardware]
    return MachineSpec(
        id=machine_id(name, host),
        name=name,
        arch=hardware.arch.value,
        firmware="bios" if hardware.firmware.value == "bios" else "uefi",
        disks=disks(name, host),
        medium="installer",
        authorized_keys=(deploy_key,),
        host_key=keys.bootstrap_key,
        addresses=(str(ssh_address(host)),),
    )


def rack_records(rack: Rack, fleet: Fleet, keys: Mapping[str, HostKeys], deploy_key: str) -> None:
    """Rack every record that is not there yet; those that are keep what they hold."""
    for name, host in sorted(fleet.hosts.items()):
        known = {machine.spec.id for machine in rack.machines()}
        if not host.created and machine_id(name, host) not in known:
            check_medium(name, host)
            rack.add(spec(name, host, keys[name], deploy_key))


def describe_flavors(world: World, fleet: Fleet) -> None:
    """Tell the simulated OVH the disks of the fleet's flavors: ids differ by region, only the stack file knows."""
    sizes = {host.flavor_id: host.disk.size_gib for host in fleet.hosts.values() if isinstance(host, OvhInstanceHost)}
    if sizes:
        with world.edit(FLAVORS) as flavors:
            flavors.update(sizes)
