"""Commands about disks and partitions. What is mounted is in mounts.py."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from sim.machines import closure, systems
from sim.machines import machine as machines
from sim.machines.commands.call import Call, Reply, not_simulated

if TYPE_CHECKING:
    from sim.machines.host import Host
    from sim.machines.machine import Disk

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Device:
    """A disk or a partition with the columns of lsblk."""

    disk: Disk
    device: str
    columns: dict[str, str]


def devices(host: Host) -> tuple[Device, ...]:
    """All block devices, each disk before its partitions."""
    found = []
    machine = host.load()
    for disk in machine.disks:
        found.append(
            Device(disk=disk, device=disk.device, columns=_columns(disk, disk.device, "", "disk", disk.serial))
        )
        for number, label in enumerate(disk.partition_labels, start=1):
            device = systems.partition_device(disk.device, number)
            found.append(Device(disk=disk, device=device, columns=_columns(disk, device, label, "part", "")))
            found[-1].columns["MOUNTPOINT"] = machine.mounts.get(device, "")
            found[-1].columns["FSTYPE"] = (
                disk.partition_types[number - 1] if number <= len(disk.partition_types) else ""
            )
    return tuple(found)


def _columns(disk: Disk, device: str, label: str, kind: str, serial: str) -> dict[str, str]:
    partitioned = "gpt" if disk.partition_labels else ""
    return {
        "NAME": device.removeprefix("/dev/"),
        "KNAME": device.removeprefix("/dev/"),
        "PATH": device,
        "TYPE": kind,
        "SIZE": str(disk.size_gib * GIB),
        "SERIAL": serial,
        "PARTLABEL": label,
        "FSTYPE": disk.file_system if kind == "disk" else "",
        "PTTYPE": partitioned,
        "PKNAME": disk.device.removeprefix("/dev/") if kind == "part" else "",
        "MOUNTPOINT": "",
        "MODEL": "Simulated disk" if kind == "disk" else "",
        "RO": "0",
    }


def find(host: Host, path: str) -> Device:
    """The device that a path means, through udev's links; raises LookupError."""
    resolved = closure.outside(host.root, closure.inside(host.root, path).resolve())
    for device in devices(host):
        if device.device == resolved:
            return device
    raise LookupError(f"{path}: not a block device")


async def lsblk(call: Call) -> Reply:
    """List disks and partitions: -b -d -n -r -P -J -p -o COLUMNS."""
    flags, columns, paths = _options(call.argv)
    unknown = flags - set("bdnrPJp")
    if unknown:
        return not_simulated(call, f"option {', '.join(sorted(unknown))}")
    everything = devices(call.host)
    wanted = [find(call.host, path) for path in paths]
    rows = [d for d in everything if not paths or any(_within(d, w, everything) for w in wanted)]
    rows = [row for row in rows if "d" not in flags or row in wanted or (not paths and row.columns["TYPE"] == "disk")]
    names = columns or ["NAME", "SIZE", "TYPE", "MOUNTPOINT"]
    missing = [name for name in names if name not in everything[0].columns] if everything else []
    if missing:
        return Reply(1, err=f"lsblk: unknown column: {missing[0]}\n")
    return Reply(out=_render([[_cell(row, name, flags) for name in names] for row in rows], names, flags))


def _options(argv: tuple[str, ...]) -> tuple[set[str], list[str], list[str]]:
    flags: set[str] = set()
    columns: list[str] = []
    paths: list[str] = []
    words = iter(argv)
    long = {"--bytes": "-b", "--nodeps": "-d", "--noheadings": "-n", "--json": "-J", "--pairs": "-P", "--output": "-o"}
    for given in words:
        word = long.get(given, given)
        if not word.startswith("-"):
            paths.append(word)
            continue
        letters, takes, value = word[1:].partition("o")
        flags |= set(letters)
        if takes:
            columns = (value or next(words, "")).upper().split(",")
    return flags, columns, paths


def _within(device: Device, wanted: Device, everything: tuple[Device, ...]) -> bool:
    return device == wanted or (
        wanted.columns["TYPE"] == "disk" and device.disk == wanted.disk and device in everything
    )


def _cell(row: Device, name: str, flags: set[str]) -> str:
    value = row.columns[name]
    if name == "SIZE" and "b" not in flags:
        return f"{int(value) // GIB}G"
    return row.device if name == "NAME" and "p" in flags else value


def _render(rows: list[list[str]], names: list[str], flags: set[str]) -> str:
    if "J" in flags:
        records = [
            {
                n.lower(): (int(v) if n == "SIZE" and "b" in flags else v or None)
                for n, v in zip(names, row, strict=True)
            }
            for row in rows
        ]
        return json.dumps({"blockdevices": records}) + "\n"
    if "P" in flags:
        return "".join(" ".join(f'{n}="{v}"' for n, v in zip(names, row, strict=True)) + "\n" for row in rows)
    table = rows if "n" in flags else [names, *rows]
    if "r" in flags:
        return "".join(" ".join(row) + "\n" for row in table)
    widths = [max((len(row[i]) for row in table), default=0) for i in range(len(names))]
    return "".join(" ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in table)


async def blkid(call: Call) -> Reply:
    """Print a partition's tags: blkid [-p] [-o value|export] [-s TAG] DEVICE..."""
    words, output, tags, paths = iter(call.argv), "full", [], []
    for word in words:
        if word == "-o":
            output = next(words, "")
        elif word == "-s":
            tags.append(next(words, ""))
        elif not word.startswith("-"):
            paths.append(word)
    lines: list[str] = []
    for path in paths or [device.device for device in devices(call.host)]:
        found = {name: find(call.host, path).columns[column] for name, column in _TAGS.items()}
        shown = {name: value for name, value in found.items() if value and (not tags or name in tags)}
        if shown:
            lines.extend(_tag_lines(path, shown, output))
    return Reply(0 if lines else 2, out="".join(f"{line}\n" for line in lines))


_TAGS = {"TYPE": "FSTYPE", "PARTLABEL": "PARTLABEL", "PTTYPE": "PTTYPE"}


def _tag_lines(path: str, shown: dict[str, str], output: str) -> list[str]:
    if output == "value":
        return list(shown.values())
    if output == "export":
        return [f"DEVNAME={path}", *(f"{name}={value}" for name, value in shown.items())]
    return [f"{path}: " + " ".join(f'{name}="{value}"' for name, value in shown.items())]


async def udevadm(call: Call) -> Reply:
    """Settle at once: device links are made when disks change."""
    return Reply() if call.argv[:1] in (("settle",), ("trigger",)) else not_simulated(call, " ".join(call.argv))


async def wipefs(call: Call) -> Reply:
    """List a disk's signatures, or erase them with -a."""
    device = find(call.host, call.argv[-1])
    if "-a" in call.argv:
        with machines.edit(call.host.site.world, call.host.id) as machine:
            machine.replace_disk(replace(device.disk, partition_labels=(), file_system="", content=f"wiped-{uuid4()}"))
        call.host.site.world.record(call.host.name, "wipe", device.disk.serial)
        return Reply()
    return Reply(out="gpt\n" if device.columns["PTTYPE"] else "")
