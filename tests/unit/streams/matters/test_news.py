"""People are told again: of what has grown, at most once a minute, and of what nobody answers."""

import pytest

from schemas.alerts import Severity
from schemas.dispatch import OrderChange
from schemas.incidents import Link


def links(count):
    return tuple(
        Link(
            alert_id=f"a{n}",
            kind="smoke.seen",
            sense="camera",
            why="near",
            distance_m=9.0,
            gap_s=1.0,
        )
        for n in range(count)
    )


def told(city, word):
    """Give to whom, when, and what was said again that begins with `word`."""
    return [
        (one.unit, (one.event_time_ms - city.start_ms) // 1000, one.reason)
        for one in city.orders
        if one.change is OrderChange.NOTED and one.reason.startswith(word)
    ]


@pytest.fixture
def city(scene):
    at_once = scene()
    at_once.start_ms = at_once.now_ms
    at_once.hears("opened")
    at_once.works("m1", "accept")
    return at_once


def test_what_has_grown_is_told_to_who_is_at_work_at_most_once_a_minute(city):
    for second, count in ((20, 1), (40, 2), (50, 3)):
        city.at(seconds=second).hears("updated", links=links(count))
    city.at(seconds=59)
    assert told(city, "grew") == []

    city.at(seconds=100).hears("updated", links=links(4))
    city.at(minutes=10)
    assert told(city, "grew") == [
        ("m1", 60, "grew: 4 matters, Moderate"),
        ("m1", 120, "grew: 5 matters, Moderate"),
    ]
    assert city.story().count("grew") == 2

    city.hears("updated", links=links(5))
    assert told(city, "grew")[2:] == [("m1", 600, "grew: 6 matters, Moderate")]
    assert city.faults() == []


def test_a_matter_of_life_is_told_whenever_it_grows(city):
    for second, count in ((1, 1), (2, 2)):
        city.at(seconds=second).hears("updated", links=links(count), life_safety=True)

    assert [at_s for _, at_s, _ in told(city, "grew")] == [1, 2]


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"severity": Severity.EXTREME}, 1),
        ({"links": links(1)}, 1),
        ({"child_count": 40}, 1),
        ({}, 0),
        ({"severity": Severity.MINOR}, 0),
        ({"alert_count": 99}, 0),
        ({"links": links(1), "actionable": False}, 0),
    ],
    ids=["graver", "another sense", "more of them", "same", "milder", "repeats", "held"],
)
def test_growth_is_another_matter_or_a_graver_one(city, facts, count):
    city.at(minutes=2).hears("updated", **facts)

    assert len(told(city, "grew")) == count


def test_what_is_over_before_it_may_be_told_is_not_told(city):
    city.at(seconds=30).hears("updated", links=links(1))
    city.at(seconds=40).hears("resolved", links=links(1))
    city.at(minutes=4)

    assert told(city, "grew") == []


def test_what_nobody_answers_is_told_again_every_half_hour_as_long_as_it_lasts(scene):
    city = scene()
    city.start_ms = city.now_ms
    city.hears("opened")
    city.at(minutes=100)

    last_asked_s = 180  # micro-grid, grid, community, and the desk after three minutes
    leader_s = last_asked_s + 60
    again_s = [leader_s + 1_800 * n for n in (1, 2, 3)]
    by_leader = [(at_s, words) for unit, at_s, words in told(city, "repeated") if unit == "leader"]
    assert by_leader == [(at_s, "repeated: nobody-has-answered") for at_s in again_s]
    assert len(told(city, "repeated")) == 3 * 5, "everybody who was asked"
    city.works("leader", "accept")
    city.at(minutes=200)
    assert len(told(city, "repeated")) == 3 * 5
    assert city.faults() == []


def test_a_night_without_anybody_gives_one_repetition_not_all_that_were_missed(scene):
    city = scene()
    city.start_ms = city.now_ms
    city.hears("opened")
    city.at(minutes=5).sleeps_until(minutes=200).at(minutes=200, seconds=1)

    assert [at_s for unit, at_s, _ in told(city, "repeated") if unit == "leader"] == [200 * 60]
