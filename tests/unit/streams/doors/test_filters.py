"""A source's own filters, as configured: each with a named reason."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from streams.city.model import City
from streams.doors.filters import Chain, Filters
from streams.doors.judging import Judge
from streams.doors.sender import Sender

NOW_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z

Write = Callable[..., bytes]


def reasons(chain: Chain, *events: tuple[float, dict[str, Any]]) -> list[str]:
    """Return the code of each event of one device, "" where it passes; times in seconds."""
    looks = [chain.look("boat", event, round(at_s * 1000)) for at_s, event in events]
    return ["" if verdict is None else str(verdict.code) for verdict in looks]


def at(metres_east: float, **said: Any) -> dict[str, Any]:
    return {"lon_deg": 120.6 + metres_east / 98_700, "lat_deg": 27.57, "sog_kn": 5.0} | said


def test_without_filters_everything_passes() -> None:
    assert reasons(Chain(Filters()), (0, at(0)), (0.1, at(9e6)), (0.2, {})) == ["", "", ""]


def test_too_soon_too_near_too_fast_and_standing_still() -> None:
    assert reasons(Chain(Filters(min_period_s=10)), (0, at(0)), (9, at(0)), (10, at(0))) == [
        *("", "min-period", ""),
    ]
    assert reasons(Chain(Filters(distance_m=50)), (0, at(0)), (10, at(30)), (20, at(60))) == [
        *("", "distance", ""),
    ]
    assert reasons(Chain(Filters(max_speed_kn=60)), (0, at(0)), (1, at(900)), (60, at(900))) == [
        *("", "max-speed", ""),
    ]
    assert reasons(Chain(Filters(static=True)), (0, at(0)), (9, at(0, sog_kn=0))) == ["", "static"]
    assert reasons(Chain(Filters(accuracy_m=30)), (0, at(0, accuracy_m=31)), (1, at(0))) == [
        *("accuracy", ""),
    ]


def test_a_long_pause_or_a_changed_attribute_lets_an_event_pass() -> None:
    patient = Filters(distance_m=50, skip_limit_s=300, skip_attributes=("nav_status",))

    told = reasons(
        Chain(patient),
        (0, at(0, nav_status=0)),
        (100, at(1, nav_status=0)),
        (200, at(1, nav_status=14)),
        (300, at(1, nav_status=14)),
        (500, at(1, nav_status=14)),
    )

    assert told == ["", "distance", "", "distance", ""]


def test_a_repeated_or_older_event_is_not_refused_for_its_own_sake() -> None:
    chain = Chain(Filters(min_period_s=10, distance_m=50))

    assert reasons(chain, (100, at(0)), (100, at(0)), (50, at(0)), (105, at(99))) == [
        *("", "", "", "min-period"),
    ]


def test_devices_beyond_the_bound_push_out_the_one_not_heard_for_longest() -> None:
    chain = Chain(Filters(min_period_s=10), most_devices=2)
    for device in ("a", "b", "c"):
        assert chain.look(device, {}, 1000) is None

    assert chain.look("a", {}, 2000) is None  # forgotten, so taken as new
    assert chain.look("c", {}, 2000) is not None


def test_a_limit_below_zero_is_no_filter() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Filters(min_period_s=0)
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"min_period": 5}, Filters)


def test_the_door_applies_what_the_citys_file_says(city: City, reading: Write) -> None:
    filters = Filters(min_period_s=10, past_s=3600)
    strict = msgspec.structs.replace(city.sources["noise"], filters=filters)
    judge = Judge(dataclasses.replace(city, sources={**city.sources, "noise": strict}))
    times = ("12:29:00", "12:29:05", "12:29:10", "11:00:00", "04:29:30")
    items = [reading(event_time=f"2026-05-01T{clock}Z") for clock in times]

    verdicts = judge.judge(items, Sender("key", ("noise",)), NOW_MS).verdicts

    assert [one.code for one in verdicts] == ["", "min-period", "", "past", "past"]
    assert "8 h behind" in verdicts[4].hint
