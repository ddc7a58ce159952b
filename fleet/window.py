"""When hosts may be rebooted: days and hours of a week. Who asks, and in which time zone, is not known here."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from fleet.model import Model

CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
Clock = Annotated[str, Field(pattern=CLOCK_PATTERN)]
"""A time of day, for example `02:30`."""


class Day(StrEnum):
    """A day of the week."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


WEEK = tuple(Day)


class Window(Model):
    """When hosts may be rebooted, in the fleet's time zone. A reboot begins inside; it may end after it."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = WEEK
    """Days on which the window opens."""

    opens: Clock
    closes: Clock
    """Earlier than `opens`: on the day after."""

    def is_open(self, moment: datetime) -> bool:
        """Whether a reboot may begin at that moment, which is in the fleet's time zone."""
        return self.opened(moment) is not None

    def opened(self, moment: datetime) -> datetime | None:
        """Since when it is open at that moment; None while it is closed."""
        starts = (self._start(moment, -1), self._start(moment, 0))
        open_since = [start for start in starts if start <= moment < start + self._length]
        return next((start for start in open_since if WEEK[start.weekday()] in self.days), None)

    def next_opening(self, moment: datetime) -> datetime:
        """When it opens next after that moment."""
        starts = (self._start(moment, after) for after in range(len(WEEK) + 1))
        return next(start for start in starts if start > moment and WEEK[start.weekday()] in self.days)

    def __str__(self) -> str:
        """For messages."""
        days = "every day" if set(self.days) == set(WEEK) else ", ".join(day for day in WEEK if day in self.days)
        return f"{days} {self.opens}-{self.closes}"

    @property
    def _length(self) -> timedelta:
        minutes = (_minutes(self.closes) - _minutes(self.opens)) % (24 * 60)
        return timedelta(minutes=minutes)

    def _start(self, moment: datetime, days: int) -> datetime:
        """The opening of the day so many days after that moment's."""
        hour, minute = divmod(_minutes(self.opens), 60)
        return (moment + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
