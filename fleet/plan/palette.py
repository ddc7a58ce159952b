"""Colours, once for light and once for dark ground; a test holds every pair that meets to its contrast."""

from __future__ import annotations

LIGHT = {
    # keep-sorted start
    "firm": "#825500",
    "grave": "#b3261e",
    "ground": "#ffffff",
    "ink": "#1b1f24",
    "line": "#6e7781",
    "mild": "#0b5cad",
    "new": "#0a6b3d",
    "panel": "#f3f5f7",
    "quiet": "#57606a",
    # keep-sorted end
}

DARK = {
    # keep-sorted start
    "firm": "#e3b341",
    "grave": "#ff8a80",
    "ground": "#0d1117",
    "ink": "#e6edf3",
    "line": "#8b949e",
    "mild": "#79b8ff",
    "new": "#5fd38a",
    "panel": "#171d25",
    "quiet": "#a5aeb8",
    # keep-sorted end
}

GROUNDS = ("ground", "panel")
"""What others stand on."""

TEXTS = ("ink", "quiet", "mild", "firm", "new", "grave")
"""What letters are drawn in: 4.5 to 1 on each ground (WCAG 1.4.3)."""

LINES = ("line",)
"""What only lines are drawn in: 3 to 1 (WCAG 1.4.11)."""


def properties(colours: dict[str, str]) -> str:
    """The colours as custom properties of CSS."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


STYLE = (
    f":root{{color-scheme:light dark;{properties(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{properties(DARK)}}}}}"
    # Paper is white.
    f"@media print{{:root{{color-scheme:light;{properties(LIGHT)}}}}}"
)
