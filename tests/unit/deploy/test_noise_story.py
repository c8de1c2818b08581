"""The square-dance ladder on virtual time, from the meter to the orders, by the city's files."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from deploy.backtest import Backtest
from deploy.cities import load_city
from feeds.recordings import KeyedRecord
from schemas.alerts import Alert, Transition
from schemas.codec import decode, encode
from schemas.dispatch import DispatchOrder, DispatchUpdate, FieldAction, OrderChange, Reminder
from schemas.readings import Reading
from schemas.topics import (
    ALERTS,
    DISPATCH_ORDERS,
    DISPATCH_UPDATES,
    REMINDERS,
    SENSOR_READINGS,
)
from streams.city.model import City

EVENING_MS = 1_758_022_200_000  # Tuesday 16 Sep 2025, 19:30 in Beijing
NIGHT_MS = EVENING_MS + 4 * 3_600_000
MINUTE_MS = 60_000
SQUARE = "LG-noise-square-central-1"
LOUD_DB, QUIET_DB = 72.0, 45.0


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


def sound(
    *stretches: tuple[int, float], sensor: str = SQUARE, begin_ms: int = EVENING_MS
) -> Iterator[KeyedRecord]:
    """Yield a level a second, for stretches of (minutes, dB(A))."""
    at_ms = begin_ms
    for minutes, level_db in stretches:
        for _ in range(minutes * 60):
            reading = Reading(
                source="noise", kind="noise.laeq", subject=sensor, event_time_ms=at_ms,
                value=level_db, unit="dB(A)",
            )  # fmt: skip
            yield KeyedRecord(SENSOR_READINGS, sensor.encode(), encode(reading), at_ms)
            at_ms += 1000


Word = tuple[float, FieldAction, Reminder]
"""When the loudspeaker says what about which call."""


class Told:
    """What the city's agents say about some sound, and about words from the field."""

    def __init__(
        self,
        city: City,
        records: Iterable[KeyedRecord],
        *words: tuple[float, FieldAction, Reminder],
    ) -> None:
        said = [
            KeyedRecord(
                DISPATCH_UPDATES,
                city.code.encode(),
                encode(
                    DispatchUpdate(
                        source="loudspeakers",
                        kind="dispatch.update",
                        subject=reminder.incident_id,
                        event_time_ms=round(at_ms),
                        ingest_time_ms=round(at_ms),
                        id=f"{action}-{at_ms}",
                        action=action,
                        by=reminder.subject,
                        order_id=reminder.reminder_id,
                    )
                ),
                round(at_ms),
            )
            for at_ms, action, reminder in words
        ]
        sends: list[Any] = []
        merged = sorted([*records, *said], key=lambda one: one.event_time_ms)
        Backtest(city, sends.append).run(merged, drain_s=0)

        def of(topic: str, record: Any) -> list[Any]:
            return [decode(record, one.value) for one in sends if one.topic == topic]

        self.reminders: list[Reminder] = of(REMINDERS, Reminder)
        self.orders: list[DispatchOrder] = of(DISPATCH_ORDERS, DispatchOrder)
        self.alerts: list[Alert] = [a for a in of(ALERTS, Alert) if a.kind == "noise.exceeded"]

    def rungs(self, since_ms: int = EVENING_MS) -> list[tuple[float, str, int]]:
        """Return (minute, transition, rung) of each message of the alert."""
        return [
            ((a.event_time_ms - since_ms) / MINUTE_MS, str(a.transition), a.rung)
            for a in self.alerts
            if a.transition is not Transition.CORRECTION
        ]

    def issued(self) -> list[str]:
        """Return the level of each order to people, as it is issued, without escalations."""
        return [str(order.level) for order in self.orders if order.change is OrderChange.ISSUED]

    def first_to(self, level: str) -> float:
        """Return the minute of the first order to a level."""
        at_ms = min(o.event_time_ms for o in self.orders if str(o.level) == level)
        return (at_ms - EVENING_MS) / MINUTE_MS


