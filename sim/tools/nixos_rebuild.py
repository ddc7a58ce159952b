"""A double of `nixos-rebuild build|boot --flake F#H --target-host U@A`. Activation is the program's own matter."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import NoReturn

from sim.tools import steps
from sim.tools.flake import host_system, split

USAGE = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise steps.ToolError(f"nixos-rebuild: error: {message}", USAGE)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="nixos-rebuild", description=__doc__, allow_abbrev=False)
    parser.add_argument("action", choices=["boot", "build"], help="others are not simulated")
    parser.add_argument("--flake", "-F", required=True)
    parser.add_argument("--target-host", required=True)
    parser.add_argument("--build-host")
    parser.add_argument("--builders")
    parser.add_argument("--sudo", "--use-remote-sudo", action="store_true")
    parser.add_argument("--no-reexec", "--fast", action="store_true")
    parser.add_argument("--use-substitutes", "-s", action="store_true")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Build and copy; `boot` also sets the profile and makes it the default boot entry. The real tool's order."""
    options = _arguments(words)
    system = host_system(*split(options.flake))
    host, target = system.document["host"], options.target_host
    steps.say("building the system configuration...")
    steps.build(system)
    # The real tool shares one connection too, and ends it when it is done; NIX_SSHOPTS comes first, so it wins.
    with tempfile.TemporaryDirectory(prefix="nr-") as folder:
        shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/ssh-%n", "-o", "ControlPersist=60"]
        ssh = [*steps.environment_options("NIX_SSHOPTS"), *shared]
        sudo = ["sudo"] if options.sudo else []
        try:
            steps.step(host, "nixos-rebuild copy")
            steps.copy(ssh, target, "/", system.path, sudo=options.sudo)
            if options.action == "boot":
                steps.step(host, "nixos-rebuild boot")
                profile = "nix-env -p /nix/var/nix/profiles/system --set"
                steps.ssh(ssh, target, *sudo, *profile.split(), system.path)
                steps.ssh(ssh, target, *sudo, f'"$NIXFLEET_ROOT"{system.path}/bin/switch-to-configuration', "boot")
            else:
                # The link that keeps the build, as the real tool leaves it where it is called.
                Path("result").unlink(missing_ok=True)
                Path("result").symlink_to(system.path)
        finally:
            steps.end_shared(Path(folder))
    steps.say(f"Done. The new configuration is {system.path}")


if __name__ == "__main__":
    steps.run(main)
