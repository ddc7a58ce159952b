"""What the engine says, and what a person reads instead."""

from __future__ import annotations

import pytest

from operate.messages import explain
from operate.record import tidy

WORDS = [
    pytest.param(
        "error: getting secrets manager: passphrase incorrect: incorrect passphrase",
        "wrong passphrase: the secrets of stack lab do not open with PULUMI_CONFIG_PASSPHRASE; "
        "set the passphrase that `make keys STACK=lab` was run with",
        id="wrong passphrase",
    ),
    pytest.param(
        "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE "
        "environment variables",
        "no passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to that of stack lab",
        id="no passphrase",
    ),
    pytest.param(
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end "
        "or delete the lock",
        "stack lab is locked: another run works on it, or one was killed; when none runs any more, "
        "`pulumi cancel --yes --stack lab` removes the lock, and the same command can be run again",
        id="locked",
    ),
    pytest.param(
        "error: write /state/.pulumi/stacks/nixfleet/lab.json: no space left on device",
        "the disk is full: free some space (df -h shows which disk) and run the same command again; it "
        "goes on where it stopped",
        id="full disk",
    ),
    pytest.param(
        "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
        "not logged in to a state backend: run `pulumi login` (README, section on shared state) or set "
        "PULUMI_BACKEND_URL",
        id="no login",
    ),
    pytest.param(
        "error: could not load: open /root/.pulumi/credentials.json: permission denied",
        "cannot write /root/.pulumi/credentials.json: make it writable, or name another folder "
        "(PULUMI_HOME for the engine's own files, XDG_CACHE_HOME for the cache)",
        id="unwritable",
    ),
    pytest.param(
        'error: resource "urn:pulumi:lab::nixfleet::hcloud:index/server:Server::a" cannot be deleted, it is protected',
        "a protected resource would be deleted: if that is meant, set `protection: false` in Pulumi.lab.yaml, "
        "run `make up STACK=lab`, then run this command again",
        id="protected",
    ),
    pytest.param(
        "error: could not load provider: no resource plugin 'pulumi-resource-hcloud' found in the workspace at version "
        "v1.43.3 or on your $PATH",
        "provider plugin hcloud 1.43.3 is missing: the engine downloads it at the first run, so this machine must "
        "reach its release once; or bring it: `pulumi plugin install resource hcloud 1.43.3`",
        id="missing plugin",
    ),
    pytest.param(
        "error: failed to download plugin: hcloud-1.43.3: 404 HTTP error fetching plugin",
        "provider plugin hcloud 1.43.3 is missing: the engine downloads it at the first run, so this machine must "
        "reach its release once; or bring it: `pulumi plugin install resource hcloud 1.43.3`",
        id="plugin that cannot be downloaded",
    ),
    pytest.param(
        "error: no resource plugin 'pulumi-resource-ovh' found in the workspace or on your $PATH",
        "provider plugin ovh is missing: the engine downloads it at the first run, so this machine must reach its "
        "release once; or bring it: `pulumi plugin install resource ovh`",
        id="missing plugin of unknown version",
    ),
]


@pytest.mark.parametrize(("said", "message"), WORDS)
def test_a_known_fault_names_its_cause_and_the_next_step(said: str, message: str) -> None:
    assert explain(said, "lab") == message


def test_an_unknown_fault_is_not_explained_away() -> None:
    assert explain("error: server limit reached", "lab") is None


def test_of_a_failed_host_command_its_last_line_is_shown() -> None:
    said = (
        'exit status 4: running "python -m hostops install --stack lab --host n100-1":\n'
        "hostops: n100-1: contact: waiting for 192.0.2.7\n"
        "hostops: n100-1: contact: not reachable within 300 s, last seen: connection refused; check its power\n"
    )
    assert tidy(said) == (
        "n100-1: contact: not reachable within 300 s, last seen: connection refused; check its power "
        "(hostops install, exit code 4)"
    )


def test_of_any_other_command_everything_is_shown() -> None:
    assert (
        tidy('exit status 1: running "nix eval":\nno such attribute\n')
        == 'exit status 1: running "nix eval":\nno such attribute'
    )


def test_of_a_host_command_that_broke_everything_is_shown() -> None:
    said = (
        'exit status 1: running "python -m hostops switch --stack lab --host a":\n'
        "hostops: a: look: generation 3 (0.1 s)\nTraceback (most recent call last):\nKeyError: 'x'\n"
    )
    assert tidy(said) == said.strip()