def test_turned_down_after_the_reminder_it_closes_as_self_corrected_and_nobody_is_sent(
    city,
) -> None:
    told = Told(city, sound((7, LOUD_DB), (12, QUIET_DB)))

    assert [rung for _, _, rung in told.rungs()] == [1, 1]
    assert told.alerts[-1].reason == "self-corrected"
    assert len(told.reminders) == 1
    assert {str(order.level) for order in told.orders} <= {"loudspeaker"}


def test_not_turned_down_it_goes_from_reminder_to_grid_worker_to_police_with_the_citys_times(
    city,
) -> None:
    told = Told(city, sound((32, LOUD_DB)))

    (remind, _, first), (grid, _, second), (police, _, third) = told.rungs()
    assert (first, second, third) == (1, 2, 3)
    assert 3 <= remind <= 4.5
    assert grid - remind == pytest.approx(5, abs=0.1)
    assert police - grid == pytest.approx(15, abs=0.1)
    assert len(told.reminders) == 1
    assert told.first_to("grid") >= grid
    assert told.first_to("department") >= told.first_to("grid")


def test_quiet_at_any_rung_ends_it(city) -> None:
    for loud_minutes, rung in ((12, 2), (28, 3)):
        told = Told(city, sound((loud_minutes, LOUD_DB), (8, QUIET_DB)))

        assert told.rungs()[-1][1:] == ("clear", rung)
        assert told.alerts[-1].reason == "self-corrected"


def test_a_loudspeaker_that_fails_sends_the_grid_worker_at_once_and_is_shown(city) -> None:
    (reminder,) = Told(city, sound((8, LOUD_DB))).reminders
    failed_ms = reminder.event_time_ms + 20_000

    told = Told(city, sound((8, LOUD_DB)), (failed_ms, FieldAction.REMINDER_FAILED, reminder))

    failed_min = (failed_ms - EVENING_MS) / MINUTE_MS
    assert failed_min <= told.first_to("grid") <= failed_min + 1
    call = [o for o in told.orders if str(o.level) == "loudspeaker"]
    assert any("failed" in o.reason for o in [*call, *told.orders])


def test_a_loudspeaker_that_played_is_listened_to_before_anybody_is_sent(city) -> None:
    (reminder,) = Told(city, sound((8, LOUD_DB))).reminders
    played_ms = reminder.event_time_ms + 5_000

    told = Told(
        city, sound((7, LOUD_DB), (2, QUIET_DB)),
        (played_ms, FieldAction.REMINDER_PLAYED, reminder),
    )  # fmt: skip

    assert {str(order.level) for order in told.orders} == {"loudspeaker"}


def test_no_loudspeaker_at_a_hospital_nor_in_a_quiet_class_at_night(city) -> None:
    hospital = next(v for v in city.venues.values() if v.use == "hospital")
    quiet = next(v for v in city.venues.values() if v.area_class == "1" and v.use != "hospital")
    for venue, begin_ms in ((hospital, EVENING_MS), (quiet, NIGHT_MS)):
        sensor = next(code for code, one in city.noise_sensors.items() if one.venue == venue.code)

        told = Told(city, sound((6, 80.0), sensor=sensor, begin_ms=begin_ms))

        assert told.reminders == []
        assert told.rungs(begin_ms)[0][1:] == ("onset", 2)
        assert "grid" in {str(order.level) for order in told.orders}


def test_within_ten_minutes_of_a_reminder_the_next_rung_is_a_person(city) -> None:
    told = Told(city, sound((4, LOUD_DB), (6, QUIET_DB), (5, LOUD_DB)))

    assert len(told.reminders) == 1
    assert [rung for _, transition, rung in told.rungs() if transition == "onset"] == [1, 2]
    assert told.alerts[-1].reason == "reminder-rests"
