"""Moratorium: by gear, permit, water and year, half-open at noon in Beijing."""

from typing import NamedTuple

import pytest

from streams.rules import moratorium
from streams.vessels.register import VesselRecord, register

KIND = "vessel.moratorium"
NOON_MIN = 240  # T0 is 08:00 of the day on which the season ends
NEXT_YEAR_MIN = 240 + 227 * 1440  # 1 May 12:00
MINUTE_MS = 60_000


class Season(NamedTuple):
    """Two years' closed seasons of the band."""

    seasons_ms: tuple[tuple[int, int], ...]
    code: str = "general"
    fence: str = "band"
    gears: frozenset[str] = frozenset({"trawl", "purse-seine"})
    permit: str = "special"

    def closes(self, gear, permits):
        return gear in self.gears and self.permit not in permits


@pytest.fixture
def closures(sea):
    def minute(count):
        return sea.t0_ms + count * MINUTE_MS

    this_year = (minute(-100_000), minute(NOON_MIN))
    return (Season((this_year, (minute(NEXT_YEAR_MIN), minute(NEXT_YEAR_MIN + 100_000)))),)


def boat(gear, *permits):
    return register([VesselRecord(code="V1", name="b", mmsi="412420001", gear=gear,
                                  permits=permits)])  # fmt: skip


def under_way(sea, *minutes, **said):
    return [sea.fix(minute, **said) for minute in minutes]


def test_a_trawler_under_way_in_closed_time_is_told_and_ends_at_noon(sea, closures):
    run = sea.run(moratorium, boat("trawl"), closures)

    run.take(*under_way(sea, *range(0, 240, 10)))
    run.until(239)
    run.until(240)

    assert run.story() == [(10, KIND, "onset"), (240, KIND, "clear")]
    assert run.alerts[0].reason.startswith("fishing-speed gear-registered:trawl general fix")
    assert run.alerts[1].reason.startswith("season-ended")


def test_at_noon_the_season_is_over(sea, closures):
    run = sea.run(moratorium, boat("trawl"), closures)

    run.take(*under_way(sea, 231, 240, 250))

    assert run.alerts == []


def test_when_a_season_begins_those_who_are_out_are_judged_without_a_new_fix(sea, closures):
    run = sea.run(moratorium, boat("trawl"), closures)

    run.take(*under_way(sea, NEXT_YEAR_MIN - 30, NEXT_YEAR_MIN - 20))
    run.until(NEXT_YEAR_MIN - 1)
    run.until(NEXT_YEAR_MIN)

    assert run.story() == [(NEXT_YEAR_MIN, KIND, "onset")]
    assert "season-opened" in run.alerts[0].reason


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        (boat("hook-and-line"), "trawl"),
        (boat("trawl", "special"), ""),
        ({}, ""),
        ({}, "gillnet"),
    ],
    ids=["registered gear is believed first", "permit", "gear unknown", "gear not covered"],
)
def test_who_is_not_covered_is_left_alone(sea, closures, registry, said):
    run = sea.run(moratorium, registry, closures)

    run.take(sea.static(0, gear=said or None), *under_way(sea, 0, 10, 20, 30))

    assert run.alerts == []


def test_what_a_boat_says_of_its_gear_counts_when_no_register_knows_it(sea, closures):
    run = sea.run(moratorium, {}, closures)

    run.take(sea.static(0, gear="trawl"), *under_way(sea, 0, 10))

    assert run.story() == [(10, KIND, "onset")]
    assert "gear-said:trawl" in run.alerts[0].reason
    assert "unregistered" in run.alerts[0].reason


@pytest.mark.parametrize(
    "said",
    [
        {"sog_kn": 0.5},
        {"lon_deg": 120.55, "lat_deg": 27.45},
        {"lat_deg": 26.4},
    ],
    ids=["drifting", "in harbour", "south of the band"],
)
def test_who_does_not_sail_in_closed_water_is_left_alone(sea, closures, said):
    run = sea.run(moratorium, boat("trawl"), closures)

    run.take(*under_way(sea, 0, 10, 20, 30, **said))

    assert run.alerts == []


@pytest.mark.parametrize(
    ("after", "minute", "reason"),
    [
        ([{"sog_kn": 0.2}] * 14, 140, "stopped"),
        ([{"lon_deg": 120.55, "lat_deg": 27.45}], 20, "in-harbour"),
        ([{"lat_deg": 26.4}], 20, "left"),
    ],
)
def test_it_ends_when_the_boat_stops_or_goes(sea, closures, after, minute, reason):
    run = sea.run(moratorium, boat("trawl"), closures)

    run.take(*under_way(sea, 0, 10))
    run.take(*[sea.fix(20 + 10 * at, **said) for at, said in enumerate(after)])

    assert run.story() == [(10, KIND, "onset"), (minute, KIND, "clear")]
    assert run.alerts[-1].reason == reason


def test_silence_ends_it(sea, closures):
    run = sea.run(moratorium, boat("trawl"), closures)

    run.take(*under_way(sea, 0, 10))
    run.until(130)

    assert run.story() == [(10, KIND, "onset"), (130, KIND, "clear")]


def test_fixes_that_are_delivered_again_say_nothing(sea, closures):
    run = sea.run(moratorium, boat("trawl"), closures)
    fixes = under_way(sea, 0, 10, 20)
    run.take(*fixes)
    run.until(140)

    run.take(*fixes)

    assert run.story() == [(10, KIND, "onset"), (140, KIND, "clear")]
