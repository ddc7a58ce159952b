"""Small stacks that faults are injected into: documents, and a site that is brought somewhere once and put back."""

from __future__ import annotations

import copy
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fleet import stackfile
from sim.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Edit = Callable[[dict[str, Any]], object]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8UzrIqPSGKpWDDzxPnQ0dSUWvf+bUeZ9Qm2hOBnHX0 ada@laptop"
NO_ADDONS = {name: {"enabled": False} for name in ("longhorn", "multus", "kyverno", "smokeTest")}

SHORT = {"batchSize": 10, "readyTimeoutSeconds": 30, "installTimeoutSeconds": 60, "watchdogMinutes": 2}
"""Limits that a hanging step is to reach soon; agents all at once, each with a fault of its own."""

PATIENCE = {"NIXFLEET_CONTACT_SECONDS": "20", "NIXFLEET_ANSWER_SECONDS": "20"}
"""Limits of hostops that a stack file does not name."""


def board(number: int, role: str) -> dict[str, Any]:
    """A board on the shelf."""
    serial = f"SHELF{number}"
    return {
        "kind": "bare-metal",
        "role": role,
        "hardware": "n100",
        "address": f"10.0.1.{10 + number}",
        "storageAddress": f"192.168.100.{10 + number}",
        "ports": {"enp1s0": f"00:00:5e:00:53:{number}1", "enp2s0": f"00:00:5e:00:53:{number}2"},
        "disk": {
            "device": f"/dev/disk/by-id/nvme-{serial}",
            "serial": serial,
            "sizeGib": 465,
            "layout": "n100-standard",
        },
    }


def shelf(servers: int, agents: int) -> dict[str, Any]:
    """Boards on one LAN: s1, s2, ... and a1, a2, ...; no cloud, no add-ons."""
    names = [f"s{number + 1}" for number in range(servers)] + [f"a{number + 1}" for number in range(agents)]
    hosts = {name: board(index + 1, "server" if name[0] == "s" else "agent") for index, name in enumerate(names)}
    return {
        "cluster": {"name": "shelf", "seed": "s1"},
        "endpoint": {"kind": "virtualIp", "name": "api.shelf.example.net", "address": "10.0.1.200"},
        "network": {"kind": "profile", "profile": "lab-bond"},
        "firewall": {"adminRanges": ["10.0.1.0/24"]},
        "users": {"ada": {"keys": {"laptop": KEY}}},
        "protection": False,
        "rollout": dict(SHORT),
        "addons": copy.deepcopy(NO_ADDONS),
        "hosts": hosts,
    }


def cloud() -> dict[str, Any]:
    """One server at Hetzner; no add-ons."""
    return {
        "cluster": {"name": "cloud", "seed": "s1"},
        "endpoint": {
            "kind": "loadBalancer",
            "name": "api.cloud.example.net",
            "location": "fsn1",
            "privateAddress": "10.20.0.5",
            "allowEveryone": True,
        },
        "network": {"kind": "provider", "provider": "hcloud"},
        "providers": {"hcloud": {"network": {"range": "10.20.0.0/16", "subnet": "10.20.0.0/24"}}},
        "firewall": {"adminRanges": ["192.0.2.0/24"]},
        "users": {"ada": {"keys": {"laptop": KEY}}},
        "protection": False,
        "rollout": dict(SHORT),
        "addons": copy.deepcopy(NO_ADDONS),
        "hosts": {
            "s1": {
                "kind": "hcloud",
                "role": "server",
                "hardware": "hcloud-x86",
                "address": "10.20.0.11",
                "serverType": "cx33",
                "location": "fsn1",
                "disk": {"device": "/dev/sda", "layout": "hetzner-cloud", "sizeGib": 80, "unstablePath": True},
            }
        },
    }


def site(base: Path, fleet: dict[str, Any]) -> Site:
    """A site of that fleet."""
    made = Site(base, "sim", {"pulumi:disable-default-providers": ["*"], stackfile.FLEET_KEY: fleet})
    made.stage.place.environment.update(PATIENCE)  # type: ignore[attr-defined]  # a dict, and ours alone
    return made


class Kept:
    """A site as it was at one moment, to be had again as often as one likes: links in its world are absolute."""

    def __init__(self, made: Site, name: str = "kept") -> None:
        """Keep it under a name; its machines are off."""
        self.site = made
        self._kept = made.stage.base.with_name(f"{made.stage.base.name}-{name}")
        self._config = copy.deepcopy(made.config)
        shutil.copytree(made.stage.base, self._kept, symlinks=True)

    @contextmanager
    def again(self, edit: Edit = lambda _: None) -> Iterator[Site]:
        """The site as it was but for its document, with its machines running and new boards on the shelf."""
        base = self.site.stage.base
        shutil.rmtree(base)
        shutil.copytree(self._kept, base, symlinks=True)
        self.site.config = copy.deepcopy(self._config)
        self.site.change(edit)
        with self.site.powered():
            yield self.site
