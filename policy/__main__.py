"""What a plan of a fleet may never do: a second look at each resource, by code that knows nothing of the program.

Run with `pulumi preview --policy-pack policy`. Left out is what only a comparison with the state shows; the engine
itself refuses to replace a protected server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

SERVER = "hcloud:index/server:Server"
VOLUME = "hcloud:index/volume:Volume"
INSTANCE = "ovh:CloudProject/instance:Instance"
FIREWALL = "hcloud:index/firewall:Firewall"
COMMAND = "command:local:Command"
RELEASE = "kubernetes:helm.sh/v3:Release"

FIRST_BOOT = {SERVER: {"image", "sshKeys", "userData"}, INSTANCE: {"bootFrom", "sshKey", "userData"}}
"""Inputs that matter at the first boot only, by type: any other change of them would replace the machine."""

VOLATILE = {"create", "update", "environment", "stdin", "dir", "interpreter", "logging"}
"""Inputs of an installation that must not run it again."""

NEVER = {
    "ovh:Dedicated/server:Server": "its deletion gives the server up, and a changed system installs it again",
    "ovh:Dedicated/serverReinstallTask:ServerReinstallTask": "every change of it formats the server",
    "ovh:Vps/vps:Vps": "another image formats it",
    "kubernetes:helm.sh/v4:Chart": "its hooks do not run, and without a cluster its objects look deleted",
    "kubernetes:yaml/v2:ConfigGroup": "without a cluster its objects look deleted",
    "kubernetes:yaml/v2:ConfigFile": "without a cluster its objects look deleted",
}
"""Types that no plan may have, and why."""

ADMIN_PORTS = {"22", "6443"}
EVERYWHERE = {"0.0.0.0/0", "::/0"}
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|K10[0-9a-f]{64}::")


class Options(Protocol):
    """The options that the laws look at."""

    @property
    def protect(self) -> bool:
        """Whether the engine refuses to delete it."""

    @property
    def ignore_changes(self) -> Sequence[str]:
        """Inputs whose changes are ignored."""


class Resource(Protocol):
    """A resource that is about to be registered."""

    @property
    def resource_type(self) -> str:
        """Token of its type."""

    @property
    def name(self) -> str:
        """Its name in the program."""

    @property
    def props(self) -> Mapping[str, Any]:
        """Its inputs."""

    @property
    def opts(self) -> Options:
        """Its options."""


def first_boot_is_past(resource: Resource) -> Iterator[str]:
    """A machine ignores what matters at its first boot only."""
    missing = FIRST_BOOT.get(resource.resource_type, set()) - set(resource.opts.ignore_changes)
    if missing:
        names = ", ".join(sorted(missing))
        yield f"a change of {names} would replace the machine and its disk; add it to ignore_changes"


def protection_is_whole(resource: Resource) -> Iterator[str]:
    """What is protected by the provider is protected by the engine, and the other way round."""
    names = {SERVER: ("deleteProtection", "rebuildProtection"), VOLUME: ("deleteProtection",)}
    for name in names.get(resource.resource_type, ()):
        if bool(resource.props.get(name)) is not bool(resource.opts.protect):
            yield f"{name} and protect differ: each stops only one of the ways to lose the disk; set both alike"


def installation_is_inert(resource: Resource) -> Iterator[str]:
    """An installation runs for another machine or token, and for nothing else."""
    if resource.resource_type != COMMAND or " hostops install " not in resource.props.get("create", ""):
        return
    missing = VOLATILE - set(resource.opts.ignore_changes)
    if missing:
        yield f"a change of {', '.join(sorted(missing))} would install again; add it to ignore_changes"
    if resource.props.get("update") not in (":", "true", ""):
        yield "its update does something; an installed host is never installed by an update"
    if resource.props.get("delete"):
        yield "its delete does something; taking a host off the books must not touch its disk"


def admin_doors_are_closed(resource: Resource) -> Iterator[str]:
    """SSH and the API are not open to everyone."""
    if resource.resource_type != FIREWALL:
        return
    for rule in resource.props.get("rules") or ():
        if rule.get("port") in ADMIN_PORTS and EVERYWHERE & set(rule.get("sourceIps") or ()):
            yield f"port {rule['port']} is open to everyone; name the admins' ranges"


def commands_hold_no_secret(resource: Resource) -> Iterator[str]:
    """A failed command is printed whole, so no secret is in its text."""
    for name in ("create", "update", "delete"):
        if resource.resource_type == COMMAND and SECRET.search(resource.props.get(name) or ""):
            yield f"its {name} holds a key or a token, and a failure prints it; pass it by stdin"


def charts_are_pinned(resource: Resource) -> Iterator[str]:
    """A release names its chart's exact version and its name."""
    if resource.resource_type != RELEASE:
        return
    if not re.fullmatch(r"\d+\.\d+\.\d+", resource.props.get("version") or ""):
        yield f"version {resource.props.get('version')} is not exact; tomorrow it may be another chart"
    if not resource.props.get("name"):
        yield "it has no name and gets a new one whenever it is made; name it"


def kinds_are_harmless(resource: Resource) -> Iterator[str]:
    """No resource is of a kind that can lose a host or a cluster by itself."""
    if resource.resource_type in NEVER:
        yield f"{resource.resource_type} is not used here: {NEVER[resource.resource_type]}"


Law = Callable[[Resource], Iterator[str]]
LAWS: tuple[Law, ...] = (
    admin_doors_are_closed,
    charts_are_pinned,
    commands_hold_no_secret,
    first_boot_is_past,
    installation_is_inert,
    kinds_are_harmless,
    protection_is_whole,
)


def policy(law: Law) -> ResourceValidationPolicy:
    """The law as the engine knows laws."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for violation in law(args):
            report(f"{args.name}: {violation}", None)

    name = law.__name__.replace("_", "-")
    return ResourceValidationPolicy(name=name, description=law.__doc__ or name, validate=validate)


if __name__ == "__main__":
    PolicyPack("nixfleet", [policy(law) for law in LAWS], EnforcementLevel.MANDATORY)
