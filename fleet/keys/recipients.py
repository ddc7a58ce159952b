"""`.sops.yaml`: who can decrypt which file of `secrets/`. Each host reads its own file and the stack's shared one.

Beside the hosts, the deploy key and the admins' ed25519 keys can read everything; keys of other types have no age form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.keys.age import recipient

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.stackfile import Stack

_HEAD = "# Written by `python -m fleet sops` from the public halves in the stack files; edits are lost.\n"
_NOTE = (
    "  # Stack {name} has example keys only, so nobody could read a file for it: run `make keys STACK={name}` first.\n"
)


def _people(stack: Stack) -> set[str]:
    admins = [user for user in stack.fleet.users.values() if user.admin]
    lines = [line for user in admins for line in user.keys.values() if line.startswith("ssh-ed25519 ")]
    return {recipient(line) for line in [stack.identities.deploy_key, *lines]}


def _rule(file: str, recipients: Iterable[str]) -> str:
    lines = ",\n".join(f"      {name}" for name in sorted(recipients))
    pattern = file.replace(".", "\\.")
    return f"  - path_regex: (^|/)secrets/{pattern}$\n    age: >-\n{lines}\n"


def render_sops(stacks: Iterable[Stack]) -> str:
    """The bytes of `.sops.yaml` for all stacks of the project."""
    text = _HEAD + "creation_rules:\n"
    for stack in sorted(stacks, key=lambda stack: stack.name):
        people = _people(stack)
        hosts = {name: stack.identities.hosts[name].age_recipient for name in sorted(stack.fleet.hosts)}
        text += _NOTE.format(name=stack.name) if stack.identities.example else ""
        for name, own in hosts.items():
            text += _rule(f"{stack.name}/{name}.yaml", {own, *people})
        text += _rule(f"{stack.name}/shared.yaml", {*hosts.values(), *people})
    return text
