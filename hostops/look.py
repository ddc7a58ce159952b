"""What a host says of itself, typed. How it is asked is remote/look.sh; what follows from it is decided elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hostops.ssh import NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.contract.facts import HostFacts
    from hostops.ssh import Key, Line

State = Literal["cloud-image", "installer", "installed", "foreign-nixos"]

LOOK_SECONDS = 60
"""Limit of one look; two questions to the Kubernetes API are in it, of 10 s each."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """/etc/nixfleet/identity: whose machine this is, and what only an installation can change."""

    stack: str
    host: str
    install_id: str
    """The token of the installation, or a random id where none was needed."""

    machine_id: str
    address: str = ""
    """Address on the cluster network that it was installed with; empty: an earlier release did not note it."""

    def render(self) -> str:
        """The file's text."""
        document = {
            "address": self.address,
            "host": self.host,
            "installId": self.install_id,
            "machineId": self.machine_id,
            "stack": self.stack,
        }
        return json.dumps(document, sort_keys=True) + "\n"

    @classmethod
    def parse(cls, text: str) -> Identity:
        """From the file's text; what cannot be read belongs to nobody we know."""
        try:
            document = json.loads(text)
            values = {name: str(document[name]) for name in ("stack", "host", "installId", "machineId")}
            address = str(document.get("address", ""))
        except (ValueError, KeyError, TypeError):
            values, address = dict.fromkeys(("stack", "host", "installId", "machineId"), "unreadable"), ""
        return cls(
            address=address,
            stack=values["stack"],
            host=values["host"],
            install_id=values["installId"],
            machine_id=values["machineId"],
        )


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at a host."""

    key: Key
    user: str
    state: State
    facts: Mapping[str, str]
    identity: Identity | None

    def __getitem__(self, name: str) -> str:
        """A fact; empty if the host did not tell it."""
        return self.facts.get(name, "")

    @property
    def used_ids(self) -> tuple[str, ...]:
        """Ids of all installations that the host knows of, oldest first."""
        told = f"{self['earlier_installs']} {self['installs']} {self['boot_installs']}".split()
        return tuple(dict.fromkeys([*told, *([self.identity.install_id] if self.identity else [])]))

    @property
    def installed_before(self) -> bool:
        """Whether it knows of an installation other than the one that runs or is being made."""
        return bool(set(self.used_ids) - {self.identity.install_id if self.identity else ""})

    @property
    def on_trial(self) -> bool:
        """Whether the running system is one whose boot is being tried."""
        return bool(self["trial_wanted"]) and (
            self["trial_wanted"] == self["current_system"] and self["trial_boot"] != self["boot_id"]
        )

    @property
    def ready(self) -> bool:
        """Whether the node is Ready."""
        return self["node"].split(" ")[0] == "True"

    @property
    def k3s_version(self) -> str:
        """Version of the node's kubelet; empty if unknown."""
        words = self["node"].split(" ")
        return words[1] if len(words) > 1 and words[1].startswith("v") else ""

    @property
    def address(self) -> str:
        """Address on the cluster network that it was installed with; empty if unknown."""
        words = self["node"].split(" ")
        # An earlier release did not note it; its node says which one k3s was started with.
        current = words[2] if self.k3s_version and len(words) == 3 else ""  # noqa: PLR2004 - status, version, address
        return (self.identity.address if self.identity else "") or current

    @property
    def cordoned(self) -> bool:
        """Whether a drain of ours keeps pods off the node."""
        return self["cordoned"] == "yes"

    def complaint(self, entry: HostFacts, k3s_version: str) -> str:
        """Why the host does not count as healthy; empty if it does."""
        if self["k3s"] != "active":
            return f"k3s is {self['k3s'] or 'unknown'}"
        if self["address"] != "up":
            return f"its cluster address {entry.address} is on no interface"
        if not self.ready:
            return f"its node is not Ready ({self['node'] or 'no answer'})"
        if self.k3s_version != k3s_version:
            return f"its node runs {self.k3s_version or 'an unknown version'}, wanted is {k3s_version}"
        if entry.role == "server" and self["etcd"] != "ok":
            return f"etcd is not healthy ({self['etcd'] or 'no answer'})"
        return ""


def _script(host: str, entry: HostFacts) -> str:
    devices = " ".join(drive.device for drive in entry.drives.values())
    return script("look", host=host, role=entry.role.value, devices=devices, address=str(entry.address))


def look(line: Line, entry: HostFacts, *, seconds: float = LOOK_SECONDS) -> Look:
    """Look at a host; raises NoAnswer."""
    reply = line.run(_script(line.host, entry), seconds=seconds)
    facts = reply.facts()
    if facts.get("look") != "1":
        # An image that only tells which account to use instead ends up here.
        said = (reply.output.strip() or reply.error.strip() or "nothing").splitlines()[-1]
        raise NoAnswer(f"{line.destination} answered {said!r}", reply.key, login=True)
    line.booted(facts.get("boot_id", ""))
    identity = Identity.parse(facts["identity"]) if facts.get("identity") else None
    return Look(key=reply.key, user=line.user, state=_state(facts, identity), facts=facts, identity=identity)


def _state(facts: Mapping[str, str], identity: Identity | None) -> State:
    if facts.get("variant_id") == "installer":
        return "installer"
    if identity is not None:
        return "installed"
    return "foreign-nixos" if facts.get("os_id") == "nixos" else "cloud-image"
