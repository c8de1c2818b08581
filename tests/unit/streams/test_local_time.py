from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from streams.local_time import clock_text, local_time, minute_text, utc_offsets

HOUR_MS = 3_600_000
SHANGHAI = utc_offsets([(0, 8 * HOUR_MS)])


def at(text, zone="Asia/Shanghai"):
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def civil(text):
    found = local_time(np.array([at(text)]), SHANGHAI)
    return tuple(int(column[0]) for column in found)


@pytest.mark.parametrize(
    ("text", "day_of_week", "minute"),
    [
        ("2026-06-06T23:59:59.999", 5, 1439),
        ("2026-06-07T00:00:00", 6, 0),
        ("2026-06-07T00:00:59.999", 6, 0),
        ("2026-06-07T07:59:59", 6, 479),  # the last second of the UTC day before
        ("2026-06-08T00:00:00", 0, 0),
        ("2026-06-08T21:59:59.999", 0, 1319),
        ("2026-06-08T22:00:00", 0, 1320),
        ("1970-01-01T00:00:00", 3, 0),
        ("2024-02-29T12:34:00", 3, 754),
    ],
)
def test_civil_time_in_shanghai(text, day_of_week, minute):
    day_number = (date.fromisoformat(text[:10]) - date(1970, 1, 1)).days

    assert civil(text) == (day_number, day_of_week, minute)


def test_a_zone_with_summer_time_follows_its_table():
    zone = ZoneInfo("Europe/Copenhagen")
    edges = [at("2026-03-29T02:00:00", "UTC") - HOUR_MS, at("2026-10-25T01:00:00", "UTC")]
    offsets = utc_offsets([(edges[1], HOUR_MS), (0, HOUR_MS), (edges[0], 2 * HOUR_MS)])
    instants = [edge + step * HOUR_MS // 4 for edge in edges for step in range(-9, 10)]

    found = local_time(np.array(instants), offsets)
    expected = [datetime.fromtimestamp(ms // 1000, UTC).astimezone(zone) for ms in instants]
    assert found.minute_of_day.tolist() == [t.hour * 60 + t.minute for t in expected]
    assert found.day_of_week.tolist() == [t.weekday() for t in expected]


def test_an_instant_before_the_table_takes_its_first_offset():
    offsets = utc_offsets([(1_000_000, HOUR_MS), (2_000_000, 0)])

    assert local_time(np.array([0]), offsets).minute_of_day[0] == 60


@pytest.mark.parametrize("pairs", [[], [(0, 1), (0, 2)]])
def test_a_table_without_order_is_refused(pairs):
    with pytest.raises(ValueError, match=r"pair|same instant"):
        utc_offsets(pairs)


def test_clock_and_minutes_read_as_people_write_them():
    assert clock_text(at("2026-06-08T20:14:59"), SHANGHAI) == "20:14"
    assert (minute_text(0), minute_text(1440)) == ("00:00", "24:00")
