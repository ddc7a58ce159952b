"""What the types refuse, in the words of this project: pydantic's errors as faults with path, value, law and cure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.model import (
    DISK_PATTERN,
    ED25519_PATTERN,
    MAC_PATTERN,
    NAME_PATTERN,
    NARROWEST_PREFIX,
    SSH_KEY_PATTERN,
    WORD_PATTERN,
    ZONE_PATTERN,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LONGEST_VALUE = 60
_PATTERNS = {
    NAME_PATTERN: ("a name has lower case letters, digits and inner hyphens, at most 63", "rename it"),
    SSH_KEY_PATTERN: ("a public key is one line of a .pub file", "paste that line"),
    ED25519_PATTERN: ("it is an ed25519 public key without a comment", "run make keys"),
    DISK_PATTERN: ("a disk is a path below /dev", "write it as /dev/disk/by-id/..."),
    MAC_PATTERN: (
        "a hardware address is six lower-case octets with colons",
        "write it as 02:00:00:00:00:01, in quotes",
    ),
    WORD_PATTERN: ("it is one word of printable characters", "write each word as an item of its own"),
    ZONE_PATTERN: ("a time zone is a name of the time zone database", "write it as Europe/Berlin or UTC"),
    r"^v1\.\d+\.\d+\+k3s\d+$": ("a version of k3s has the form v1.35.6+k3s1", "write it in that form"),
}
_KNOWN = {
    "dict_type": ("it must be keys with values", "write it as a block of keys"),
    "extra_forbidden": ("there is no such key here", "remove it or correct its spelling"),
    "no_room": ("a network has room for a gateway and hosts", f"write a range of /{NARROWEST_PREFIX} or wider"),
    "missing": ("this key is required", "add it"),
    "model_type": ("it must be keys with values", "write it as a block of keys"),
    "union_tag_invalid": ("the kind is one of {expected_tags}", "name one of them"),
    "union_tag_not_found": ("the kind says which keys follow", "add it"),
    "unknown_kind": ("a host's kind is one of {known}", "name one of them"),
}
_TAGGED = {"endpoint": ("loadBalancer", "virtualIp"), "network": ("mesh", "profile", "provider")}
_WORDS = (
    (re.compile(r"^Input should be a valid "), "it must be a valid "),
    (re.compile(r"^Input should be "), "it must be "),
    (re.compile(r"^Input is not a valid "), "it must be a valid "),
    (re.compile(r"^(?:Dictionary|Tuple|Value) should have "), "it must have "),
    (re.compile(r"^String should "), "the text must "),
    (re.compile(r" after validation, not \d+$"), ""),
)


def shown(value: object) -> str:
    """A value as JSON writes it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if "PRIVATE KEY" in text:
        return "a private key, not shown here"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _path(error: ErrorDetails) -> str:
    parts = [str(part) for part in error["loc"] if part != "[key]"]
    # A tag that chose one of several models stands in pydantic's path, but not in the document.
    if len(parts) > 1 and parts[1] in _TAGGED.get(parts[0], ()):
        del parts[1]
    if error["type"] == "unknown_kind" or error["type"].startswith("union_tag"):
        parts.append("kind")
    return ".".join(parts) or "document"


def _law(error: ErrorDetails) -> tuple[str, str]:
    context = error.get("ctx", {})
    if context.get("pattern") in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    if error["type"] in _KNOWN:
        law, cure = _KNOWN[error["type"]]
        return law.format(**context), cure
    law = error["msg"]
    for pattern, words in _WORDS:
        law = pattern.sub(words, law)
    return law, "correct the value"


def _value(error: ErrorDetails) -> str:
    if error["type"] in ("missing", "union_tag_not_found"):
        return "absent"
    value = error["input"]
    if error["type"] in ("unknown_kind", "union_tag_invalid"):
        value = value.get("kind") if isinstance(value, dict) else value
        return "absent" if value is None else shown(value)
    return shown(value)


def type_fault(error: ErrorDetails) -> Fault:
    """One error of pydantic as a fault."""
    law, cure = _law(error)
    return Fault(path=_path(error), value=_value(error), law=law, cure=cure)
