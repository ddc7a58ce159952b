"""The operator's tools: nix, nixos-anywhere, nixos-rebuild. Found on PATH, bounded, with our ssh first."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections import deque
from typing import TYPE_CHECKING

from fleet.durations import EVALUATION_SECONDS
from hostops import building, process
from hostops.failure import Code, Failure
from hostops.task import ROOT, search_path

if TYPE_CHECKING:
    from pathlib import Path

    from hostops.ssh import Line
    from hostops.task import Task

TAIL = 15
"""Lines of a failed tool's output that its error repeats."""

STORE = "/nix/store/"

BOTH_PATHS = "system: { derivation = system.drvPath; output = system.outPath; }"
"""What is asked of a system: how it is built, which the plan is keyed by, and what comes of it.

Not under Nix's own names: a set with `outPath` is that string to it wherever it is written as JSON.
"""


def attribute(task: Task, host: str) -> str:
    """The host's place in the flake."""
    return f"{ROOT / 'nix'}#{task.stack}-{host}"


def _found(name: str, phase: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Failure(Code.FAILED, phase, f"no {name} on PATH; install it (nix develop has it) and run again")
    return path


def wanted_system(task: Task, host: str, phase: str) -> str:
    """Store path of the system that the contract means, evaluated, not built; raises Failure if the plan meant another.

    The plan's derivation is NIXFLEET_CLOSURE; what a preview without Nix writes there is no derivation.
    """
    flake, _, name = attribute(task, host).partition("#")
    place = f"{flake}#nixosConfigurations.{name}.config.system.build.toplevel"
    found: dict[str, str] = json.loads(_evaluated(task, place, phase))
    planned = task.environment.get("NIXFLEET_CLOSURE", "")
    if planned.startswith(STORE) and planned != found["derivation"]:
        what = f"the plan is to bring {planned}, and nix/ and the contract mean {found['derivation']} by now"
        raise Failure(Code.REFUSED, phase, f"{what}; nothing was changed; run again, which plans anew")
    return found["output"]


def _evaluated(task: Task, place: str, phase: str) -> str:
    argv = [_found("nix", phase), "--extra-experimental-features", "nix-command flakes", "eval", "--json", place]
    try:
        ended = process.run([*argv, "--apply", BOTH_PATHS], seconds=EVALUATION_SECONDS)
    except process.TooLong:
        raise Failure(
            Code.TIMED_OUT, phase, f"nix eval did not end within {EVALUATION_SECONDS} s; see: {place}"
        ) from None
    if ended.status != 0:
        said = " ".join(task.journal.clean(ended.error).split()[-60:])
        raise Failure(Code.FAILED, phase, f"nix eval failed with status {ended.status}: {said}; try: nix eval {place}")
    return ended.output


def _environment(task: Task, line: Line) -> dict[str, str]:
    shim = task.workspace.shim(line.host, bootstrap=line.bootstrap)
    kept = {name: value for name, value in os.environ.items() if name not in ("SSH_AUTH_SOCK", "SSH_PRIVATE_KEY")}
    return {**kept, "PATH": f"{shim}{os.pathsep}{search_path()}"}


def _follow(  # noqa: PLR0913 - a command, its environment and limit, and whom it is for
    task: Task, line: Line, phase: str, argv: list[str], *, env: dict[str, str], seconds: float, cwd: Path | None = None
) -> None:
    """Run a tool with its output in the journal; raises Failure with the end of it."""
    tail: deque[str] = deque(maxlen=TAIL)

    def note(text: str) -> None:
        clean = task.journal.clean(text)
        tail.append(clean)
        task.journal.say(line.host, phase, f"| {clean}")

    try:
        status = process.follow(argv, seconds=seconds, line=note, env=env, held=task.held, cwd=cwd)
    except process.TooLong:
        said = " / ".join(tail) or "nothing"
        cure = "run again: it goes on where the host stands"
        raise Failure(Code.TIMED_OUT, phase, f"no end within {seconds:.0f} s; last output: {said}; {cure}") from None
    if status != 0:
        said = " / ".join(tail) or "nothing"
        name = argv[0].rpartition("/")[2]
        raise Failure(Code.FAILED, phase, f"{name} failed with status {status}; its last output: {said}")


def nixos_anywhere(task: Task, line: Line, phases: str, seconds: float, extra_files: Path | None = None) -> None:
    """Run some phases of nixos-anywhere against a host."""
    phase = phases.partition(",")[0]
    argv = [
        _found("nixos-anywhere", phase),
        *("--flake", attribute(task, line.host)),
        *("--phases", phases),
        *("-i", str(task.workspace.key)),
        *(["--extra-files", str(extra_files)] if extra_files else []),
        *building.for_nixos_anywhere(task, line.host),
        *("--target-host", line.destination),
    ]
    _follow(task, line, phase, argv, env=_environment(task, line), seconds=seconds)


def nixos_rebuild_build(task: Task, line: Line, seconds: float) -> None:
    """Build the host's system and copy it there; neither its profile nor its boot menu is touched."""
    argv = [
        _found("nixos-rebuild", "copy"),
        "build",
        # It would build and start the new system's own nixos-rebuild first.
        "--no-reexec",
        *("--flake", attribute(task, line.host)),
        *("--target-host", line.destination),
        *building.for_nixos_rebuild(task, line.host, line.destination),
        *([] if line.user == "root" else ["--sudo"]),
    ]
    options = task.workspace.pinned(line.host, bootstrap=line.bootstrap)
    shared = ["-o", f"ControlPath={line.control_path}"] if line.control_path else []
    env = {**_environment(task, line), "NIX_SSHOPTS": shlex.join([*options, *shared])}
    # It leaves a link to the build where it runs, which keeps the build from the garbage collector meanwhile.
    _follow(task, line, "copy", argv, env=env, seconds=seconds, cwd=task.workspace.folder)
