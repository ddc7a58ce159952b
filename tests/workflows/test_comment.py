"""A plan on its pull request: one comment, edited in place, whatever the text and the branch are called."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from fleet.plan import markdown
from fleet.stackfile import ROOT
from tests.workflows.forge import OWN, Forge, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_spec = importlib.util.spec_from_file_location("comment", ROOT / "tools/comment.py")
assert _spec
assert _spec.loader
comment = importlib.util.module_from_spec(_spec)
# A dataclass looks its module up by name.
sys.modules["comment"] = comment
_spec.loader.exec_module(comment)

HEAD = "mallory:$(touch x);'`\"& b"
COMMIT = "0" * 40
PLAN = f"{markdown.marker('sim')}\n\n### Plan of sim\n"


@pytest.fixture
def forge() -> Iterator[Forge]:
    pull = {"number": 7, "head": {"label": HEAD, "sha": COMMIT}}
    with running(Forge(pulls=[{"number": 6, "head": {"label": HEAD, "sha": "1" * 40}}, pull])) as made:
        yield made


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    (tmp_path / "sim.md").write_text(PLAN, encoding="utf-8")
    return tmp_path


def _told(forge: Forge, **more: str) -> dict[str, str]:
    return {"GITHUB_API_URL": forge.address, "GITHUB_REPOSITORY": "ada/fleet", "FORGE_TOKEN": "secret", **more}


Said = pytest.CaptureFixture[str]


def test_a_plan_becomes_a_comment_and_the_next_one_edits_it(forge: Forge, plans: Path, capsys: Said) -> None:
    forge.say(7, "ada", "Looks good")
    for text in (PLAN, f"{PLAN}again\n"):
        (plans / "sim.md").write_text(text, encoding="utf-8")
        assert comment.main([str(plans)], _told(forge, PULL_NUMBER="7")) == 0
        assert forge.bodies(7) == ["Looks good", text]
    assert capsys.readouterr().out == "sim: made\nsim: edited\n"
    assert forge.tokens == {"token secret"}


def test_each_stack_has_a_comment_of_its_own(forge: Forge, plans: Path) -> None:
    other = f"{markdown.marker('lab')}\nlab\n"
    (plans / "lab.md").write_text(other, encoding="utf-8")
    for _ in range(2):
        assert comment.main([str(plans)], _told(forge, PULL_NUMBER="7")) == 0
    assert forge.bodies(7) == [other, PLAN]


def test_the_comment_is_found_on_any_page_and_nobody_elses_is_touched(forge: Forge, plans: Path) -> None:
    forge.say(7, "mallory", PLAN)
    for number in range(120):
        forge.say(7, "ada", str(number))
    forge.say(7, OWN, f"{markdown.marker('sim')}\nold")
    assert comment.main([str(plans)], _told(forge, PULL_NUMBER="7")) == 0
    assert len(forge.bodies(7)) == 122
    assert [forge.bodies(7)[0], forge.bodies(7)[-1]] == [PLAN, PLAN]
    assert forge.comments[7][0]["user"]["login"] == "mallory"


def test_a_forks_pull_request_is_found_by_branch_and_commit(forge: Forge, plans: Path) -> None:
    assert comment.main([str(plans)], _told(forge, PULL_HEAD=HEAD, PULL_COMMIT=COMMIT)) == 0
    assert (forge.bodies(7), forge.bodies(6)) == ([PLAN], [])


UNNAMED = "no pull request is named: set PULL_NUMBER, or PULL_HEAD (owner:branch) and PULL_COMMIT"
CLOSED = f"no open pull request comes from ada:main at {COMMIT}: it was closed or pushed to meanwhile"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"PULL_HEAD": "ada:main", "PULL_COMMIT": COMMIT}, CLOSED),
        ({}, UNNAMED),
        ({"FORGE_TOKEN": ""}, "not set: FORGE_TOKEN; a workflow of GitHub or Forgejo sets them"),
    ],
)
def test_a_plan_that_cannot_be_posted_says_why(
    forge: Forge, plans: Path, told: dict[str, str], said: str, capsys: Said
) -> None:
    assert comment.main([str(plans)], _told(forge) | told) == 1
    assert capsys.readouterr().err == f"comment: {said}\n"
    assert forge.comments == {}


def test_a_text_that_is_no_plan_is_not_posted(forge: Forge, plans: Path, capsys: Said) -> None:
    (plans / "sim.md").write_text("@everyone\n", encoding="utf-8")
    assert comment.main([str(plans)], _told(forge, PULL_NUMBER="7")) == 1
    assert capsys.readouterr().err == ("comment: sim.md does not begin with the marker of a plan; nothing was posted\n")
    assert forge.comments == {}


def test_what_a_forge_refuses_is_told_with_the_cure(forge: Forge, plans: Path, capsys: Said) -> None:
    forge.refuses = 403
    assert comment.main([str(plans)], _told(forge, PULL_NUMBER="7")) == 1
    assert capsys.readouterr().err == (
        "comment: GET issues/7/comments?limit=50&per_page=50&page=1: the forge answered 403: "
        '{"message": "Resource not accessible by integration"}; the job needs `pull-requests: write`\n'
    )


def test_a_text_over_the_limit_is_cut(forge: Forge, plans: Path) -> None:
    (plans / "sim.md").write_text(PLAN + "x" * 100_000, encoding="utf-8")
    assert comment.main([str(plans)], _told(forge, PULL_NUMBER="7")) == 0
    (body,) = forge.bodies(7)
    assert len(body) == comment.CHARACTERS + len("\n\n_cut_\n")
    assert comment.CHARACTERS == markdown.CHARACTERS
    assert comment.MARKER.fullmatch(markdown.marker("a-stack"))


def test_a_failed_check_is_one_open_issue_that_is_edited(forge: Forge, plans: Path, capsys: Said) -> None:
    told = _told(forge, ISSUE_TITLE="Drift of sim", GITHUB_SERVER_URL="https://forge.example.net", GITHUB_RUN_ID="9")
    forge.issues.append(
        {"number": 1, "state": "open", "user": {"login": "mallory"}, "title": "Drift of sim", "body": ""}
    )
    for _ in range(2):
        assert comment.main([str(plans)], told) == 0
    body = f"{PLAN}\nThe run: https://forge.example.net/ada/fleet/actions/runs/9"
    assert [(one["user"]["login"], one["body"]) for one in forge.issues] == [("mallory", ""), (OWN, body)]
    forge.issues[1]["state"] = "closed"
    (plans / "sim.md").unlink()
    assert comment.main([str(plans)], told) == 0
    assert forge.issues[2]["body"] == "The run: https://forge.example.net/ada/fleet/actions/runs/9"
    assert capsys.readouterr().out == "issue: opened\nissue: edited\nissue: opened\n"
