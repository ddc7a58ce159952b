"""Stack files, `Pulumi.<stack>.yaml`: finding, reading, and replacing what is machine-written in them.

Left out: which keys are made and how they are encrypted; that is keys.py's and keystore.py's matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.document import read, read_fleet, read_whole
from fleet.faults import Fault, FleetError
from fleet.files import read_text, refused
from fleet.keys.identities import Identities
from fleet.keys.pairs import CLUSTER_KEY, HOST_KEY_PREFIX
from fleet.laws.identities import SECTION, identity_faults, missing_identities
from fleet.profiles import load_profiles
from fleet.yamltext import YamlError, parse, set_config, set_top

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.network import Profile
    from fleet.settings import Fleet

ROOT = Path(__file__).resolve().parents[1]
"""The checkout that this package is part of."""

FLEET_KEY = "nixfleet:fleet"
IDENTITIES_KEY = SECTION


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack, read and held to every law."""

    name: str
    path: Path
    fleet: Fleet
    identities: Identities
    profiles: dict[str, Profile]
    """All network profiles of the project by name."""

    secrets: frozenset[str]
    """Config keys of the private halves that the file holds, encrypted."""


def names(root: Path) -> tuple[str, ...]:
    """Stacks that have a file in `root`, sorted."""
    return tuple(sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in root.glob("Pulumi.?*.yaml")))


def path_of(stack: str, root: Path) -> Path:
    """The stack's file; raises FleetError that names the known stacks where there is none."""
    known = names(root)
    if stack not in known:
        raise refused(
            f"stack {stack!r}",
            "stack",
            stack,
            "a stack has a file Pulumi.<stack>.yaml",
            f"name one of {', '.join(known) or 'the stacks after writing a file'}, or write Pulumi.{stack}.yaml",
        )
    return root / f"Pulumi.{stack}.yaml"


def document_of(path: Path, text: str) -> object:
    """A YAML file's plain data; raises FleetError with the line where the text is no YAML."""
    try:
        return parse(text)
    except YamlError as error:
        raise refused(str(path), "document", str(error), "the file is YAML", "correct that place") from None


def config_of(path: Path, text: str) -> dict[str, Any]:
    """The `config` section of a stack file; raises FleetError where there is none."""
    document = document_of(path, text)
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise refused(str(path), "config", "absent", "a stack file has a section config", "add it, see Pulumi.sim.yaml")
    return config


def secret_keys(config: dict[str, Any]) -> frozenset[str]:
    """Config keys whose values are encrypted."""
    return frozenset(key for key, value in config.items() if isinstance(value, dict) and set(value) == {"secure"})


def fleet_of(path: Path, config: dict[str, Any], profiles: dict[str, Profile]) -> Fleet:
    """The fleet of a stack file, held to every law."""
    return read_fleet(_document(path, config), path.name, profiles)


def _document(path: Path, config: dict[str, Any]) -> object:
    if FLEET_KEY not in config:
        raise refused(
            path.name, FLEET_KEY, "absent", "a stack file describes its fleet", f"add {FLEET_KEY}, see Pulumi.sim.yaml"
        )
    return config[FLEET_KEY]


def _identities(
    stack: str, path: Path, config: dict[str, Any], hosts: Iterable[str]
) -> tuple[Identities | None, tuple[Fault, ...]]:
    cure = f"run `make keys STACK={stack}`"
    if IDENTITIES_KEY not in config:
        law = "the public halves of all keys stand in the stack file"
        return None, (Fault(path=IDENTITIES_KEY, value="absent", law=law, cure=cure),)
    try:
        found = read(Identities, config[IDENTITIES_KEY], path.name)
    except FleetError as error:
        return None, tuple(replace(fault, path=f"{IDENTITIES_KEY}.{fault.path}") for fault in error.faults)
    return found, (*identity_faults(found), *missing_identities(found, hosts, cure))


def load_file(stack: str, path: Path, root: Path = ROOT) -> Stack:
    """Read the stack file at `path`, with the profiles of `root`; raises FleetError with all faults."""
    config = config_of(path, read_text(path))
    profiles = load_profiles(root)
    document = _document(path, config)
    fleet, faults = read_whole(document, profiles)
    identities, more = _identities(stack, path, config, fleet.hosts if fleet else ())
    if fleet is None or identities is None or faults or more:
        raise FleetError(path.name, (*faults, *more))
    private = frozenset(key for key in secret_keys(config) if key.startswith(HOST_KEY_PREFIX) or key == CLUSTER_KEY)
    return Stack(name=stack, path=path, fleet=fleet, identities=identities, profiles=profiles, secrets=private)


def load(stack: str, root: Path = ROOT) -> Stack:
    """Read a stack's file and hold it to every law; raises FleetError with all faults."""
    return load_file(stack, path_of(stack, root), root)


def identities_block(identities: Identities) -> list[str]:
    """The lines below `nixfleet:identities:`; hosts sorted, nothing quoted because no key needs it."""
    lines = ["  example: true"] if identities.example else []
    lines += [f"  deployKey: {identities.deploy_key}", "  hosts:"]
    for name in sorted(identities.hosts):
        lines.append(f"    {_scalar(name)}:")
        facts = identities.hosts[name].model_dump(mode="json")
        lines += [f"      {key}: {value}" for key, value in facts.items()]
    return lines


def _scalar(name: str) -> str:
    """A host's name as a YAML key that is text: names of digits alone, or like `null`, are quoted."""
    return name if isinstance(parse(name), str) else f'"{name}"'


def replace_identities(text: str, identities: Identities, ciphertexts: dict[str, str], top: dict[str, str]) -> str:
    """The stack file with these public halves and these encrypted private halves; every other byte stays.

    Args:
        text: the file as it is.
        identities: all public halves.
        ciphertexts: encrypted values by config key, to add or to replace.
        top: keys of the document itself that encryption needs, such as `encryptionsalt`.
    """
    text = set_config(text, IDENTITIES_KEY, identities_block(identities))
    for key in sorted(ciphertexts):
        text = set_config(text, key, [f"  secure: {ciphertexts[key]}"])
    for key in sorted(top):
        text = set_top(text, key, top[key])
    return text
