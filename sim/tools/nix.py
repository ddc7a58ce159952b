"""A double of `nix`: evaluates, builds and copies the systems of the contracts. Other expressions are refused."""

from __future__ import annotations

import json
import re
import sys

from sim.tools import steps
from sim.tools.flake import EvaluationError, evaluate, host_system, split

TOPLEVEL = re.compile(r'^nixosConfigurations\."?([a-z0-9-]+)"?\.config\.system\.build\.toplevel(\.outPath|\.drvPath)?$')
FACTS = re.compile(r'^hostFacts\."?([a-z0-9-]+)"?$')
DRVS = re.compile(r'^hostDrvs\."?([a-z0-9-]+)"?$')
FLAGS = {"--raw", "--json", "--no-link", "--print-out-paths", "--no-write-lock-file", "--show-trace", "--no-check-sigs"}
PATHS = "system: { derivation = system.drvPath; output = system.outPath; }"
VALUES = {"--apply": 1, "--extra-experimental-features": 1, "--option": 2, "--to": 1, "--out-link": 1, "-o": 1}


def parse(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Positional words and options; refuses options that are not simulated."""
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            plain.append(word)
        elif word in FLAGS:
            options[word] = ""
        elif word in VALUES:
            options[word] = next(rest, "")
            for _ in range(VALUES[word] - 1):
                next(rest, "")
        else:
            raise steps.ToolError(
                f"error: unrecognised flag '{word}' (the simulated nix knows {', '.join(sorted(FLAGS | set(VALUES)))})"
            )
    return plain, options


def eval_value(reference: str, function: str = "") -> str | dict[str, str] | dict[str, dict[str, str]]:
    """The value of a flake attribute that the program asks for; raises EvaluationError for any other."""
    folder, attribute = split(reference)
    if match := DRVS.match(attribute):
        steps.step(match[1], "nix eval")
        return {host: system.drv for host, system in evaluate(folder, match[1]).items()}
    if match := FACTS.match(attribute):
        steps.step(match[1], "nix eval")
        return {host: {"drv": system.drv, **system.weight} for host, system in evaluate(folder, match[1]).items()}
    if match := TOPLEVEL.match(attribute):
        system = host_system(folder, match[1])
        steps.step(system.document["host"], "nix eval")
        if function == PATHS and not match[2]:
            return {"derivation": system.drv, "output": system.path}
        if function:
            raise EvaluationError(f"error: the simulated nix applies only '{PATHS}', not '{function}'")
        return system.drv if match[2] == ".drvPath" else system.path
    raise EvaluationError(
        f"error: the simulated nix evaluates hostDrvs.STACK, hostFacts.STACK and "
        f"nixosConfigurations.HOST.config.system.build.toplevel, "
        f"not '{attribute}'"
    )


def _eval(words: list[str], options: dict[str, str]) -> None:
    value = eval_value(words[0], options.get("--apply", ""))
    if "--raw" in options and not isinstance(value, str):
        raise EvaluationError("error: cannot coerce a set to a string")
    sys.stdout.write(str(value) if "--raw" in options else json.dumps(value) + "\n")


def _build(words: list[str], options: dict[str, str]) -> None:
    for reference in words:
        folder, attribute = split(reference)
        match = TOPLEVEL.match(attribute)
        if match is None or match[2]:
            raise EvaluationError(
                f"error: the simulated nix builds only toplevels of nixosConfigurations, not '{attribute}'"
            )
        system = host_system(folder, match[1])
        steps.build(system)
        if "--print-out-paths" in options:
            sys.stdout.write(f"{system.path}\n")


def _copy(words: list[str], options: dict[str, str]) -> None:
    target = re.match(r"^ssh(?:-ng)?://([^?]+)", options.get("--to", ""))
    if target is None:
        raise EvaluationError("error: the simulated nix copies only --to ssh://USER@HOST")
    for path in words:
        trusted = target[1].startswith("deploy@")
        steps.copy(steps.environment_options("NIX_SSHOPTS"), target[1], "/", path, sudo=trusted)


def main(words: list[str]) -> None:
    """Run one verb."""
    plain, options = parse(words)
    verbs = {"eval": _eval, "build": _build, "copy": _copy}
    if not plain or plain[0] not in verbs:
        raise steps.ToolError(
            f"error: '{' '.join(plain)}' is not simulated; the simulated nix knows eval, build and copy"
        )
    verbs[plain[0]](plain[1:], options)


if __name__ == "__main__":
    steps.run(main)
