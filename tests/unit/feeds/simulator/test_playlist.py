"""Stories in turn: each begins when it is due, with actors of its own."""

import pytest

from deploy.cities import load_city
from feeds.simulator.faults import SOUND
from feeds.simulator.playlist import Playlist
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from feeds.simulator.whole import Rates, Simulator
from streams.city.model import City

START_MS = 1_764_072_000_000
EVERY_MS = 30_000


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


def a_playlist(city: City, begun: list[Played]) -> Playlist:
    scenarios = [SCENARIOS["gas"], SCENARIOS["fire"]]
    return Playlist(city, 1, scenarios, START_MS, every_ms=EVERY_MS, told=begun.append)


def test_stories_begin_in_turn_and_a_second_turn_has_other_actors(city: City) -> None:
    begun: list[Played] = []
    playlist = a_playlist(city, begun)

    for at_ms in range(START_MS - EVERY_MS, START_MS + 4 * EVERY_MS, 1000):
        playlist.between(at_ms, at_ms + 1000)

    assert [one.scenario.name for one in begun] == ["gas", "fire", "gas", "fire"]
    assert [one.start_ms - START_MS for one in begun] == [n * EVERY_MS for n in range(4)]
    assert not set(begun[0].actors()) & set(begun[2].actors())


def test_who_acts_in_a_story_says_nothing_else_meanwhile(city: City) -> None:
    begun: list[Played] = []
    playlist = a_playlist(city, begun)
    simulator = Simulator(city, 1, Rates(1, 1 / 600, 1 / 600), SOUND, [playlist])

    said = simulator.between(START_MS + 60_000, START_MS + 61_000)

    actors = {name.encode() for one in begun for name in one.actors()}
    by_story = {one.value for played in begun for one in played.records}
    mine = [one for one in said if one.key in actors]
    assert mine
    assert all(one.value in by_story for one in mine)
