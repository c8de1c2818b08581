from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from streams.local_time import utc_offsets
from streams.noise.limits import DayType, LimitRow, LimitsError, Venue, compile_limits

OFFSETS = utc_offsets([(0, 8 * 3_600_000)])
DAY = {"from_minute": 360, "until_minute": 1320}
NIGHT = {"from_minute": 1320, "until_minute": 360}
EXAM = date(2026, 6, 7).toordinal() - date(1970, 1, 1).toordinal()  # a Sunday
SQUARE = Venue(code="square", name="龙港广场", area_class="2", lon_deg=120.55, lat_deg=27.58)
CLASS_2 = [
    LimitRow(limit_db=60, area_class="2", **DAY),
    LimitRow(limit_db=50, area_class="2", **NIGHT),
]


def at(text):
    zone = ZoneInfo("Asia/Shanghai")
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def limits(*rows, venues=(SQUARE,), calendar=None):
    return compile_limits([*CLASS_2, *rows], venues, calendar or {}, OFFSETS)


def row(compiled, text, venue="square", area_class=""):
    place = np.array([compiled.place(venue, area_class)])
    return int(compiled.holding(place, np.array([at(text)]))[0])


def limit(compiled, text, **place):
    return compiled.limit_db[row(compiled, text, **place)]


@pytest.mark.parametrize(
    ("text", "expected_db"),
    [
        ("2026-06-05T05:59:59.999", 50),
        ("2026-06-05T06:00:00", 60),
        ("2026-06-05T21:59:59.999", 60),
        ("2026-06-05T22:00:00", 50),
        ("2026-06-06T00:00:00", 50),
    ],
)
def test_the_night_begins_at_ten_and_ends_at_six(text, expected_db):
    assert limit(limits(), text) == expected_db
    assert bool(limits().is_night(np.array([at(text)]))[0]) == (expected_db == 50)


def test_a_venue_inherits_its_class_and_a_class_is_a_place_too():
    compiled = limits()

    assert row(compiled, "2026-06-05T12:00") == row(
        compiled, "2026-06-05T12:00", venue="", area_class="2"
    )
    assert compiled.place("", "4a") is None
    assert compiled.place("nowhere") is None


@pytest.mark.parametrize(
    ("rows", "text", "expected_db"),
    [
        # a venue's convention for an hour of the day beats its class
        ([LimitRow(limit_db=65, venue="square", from_minute=1140, until_minute=1230)],
         "2026-06-05T19:30", 65),
        ([LimitRow(limit_db=65, venue="square", from_minute=1140, until_minute=1230)],
         "2026-06-05T20:30", 60),
        # without hours it ties with the class's night, and the strictest holds
        ([LimitRow(limit_db=65, venue="square")], "2026-06-05T23:00", 50),
        ([LimitRow(limit_db=65, venue="square")], "2026-06-05T12:00", 60),
        ([LimitRow(limit_db=45, venue="square")], "2026-06-05T23:00", 45),
        # exam days, and the day type of the calendar before the day of the week
        ([LimitRow(limit_db=55, area_class="2", day_type=DayType.EXAM_DAY, **DAY)],
         "2026-06-07T12:00", 55),
        ([LimitRow(limit_db=55, area_class="2", day_type=DayType.WEEKEND, **DAY)],
         "2026-06-07T12:00", 60),
        ([LimitRow(limit_db=55, area_class="2", day_type=DayType.WEEKEND, **DAY)],
         "2026-06-06T12:00", 55),
        ([LimitRow(limit_db=55, area_class="2", day_type=DayType.WORKDAY, **DAY)],
         "2026-06-05T12:00", 55),
        # an exam-day limit for the whole day does not soften the night
        ([LimitRow(limit_db=55, area_class="2", day_type=DayType.EXAM_DAY)],
         "2026-06-07T23:00", 50),
    ],
)  # fmt: skip
def test_the_most_specific_limit_holds_and_among_equals_the_strictest(rows, text, expected_db):
    assert limit(limits(*rows, calendar={EXAM: DayType.EXAM_DAY}), text) == expected_db


def test_a_worked_weekend_day_is_a_workday():
    strict = LimitRow(limit_db=55, area_class="2", day_type=DayType.WORKDAY, **DAY)

    compiled = limits(strict, calendar={EXAM: DayType.WORKDAY})
    assert limit(compiled, "2026-06-07T12:00") == 55
    assert limit(compiled, "2026-06-06T12:00") == 60


def test_a_gap_is_refused_with_its_place_day_type_and_hours():
    rows = [
        LimitRow(limit_db=60, area_class="2", **DAY),
        LimitRow(limit_db=50, area_class="2", day_type=DayType.WORKDAY, **NIGHT),
    ]

    with pytest.raises(LimitsError, match="no limit for square on weekend 22:00-24:00") as caught:
        compile_limits(rows, [SQUARE], {}, OFFSETS)
    assert len(caught.value.gaps) == 2 * 3 * 2  # class and venue, three day types, two spans
    assert ("square", DayType.EXAM_DAY, 0, 360) in caught.value.gaps


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (LimitRow(limit_db=60, area_class="2", venue="square"), "not both"),
        (LimitRow(limit_db=60, venue="sqare"), "unknown venue 'sqare'"),
        (LimitRow(limit_db=60, area_class="2", from_minute=1440), "minutes of the day"),
        (LimitRow(limit_db=60, area_class="2", until_minute=0), "minutes of the day"),
        (LimitRow(limit_db=600, area_class="2"), "between 0 and 140"),
    ],
)
def test_a_wrong_row_is_refused(bad, message):
    with pytest.raises(LimitsError, match=message):
        limits(bad)


@pytest.mark.parametrize(
    ("extra", "text", "reason", "words"),
    [
        ([], "2026-06-05T23:00", "class-2/all-days/22:00-06:00", "夜间限值 50 dB(A)（2类区）"),
        ([], "2026-06-05T12:00", "class-2/all-days/06:00-22:00", "昼间限值 60 dB(A)（2类区）"),
        (
            [LimitRow(limit_db=62.5, venue="square", from_minute=1140, until_minute=1230)],
            "2026-06-05T19:30",
            "venue-square/all-days/19:00-20:30",
            "19:00至20:30限值 62.5 dB(A)（本场所公约）",
        ),
        (
            [LimitRow(limit_db=45, area_class="2", day_type=DayType.EXAM_DAY)],
            "2026-06-07T12:00",
            "class-2/exam-day/all-day",
            "考试日限值 45 dB(A)（2类区）",
        ),
    ],
)
def test_a_limit_says_why_it_holds(extra, text, reason, words):
    compiled = limits(*extra, calendar={EXAM: DayType.EXAM_DAY})
    if extra and extra[0].day_type:  # two named things each: the strictest of both
        assert limit(compiled, text) == 45

    assert compiled.reason(row(compiled, text)) == reason
    assert compiled.words(row(compiled, text)) == words
