"""This tree's own services run confined, each with no more capabilities than it needs."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Hosts = dict[tuple[str, str], Any]

CAPABILITIES = {
    "nixfleet-clock": "",
    "nixfleet-mesh": "CAP_NET_ADMIN",
    "nixfleet-volume": "",
}
LOOSER = {
    "nixfleet-clock": {"ProtectClock=false", "SystemCallFilter=@clock"},
    "nixfleet-mesh": set(),
    "nixfleet-volume": {"PrivateDevices=false", "PrivateTmp=false"},
}
"""What each one has in place of a default, and why stands beside it."""

FREE = {"nixfleet-trial.service"}
"""The guard of a first boot reboots the machine and writes the loader's entries: it needs all that root has."""

CONFINED = {
    "LockPersonality=true",
    "MemoryDenyWriteExecute=true",
    "NoNewPrivileges=true",
    "ProtectControlGroups=true",
    "ProtectHome=true",
    "ProtectHostname=true",
    "ProtectKernelLogs=true",
    "ProtectKernelModules=true",
    "ProtectKernelTunables=true",
    "ProtectSystem=strict",
    "RestrictNamespaces=true",
    "RestrictRealtime=true",
    "RestrictSUIDSGID=true",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
}
MOST_EXPOSED = 40
"""Tenths of systemd's own scale from 0 (nothing) to 10 (everything)."""


def own_units(hosts: Hosts) -> dict[str, str]:
    return {
        name.removesuffix(".service"): text
        for facts in hosts.values()
        for name, text in facts["units"].items()
        if name.startswith("nixfleet-") and name.endswith(".service") and name not in FREE
    }


def test_every_own_service_is_confined(hosts: Hosts) -> None:
    units = own_units(hosts)
    assert set(units) == set(CAPABILITIES)
    for name, text in units.items():
        lines = set(text.splitlines())
        assert lines >= CONFINED | LOOSER[name] | {f"CapabilityBoundingSet={CAPABILITIES[name]}"}, name


def test_systemd_finds_every_own_service_safe(hosts: Hosts, tmp_path: Path, systemd_analyze: str) -> None:
    for name, text in own_units(hosts).items():
        path = tmp_path / f"{name}.service"
        path.write_text(text)
        argv = [systemd_analyze, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
