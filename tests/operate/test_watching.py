"""How every host is, as a table, as data, as a page, and again and again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from operate import watching
from operate.engine import Place
from operate.messages import OperateError

if TYPE_CHECKING:
    from pathlib import Path

WELL = {"role": "server", "address": "10.0.0.1", "generation": 3, "ready": True, "healthy": True, "upToDate": True}
SICK = {"role": "agent", "address": None, "healthy": False, "complaint": "no answer <script>"}
HOSTS: dict[str, dict[str, Any]] = {"b": SICK, "a": WELL}
TABLE = (
    "HOST  ROLE    ADDRESS   GENERATION  READY  STATE\n"
    "a     server  10.0.0.1  3           yes    healthy\n"
    "b     agent   None      -           no     no answer <script>\n"
)
PLACE = Place(stack="sim")


class Interrupted(Exception):  # noqa: N818 - a person's interrupt, not an error
    """Somebody has seen enough."""


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, dict[str, Any]]]:
    """What the hosts say, call by call; the last answer stays."""
    answers = [HOSTS]
    monkeypatch.setattr(watching, "looked", lambda _: answers.pop(0) if len(answers) > 1 else answers[0])
    return answers


Said = pytest.CaptureFixture[str]


def test_a_table_is_printed_and_one_sick_host_is_told_by_the_exit_code(
    hosts: list[dict[str, dict[str, Any]]], capsys: Said
) -> None:
    assert watching.status(PLACE, {}) == 1
    assert capsys.readouterr().out == TABLE
    hosts[:] = [{"a": WELL}]
    assert watching.status(PLACE, {}) == 0


def test_json_goes_to_a_file_or_alone_to_standard_output(tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "status.json"
    assert watching.status(PLACE, {"JSON": str(path)}) == 1
    assert capsys.readouterr().out == TABLE
    assert watching.status(PLACE, {"JSON": "-"}) == 1
    expected = {"stack": "sim", "hosts": HOSTS}
    assert json.loads(capsys.readouterr().out) == json.loads(path.read_text(encoding="utf-8")) == expected


def test_a_page_says_who_needs_attention_and_who_runs_what_was_planned(tmp_path: Path) -> None:
    path = tmp_path / "status.html"
    watching.status(PLACE, {"HTML": str(path)})
    page = path.read_text(encoding="utf-8")
    assert '<p class="verdict">1 of 2 hosts need attention</p>' in page
    row = '<th scope="row">a</th><td>server</td><td>10.0.0.1</td><td>3</td><td>yes</td><td>yes</td>'
    assert f'{row}<td><span class="sign new">healthy</span></td>' in page
    assert '<td>unknown</td><td><span class="sign grave">no answer &lt;script&gt;</span></td>' in page
    assert "<script" not in page
    assert "all hosts are healthy" in watching.render_status("sim", {"a": WELL})


def test_a_watch_asks_again_until_it_is_interrupted(hosts: list[dict[str, dict[str, Any]]], capsys: Said) -> None:
    hosts[:] = [HOSTS, {"a": WELL}]
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        watching.status(PLACE, {"WATCH": "10"}, wait)
    assert waited == [10, 10]
    assert capsys.readouterr().out == TABLE + "".join(TABLE.splitlines(keepends=True)[:2])


@pytest.mark.parametrize("seconds", ["0", "soon", "-1"])
def test_a_watch_needs_a_number_of_seconds(seconds: str) -> None:
    with pytest.raises(OperateError) as caught:
        watching.status(PLACE, {"WATCH": seconds})
    assert str(caught.value) == f"WATCH={seconds} is no number of seconds: write for example WATCH=10"
