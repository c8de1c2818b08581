"""The real noise series through the sequencer and the rule: exactly what must come out.

The recordings do not say where they were taken; they are read as local time of
the city, at venues whose limits are low enough for a real sequence. Each line
of the golden lists can be checked against the series by hand: the Leq is that
of the window that ends at the instant, by the definition, in one-second values.
"""

import csv
import random
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from schemas.readings import ReadingBatch
from streams import columns
from streams.event_time import Sequencer, Timing
from streams.local_time import utc_offsets
from streams.noise.levels import leq
from streams.noise.limits import LimitRow, Venue, compile_limits
from streams.noise.posts import NoiseSensor, place_sensors
from streams.rules import noise

pytestmark = pytest.mark.recordings

ZONE = ZoneInfo("Asia/Shanghai")
# GB 3096-2008, classes 0, 1 and 2.
ROWS = [
    LimitRow(limit_db=50, area_class="0", from_minute=360, until_minute=1320),
    LimitRow(limit_db=40, area_class="0", from_minute=1320, until_minute=360),
    LimitRow(limit_db=55, area_class="1", from_minute=360, until_minute=1320),
    LimitRow(limit_db=45, area_class="1", from_minute=1320, until_minute=360),
    LimitRow(limit_db=60, area_class="2", from_minute=360, until_minute=1320),
    LimitRow(limit_db=50, area_class="2", from_minute=1320, until_minute=360),
]
VENUES = {
    "sanatorium": Venue(
        code="sanatorium", name="疗养院", area_class="0", lon_deg=120.55, lat_deg=27.58
    ),
    "square": Venue(code="square", name="广场", area_class="1", lon_deg=120.56, lat_deg=27.57),
    "market": Venue(code="market", name="市场", area_class="2", lon_deg=120.57, lat_deg=27.56),
}
LIMITS = compile_limits(ROWS, VENUES.values(), {}, utc_offsets([(0, 8 * 3_600_000)]))
DISORDER_S = 10


def setting(sample_s):
    sensors = {code: NoiseSensor(venue=code, sample_s=sample_s) for code in VENUES}
    return place_sensors(noise.Params(), LIMITS, VENUES, sensors)


def series(path):
    with path.open() as lines:
        rows = list(csv.reader(lines))[1:]
    times_ms = [round(datetime.fromisoformat(t).replace(tzinfo=ZONE).timestamp()) for t, _ in rows]
    return np.array(times_ms, dtype=np.int64) * 1000, np.array([float(db) for _, db in rows])


def batch(sensor, times_ms, levels_db):
    numbers = np.arange(len(times_ms))
    nowhere = np.full(len(times_ms), np.nan)
    return ReadingBatch(
        ["meter"] * len(numbers), ["noise.laeq"] * len(numbers), [sensor] * len(numbers),
        times_ms, times_ms, levels_db, nowhere, nowhere, numbers, numbers,
    )  # fmt: skip


def replay(arriving, told, *, rows=1000, disorder_s=DISORDER_S):
    """Give the alerts of a series that arrives in batches of `rows`."""
    timing = Timing(disorder_s * 1000, 0)
    sequencer = Sequencer({}, timing, ReadingBatch)
    now_ms = int(arriving.event_time_ms.max()) + DISORDER_S * 1000
    state, alerts = {}, []

    def take_in(released):
        assert not released.late
        verdict = noise.evaluate(released.batch, state, told)
        state.update(verdict.changed)
        alerts.extend(verdict.alerts)

    for begins in range(0, len(arriving.row), rows):
        take_in(sequencer.push(columns.take(arriving, slice(begins, begins + rows)), now_ms))
    take_in(sequencer.advance(now_ms))
    take_in(sequencer.advance(now_ms + 3_600_000))
    return alerts


