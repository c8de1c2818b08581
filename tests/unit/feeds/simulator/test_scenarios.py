"""Every scenario keeps its promise, on virtual time and without a broker."""

from typing import Any

import pytest

from deploy.cities import load_city
from deploy.rehearsal import Rehearsal
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from schemas.codec import decode
from schemas.positions import Position
from schemas.topics import VESSEL_POSITIONS
from streams.city.model import City
from streams.vessels.rollcall import Fix, Whereabouts, roll_call

ALONE = ("moratorium", "typhoon-switch")
START_MS = 1_764_072_000_000  # 2025-11-25 20:00 in Longgang


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture(scope="module")
def stories(city: City) -> dict[str, Played]:
    return {name: Played(SCENARIOS[name], city, 1, START_MS) for name in SCENARIOS}


@pytest.fixture(scope="module")
def said(city: City, stories: dict[str, Played]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Give by scenario all that came out where it was played amid a calm city.

    They are played side by side, but for the switch, which is for the whole city, and
    for the moratorium, whose season is months away: what has not ended by then would be
    told again every half hour of them.
    """
    together = [name for name in SCENARIOS if name not in ALONE]
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for names in (together, *([name] for name in ALONE)):
        rehearsal = Rehearsal(city, 1, [stories[name] for name in names])
        rehearsal.play(5)
        found |= dict.fromkeys(names, rehearsal.said)
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_leads_to_what_it_promises_and_to_nothing_that_it_excludes(
    stories: dict[str, Played], said: dict[str, dict[str, list[dict[str, Any]]]], name: str
) -> None:
    assert stories[name].missing(said[name]) == []
    assert stories[name].unwanted(said[name]) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_its_script_a_promise_is_not_kept(city: City, name: str) -> None:
    played = Played(SCENARIOS[name], city, 1, START_MS)

    missing = played.missing({})

    assert len(missing) == len(played.promise.comes) > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_says_the_same_under_the_same_seed_within_its_time(
    city: City, name: str
) -> None:
    played = Played(SCENARIOS[name], city, 7, START_MS)

    assert played.records == Played(SCENARIOS[name], city, 7, START_MS).records
    assert all(played.start_ms <= one.event_time_ms < played.until_ms for one in played.records)
    # A story without a word of its own is one of those who fall silent, or of people alone.
    assert played.records or played.actors() or played.desk.steps


def test_the_roll_call_of_the_typhoon_counts_its_boats_by_latitude(
    city: City, stories: dict[str, Played]
) -> None:
    story = stories["typhoon-switch"]
    fixes = {}
    for record in story.records:
        if record.topic == VESSEL_POSITIONS:
            place = decode(Position, record.value)
            fixes[place.subject] = Fix(place.lon_deg, place.lat_deg, record.event_time_ms)

    call = roll_call(city.vessels, fixes, city.fences, story.until_ms)

    at_sea = {band: counts[Whereabouts.AT_SEA] for band, counts in call.bands.items()}
    assert {band: count for band, count in at_sea.items() if count} == {
        "26.5-27.0N": 1,
        "27.0-27.5N": 2,
    }
    assert len(call.missing) == len(call.answers), "of all others nothing was heard"
