"""Users' secrets files on a machine without sops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from operate.messages import OperateError
from operate.secretfiles import update_keys

if TYPE_CHECKING:
    from pathlib import Path


def test_a_stack_without_secrets_files_needs_no_sops_and_one_with_them_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert update_keys(tmp_path, "sim", ()) == []
    (tmp_path / "nix/secrets/sim").mkdir(parents=True)
    (tmp_path / "nix/secrets/sim/shared.yaml").touch()
    with pytest.raises(OperateError) as refused:
        update_keys(tmp_path, "sim", ())
    assert str(refused.value) == (
        "no sops on PATH, and this stack has secrets files: install it (nix develop has it), run again"
    )
