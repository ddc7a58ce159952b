"""The last resource of a run that does something: hosts that were off are left out on the way and brought up here.

A host that is off must not keep the others from going on, and a run that left one out must not end well: whoever was
left out on the way is tried again when all others are done, add-ons included, and the run fails where it is still off.
Where nobody was left out, nothing is run, and nothing of it changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pulumi

from components.commands import Work, work
from components.edges import foreseen, unlinked
from fleet.contract.late import LATE, WORD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi_command import local

    from fleet.settings import Fleet

Late: TypeAlias = "Mapping[str, str]"
"""Hosts that were left out, each with a word that is another one every time."""

NOT_ITS_OWN = ("NIXFLEET_ADDRESS", "NIXFLEET_PEERS", "NIXFLEET_REBOOTS")
"""Of a switch's environment, what all hosts have in common, is said with their addresses, or nobody does after it."""


@dataclass(frozen=True, kw_only=True)
class LatecomersArgs:
    """What is known of the hosts of a run."""

    stack: str
    """Stack whose contract describes the hosts."""

    fleet: Fleet
    """What the stack file says: limits follow from it."""

    systems: Mapping[str, local.Command]
    """What brings each host to its system, by name."""

    mesh: local.Command | None
    """What brings their peers to them."""

    peers: pulumi.Input[str]
    """All hosts as others know them, as JSON by name."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    ends: tuple[pulumi.Resource, ...]
    """What nothing else depends on: with them, all that is done before."""


class Latecomers(pulumi.ComponentResource):
    """Hosts that a run left out."""

    command: pulumi.Resource
    """There when nobody is missing."""

    def __init__(self, name: str, args: LatecomersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Bring them up to date."""
        super().__init__("nixfleet:index:Latecomers", name, None, opts)
        found = _late(args)
        secrets: pulumi.Output[str] = pulumi.Output.secret(_asked(found, lambda late: _secrets(args, late)))
        self.command = work(
            f"{name}-latecomers",
            Work(verb="latecomers", stack=args.stack, fleet=args.fleet),
            ("create", "update"),
            environment={
                "NIXFLEET_LATE": _asked(found, lambda late: _environments(args, late)),
                "NIXFLEET_PEERS": _asked(found, lambda late: _peers(args, late)),
            },
            stdin=secrets,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ends)),
        )
        self.register_outputs({})


def _late(args: LatecomersArgs) -> pulumi.Output[Late]:
    """Who was left out. A preview foretells nobody new."""
    answers = {name: foreseen(unlinked(system.stdout), "") for name, system in args.systems.items()}
    pushed = foreseen(unlinked(args.mesh.stdout), "") if args.mesh else pulumi.Output.from_input("")
    return pulumi.Output.all(pushed, pulumi.Output.all(**answers)).apply(lambda said: _words(*said))


def _words(pushed: str | None, answers: Mapping[str, str | None]) -> Late:
    late = {name: _said(answer).get(LATE, "") for name, answer in answers.items()}
    unheard: Mapping[str, str] = _said(pushed).get(LATE, {})
    found = {name: f"{word} {unheard.get(name, '')}".strip() for name, word in late.items()}
    return {name: word for name, word in sorted(found.items()) if word}


def _said(text: str | None) -> dict[str, Any]:
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _asked(late: pulumi.Output[Late], ask: Callable[[Late], pulumi.Output[str]]) -> pulumi.Output[str]:
    """What is asked for them; without them nothing is asked of anybody, and so nothing is unknown in a preview."""
    flat: Callable[[Late], Any] = ask
    return late.apply(flat)


def _peers(args: LatecomersArgs, late: Late) -> pulumi.Output[str]:
    return unlinked(args.peers) if late else pulumi.Output.from_input("{}")


def _environments(args: LatecomersArgs, late: Late) -> pulumi.Output[str]:
    """What each one's switch has to know; the word makes it another input each time the host is left out."""
    known = {name: unlinked(args.systems[name].environment) for name in late}
    return pulumi.Output.all(**known).apply(
        lambda found: json.dumps(
            {
                name: {
                    WORD: word,
                    **{key: value for key, value in found[name].items() if key not in NOT_ITS_OWN},
                }
                for name, word in late.items()
            },
            sort_keys=True,
        )
    )


def _secrets(args: LatecomersArgs, late: Late) -> pulumi.Output[str]:
    """The key to log in with, and what each one's switch needs."""
    kept = pulumi.Output.all(**{name: unlinked(args.systems[name].stdin) for name in late})
    return pulumi.Output.all(args.deploy_secret, kept).apply(
        lambda found: (
            json.dumps(
                {**json.loads(found[0]), LATE: json.dumps({name: json.loads(text) for name, text in found[1].items()})},
                sort_keys=True,
            )
            if found[1]
            else found[0]
        )
    )
