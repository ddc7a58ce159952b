"""Tables and lines that a person reads, from made-up operations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operate import report
from operate.phases import durations, phase_of
from operate.progress import DONE, PLANNED, operation_line
from operate.record import Operation, Run


def said(generation: int, ready: str) -> dict[str, str]:
    return {"stdout": f'{{"generation": {generation}, "ready": {ready}}}'}


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:sim::nixfleet::nixfleet:index:Host${token}::{name}"


def operation(op: str, token: str, name: str, **more: Any) -> Operation:
    return Operation(op=op, urn=urn(token, name), **more)


def run(*operations: Operation, **more: Any) -> Run:
    facts = {
        "verb": "up",
        "stack": "sim",
        "ok": True,
        "outputs": {},
        "secret_outputs": frozenset(),
        "raw_errors": (),
        "errors": (),
        "seconds": 61.4,
        "stdout": "",
        "stderr": "",
    }
    return Run(operations=operations, **{**facts, **more})


COMMAND = "command:local:Command"
OUTPUTS = {
    "fleet": {
        "version": 1,
        "cluster": {
            "name": "sim",
            "endpoint": "https://api.example.net:6443",
            "endpointAddress": "192.0.2.1",
            "k3sVersion": "v1.34.1+k3s1",
        },
        "hosts": {
            "a-agent": {
                "kind": "bare-metal",
                "role": "agent",
                "address": "10.0.0.9",
                "sshAddress": "192.0.2.9",
                "closure": "content-1",
            },
            "z-server": {
                "kind": "hcloud",
                "role": "server",
                "address": "10.0.0.1",
                "sshAddress": "192.0.2.2",
                "closure": "content-2",
            },
        },
        "addons": {"longhorn": "1.9.1"},
        "knownHosts": [],
    }
}


def test_after_an_up_nodes_add_ons_times_and_next_steps_are_told() -> None:
    done = run(
        operation("create", "hcloud:index/network:Network", "sim-network", began=1.0, ended=2.5),
        operation("create", "hcloud:index/server:Server", "z-server", began=2.5, ended=7.5),
        operation("create", COMMAND, "z-server-install", began=8.0, ended=30.0),
        operation("create", COMMAND, "a-agent-install", began=8.0, ended=48.0),
        operation(
            "create",
            COMMAND,
            "z-server-system",
            began=48.0,
            ended=50.0,
            results=said(1, "true"),
        ),
        operation(
            "create",
            COMMAND,
            "a-agent-system",
            began=50.0,
            ended=52.0,
            results=said(3, "false"),
        ),
        operation("create", "kubernetes:helm.sh/v3:Release", "longhorn", began=53.0, ended=60.0),
        outputs=OUTPUTS,
    )
    assert report.after_up(done) == (
        "Cluster sim: k3s v1.34.1+k3s1 at https://api.example.net:6443\n"
        "\n"
        "NODE      WHERE          ROLE    ADDRESS   GENERATION  READY\n"
        "z-server  Hetzner Cloud  server  10.0.0.1  1           yes\n"
        "a-agent   bare metal     agent   10.0.0.9  3           no\n"
        "\n"
        "ADD-ON    VERSION\n"
        "longhorn  1.9.1\n"
        "\n"
        "PHASE     SECONDS\n"
        "network   1.5\n"
        "servers   5.0\n"
        "installs  40.0\n"
        "systems   4.0\n"
        "add-ons   7.0\n"
        "\n"
        "up of sim: 7 create; 61 s\n"
        "\n"
        "Next:  make status   asks every host now\n"
        "       make outputs  what other stacks may read\n"
        "       make kubeconfig  writes a file for kubectl\n"
        "       edit Pulumi.sim.yaml, then make contract && make preview"
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (("a", "1", "1"), ("a", "1", "1"), "is looked at, and keeps its generation"),
        (("a", "1", "1"), ("b", "1", "1"), "switches: units restart, k3s does not"),
        (("a", "1", "1"), ("b", "2", "1"), "is drained and switches: k3s restarts"),
        (("a", "1", "1"), ("b", "2", "2"), "is drained and reboots into the new generation"),
        ((), ("b", "2", "2"), "switches to another generation, with a rollback if it does not come back healthy"),
    ],
    ids=["nothing", "units", "k3s", "reboot", "unknown"],
)
def test_a_preview_says_what_a_switch_does_where_both_systems_were_evaluated(
    old: tuple[str, ...], new: tuple[str, ...], text: str
) -> None:
    def inputs(*facts: str) -> dict[str, Any]:
        if not facts:
            return {"environment": {"NIXFLEET_CLOSURE": "content", "NIXFLEET_WEIGHT": ""}}
        closure, k3s, boot = facts
        weight = json.dumps({"k3s": k3s, "boot": boot})
        return {"environment": {"NIXFLEET_CLOSURE": closure, "NIXFLEET_WEIGHT": weight}}

    done = run(operation("update", COMMAND, "b-system", old=inputs(*old), new=inputs(*new)), verb="preview")
    assert report.host_changes(done) == {"b": text}


def test_a_preview_says_whose_reboot_waits_and_whose_would() -> None:
    weight = {"NIXFLEET_CLOSURE": "a", "NIXFLEET_REBOOTS": "later", "NIXFLEET_WEIGHT": '{"k3s": "1", "boot": "1"}'}
    heavier = {**weight, "NIXFLEET_CLOSURE": "b", "NIXFLEET_WEIGHT": '{"k3s": "1", "boot": "2"}'}
    held = {"environment": {"NIXFLEET_HELD": '{"c": "/nix/store/c boot"}'}}
    done = run(
        operation("update", COMMAND, "b-system", old={"environment": weight}, new={"environment": heavier}),
        operation("update", COMMAND, "fleet-reboots", old={}, new=held),
        verb="preview",
    )
    assert report.host_changes(done) == {
        "b": "is drained and reboots into the new generation; outside of rollout.window the reboot waits",
        "c": "reboots, if rollout.window is open then",
    }


@pytest.mark.parametrize("op", ["update", "same"])
def test_a_run_after_which_reboots_wait_says_so_whether_or_not_its_last_step_ran(op: str) -> None:
    said = {"stdout": '{"done": {}, "waits": "b: the reboot waits, because of a window"}'}
    text = report.after_up(run(operation(op, COMMAND, "fleet-reboots", results=said)))
    assert "; 61 s: all but reboots that wait\n\nb: the reboot waits, because of a window\n\nNext:" in text
    done = run(operation(op, COMMAND, "fleet-reboots", results={"stdout": '{"done": {"b": "1"}}'}))
    assert (report.reboots_wait(done), "wait" in report.after_up(done)) == ("", False)


def test_a_preview_says_which_hosts_change_and_how() -> None:
    done = run(
        operation("same", COMMAND, "b-install"),
        operation("update", COMMAND, "b-system", changes=("environment.NIXFLEET_CLOSURE",)),
        operation("create", COMMAND, "c-install"),
        operation("create", COMMAND, "c-system"),
        operation("update", COMMAND, "sim-mesh"),
        verb="preview",
    )
    assert report.after_preview(done) == (
        "HOST        WHAT HAPPENS TO IT\n"
        "b           switches to another generation, with a rollback if it does not come back healthy\n"
        "c           is installed from nothing: its system disk is formatted\n"
        "every host  gets a new list of its mesh peers\n"
        "\n"
        "preview of sim: 2 create, 2 update; 61 s"
    )


def test_a_preview_names_hosts_that_were_left_out_and_no_others() -> None:
    def late(**hosts: dict[str, str]) -> dict[str, Any]:
        return {"environment": {"NIXFLEET_LATE": json.dumps(hosts)}}

    done = run(operation("update", COMMAND, "fleet-latecomers", new=late(b={}, c={})), verb="preview")
    text = "was off when it was its turn, and is brought up to date"
    assert report.host_changes(done) == {"b": text, "c": text}
    assert report.host_changes(run(operation("update", COMMAND, "fleet-latecomers", new=late()), verb="preview")) == {}


def test_a_host_that_was_left_out_is_shown_as_it_answered_later() -> None:
    left = {"stdout": '{"generation": null, "late": "x", "ready": false}'}
    later = {"stdout": '{"a": {"generation": 3, "ready": true}, "b": {"generation": 1, "ready": false}}'}
    states = report.host_states(
        [
            operation("update", COMMAND, "a-system", results=left),
            operation("same", COMMAND, "b-system", results=said(2, "true")),
            operation("update", COMMAND, "fleet-latecomers", results=later),
        ]
    )
    assert {name: (state["generation"], state["ready"]) for name, state in states.items()} == {
        "a": (3, True),
        "b": (2, True),
    }


def test_a_preview_without_changes_says_so() -> None:
    assert report.after_preview(run(operation("same", COMMAND, "b-system"), verb="preview")) == (
        "No host changes.\n\npreview of sim: nothing changed; 61 s"
    )


def test_phases_are_told_by_type_and_name() -> None:
    kinds = {
        ("hcloud:index/firewall:Firewall", "f"): "network",
        ("hcloud:index/volume:Volume", "v"): "servers",
        ("ovh:CloudProject/instance:Instance", "i"): "servers",
        (COMMAND, "a-install"): "installs",
        (COMMAND, "a-system"): "systems",
        (COMMAND, "sim-mesh"): "systems",
        (COMMAND, "sim-kubeconfig"): "cluster",
        ("kubernetes:core/v1:NodePatch", "a"): "cluster",
        ("kubernetes:apps/v1:DaemonSet", "multus"): "add-ons",
        ("pulumi:providers:hcloud", "hcloud"): None,
    }
    assert {key: phase_of(operation("create", *key)) for key in kinds} == kinds


def test_what_did_not_change_takes_no_time() -> None:
    assert durations((operation("same", COMMAND, "a-system", began=1.0, ended=2.0),)) == {}


def test_lines_of_progress() -> None:
    lines = [
        operation_line(operation("create", "hcloud:index/server:Server", "a", began=1, ended=4.25), DONE),
        operation_line(operation("update", COMMAND, "a-system", changes=("environment", "stdin"), ended=2.0), DONE),
        operation_line(operation("create", COMMAND, "a-install", failed=True, ended=9.0), DONE),
        operation_line(operation("delete", "hcloud:index/server:Server", "a"), PLANNED),
        operation_line(operation("same", COMMAND, "a-system"), DONE),
        operation_line(operation("create", "pulumi:providers:hcloud", "hcloud"), DONE),
    ]
    assert lines == [
        "created      a  hcloud Server (3.2 s)",
        "updated      a-system  command Command [environment, stdin] (2.0 s)",
        "FAILED       a-install  command Command (9.0 s)",
        "would delete a  hcloud Server",
        None,
        None,
    ]
