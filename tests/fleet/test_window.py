"""When hosts may be rebooted."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from fleet.window import Day, Window

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Window(days=(Day.SATURDAY,), opens="23:00", closes="04:00")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-21 22:59", False),
        ("2026-11-21 23:00", True),
        ("2026-11-22 03:59", True),
        ("2026-11-22 04:00", False),
        ("2026-11-22 23:30", False),
        ("2026-11-20 23:30", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens(moment: str, *, is_open: bool) -> None:
    assert NIGHT.is_open(datetime.fromisoformat(moment).replace(tzinfo=BERLIN)) is is_open


def test_a_window_says_when_it_opens_next() -> None:
    opening = datetime(2026, 11, 21, 23, tzinfo=BERLIN)
    assert NIGHT.next_opening(datetime(2026, 11, 21, 22, tzinfo=BERLIN)) == opening
    assert NIGHT.next_opening(opening) == datetime(2026, 11, 28, 23, tzinfo=BERLIN)


def test_a_window_reads_as_people_write_it() -> None:
    assert str(NIGHT) == "sat 23:00-04:00"
    assert str(Window(opens="02:00", closes="05:00")) == "every day 02:00-05:00"
