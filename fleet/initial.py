"""A stack file of one's own from an existing one: what has to be one's own is asked for or given, all else stays."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet import stackfile
from fleet.document import read_fleet
from fleet.files import read_text, refused, write_whole
from fleet.model import NAME_PATTERN
from fleet.profiles import load_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OWN = (
    # keep-sorted start
    "addons.longhorn.backupEndpoint",
    "addons.longhorn.backupTarget",
    "cluster.name",
    "cluster.snapshotBucket.*",
    "endpoint.address",
    "endpoint.name",
    "endpoint.privateAddress",
    "firewall.adminRanges",
    "hosts.*",
    "hosts.*.address",
    "hosts.*.disk.device",
    "hosts.*.disk.serial",
    "hosts.*.disk.sizeGib",
    "hosts.*.flavorId",
    "hosts.*.imageId",
    "hosts.*.location",
    "hosts.*.ports.*",
    "hosts.*.privateAddress",
    "hosts.*.region",
    "hosts.*.serverType",
    "hosts.*.serviceName",
    "hosts.*.sshAddress",
    "hosts.*.storageAddress",
    "providers.ovh.serviceName",
    "users.*",
    "users.*.keys.*",
    # keep-sorted end
)
"""Paths of what has to be one's own: names, addresses, disks and keys. One that ends in a name asks for the name."""

GONE = "-"
"""The answer that leaves a host or a user out."""

HEAD = """# The stack `{stack}`, begun from `{source}`. What is wrong with it: python -m fleet check --stack {stack}
# yaml-language-server: $schema=fleet/schema.json
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing that has to be one's own."""

    path: tuple[str, ...]
    present: Any
    """What the other stack has; for a name, that name."""

    renames: bool
    """Whether it asks for the entry's name, and not for a value."""

    @property
    def word(self) -> str:
        """How it is named on the command line."""
        return ".".join(self.path)

    @property
    def shown(self) -> str:
        """What the other stack has, as it is typed."""
        if isinstance(self.present, list):
            return ", ".join(str(one) for one in self.present)
        return str(self.present)


def questions(fleet: Mapping[str, Any]) -> list[Question]:
    """All that has to be one's own, in the order of the document; names before what they hold."""
    return list(_questions(fleet, ()))


def _questions(value: Any, path: tuple[str, ...]) -> Iterator[Question]:  # noqa: ANN401 - plain data
    for key, inner in value.items() if isinstance(value, dict) else ():
        here = (*path, str(key))
        if _is_own(here):
            renames = isinstance(inner, dict)
            yield Question(path=here, present=key if renames else inner, renames=renames)
        yield from _questions(inner, here)


def _is_own(path: tuple[str, ...]) -> bool:
    patterns = (pattern.split(".") for pattern in OWN)
    return any(
        len(pattern) == len(path) and all(one in ("*", other) for one, other in zip(pattern, path, strict=True))
        for pattern in patterns
    )


def answered(fleet: Mapping[str, Any], answers: Mapping[str, str], source: str) -> dict[str, Any]:
    """The document with these answers, by the question's word; raises FleetError for one that nobody asked for."""
    asked = {question.word: question for question in questions(fleet)}
    for word in answers:
        if word not in asked:
            law, cure = "it is none of what has to be one's own", "`make init` without answers lists them all"
            raise refused(source, word, answers[word], law, cure)
    document = copy.deepcopy(dict(fleet))
    # Deepest first: a name that changes would lead the others astray.
    for word in sorted(answers, key=lambda word: -len(asked[word].path)):
        question = asked[word]
        owner: Any = document
        for key in question.path[:-1]:
            owner = owner[key]
        if question.renames:
            _rename(document, owner, question, answers[word], source)
        else:
            owner[question.path[-1]] = _value(question, answers[word])
    return document


def _value(question: Question, text: str) -> Any:  # noqa: ANN401 - plain data
    if isinstance(question.present, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(question.present, int):
        return int(text) if text.isdigit() else text
    file = Path(text).expanduser()
    if question.path[0] == "users" and text.endswith(".pub") and file.is_file():
        return file.read_text(encoding="utf-8").strip()
    return text


def _rename(document: dict[str, Any], owner: dict[str, Any], question: Question, name: str, source: str) -> None:
    before = question.path[-1]
    if name == GONE:
        del owner[before]
        return
    if not re.fullmatch(NAME_PATTERN, name) or (name != before and name in owner):
        law = "a name has lower case letters, digits and inner hyphens, and is there once"
        raise refused(source, question.word, name, law, "choose another one")
    entries = [(name if key == before else key, value) for key, value in owner.items()]
    owner.clear()
    owner.update(entries)
    if question.path[0] == "hosts" and document.get("cluster", {}).get("seed") == before:
        document["cluster"]["seed"] = name


def begin(
    stack: str, source: str, root: Path, answers: Mapping[str, str], ask: Callable[[Question], str] | None
) -> Path:
    """Write the stack file and answer with its path; raises FleetError, and writes nothing, where a law is broken.

    Args:
        stack: name of the new stack.
        source: the stack that it begins from.
        root: the checkout.
        answers: values by the questions' words.
        ask: asks a person for what is not answered; None takes what the source has.
    """
    path = root / f"Pulumi.{stack}.yaml"
    if not re.fullmatch(NAME_PATTERN, stack):
        raise refused(path.name, "STACK", stack, "a stack's name is a DNS label", "choose another one, as STACK=home")
    if path.exists():
        raise refused(path.name, "document", "there", "a file is begun once", "choose another name, or edit the file")
    origin = stackfile.path_of(source, root)
    config = stackfile.config_of(origin, read_text(origin))
    known = {"cluster.name": stack, **answers}
    fleet = config[stackfile.FLEET_KEY]
    given = dict(known)
    gone: set[tuple[str, ...]] = set()
    for question in questions(fleet) if ask else ():
        if question.word in answers or any(question.path[: len(one)] == one for one in gone):
            continue
        text = ask(question).strip() if ask else ""
        if text:
            given[question.word] = text
        if question.renames and text == GONE:
            gone.add(question.path)
    document = answered(fleet, given, path.name)
    read_fleet(document, path.name, load_profiles(root))
    clear = {key: value for key, value in config.items() if key not in (stackfile.FLEET_KEY, stackfile.IDENTITIES_KEY)}
    secret = stackfile.secret_keys(config)
    kept = {key: value for key, value in clear.items() if key not in secret and not key.startswith("nixfleet:")}
    whole = {"config": {**kept, stackfile.FLEET_KEY: document}}
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=4096)
    write_whole(path, HEAD.format(stack=stack, source=source) + text)
    return path
