"""Laws of where a system is built: by the stack file, else by the architectures of host and operator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fleet.model import Arch
from fleet.updates import Builder, Updates
from hostops import building

if TYPE_CHECKING:
    from hostops.task import Task

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
BUILDER = Builder(uri="ssh-ng://build@arm.example.net", host_key=KEY)
SPEC = (
    "ssh-ng://build@arm.example.net aarch64-linux - - - - - "
    "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSU9NcXFua1Z6cm0wU2RHNlVPb3FLTHNhYmdINUM5b2tXaTBkaDJsOUdLSmw="
)


def task(updates: Updates, arch: Arch = Arch.AARCH64) -> Task:
    made: Any = SimpleNamespace(cluster=SimpleNamespace(updates=updates), host=lambda _: SimpleNamespace(arch=arch))
    return made  # type: ignore[no-any-return]  # a task needs a whole workspace


@pytest.mark.parametrize(
    ("machine", "arch", "wanted"),
    [
        ("x86_64", Arch.X86_64, "here"),
        ("x86_64", Arch.AARCH64, "host"),
        ("aarch64", Arch.AARCH64, "here"),
        ("arm64", Arch.X86_64, "host"),
        ("riscv64", Arch.X86_64, "host"),
    ],
)
def test_a_silent_stack_file_builds_where_the_architecture_is(
    monkeypatch: pytest.MonkeyPatch, machine: str, arch: Arch, wanted: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert building.place(task(Updates(), arch), "h") == wanted


def test_the_stack_file_s_word_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert building.place(task(Updates(build="here")), "h") == "here"
    assert building.place(task(Updates(build="host"), Arch.X86_64), "h") == "host"
    assert building.place(task(Updates(build="builder", builder=BUILDER)), "h") == "builder"


def test_both_tools_are_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    here, host = task(Updates(build="here")), task(Updates(build="host"))
    far = task(Updates(build="builder", builder=BUILDER))
    assert building.for_nixos_anywhere(here, "h") == ["--build-on", "local"]
    assert building.for_nixos_anywhere(host, "h") == ["--build-on", "remote"]
    assert building.for_nixos_anywhere(far, "h") == ["--build-on", "local", "--option", "builders", SPEC]
    assert building.for_nixos_rebuild(here, "h", "deploy@192.0.2.1") == []
    assert building.for_nixos_rebuild(host, "h", "deploy@192.0.2.1") == ["--build-host", "deploy@192.0.2.1"]
    assert building.for_nixos_rebuild(far, "h", "deploy@192.0.2.1") == ["--builders", SPEC]