def golden(alerts):
    return [
        (
            datetime.fromtimestamp(alert.event_time_ms // 1000, ZONE).strftime("%d %H:%M:%S"),
            alert.kind.removeprefix("noise."),
            str(alert.transition),
            alert.rung,
            round(alert.value, 1),
            alert.limit,
        )
        for alert in alerts
    ]


SANATORIUM = [
    ("22 00:01:48", "warn", "onset", 0, 44.4, 40),
    ("22 00:03:48", "warn", "clear", 0, 44.9, 40),
    ("22 00:03:48", "exceeded", "onset", 2, 44.9, 40),
    ("22 00:18:48", "exceeded", "update", 3, 45.4, 40),
    ("22 06:05:01", "exceeded", "clear", 3, 47.0, 50),
    ("22 06:13:57", "warn", "onset", 0, 48.6, 50),
    ("22 10:25:44", "warn", "clear", 0, 44.4, 50),
    ("22 10:52:39", "warn", "onset", 0, 50.4, 50),
    ("22 11:34:51", "warn", "clear", 0, 44.6, 50),
    ("22 11:41:03", "warn", "onset", 0, 52.7, 50),
]  # fmt: skip
SQUARE = [
    ("22 00:01:48", "warn", "onset", 0, 44.4, 45),
    ("22 00:23:58", "warn", "clear", 0, 48.5, 45),
    ("22 00:23:58", "exceeded", "onset", 2, 48.5, 45),
    ("22 00:38:58", "exceeded", "update", 3, 47.8, 45),
    ("22 01:51:14", "exceeded", "clear", 3, 42.3, 45),
    ("22 01:53:02", "warn", "onset", 0, 42.5, 45),
    ("22 04:47:38", "warn", "clear", 0, 48.1, 45),
    ("22 04:47:38", "exceeded", "onset", 2, 48.1, 45),
    ("22 05:02:38", "exceeded", "update", 3, 45.2, 45),
    ("22 06:05:01", "exceeded", "clear", 3, 47.0, 55),
    ("22 11:43:52", "warn", "onset", 0, 56.4, 55),
    ("22 11:49:07", "warn", "clear", 0, 47.9, 55),
]  # fmt: skip
# The ladder alone; the warnings are counted.
MARKET = [
    ("21 03:32:00", "exceeded", "onset", 1, 54.1, 50),
    ("21 03:37:00", "exceeded", "update", 2, 52.4, 50),
    ("21 04:06:00", "exceeded", "update", 3, 50.0, 50),
    ("21 06:06:00", "exceeded", "clear", 3, 50.7, 60),
    ("22 22:05:00", "exceeded", "onset", 1, 51.3, 50),
    ("22 22:10:00", "exceeded", "update", 2, 57.7, 50),
    ("22 22:25:00", "exceeded", "update", 3, 52.3, 50),
    ("22 23:37:00", "exceeded", "clear", 3, 44.6, 50),
    ("22 23:52:00", "exceeded", "onset", 1, 57.0, 50),
    ("23 00:02:00", "exceeded", "clear", 1, 46.6, 50),
    ("24 05:47:00", "exceeded", "onset", 1, 50.9, 50),
    ("24 05:52:00", "exceeded", "update", 2, 51.5, 50),
    ("24 06:06:00", "exceeded", "clear", 2, 51.3, 60),
    ("25 04:35:00", "exceeded", "onset", 1, 50.7, 50),
    ("25 04:44:00", "exceeded", "update", 2, 50.7, 50),
    ("25 05:05:00", "exceeded", "update", 3, 50.8, 50),
    ("25 06:06:00", "exceeded", "clear", 3, 51.7, 60),
    ("26 05:26:00", "exceeded", "onset", 1, 50.5, 50),
    ("26 05:31:00", "exceeded", "update", 2, 50.2, 50),
    ("26 05:46:00", "exceeded", "update", 3, 52.5, 50),
    ("26 06:06:00", "exceeded", "clear", 3, 50.2, 60),
    ("26 22:11:00", "exceeded", "onset", 1, 51.1, 50),
    ("26 22:16:00", "exceeded", "update", 2, 51.7, 50),
    ("26 22:27:00", "exceeded", "clear", 2, 47.2, 50),
    ("27 05:26:00", "exceeded", "onset", 1, 50.6, 50),
    ("27 05:31:00", "exceeded", "update", 2, 58.7, 50),
    ("27 05:47:00", "exceeded", "update", 3, 50.3, 50),
    ("27 06:06:00", "exceeded", "clear", 3, 52.1, 60),
    ("27 22:38:00", "exceeded", "onset", 1, 51.6, 50),
    ("27 22:44:00", "exceeded", "update", 2, 51.1, 50),
    ("27 23:06:00", "exceeded", "update", 3, 52.3, 50),
    ("27 23:19:00", "exceeded", "clear", 3, 46.7, 50),
    ("28 03:16:00", "exceeded", "onset", 1, 51.9, 50),
    ("28 03:21:00", "exceeded", "update", 2, 51.2, 50),
    ("28 03:41:00", "exceeded", "update", 3, 51.8, 50),
    ("28 06:06:00", "exceeded", "clear", 3, 52.7, 60),
    ("29 04:47:00", "exceeded", "onset", 1, 50.0, 50),
    ("29 04:54:00", "exceeded", "update", 2, 50.3, 50),
    ("29 05:20:00", "exceeded", "update", 3, 50.1, 50),
    ("29 06:06:00", "exceeded", "clear", 3, 49.8, 60),
    ("30 22:04:00", "exceeded", "onset", 1, 50.8, 50),
    ("30 22:09:00", "exceeded", "update", 2, 52.0, 50),
    ("30 22:24:00", "exceeded", "update", 3, 53.7, 50),
    ("31 06:09:00", "exceeded", "update", 3, 60.4, 60),
    ("31 06:32:00", "exceeded", "clear", 3, 55.2, 60),
    ("31 22:21:00", "exceeded", "onset", 1, 51.0, 50),
    ("31 22:29:00", "exceeded", "update", 2, 50.7, 50),
    ("31 22:42:00", "exceeded", "clear", 2, 46.2, 50),
    ("01 05:17:00", "exceeded", "onset", 1, 51.6, 50),
    ("01 05:22:00", "exceeded", "update", 2, 50.6, 50),
    ("01 05:37:00", "exceeded", "update", 3, 50.5, 50),
    ("01 06:06:00", "exceeded", "clear", 3, 51.8, 60),
]  # fmt: skip
WARNINGS = 70


@pytest.fixture(scope="module")
def seconds(recordings):
    return series(recordings / "noise" / "noisemonitor_laeq1s_first12h.csv")


@pytest.fixture(scope="module")
def minutes(recordings):
    return series(recordings / "noise" / "noisemonitor_test_data_laeq1m.csv")


@pytest.mark.parametrize(("venue", "expected"), [("sanatorium", SANATORIUM), ("square", SQUARE)])
def test_twelve_hours_of_seconds_climb_the_ladder(seconds, venue, expected):
    assert golden(replay(batch(venue, *seconds), setting(1))) == expected


def test_eleven_days_of_minutes_climb_the_ladder(minutes):
    alerts = replay(batch("market", *minutes), setting(60))

    assert golden([alert for alert in alerts if alert.kind == "noise.exceeded"]) == MARKET
    said = Counter((str(a.transition), str(a.reason)) for a in alerts if a.kind == "noise.warn")
    assert said == {
        ("onset", "approaching"): WARNINGS,
        ("clear", "receded"): WARNINGS - said["clear", "exceeded"],
        ("clear", "exceeded"): sum(transition == "onset" for _, _, transition, *_ in MARKET),
    }


@pytest.mark.parametrize("venue", VENUES)
def test_every_level_told_is_the_leq_of_its_window(seconds, venue):
    times_ms, levels_db = seconds
    alerts = replay(batch(venue, *seconds), setting(1))

    assert alerts
    for alert in alerts:
        within = (times_ms >= alert.window_start_time_ms) & (times_ms < alert.window_end_time_ms)
        assert alert.value == pytest.approx(leq(levels_db[within]), abs=0.001)


def test_every_onset_was_over_the_limit_for_three_minutes(minutes):
    times_ms, levels_db = minutes
    onsets = [
        alert
        for alert in replay(batch("market", *minutes), setting(60))
        if (alert.kind, alert.transition) == ("noise.exceeded", "onset")
    ]

    assert len(onsets) == sum(transition == "onset" for _, _, transition, *_ in MARKET)
    for alert in onsets:
        held = (times_ms >= alert.onset_time_ms - 60_000) & (times_ms < alert.event_time_ms)
        assert held.sum() == 4
        assert (levels_db[held] > alert.limit).all()


def test_disorder_and_batches_leave_no_trace(seconds):
    ordered = batch("square", *seconds)
    dice = random.Random(20250322)
    shuffled_ms = [t + dice.randrange(DISORDER_S * 1000) for t in ordered.event_time_ms.tolist()]
    arrived = columns.take(ordered, np.argsort(shuffled_ms, kind="stable"))
    arrived = arrived._replace(offset=ordered.offset)

    expected = replay(ordered, setting(1), rows=len(ordered.row), disorder_s=0)
    assert replay(arrived, setting(1), rows=777) == expected
    assert golden(expected) == SQUARE
