"""What an engine's preview adds to a plan, and what an up leaves for the next one's minutes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fleet.plan.model import EngineOperation
from fleet.plan.page import render_page
from fleet.plan.times import FILE, Times, read_times
from operate.engine import Place
from operate.measured import measured, note
from operate.messages import OperateError
from operate.planned import engine_plan, host_of, preview
from operate.record import Operation, Run
from tests.plan.scenarios import CHANGES, planned

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "command:local:Command"
SERVER = "hcloud:index/server:Server"
HOSTS = ("a", "a-1", "b")


def _operation(op: str, token: str, name: str, **more: Any) -> Operation:
    return Operation(op=op, urn=f"urn:pulumi:sim::nixfleet::nixfleet:index:Host${token}::{name}", **more)


def made_run(*operations: Operation, verb: str = "preview") -> Run:
    return Run(
        verb=verb,
        stack="sim",
        ok=True,
        operations=operations,
        outputs={},
        secret_outputs=frozenset(),
        errors=(),
        raw_errors=(),
        seconds=1,
        stdout="",
        stderr="",
    )


def test_deletions_and_replacements_come_first_each_once_and_with_its_host() -> None:
    found = engine_plan(
        made_run(
            _operation("create", SERVER, "b"),
            _operation("update", COMMAND, "a-1-system", changes=("environment.NIXFLEET_CLOSURE",)),
            _operation("same", SERVER, "a"),
            _operation("create-replacement", SERVER, "a-1"),
            _operation("replace", SERVER, "a-1", changes=("location",)),
            _operation("delete-replaced", SERVER, "a-1"),
            _operation("delete", "hcloud:index/volume:Volume", "a-longhorn", protected=True),
            _operation("create", "hcloud:index/network:Network", "sim-network"),
        ),
        HOSTS,
    )
    assert found.unchanged == 1
    assert [(one.op, one.name, one.host, one.protected, one.changes) for one in found.operations] == [
        ("delete", "a-longhorn", "a", True, ()),
        ("replace", "a-1", "a-1", False, ("location",)),
        ("update", "a-1-system", "a-1", False, ("environment.NIXFLEET_CLOSURE",)),
        ("create", "sim-network", None, False, ()),
        ("create", "b", "b", False, ()),
    ]


@pytest.mark.parametrize(
    ("name", "host"),
    [("a", "a"), ("a-1", "a-1"), ("a-1-install", "a-1"), ("nodes-a-1", "a-1"), ("ab", None), ("sim-network", None)],
)
def test_a_resource_belongs_to_the_host_that_its_name_names(name: str, host: str | None) -> None:
    assert host_of(_operation("create", SERVER, name), HOSTS) == host


def test_a_page_shows_the_engines_operations_and_links_them_with_their_hosts(tmp_path: Path) -> None:
    plan = planned(CHANGES["a server moves"], tmp_path)
    run = made_run(_operation("replace", SERVER, "hcloud-2", changes=("location",), protected=True))
    page = render_page(plan.model_copy(update={"engine": engine_plan(run, plan.hosts)}))
    assert '<tr id="operation-0"><th scope="row">replace</th>' in page
    assert '<td><a href="#host-hcloud-2">hcloud-2</a></td><td>protected</td><td>location</td></tr>' in page
    assert '<a href="#operation-0">1 operation of the engine</a>' in page


def test_without_a_commit_a_page_needs_a_base_by_name(tmp_path: Path) -> None:
    with pytest.raises(OperateError) as caught:
        preview(Place(stack="sim", folder=tmp_path), {"HTML": str(tmp_path / "plan.html")})
    assert str(caught.value) == (
        f"{tmp_path} is no checkout with a commit, so there is nothing to compare with: name a revision by BASE=, or "
        "BASE=- for a first run"
    )


def _weighed(op: str, name: str, old: str, new: str, **more: Any) -> Operation:
    def side(boot: str) -> dict[str, Any]:
        weight = json.dumps({"k3s": "1", "boot": boot})
        return {"environment": {"NIXFLEET_CLOSURE": boot, "NIXFLEET_WEIGHT": weight}}

    return _operation(op, COMMAND, name, old=side(old), new=side(new), **more)


def test_an_up_leaves_the_seconds_of_each_work_on_each_host(tmp_path: Path) -> None:
    done = made_run(
        _operation("create", COMMAND, "a-install", began=1, ended=31.26),
        _operation("create", COMMAND, "a-system", began=31, ended=41),
        _weighed("update", "b-system", "x", "y", began=0, ended=300),
        _weighed("update", "a-1-system", "x", "y", began=0, ended=9, failed=True),
        _operation("update", COMMAND, "c-system", began=0, ended=7),
        _operation("delete", COMMAND, "d-membership", began=0, ended=70),
        _operation("create", SERVER, "a", began=0, ended=8),
        verb="up",
    )
    expected = {
        "install": {"a": 30.3},
        "first": {"a": 10.0},
        "reboot": {"b": 300.0},
        "generation": {"c": 7.0},
        "leave": {"d": 70.0},
    }
    assert measured(done.operations) == expected
    (tmp_path / FILE).write_text(Times(seconds={"leave": {"e": 5}}).model_dump_json(), encoding="utf-8")
    note(done, tmp_path)
    assert read_times(tmp_path / FILE).seconds == expected | {"leave": {"d": 70.0, "e": 5.0}}


def test_a_preview_leaves_no_times(tmp_path: Path) -> None:
    note(made_run(_operation("create", COMMAND, "a-install", ended=30)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_times_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    assert read_times(tmp_path / FILE) == read_times(tmp_path / "nowhere") == Times()


def test_an_operation_of_the_engine_is_data_of_the_plan() -> None:
    one = EngineOperation(op="delete", type=SERVER, name="a", host="a", protected=True, changes=())
    assert EngineOperation.model_validate(one.model_dump(mode="json")) == one
