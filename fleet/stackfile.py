"""Stack files, `Pulumi.<stack>.yaml`: finding, reading, and replacing what is machine-written in them.

Left out: which keys are made and how they are encrypted; that is keys.py's and keystore.py's matter.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.document import read, read_fleet
from fleet.faults import Fault, FleetError
from fleet.identities import Identities
from fleet.keys import HOST_KEY_PREFIX
from fleet.network import Profile
from fleet.profiles import load_profiles
from fleet.settings import Fleet
from fleet.yamltext import YamlError, parse, set_config, set_top

ROOT = Path(__file__).resolve().parents[1]
"""The checkout that this package is part of."""

FLEET_KEY = "nixfleet:fleet"
IDENTITIES_KEY = "nixfleet:identities"


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


def refused(source: str, path: str, value: str, law: str, cure: str) -> FleetError:
    """An error of one fault."""
    return FleetError(source, (Fault(path=path, value=value, law=law, cure=cure),))


def read_text(path: Path) -> str:
    """The file's text; raises FleetError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise refused(str(path), "document", str(reason), "a stack file can be read", "check its name and its access") from None


def config_of(path: Path, text: str) -> dict[str, Any]:
    """The `config` section of a stack file; raises FleetError with the line where the text is no YAML."""
    try:
        document = parse(text)
    except YamlError as error:
        raise refused(str(path), "document", str(error), "a stack file is YAML", "correct that line") from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise refused(str(path), "config", "absent", "a stack file has a section config", "add it, or see Pulumi.sim.yaml")
    return config


def secret_keys(config: dict[str, Any]) -> frozenset[str]:
    """Config keys whose values are encrypted."""
    return frozenset(key for key, value in config.items() if isinstance(value, dict) and set(value) == {"secure"})


def fleet_of(path: Path, config: dict[str, Any], profiles: dict[str, Profile]) -> Fleet:
    """The fleet of a stack file, held to every law."""
    if FLEET_KEY not in config:
        raise refused(path.name, FLEET_KEY, "absent", "a stack file describes its fleet", f"add {FLEET_KEY}, see Pulumi.sim.yaml")
    return read_fleet(config[FLEET_KEY], path.name, profiles)


def _identities_of(stack: str, path: Path, config: dict[str, Any], fleet: Fleet) -> Identities:
    cure = f"make keys STACK={stack}"
    if IDENTITIES_KEY not in config:
        raise refused(path.name, IDENTITIES_KEY, "absent", "the public halves of all keys stand in the stack file", cure)
    identities = read(Identities, config[IDENTITIES_KEY], path.name)
    law = "every host has an identity before its machine exists"
    missing = tuple(
        Fault(path=f"{IDENTITIES_KEY}.hosts.{host}", value="absent", law=law, cure=cure)
        for host in fleet.hosts
        if host not in identities.hosts
    )
    if missing:
        raise FleetError(path.name, missing)
    return identities


def load(stack: str, root: Path = ROOT) -> Stack:
    """Read a stack's file and hold it to every law; raises FleetError with all faults."""
    path = path_of(stack, root)
    config = config_of(path, read_text(path))
    profiles = load_profiles(root)
    fleet = fleet_of(path, config, profiles)
    return Stack(
        name=stack,
        path=path,
        fleet=fleet,
        identities=_identities_of(stack, path, config, fleet),
        profiles=profiles,
        secrets=frozenset(key for key in secret_keys(config) if key.startswith((HOST_KEY_PREFIX, "nixfleet:clusterKeys"))),
    )


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


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: whoever is killed leaves the old one or the new one, never a part."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
