"""Two revisions of a real repository, and what the verbs print."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from fleet.__main__ import main
from fleet.plan.times import FILE, Times
from tests.plan.checkout import edit, git

if TYPE_CHECKING:
    from pathlib import Path


Said = pytest.CaptureFixture[str]


def test_the_work_tree_is_compared_with_the_last_commit_and_stays_as_it_is(root: Path, capsys: Said) -> None:
    edit(root, "example.net/gpu: orin", "example.net/gpu: xavier")
    before = git(root, "status", "--porcelain")
    assert main(["--root", str(root), "plan", "--stack", "sim"]) == 0
    name = git(root, "rev-parse", "--short", "HEAD").strip()
    assert capsys.readouterr().out == (
        f"Plan of sim, compared with {name}: 1 of 6 hosts changes: 1 k3s.\n"
        "\n"
        "   HOST      EFFECT  WHY\n"
        "k  jetson-1  k3s     labels.example.net/gpu: orin -> xavier\n"
        "\n"
        "  k  k3s: the host is drained and switches: k3s restarts\n"
        "Without an evaluation by Nix, effects are judged by the keys of the contract and the files of nix/.\n"
        "\n"
        "WAVE  MINUTES  HOSTS     QUORUM\n"
        "1     0-3      jetson-1  3 of 3 members of etcd answer, 2 needed\n"
        "\n"
        "1 wave, about 3 min (assumed, as no earlier run is known here).\n"
        "EUR 32.82 to 39.32 a month before, 32.82 to 39.32 after (+0.00), net, by the prices of 2026-10-09. "
        "Not in it, as no price is known: ovh-1.\n"
    )
    assert git(root, "status", "--porcelain") == before == " M Pulumi.sim.yaml\n"


def test_a_file_of_nix_changes_every_host_and_only_nix_says_how_hard(root: Path, capsys: Said) -> None:
    (root / "nix/flake.nix").write_text("{ }", encoding="utf-8")
    assert main(["--root", str(root), "plan", "--stack", "sim"]) == 0
    assert "6 of 6 hosts change: 6 generation." in capsys.readouterr().out


def test_minutes_are_those_of_earlier_runs(root: Path, tmp_path: Path, capsys: Said) -> None:
    folder = tmp_path / "state/nixfleet/sim"
    folder.mkdir(parents=True)
    times = Times(seconds={"k3s": {"jetson-1": 1200.0}})
    (folder / FILE).write_text(times.model_dump_json(), encoding="utf-8")
    edit(root, "example.net/gpu: orin", "example.net/gpu: xavier")
    assert main(["--root", str(root), "plan", "--stack", "sim"]) == 0
    assert "1 wave, about 20 min (as measured by earlier runs here).\n" in capsys.readouterr().out


def test_a_stack_that_the_base_has_not_is_a_first_run(root: Path, capsys: Said) -> None:
    shutil.move(root / "Pulumi.sim.yaml", root / "Pulumi.new.yaml")
    assert main(["--root", str(root), "plan", "--stack", "new"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("Plan of new, a first run: nothing is there yet: 6 of 6 hosts change: 6 created.\n")
    assert main(["--root", str(root), "plan", "--stack", "new", "--base", "-"]) == 0
    assert capsys.readouterr().out == first


def test_a_plan_that_breaks_a_law_of_the_step_ends_with_one(root: Path, capsys: Said) -> None:
    edit(root, "      seed: hcloud-1\n", "      seed: hcloud-1\n      k3sVersion: v1.33.6+k3s1\n")
    git(root, "commit", "--quiet", "--all", "--message", "An older k3s")
    edit(root, "v1.33.6+k3s1", "v1.35.6+k3s1")
    assert main(["--root", str(root), "plan", "--stack", "sim"]) == 1
    assert (
        "REFUSED\n"
        "  cluster.k3sVersion: v1.33.6+k3s1 -> v1.35.6+k3s1: k3s goes up by one minor version at a time; go to 1.34 "
        "first, run up, then go on\n"
    ) in capsys.readouterr().out


def test_a_base_that_git_does_not_know_is_refused(root: Path, capsys: Said) -> None:
    for base in ("nowhere", "--help"):
        assert main(["--root", str(root), "plan", "--stack", "sim", f"--base={base}"]) == 1
        assert capsys.readouterr().err == (
            "the base of the plan has 1 fault:\n"
            f"  --base: {base}: a base is a revision that git knows here; name a commit, a branch or a tag; a shallow "
            "clone has to fetch it first\n"
        )


def test_every_rendering_and_the_picture_are_written_where_they_are_asked_for(root: Path, tmp_path: Path) -> None:
    paths = {name: tmp_path / f"plan.{name}" for name in ("html", "json", "markdown", "text")}
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    assert main(["--root", str(root), "plan", "--stack", "sim", *words]) == 0
    assert [path.read_text(encoding="utf-8")[:9] for path in paths.values()] == [
        "<!DOCTYPE",
        '{\n  "base',
        "<!-- nixf",
        "Plan of s",
    ]
    assert main(["--root", str(root), "topology", "--stack", "sim", "--svg", str(tmp_path / "a.svg")]) == 0
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg ")
