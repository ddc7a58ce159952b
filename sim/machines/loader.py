"""Boot loaders: the menu that a system writes as the default, and an entry that boots once. Booting is in systems.py.

As nixpkgs' systemd-boot-builder.py and install-grub.pl write it, for the loader that the host's disk layout has.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from sim.machines.closure import Closure, generations

if TYPE_CHECKING:
    from pathlib import Path

MENU_LIMIT = 5
"""`configurationLimit`: the menu has so many generations, the newest."""

GRUB_LAYOUTS = ("hetzner-cloud", "ovh-cloud")
"""Disk layouts of machines whose firmware may be a BIOS (nix/modules/disks/boot.nix)."""

LOADER_CONF = "boot/loader/loader.conf"
ENTRIES = "boot/loader/entries"
ONESHOT = "sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
GRUB_MENU = "boot/grub/grub.cfg"
GRUB_BLOCK = "boot/grub/grubenv"
_INIT = re.compile(r"\sinit=(\S+)/init")


def install_menu(root: Path, default: str) -> None:
    """Write the boot menu: the newest generations of the profile, and the system that boots by default."""
    known = dict(list(generations(root).items())[-MENU_LIMIT:])
    if Closure.read(root, default).entry["disk"]["layout"] in GRUB_LAYOUTS:
        _install_grub(root, known, default)
    else:
        _install_systemd_boot(root, known, default)


def _install_systemd_boot(root: Path, known: dict[int, str], default: str) -> None:
    entries = root / ENTRIES
    shutil.rmtree(entries, ignore_errors=True)
    entries.mkdir(parents=True)
    for number, path in known.items():
        (entries / f"nixos-generation-{number}.conf").write_text(f"title NixOS\noptions init={path}/init loglevel=4\n")
        # A default that is none of these leaves loader.conf as it was.
        if path == default:
            (root / LOADER_CONF).write_text(f"timeout 5\ndefault nixos-generation-{number}.conf\neditor 0\n")


def _install_grub(root: Path, known: dict[int, str], default: str) -> None:
    def entry(title: str, path: str) -> str:
        return f'menuentry "{title}" --class nixos {{\n  linux ($drive1)//kernels/a init={path}/init loglevel=4\n}}\n'

    rest = [entry(f"NixOS - Configuration {n} (2026-07-01 - 26.05)", path) for n, path in reversed(known.items())]
    menu = root / GRUB_MENU
    menu.parent.mkdir(parents=True, exist_ok=True)
    all_of_them = f'submenu "NixOS - All configurations" --class submenu {{\n{"".join(rest)}}}\n'
    menu.write_text(entry("NixOS - Default", default) + all_of_them)


def default_boot(root: Path) -> str | None:
    """Store path of the system that boots by default; None if nothing on this disk boots."""
    if (root / GRUB_MENU).exists():
        return _first_init((root / GRUB_MENU).read_text())
    menu = root / LOADER_CONF
    if not menu.exists():
        return None
    name = re.search(r"^default (.*)$", menu.read_text(), re.MULTILINE)
    return _entry_of(root, name[1]) if name else None


def next_boot(root: Path) -> str | None:
    """What boots now; an entry that is to boot once is used up by that."""
    once = _grub_once(root) if (root / GRUB_MENU).exists() else _systemd_boot_once(root)
    return once or default_boot(root)


def _systemd_boot_once(root: Path) -> str | None:
    variable = root / ONESHOT
    if not variable.exists():
        return None
    name = variable.read_text()
    variable.unlink()
    # One that is not there is passed over.
    return _entry_of(root, name)


def _grub_once(root: Path) -> str | None:
    block = read_block(root / GRUB_BLOCK)
    chosen = block.pop("next_entry", "")
    if not chosen:
        return None
    write_block(root / GRUB_BLOCK, block)
    title = chosen.rpartition(">")[2]
    _, found, rest = (root / GRUB_MENU).read_text().partition(f'menuentry "{title}" ')
    return _first_init(rest) if found else None


def _entry_of(root: Path, name: str) -> str | None:
    entry = root / ENTRIES / name
    return _first_init(entry.read_text()) if entry.exists() else None


def _first_init(text: str) -> str | None:
    match = _INIT.search(text)
    return match[1] if match else None


def read_block(path: Path) -> dict[str, str]:
    """GRUB's environment block; empty if there is none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write_block(path: Path, values: dict[str, str]) -> None:
    """Write GRUB's environment block, which has its size for ever."""
    text = "# GRUB Environment Block\n" + "".join(f"{name}={value}\n" for name, value in values.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.ljust(1024, "#"))
