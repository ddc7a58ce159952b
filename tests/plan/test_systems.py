"""What Nix adds to a plan: keys and effects by evaluating each side, packages by the derivations that this leaves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from fleet import stackfile
from fleet.__main__ import main
from fleet.contract.evaluation import Evaluated
from fleet.contract.impact import Weight
from fleet.plan import phrases
from fleet.plan.comparison import compare
from fleet.plan.effect import Effect
from fleet.plan.markdown import render_markdown
from fleet.plan.model import PackageChange
from fleet.plan.page import render_page
from fleet.plan.systems import Systems, name_of, packages_of
from fleet.plan.text import render_text
from tests.plan.checkout import edit, git
from tests.plan.scenarios import CHANGES, TIMES, document, planned, revision

if TYPE_CHECKING:
    from pathlib import Path

HASH = "0123456789abcdfghijklmnpqrsvwxyz"


def _derivation(folder: Path, name: str, inputs: list[Path]) -> Path:
    """A file in Nix's notation, with sources and environment behind its inputs."""
    listed = ",".join(f'("{path}",["out"])' for path in inputs)
    path = folder / f"{HASH}-{name}.drv"
    out, source = (f"/nix/store/{HASH}-{one}" for one in (name, "source"))
    text = f'Derive([("out","{out}","","")],[{listed}],["{source}"],"x","/bin/sh",[],[("out","{out}")])'
    path.write_text(text, encoding="utf-8")
    return path


def _system(folder: Path, *packages: str) -> Path:
    folder.mkdir()
    kernel = _derivation(folder, "linux-6.18.1", [])
    path = _derivation(folder, "system-path", [_derivation(folder, name, []) for name in packages])
    return _derivation(folder, "nixos-system-a-25.11", [kernel, path])


OLD = ("htop-3.3.0", "vim-9.1.0", "k3s-1.34.1+k3s1", "nixos-help", "perl5.40.0-DBI-1.6")
NEW = ("vim-9.1.0", "k3s-1.35.6+k3s1", "nixos-help", "perl5.40.0-DBI-1.6", "btop-1.4.0")
CHANGED = (
    PackageChange(name="btop", before=(), after=("1.4.0",)),
    PackageChange(name="htop", before=("3.3.0",), after=()),
    PackageChange(name="k3s", before=("1.34.1+k3s1",), after=("1.35.6+k3s1",)),
)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("htop-3.3.0", "htop", "3.3.0"),
        ("nixos-help", "nixos-help", ""),
        ("perl5.40.0-DBI-1.6", "perl5.40.0-DBI", "1.6"),
        ("k3s-1.35.6+k3s1", "k3s", "1.35.6+k3s1"),
    ],
)
def test_a_version_begins_behind_the_first_dash_that_no_letter_follows(
    text: str, name: str, version: str, tmp_path: Path
) -> None:
    assert name_of(tmp_path / f"{HASH}-{text}.drv") == (name, version)


def test_packages_are_the_inputs_of_what_a_system_has_for_people(tmp_path: Path) -> None:
    found = packages_of(_system(tmp_path / "old", *OLD))
    assert found == {
        "htop": ("3.3.0",),
        "vim": ("9.1.0",),
        "k3s": ("1.34.1+k3s1",),
        "nixos-help": ("",),
        "perl5.40.0-DBI": ("1.6",),
    }


def test_a_derivation_that_is_not_here_has_no_packages_to_tell(tmp_path: Path) -> None:
    assert packages_of(tmp_path / "nowhere.drv") is None
    assert packages_of(_derivation(tmp_path, "nixos-system-b-25.11", [])) is None


def _evaluated(closure: Path, k3s: str, boot: str) -> Evaluated:
    return Evaluated(closure=str(closure), weight=Weight(k3s=k3s, boot=boot).model_dump_json())


def test_nix_goes_before_every_estimate_and_packages_are_told_once_for_hosts_alike(tmp_path: Path) -> None:
    old, new = _system(tmp_path / "old", *OLD), _system(tmp_path / "new", *NEW)
    same = {name: _evaluated(old, "1", "1") for name in document()["hosts"]}
    later = same | {"hcloud-1": _evaluated(new, "2", "1"), "ovh-1": _evaluated(new, "2", "2")}
    nix = tmp_path / "nix"
    nix.mkdir()
    fleet = document()
    # By its key alone this would be a restart of k3s.
    fleet["hosts"]["n100-1"]["labels"] = {"example.net/rack": "a"}
    plan = compare(
        revision(document(), nix, "0123abc"), revision(fleet, nix, ""), TIMES, Systems(before=same, after=later)
    )
    assert plan.evaluated
    assert {name: plan.hosts[name].effect for name in plan.changed} == {"ovh-1": Effect.REBOOT, "hcloud-1": Effect.K3S}
    assert plan.hosts["hcloud-1"].packages == CHANGED
    assert plan.hosts["n100-1"].packages == ()
    assert (plan.hosts["ovh-1"].closure_before, plan.hosts["ovh-1"].closure_after) == (str(old), str(new))
    told = [
        "btop 1.4.0 is added",
        "htop 3.3.0 is removed",
        "k3s 1.34.1+k3s1 -> 1.35.6+k3s1",
    ]
    assert [phrases.package(one) for one in CHANGED] == told
    assert "Packages of hcloud-1, ovh-1:\n" + "".join(f"  {line}\n" for line in told) in render_text(plan)
    folded = "<details><summary>Packages of hcloud-1, ovh-1: 3</summary>\n\n"
    assert folded + "".join(f"- `{line}`\n" for line in told) in render_markdown(plan)
    assert "<summary>3 packages of 2 hosts</summary>" in render_page(plan)


def test_without_nix_no_package_is_told(tmp_path: Path) -> None:
    plan = planned(CHANGES["a minor of k3s"], tmp_path)
    assert [host.packages for host in plan.hosts.values()] == [None] * 6
    assert "Packages" not in render_text(plan)


def test_the_verb_asks_nix_for_both_sides_where_it_is_told_to(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (root / "nix/fleet").mkdir()
    (root / "nix/flake.nix").write_text("{ }\n", encoding="utf-8")
    (root / "nix/fleet/sim.json").write_text("{}\n", encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "A tree of Nix")
    monkeypatch.setenv("NIXFLEET_SIM", str(root.parent / "world"))
    tools = stackfile.ROOT / "sim/tools/bin"
    monkeypatch.setenv("PATH", f"{tools}:{PYTHON}:/usr/bin:/bin")
    edit(root, "    # A simulated fleet is there", "    rollout: {window: {opens: '01:00', closes: '04:00'}}\n    # A")
    edit(root, "labels: {example.net/gpu: orin}", "tuning: {kernelParams: [quiet]}")
    assert main(["--root", str(root), "plan", "--stack", "sim", "--evaluate"]) == 0
    shown = capsys.readouterr().out
    assert "Nix has evaluated both sides: effects are those of the closures.\n" in shown
    assert "1 of 6 hosts changes: 1 reboot." in shown


PYTHON = sys.prefix + "/bin"
