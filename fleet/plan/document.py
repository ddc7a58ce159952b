"""The plan as JSON, for other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.plan.model import Plan


def render_json(plan: Plan) -> str:
    """The model's bytes: sorted keys, two spaces, a newline at the end."""
    return json.dumps(plan.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
