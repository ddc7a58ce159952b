"""`python -m tests.machines.prepare`: make what all machines begin with; says why none can be had here, or nothing."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.machines import qemu
from tests.machines.medium import medium
from tests.machines.points import Points


def reason() -> str:
    """What this computer lacks for a machine; empty if nothing."""
    lacks = qemu.missing()
    if lacks:
        return f"install {lacks} (Debian's packages)"
    try:
        medium()
    except (subprocess.SubprocessError, OSError) as error:
        return f"its medium cannot be made ({error})"
    try:
        with Points().at("installer"):
            return ""
    except RuntimeError as error:
        return f"QEMU starts none ({error})"


if __name__ == "__main__":
    began = time.monotonic()
    found = reason()
    sys.stderr.write(f"test-machines: ready after {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(" ".join(found.split()))
