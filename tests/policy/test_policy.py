"""The stacks keep every law of the policy pack, and each law finds what breaks it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from policy.__main__ import COMMAND, FIREWALL, INSTANCE, LAWS, RELEASE, SERVER, VOLATILE, VOLUME, policy
from tests.components.plans import VARIANTS, plan

if TYPE_CHECKING:
    from tests.components.plan import Resource


def violations(resource: Any) -> list[str]:
    found: list[str] = []
    for law in LAWS:
        policy(law).validate(resource, lambda text, _urn: found.append(text))
    return found


def seen(resource: Resource) -> Any:
    """A recorded resource as a policy sees it."""
    options = SimpleNamespace(protect=resource.options.protect, ignore_changes=list(resource.options.ignoreChanges))
    return SimpleNamespace(resource_type=resource.type, name=resource.name, props=resource.inputs, opts=options)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_a_stack_breaks_no_law(variant: str) -> None:
    resources = [resource for resource in plan(variant).resources if not resource.is_component]
    assert len(resources) > 20
    assert [text for resource in resources for text in violations(seen(resource))] == []


def made(kind: str, props: dict[str, Any], *, protect: bool = False, ignore: tuple[str, ...] = ()) -> Any:
    options = SimpleNamespace(protect=protect, ignore_changes=ignore)
    return SimpleNamespace(resource_type=kind, name="x", props=props, opts=options)


INSTALL = "python -m hostops install --stack s --host x"
INERT = tuple(VOLATILE)
RULE = {"port": "22", "sourceIps": ["192.0.2.0/24", "0.0.0.0/0"]}

BROKEN = [
    (
        made(SERVER, {}, ignore=("image", "sshKeys")),
        "x: a change of userData would replace the machine and its disk; add it to ignore_changes",
    ),
    (
        made(INSTANCE, {}, ignore=("sshKey", "userData")),
        "x: a change of bootFrom would replace the machine and its disk; add it to ignore_changes",
    ),
    (
        made(VOLUME, {"deleteProtection": True}),
        "x: deleteProtection and protect differ: each stops only one of the ways to lose the disk; set both alike",
    ),
    (
        made(COMMAND, {"create": INSTALL, "update": ":"}, ignore=tuple(VOLATILE - {"stdin"})),
        "x: a change of stdin would install again; add it to ignore_changes",
    ),
    (
        made(COMMAND, {"create": INSTALL, "update": INSTALL}, ignore=INERT),
        "x: its update does something; an installed host is never installed by an update",
    ),
    (
        made(COMMAND, {"create": INSTALL, "update": ":", "delete": "wipefs"}, ignore=INERT),
        "x: its delete does something; taking a host off the books must not touch its disk",
    ),
    (made(FIREWALL, {"rules": [RULE]}), "x: port 22 is open to everyone; name the admins' ranges"),
    (
        made(COMMAND, {"create": "echo '-----BEGIN OPENSSH PRIVATE KEY-----'"}),
        "x: its create holds a key or a token, and a failure prints it; pass it by stdin",
    ),
    (
        made(RELEASE, {"version": "^1.2.3", "name": "x"}),
        "x: version ^1.2.3 is not exact; tomorrow it may be another chart",
    ),
    (
        made(RELEASE, {"version": "1.2.3"}),
        "x: it has no name and gets a new one whenever it is made; name it",
    ),
    (
        made("ovh:Dedicated/server:Server", {}),
        (
            "x: ovh:Dedicated/server:Server is not used here: "
            "its deletion gives the server up, and a changed system installs it again"
        ),
    ),
]


@pytest.mark.parametrize(("resource", "text"), BROKEN, ids=lambda item: item if isinstance(item, str) else "")
def test_a_broken_law_is_named(resource: Any, text: str) -> None:
    assert violations(resource) == [text]
