"""An image's reference with the digest that the lock has for it. What is in the lock is artifacts.py's matter."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "data" / "artifacts.json"


@cache
def _digests() -> dict[str, str | None]:
    document: dict[str, Any] = json.loads(LOCK.read_text(encoding="utf-8"))
    return dict(document["images"])


def pinned(image: str) -> str:
    """The reference that a node pulls: by content where that is known, and the tag stays readable."""
    digest = _digests().get(image)
    return f"{image}@{digest}" if digest else image
