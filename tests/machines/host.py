"""What a host is like, asked of the machine itself and not of hostops: its systems, its loader, its units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.machines.machine import Machine

_ASK = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
say runs "$(readlink -f /run/current-system)"
say booted "$(readlink -f /run/booted-system)"
say profile "$(readlink -f /nix/var/nix/profiles/system)"
if [ -e /boot/grub/grub.cfg ]; then
  say boots_next "$(sed -n 's|^  linux .* init=\([^ ]*\)/init .*|\1|p' /boot/grub/grub.cfg | head -n 1)"
  say tried_once "$(sed -n 's/^next_entry=//p' /boot/grub/grubenv 2>/dev/null)"
else
  default=$(sed -n 's/^default //p' /boot/loader/loader.conf)
  say boots_next "$(sed -n 's|^options.* init=\(.*\)/init .*|\1|p' "/boot/loader/entries/$default")"
  once=/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
  say tried_once "$(tail -c +5 "$once" 2>/dev/null | tr -d '\000')"
fi
say boot_id "$(cat /proc/sys/kernel/random/boot_id)"
say sshd "$(systemctl is-active sshd.service)"
say k3s "$(systemctl is-active k3s.service)"
units() { systemctl list-units --no-legend --plain "$@" | awk '$3 != "inactive" {print $1}' | tr '\n' ' '; }
say failed "$(units --failed)"
say nixfleet "$(units --all 'nixfleet-*')"
say armed "$(ls /run/nixfleet/rollback /var/lib/nixfleet/trial 2>/dev/null | tr '\n' ' ')"
"""


@dataclass(frozen=True, kw_only=True)
class HostState:
    """A host at a moment."""

    runs: str
    booted: str
    profile: str
    boots_next: str
    """The default of the boot loader's menu."""

    tried_once: str
    """The entry that the next boot, and no other, is into."""

    boot_id: str
    sshd: str
    k3s: str
    failed: str
    nixfleet: str
    """Units of ours that are loaded and not inactive."""

    armed: str
    """Watchdogs that lie there."""


def state(machine: Machine) -> HostState:
    """How the host is now."""
    lines = (line.split("=", 1) for line in machine.tell(_ASK).splitlines() if "=" in line)
    return HostState(**{name: value.strip() for name, value in lines})


def copy_node(node: str, source: Machine, to: Machine) -> None:
    """Let one machine's cluster know a node of another's, as one cluster would."""
    packed = source.tell(f"tar -C /var/lib/fleet/nodes -cf - {node} | base64 -w0")
    to.tell(f"echo {packed} | base64 -d | tar -C /var/lib/fleet/nodes -xf -")


def at_rest(machine: Machine, system: str) -> bool:
    """Whether a host is on one system, with nothing under way."""
    found, wanted = _rest(machine, system)
    return found == wanted


def assert_at_rest(machine: Machine, system: str) -> None:
    """A host on one system, running and at the next boot, with nothing under way."""
    found, wanted = _rest(machine, system)
    differ = {name: value for name, value in found.items() if value != wanted[name]}
    assert not differ, f"not at rest: {differ}, expected { ({name: wanted[name] for name in differ}) }"


def _rest(machine: Machine, system: str) -> tuple[dict[str, str], dict[str, str]]:
    found = state(machine)
    wanted = {
        "runs": system,
        "boots_next": system,
        "profile": system,
        "tried_once": "",
        "sshd": "active",
        "k3s": "active",
        "failed": "",
        "nixfleet": "",
        "armed": "",
    }
    return {name: getattr(found, name) for name in wanted}, wanted
