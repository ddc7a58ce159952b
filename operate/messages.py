"""What the engine and the tools say when something is wrong, as one message with its cause and the next step.

Faults of a stack file carry their own cure (fleet/faults.py); hosts' faults are said by hostops. Neither is reworded
here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class OperateError(Exception):
    """A fault whose text names the cause and the next step."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A fault that users meet, by the engine's words for it."""

    pattern: str
    """What the engine says; groups may be named in `message`."""

    message: str
    """Cause and next step."""


KNOWN = (
    Known(
        pattern=r"incorrect passphrase|message authentication failed",
        message=(
            "wrong passphrase: the secrets of stack {stack} do not open with PULUMI_CONFIG_PASSPHRASE; set "
            "the passphrase that `make keys STACK={stack}` was run with"
        ),
    ),
    Known(
        pattern=r"passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
        message="no passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to that of stack {stack}",
    ),
    Known(
        pattern=r"the stack is currently locked by (?P<count>\d+) lock",
        message=(
            "stack {stack} is locked: another run works on it, or one was killed; when none runs any more, "
            "`pulumi cancel --yes --stack {stack}` removes the lock, and the same command can be run again"
        ),
    ),
    Known(
        pattern=r"no space left on device",
        message=(
            "the disk is full: free some space (df -h shows which disk) and run the same command again; it "
            "goes on where it stopped"
        ),
    ),
    Known(
        pattern=r"PULUMI_ACCESS_TOKEN must be set|not logged in|no login context",
        message=(
            "not logged in to a state backend: run `pulumi login` (README, section on shared state) or set "
            "PULUMI_BACKEND_URL"
        ),
    ),
    Known(
        pattern=r"(?:open|mkdir|rename|create) (?P<path>\S+): (?:permission denied|read-only file system)",
        message=(
            "cannot write {path}: make it writable, or name another folder (PULUMI_HOME for the engine's own "
            "files, XDG_CACHE_HOME for the cache)"
        ),
    ),
    Known(
        pattern=(
            r"no resource plugin 'pulumi-resource-(?P<plugin>[a-z0-9-]+)' found in the workspace "
            r"at version v(?P<version>[0-9][^\s,]*)"
            r"|failed to download plugin: (?P<plugin2>[a-z0-9-]+?)-v?(?P<version2>[0-9][^\s:]*)"
        ),
        message=(
            "provider plugin {plugin}{plugin2} {version}{version2} is missing: the engine downloads it at the first "
            "run, so this machine must reach its release once; or bring it: "
            "`pulumi plugin install resource {plugin}{plugin2} {version}{version2}`"
        ),
    ),
    Known(
        pattern=r"no resource plugin 'pulumi-resource-(?P<plugin>[a-z0-9-]+)' found in the workspace",
        message=(
            "provider plugin {plugin} is missing: the engine downloads it at the first run, so this machine must "
            "reach its release once; or bring it: `pulumi plugin install resource {plugin}`"
        ),
    ),
    Known(
        pattern=r"urn:\S+\" cannot be deleted.*protected|unable to (?:delete|replace) resource \"",
        message=(
            "a protected resource would be deleted: if that is meant, set `protection: false` in "
            "Pulumi.{stack}.yaml, run `make up STACK={stack}`, then run this command again"
        ),
    ),
)


def explain(text: str, stack: str) -> str | None:
    """The message for a known fault in `text`; None when it is not one of them."""
    for known in KNOWN:
        found = re.search(known.pattern, text, re.IGNORECASE | re.DOTALL)
        if found:
            return known.message.format(stack=stack, **{name: value or "" for name, value in found.groupdict().items()})
    return None
