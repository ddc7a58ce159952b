"""Private folders and locks of this machine: in memory, nobody else's, the same ones in every shell."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostops import runtime
from hostops.failure import Code, Failure
from hostops.lock import alone, place

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder of this user's own, named to the program."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as folder:
        monkeypatch.setenv(runtime.VARIABLE, folder)
        yield Path(folder)


def refusal(code: Code = Code.REFUSED) -> str:
    """How the lock of a host is refused."""
    with pytest.raises(Failure) as caught, alone("lab", "a", "switch"):
        pass
    assert (caught.value.code, caught.value.phase) == (code, "lock" if code is Code.REFUSED else "environment")
    return caught.value.text


def test_private_files_lie_in_memory_whatever_the_temporary_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv(runtime.VARIABLE, raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    made = runtime.private()
    try:
        assert made.path.parent == Path(f"/dev/shm/nixfleet-{os.getuid()}")  # noqa: S108 - that is the law
        assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    finally:
        made.remove()
    assert not made.path.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mode", "used"), [(0o700, True), (0o755, False)])
def test_the_session_s_folder_comes_first_where_it_is_private(
    mode: int,
    used: bool,  # noqa: FBT001 - a row of the table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(runtime.VARIABLE, raising=False)
    with tempfile.TemporaryDirectory(prefix="xdg-", dir="/tmp") as folder:
        Path(folder).chmod(mode)
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        made = runtime.private()
        assert made.path.is_relative_to(folder) == used
        made.remove()


@pytest.mark.parametrize("text", ["relative/path", "/with a/blank", f"/{'long' * 20}"])
def test_a_folder_that_cannot_hold_sockets_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runtime.VARIABLE, text)
    law = "give an absolute path without blanks and of at most 60 characters"
    assert refusal(Code.USAGE) == f"NIXFLEET_RUNTIME is {text!r}; {law}"


def test_a_folder_that_others_can_write_is_refused(own: Path) -> None:
    own.chmod(0o777)
    cure = "remove it, or have its owner do so, then run again"
    what = f"it belongs to user {os.getuid()} and has mode 0777"
    assert refusal() == f"{own} is not this user's private folder: {what}; {cure}"
    own.chmod(0o700)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make somebody else's folder")
def test_a_folder_that_somebody_else_made_is_refused(own: Path) -> None:
    os.chown(own, 12345, -1)
    cure = "remove it, or have its owner do so, then run again"
    assert refusal() == f"{own} is not this user's private folder: it belongs to user 12345 and has mode 0700; {cure}"


def test_no_link_is_followed_to_a_folder(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "link").symlink_to(own)
    monkeypatch.setenv(runtime.VARIABLE, str(own / "link"))
    cure = "remove it, or have its owner do so, then run again"
    assert refusal() == f"{own}/link is not this user's private folder: it is no folder, or a link; {cure}"


def test_no_link_is_followed_to_a_file(own: Path) -> None:
    victim = own / "victim"
    victim.write_text("precious\n")
    (own / "a@lab").symlink_to(victim)
    assert refusal() == "the lock a@lab cannot be opened (Too many levels of symbolic links); remove it"
    (own / "a@lab").unlink()
    os.link(victim, own / "a@lab")
    assert refusal() == "the lock a@lab is no file of this user's own; remove it"
    assert victim.read_text() == "precious\n"


def test_the_lock_is_of_stack_and_host_in_every_shell(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alone("lab", "a", "install"):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
        assert refusal().startswith("another run works on this host (process ")
        with alone("lab", "b", "install"), alone("other", "a", "install"):
            pass
    with alone("lab", "a", "install"):
        pass


def test_who_shares_the_locks_shares_the_place_and_nobody_else(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = place()
    assert (place(), len(first)) == (first, 32)
    assert [path.name for path in own.iterdir()] == ["place"]
    (own / "other").mkdir(mode=0o700)
    monkeypatch.setenv(runtime.VARIABLE, str(own / "other"))
    assert place() != first


def test_a_folder_without_a_living_run_is_swept_and_the_others_stay(own: Path) -> None:
    made = runtime.private()
    (made.path / "deploy-key").write_text("key")
    dead = own / f"{runtime.PREFIX}dead"
    dead.mkdir()
    (dead / "deploy-key").write_text("key")
    (own / "a@lab").touch()
    runtime.sweep()
    assert sorted(path.name for path in own.iterdir()) == ["a@lab", made.path.name]
    made.remove()
