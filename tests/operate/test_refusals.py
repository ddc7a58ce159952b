"""What clouds refuse, and what a person reads instead."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from operate.engine import errors_of
from operate.record import Recorder
from operate.refusals import HETZNER, OVH, SAME, in_words

PLACEMENT = (
    "sdk-v2/provider2.go:571: sdk.helper_schema: "
    "error during placement (resource_unavailable): provider=hcloud@1.43.3\n"
)
SERVER = (
    "urn:pulumi:cloud::nixfleet::nixfleet:index:Hetzner$nixfleet:index:HetznerServer$hcloud:index/server:Server"
    "::c-1-server"
)

REFUSED = [
    pytest.param(
        "hcloud",
        PLACEMENT,
        "c-1: server: Hetzner has no room for it there now (resource_unavailable); "
        "choose another location or serverType, or run the same command again later",
        id="no capacity",
    ),
    pytest.param(
        "hcloud",
        "1 error occurred:\n\t* error during placement (placement_error, 8c1d2a)\n\n",
        "c-1: server: Hetzner has no room for it there now (placement_error); "
        "choose another location or serverType, or run the same command again later",
        id="no placement, with a correlation id",
    ),
    pytest.param(
        "hcloud",
        "server limit reached (resource_limit_exceeded)",
        "c-1: server: the project is at its limit for such things (resource_limit_exceeded); ask Hetzner to raise it "
        "(console, Limits), or remove what is not needed, then run the same command again",
        id="limit",
    ),
    pytest.param(
        "hcloud",
        "API request failed: server name is already used\n\nError code: uniqueness_error\nStatus code: 409\n",
        "c-1: server: something of that name or content is there already and the stack's state does not know it: what "
        "a lost answer left behind, or another stack's (uniqueness_error); look at it in Hetzner's console: what "
        "carries this stack's label is taken into the state by `make adopt`; where it holds nothing it can be deleted "
        "there",
        id="name taken",
    ),
    pytest.param(
        "hcloud",
        "server is locked (locked)",
        "c-1: server: another action works on it at Hetzner (locked); "
        "run the same command again in some minutes: it goes on where it stopped",
        id="locked",
    ),
    pytest.param(
        "hcloud",
        "limit of 3600 requests per hour reached (rate_limit_exceeded)",
        "c-1: server: the project's calls of this hour are used up (3600 an hour) (rate_limit_exceeded); "
        "run the same command again in an hour, and look for what else uses the token",
        id="rate limit",
    ),
    pytest.param(
        "hcloud",
        "unable to authenticate (unauthorized)",
        "c-1: server: Hetzner does not know the token (unauthorized); "
        "set one of this project with `pulumi config set --secret hcloud:token` or HCLOUD_TOKEN",
        id="credential",
    ),
    pytest.param(
        "hcloud",
        "server deletion is protected (protected)",
        "c-1: server: Hetzner protects it from this (protected); if it is meant, set `protection: false` in the stack "
        "file, run `make up`, then run this command again",
        id="protection",
    ),
    pytest.param(
        "hcloud",
        'Post "https://api.example.net/v1/servers": dial tcp: lookup api.example.net: no such host',
        "c-1: server: the cloud's API could not be reached from this machine (dial tcp); check the network, the name "
        "resolution and a proxy's settings here, then run the same command again",
        id="network",
    ),
    pytest.param(
        "hcloud",
        "hcloud: server responded with status code 503",
        "c-1: server: Hetzner's API failed (status 503); "
        "run the same command again in some minutes: it goes on where it stopped",
        id="a gateway without an answer",
    ),
    pytest.param(
        "ovh",
        'OVHcloud API error (status code 403): Client::Forbidden: "not granted" (X-OVH-Query-Id: EU.1)',
        "c-1: server: the credentials may not do this, or have run out (status 403); make a consumer key with GET, "
        "POST, PUT and DELETE on /cloud/project/* and set it with `pulumi config set --secret ovh:consumerKey`",
        id="not granted at OVH",
    ),
    pytest.param(
        "ovh",
        'OVHcloud API error (status code 503): "Service unavailable"',
        "c-1: server: OVH's API failed (status 503); "
        "run the same command again in some minutes: it goes on where it stopped",
        id="OVH down",
    ),
]


@pytest.mark.parametrize(("package", "said", "message"), REFUSED)
def test_a_refusal_names_the_host_the_cause_and_the_cure(package: str, said: str, message: str) -> None:
    assert in_words(package, "c-1-server", said) == message


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("hcloud", "something new (brand_new_code)"),
        ("ovh", 'OVHcloud API error (status code 302): "moved"'),
        ("ovh", "error during placement (resource_unavailable)"),
        ("kubernetes", "dial tcp: connection refused"),
        ("command", "exit status 1 (locked)"),
    ],
)
def test_what_is_not_known_is_left_as_it_was_said(package: str, said: str) -> None:
    assert in_words(package, "c-1-server", said) is None


def test_every_code_that_means_another_one_leads_to_one_that_is_explained() -> None:
    assert set(SAME.values()) <= set(HETZNER)
    assert not set(SAME) & set(HETZNER)


def test_every_refusal_ends_in_something_to_do() -> None:
    for refusal in (*HETZNER.values(), *OVH.values()):
        assert re.search(r"\b(run|choose|ask|look|set|make|give|correct|its words)\b", refusal.cure)


def _diagnostic(urn: str | None, message: str) -> Any:
    return SimpleNamespace(
        diagnostic_event=SimpleNamespace(severity="error", urn=urn, message=message),
        resource_pre_event=None,
        res_op_failed_event=None,
        res_outputs_event=None,
    )


def test_the_same_refusal_told_twice_is_shown_once_and_kept_word_for_word() -> None:
    recorder = Recorder()
    again = "1 error occurred:\n\t* error during placement (resource_unavailable)\n\n"
    for said in (PLACEMENT, again):
        recorder.take(_diagnostic(SERVER, said))
    assert recorder.errors == [
        (
            "c-1: server: Hetzner has no room for it there now (resource_unavailable); "
            "choose another location or serverType, or run the same command again later"
        )
    ]
    assert recorder.raw_errors == [f"{SERVER}: {PLACEMENT.strip()}", f"{SERVER}: {again.strip()}"]


def test_an_error_of_the_engine_itself_has_no_resource() -> None:
    recorder = Recorder()
    recorder.take(_diagnostic(None, "error: no such plugin"))
    assert recorder.errors == ["no such plugin"]
    assert recorder.raw_errors == ["engine: error: no such plugin"]


def test_a_hosts_full_disk_is_not_taken_for_this_machines() -> None:
    recorder = Recorder()
    said = 'exit status 6: running "python -m hostops switch --stack s --host a":\nhostops: a: copy: failed: no room: '
    recorder.take(_diagnostic(SERVER, f"{said}No space left on device\n"))
    recorder.take(_diagnostic(None, "error: write state: no space left on device"))
    assert errors_of(recorder, "s", "everything: no space left on device") == (
        "a: copy: failed: no room: No space left on device (hostops switch, exit code 6)",
        (
            "the disk is full: free some space (df -h shows which disk) and run the same command again; it goes on "
            "where it stopped"
        ),
    )
    assert errors_of(Recorder(), "s", "everything: no space left on device") == (
        (
            "the disk is full: free some space (df -h shows which disk) and run the same command again; it goes on "
            "where it stopped"
        ),
    )
