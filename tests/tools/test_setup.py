"""tools/setup under a made-up PATH and HOME: which Pulumi CLI it takes, killed runs, and faults."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = "3.259.0"
TOOLS = (
    "awk",
    "bash",
    "cat",
    "chmod",
    "cut",
    "dirname",
    "env",
    "grep",
    "gzip",
    "head",
    "ln",
    "mkdir",
    "mv",
    "readlink",
    "rm",
    "sh",
    "sleep",
    "tail",
    "tar",
    "tee",
    "uname",
)


class Checkout:
    """A checkout with tools/setup alone, and a machine that has what a test puts on its PATH."""

    def __init__(self, base: Path) -> None:
        self.root, self.bin, self.home = base / "checkout", base / "bin", base / "home"
        self.cache = self.home / ".cache" / "nixfleet" / f"pulumi-{VERSION}"
        (self.root / "tools" / "pulumi").mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "setup", self.root / "tools" / "setup")
        shutil.copy(ROOT / "tools" / "pulumi" / "go.mod", self.root / "tools" / "pulumi" / "go.mod")
        (self.root / "requirements.lock").write_text("# no packages\n")
        self.home.mkdir()
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or f"/missing/{tool}")
        self.script("python3.12", f'exec {sys.executable} "$@"')

    def script(self, name: str, body: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def ready_venv(self) -> None:
        """A finished virtual environment, so that only the CLI is left to find."""
        (self.root / ".venv" / "bin").mkdir(parents=True)
        (self.root / ".venv" / "bin" / "python").symlink_to(sys.executable)
        lock = hashlib.sha256((self.root / "requirements.lock").read_bytes()).hexdigest()
        (self.root / ".venv" / ".stamp").write_text(f"{lock} Python {platform.python_version()}\n")

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "tools" / "setup")],
            env={"PATH": str(self.bin), "HOME": str(self.home), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **environment: str) -> tuple[int, str]:
        process = self.start(**environment)
        stdout, stderr = process.communicate(timeout=120)
        assert stdout == ""
        return process.returncode, stderr

    @property
    def linked(self) -> Path:
        return (self.root / ".venv" / "bin" / "pulumi").readlink()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.ready_venv()
    return made


def pulumi(version: str) -> str:
    return f"echo {version}"


GO = f"""
[ "$1" = version ] && echo "go version go1.26.0 linux/amd64" && exit
echo built >>"$HOME/builds"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho v{VERSION}\\n' >"$2" && chmod +x "$2"
"""


@pytest.mark.parametrize("version", [f"v{VERSION}", "v3.260.0-dev.1", "3.300.0+dirty", "v4.0.0", "v3.259.1"])
def test_a_cli_on_path_of_the_pinned_version_or_newer_is_used(checkout: Checkout, version: str) -> None:
    checkout.script("pulumi", pulumi(version))
    assert checkout.run() == (0, f"setup: Pulumi CLI: {checkout.bin}/pulumi ({version})\n")
    assert checkout.linked == checkout.bin / "pulumi"


@pytest.mark.parametrize("version", ["v3.258.9", "v3.259.0-alpha.7", "v2.999.0", "(devel)"])
def test_an_older_cli_on_path_is_passed_over(checkout: Checkout, version: str) -> None:
    checkout.script("pulumi", f"echo '{version}'")
    checkout.script("go", GO)
    code, said = checkout.run()
    assert (code, said.splitlines()[0]) == (
        0,
        f"setup: {checkout.bin}/pulumi is {version}, older than {VERSION}: not used",
    )
    assert checkout.linked == checkout.cache / "pulumi"


def test_a_second_run_says_and_changes_nothing(checkout: Checkout) -> None:
    checkout.script("pulumi", pulumi(f"v{VERSION}"))
    checkout.run()
    before = (checkout.root / ".venv" / "bin" / "pulumi").lstat().st_mtime_ns
    assert checkout.run() == (0, "")
    assert (checkout.root / ".venv" / "bin" / "pulumi").lstat().st_mtime_ns == before


def test_a_kept_cli_serves_a_second_checkout_without_a_download_or_a_build(checkout: Checkout) -> None:
    checkout.cache.mkdir(parents=True)
    (checkout.cache / "pulumi").write_text(f"#!/bin/sh\necho v{VERSION}\n")
    (checkout.cache / "pulumi").chmod(0o755)
    code, _ = checkout.run()
    assert (code, checkout.linked) == (0, checkout.cache / "pulumi")


def release(base: Path, *, checksum: str | None = None) -> str:
    """A curl that serves an official release from a folder."""
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    archive = f"pulumi-v{VERSION}-{platform.system().lower()}-{machine}.tar.gz"
    served = base / "served"
    (base / "tree" / "pulumi").mkdir(parents=True)
    served.mkdir()
    program = base / "tree" / "pulumi" / "pulumi"
    program.write_text(f"#!/bin/sh\necho v{VERSION}\n")
    program.chmod(0o755)
    with tarfile.open(served / archive, "w:gz") as tar:
        tar.add(base / "tree" / "pulumi", "pulumi")
    digest = checksum or hashlib.sha256((served / archive).read_bytes()).hexdigest()
    (served / f"pulumi-{VERSION}-checksums.txt").write_text(f"{digest}  {archive}\n")
    # As tools/setup calls it: `... --output FILE ADDRESS`.
    return f"""
