"""Chart values: merging a user's over ours. Which values a chart knows is for its own module."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]
"""A chart's values, or a manifest: JSON."""


def merged(ours: Values, users: Values) -> Values:
    """The user's values over ours, key by key; lists and plain values are taken whole."""
    both = {
        key: merged(ours[key], users[key]) for key in ours.keys() & users.keys() if _are_maps(ours[key], users[key])
    }
    return {**ours, **users, **both}


def _are_maps(ours: object, users: object) -> bool:
    return isinstance(ours, dict) and isinstance(users, dict)
