"""Rectangles and lines of text, as far as a layout has to know them."""

from __future__ import annotations

from dataclasses import dataclass

CHARACTER = 0.61
"""Width of a character of a monospaced font, in parts of its size: none of the common ones is wider."""

LINE = 1.25
"""Height of a line of text, in parts of its size."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle, in units of the picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def holds(self, other: Box) -> bool:
        """Whether the other one lies inside."""
        return self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom


@dataclass(frozen=True, kw_only=True)
class Label:
    """One line of text."""

    text: str
    x: float
    y: float
    """Of its upper edge."""

    size: float
    style: str
    """Class of CSS."""

    @property
    def box(self) -> Box:
        """The room that it takes."""
        return Box(x=self.x, y=self.y, width=len(self.text) * self.size * CHARACTER, height=self.size * LINE)

    @property
    def baseline(self) -> float:
        """Where its letters stand."""
        return self.y + self.size


def cut(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis where it is wider."""
    room = int(width / (size * CHARACTER))
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}\u2026"
