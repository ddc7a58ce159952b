"""Reading and writing whole files, with one message where that fails."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from fleet.faults import Fault, FleetError


def refused(source: str, path: str, value: str, law: str, cure: str) -> FleetError:
    """An error of one fault."""
    return FleetError(source, (Fault(path=path, value=value, law=law, cure=cure),))


def read_text(path: Path) -> str:
    """The file's text; raises FleetError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise refused(
            str(path), "document", str(reason), "the file can be read", "check its name and who may read it"
        ) from None


def read_json(path: Path) -> object:
    """The file's data; raises FleetError where it cannot be read or is no JSON."""
    try:
        data: object = json.loads(read_text(path))
    except ValueError as error:
        raise refused(str(path), "document", str(error), "the file is JSON", "correct that place") from None
    return data


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: whoever is killed leaves the old one or the new one, never a part."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
