"""Every scenario keeps its promise, on virtual time and without a broker."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.backtest import Backtest
from deploy.cities import load_city
from feeds.recordings import KeyedRecord
from feeds.simulator.backdrop import around
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from streams.city.model import City

START_MS = 1_764_072_000_000  # 2025-11-25 20:00 in Longgang


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture(scope="module")
def stories(city: City) -> dict[str, Played]:
    return {name: Played(SCENARIOS[name], city, 1, START_MS) for name in SCENARIOS}


@pytest.fixture(scope="module")
def said(city: City, stories: dict[str, Played]) -> dict[str, list[dict[str, Any]]]:
    """Give all that came out of all scenarios, played side by side amid a calm city.

    Those that have a season of their own come before: they lie further back.
    """
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    backtest = Backtest(city, lambda send: told[send.topic].append(json.loads(send.value)))

    def records() -> Iterator[KeyedRecord]:
        for start_ms in sorted({one.start_ms for one in stories.values()}):
            together = [one for one in stories.values() if one.start_ms == start_ms]
            until_ms = max(one.until_ms for one in together)
            for batch in around(city, 1, together).batches(start_ms, until_ms, 10_000):
                yield from batch

    backtest.run(records(), 5)
    return told


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_leads_to_what_it_promises_and_to_nothing_that_it_excludes(
    stories: dict[str, Played], said: dict[str, list[dict[str, Any]]], name: str
) -> None:
    assert stories[name].missing(said) == []
    assert stories[name].unwanted(said) == []


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
    # A story without a word of its own is one of those who fall silent in it.
    assert played.records or played.actors()