for word; do case $word in https://*) url=$word ;; esac; done
while [ "$1" != --output ]; do shift; done
cat "{served}/${{url##*/}}" >"$2" 2>/dev/null || exit 22
"""


def test_the_official_release_is_taken_when_its_checksum_matches(checkout: Checkout, tmp_path: Path) -> None:
    checkout.script("curl", release(tmp_path))
    code, said = checkout.run()
    assert (code, said) == (
        0,
        f"setup: downloading the Pulumi CLI {VERSION}\nsetup: Pulumi CLI: {checkout.cache}/pulumi (v{VERSION})\n",
    )


def test_a_release_with_another_checksum_is_not_used(checkout: Checkout, tmp_path: Path) -> None:
    checkout.script("curl", release(tmp_path, checksum="0" * 64))
    checkout.script("go", GO)
    code, said = checkout.run()
    assert code == 0
    assert "does not match its checksum: not used" in said
    assert (checkout.home / "builds").read_text() == "built\n"


def test_without_any_way_one_message_names_all_three(checkout: Checkout) -> None:
    checkout.script("curl", "exit 6")
    go = next(
        line.split()[1] for line in (ROOT / "tools/pulumi/go.mod").read_text().splitlines() if line.startswith("go ")
    )
    assert checkout.run() == (
        1,
        (
            f"setup: no Pulumi CLI of at least {VERSION}, and none could be made. Any one of these will do:\n"
            f"       1. install Pulumi {VERSION} or newer so that 'pulumi version' answers (https://www.pulumi.com/docs/install/);\n"
            f"       2. let this machine reach https://github.com/pulumi/pulumi/releases/download/v{VERSION};\n"
            f"       3. install Go {go} or newer: it is then built from tools/pulumi (needs a Go module proxy).\n"
        ),
    )
    assert not checkout.cache.exists()


def test_a_failing_build_shows_its_last_lines_and_leaves_nothing(checkout: Checkout) -> None:
    checkout.script("go", '[ "$1" = version ] || { echo "module lookup disabled"; exit 1; }')
    code, said = checkout.run()
    assert code == 1
    assert "module lookup disabled\nsetup: no Pulumi CLI of at least" in said
    assert list(checkout.cache.parent.iterdir()) == [checkout.cache.parent / "lock"]


def test_a_cache_folder_that_cannot_be_written_is_named(checkout: Checkout, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is needed")
    assert checkout.run(XDG_CACHE_HOME=str(blocked)) == (
        1,
        (
            f"setup: cannot write the cache folder {blocked}/nixfleet, where the Pulumi CLI is kept\n"
            "       Make it writable or name another one: XDG_CACHE_HOME=/some/folder make up\n"
        ),
    )


def test_what_a_killed_build_left_is_not_taken_for_a_cli(checkout: Checkout) -> None:
    part = checkout.cache.with_name(f"pulumi-{VERSION}.part")
    part.mkdir(parents=True)
    (part / "pulumi").write_text("half")
    checkout.script("go", GO)
    code, _ = checkout.run()
    assert (code, part.exists()) == (0, False)
    assert (checkout.cache / "pulumi").read_text() == f"#!/bin/sh\necho v{VERSION}\n"


def test_two_at_once_build_once(checkout: Checkout) -> None:
    checkout.script("go", f"{GO}\nsleep 2")
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(checkout.run()[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes, (checkout.home / "builds").read_text()) == ([0, 0], "built\n")


def test_a_half_made_virtual_environment_is_made_anew(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.script("pulumi", pulumi(f"v{VERSION}"))
    leftover = checkout.root / ".venv" / "lib" / "leftover"
    leftover.mkdir(parents=True)
    code, said = checkout.run()
    assert (code, leftover.exists(), (checkout.root / ".venv" / "bin" / "pip").exists()) == (0, False, True), said
    assert checkout.run() == (0, "")


def test_a_changed_lock_remakes_the_virtual_environment(checkout: Checkout) -> None:
    checkout.script("pulumi", pulumi(f"v{VERSION}"))
    (checkout.root / "requirements.lock").write_text("# other packages\n")
    code, said = checkout.run()
    assert (code, said.splitlines()[0]) == (
        0,
        f"setup: making {checkout.root}/.venv with Python {platform.python_version()} ({checkout.bin}/python3.12)",
    )


def test_an_uninstallable_package_is_told_with_the_next_step(checkout: Checkout) -> None:
    (checkout.root / "requirements.lock").write_text("nixfleet-no-such-package==1.0\n")
    code, said = checkout.run(PIP_NO_INDEX="1")
    assert code == 1
    assert said.endswith(
        "setup: the packages of requirements.lock could not be installed; pip says why above\n"
        "       A package index must be reachable (pip's own settings say which) and the disk must not be full "
        f"(df -h {checkout.root}). Then run the same command again.\n"
    )
    assert not (checkout.root / ".venv" / ".stamp").exists()


def test_an_old_python_is_refused(checkout: Checkout) -> None:
    checkout.script("python3.12", "exit 1")
    assert checkout.run() == (
        1,
        (
            "setup: no Python 3.11 or newer with its venv module was found on PATH\n"
            "       Install one (Debian: apt install python3 python3-venv) or name it: "
            "PYTHON=/path/to/python3.12 make up\n"
        ),
    )


def test_the_pinned_version_is_the_one_that_go_builds_and_pulumi_requires() -> None:
    setup = (ROOT / "tools/setup").read_text()
    assert f"pulumi_version={VERSION}\n" in setup
    assert f"github.com/pulumi/pulumi/pkg/v3 v{VERSION}" in (ROOT / "tools/pulumi/go.mod").read_text()
    assert f'requiredPulumiVersion: ">={VERSION}"' in (ROOT / "Pulumi.yaml").read_text()


def test_the_lock_names_no_index_and_hashes_every_package() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    lines = lock.splitlines()
    pinned = [number for number, line in enumerate(lines) if line[:1].isalnum()]
    assert len(pinned) > 30
    assert all("==" in lines[number] and lines[number + 1].startswith("    --hash=sha256:") for number in pinned)
