"""The workflows of both forges: what runs beside a secret, what is pinned, and that each step is a command of ours."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from fleet.stackfile import ROOT
from fleet.yamltext import parse
from tests.workflows.forge import Forge, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob(".forgejo/workflows/*.yml")])
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
OWN_BRANCH = "github.event.pull_request.head.repo.full_name == github.repository"
FETCHES = 'gh run download "$RUN" --name plans --dir plans'
"""The one step that is no target: the forge's own client fetches what another workflow left."""

LABELS = "self-hosted-runner:\n  labels: [docker, nixfleet]\n"


def _read(path: Path) -> dict[str, Any]:
    document = parse(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    # YAML 1.1 reads the key `on` as true.
    return {("on" if key is True else key): value for key, value in document.items()}


def _jobs(path: Path) -> Iterator[dict[str, Any]]:
    yield from _read(path)["jobs"].values()


def _steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in _jobs(path):
        yield from job["steps"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_actions_are_pinned_by_hash_with_their_version_beside_it(path: Path) -> None:
    used = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    loose = [line for line in used if not re.fullmatch(r"- uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]
    assert loose == []


def test_an_action_has_one_hash_everywhere() -> None:
    hashes: dict[str, set[str]] = {}
    for path in FILES:
        for action, pin in re.findall(r"uses: (?:https://github\.com/)?(\S+)@([0-9a-f]{40})", path.read_text()):
            hashes.setdefault(action, set()).add(pin)
    assert {action: pins for action, pins in hashes.items() if len(pins) > 1} == {}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_permissions_are_empty_unless_a_job_says_why(path: Path) -> None:
    assert _read(path)["permissions"] == {}
    text = path.read_text(encoding="utf-8")
    granted = re.findall(r"^ +(?:actions|contents|issues|pull-requests): .*$", text, re.MULTILINE)
    assert [line for line in granted if " # to " not in line] == []
    assert "write-all" not in text


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_secret_is_beside_the_code_of_a_fork(path: Path) -> None:
    triggers = set(_read(path)["on"])
    assert "pull_request_target" not in triggers
    for job in _jobs(path):
        if "pull_request" in triggers and "secrets." in str(job):
            assert OWN_BRANCH in job.get("if", "")
        for step in job["steps"] if "pull_request" in triggers else []:
            if "FORGE_TOKEN" in step.get("env", {}):
                assert OWN_BRANCH in step["if"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_step_is_a_command_of_the_makefile_and_no_expression_is_part_of_it(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for step in _steps(path):
        run = step.get("run", "")
        assert "${{" not in run
        if run and run != FETCHES:
            assert run.split()[0] == "make"
            assert run.split()[1] in targets


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_tree_is_checked_out_without_leaving_the_token_there(path: Path) -> None:
    outs = [step for step in _steps(path) if "actions/checkout@" in step.get("uses", "")]
    assert outs
    assert [step for step in outs if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("path", [path for path in FILES if path.stem == "up"], ids=lambda path: path.parts[-3])
def test_an_up_is_alone_on_its_stack_and_never_stopped_half_way(path: Path) -> None:
    document = _read(path)
    groups = [
        found for found in (document.get("concurrency"), *(job.get("concurrency") for job in _jobs(path))) if found
    ]
    assert [group["cancel-in-progress"] for group in groups] == [False]
    assert re.fullmatch(r"up-\$\{\{ (matrix|inputs)\.stack \}\}", groups[0]["group"])
    assert "pull_request" not in document["on"]
    if ".github" in path.parts:
        assert all(job["environment"].startswith("up-") for job in _jobs(path))
    else:
        # Without environments a person's approval is that a person starts it.
        assert set(document["on"]) == {"workflow_dispatch"}


def test_the_steps_of_a_pull_request_run_here_in_their_order(tmp_path: Path) -> None:
    """`make check` is the run that this is part of; `make preview` and `make up` are run by engine tests."""
    out = tmp_path / "plans"
    done = subprocess.run(
        ["make", "plans", "BASE=HEAD", f"OUT={out}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    stacks = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.?*.yaml"))
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{one}.{end}" for one in stacks for end in ("html", "md")
    )
    with running(Forge()) as forge:
        told = {
            "GITHUB_API_URL": forge.address,
            "GITHUB_REPOSITORY": "ada/fleet",
            "FORGE_TOKEN": "x",
            "PULL_NUMBER": "7",
        }
        subprocess.run(
            ["make", "comment", f"OUT={out}"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            env={**os.environ, **told},
        )
        assert [body.partition("\n")[0] for body in forge.bodies(7)] == [
            f"<!-- nixfleet plan of {one} -->" for one in stacks
        ]


def test_actionlint_finds_nothing(actionlint: str, tmp_path: Path) -> None:
    """Forgejo's full addresses are unknown to it; they are taken off before."""
    labels = tmp_path / "actionlint.yaml"
    labels.write_text(LABELS, encoding="utf-8")
    for path in FILES:
        copy = tmp_path / path.parts[-3] / "workflows" / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(
            path.read_text(encoding="utf-8").replace("uses: https://github.com/", "uses: "), encoding="utf-8"
        )
        done = subprocess.run([actionlint, "-config-file", labels, copy], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_finds_nothing(zizmor: str) -> None:
    command = [zizmor, "--offline", "--no-progress", "--persona", "pedantic", "--strict-collection", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
