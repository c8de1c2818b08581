"""Reports: what cases of a span come to, counted again from the log of their steps."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.dispatch import CaseState, Clock
from streams.matters.course import Stage, Stories
from streams.matters.report import PERCENTS, Row, grouped, percentile, summary


def log_of(city):
    return [encode(event) for event in city.events]


def newest(city):
    return {record.case_id: record for record in city.records}


def told(city, *logs):
    """Give the stories of a city, whose log comes in pieces."""
    stories = Stories(newest(city))
    for log in logs or [log_of(city)]:
        stories.take(log)
    return stories


def course(city, name="i1"):
    return told(city).course(city.case(name).case_id)


def rows(city):
    stories = told(city)
    return [Row(record, stories.course(key)) for key, record in newest(city).items()]


def waste(scene):
    """A pile of waste: accepted in 30 s, left for after 200, there after 15 min, done after 20."""
    city = scene()
    city.hears()
    city.at(seconds=30).works("m1", "accept")
    city.at(seconds=200).works("m1", "depart")
    city.at(minutes=15).works("m1", "arrive")
    city.at(minutes=20).works("m1", "handle", photo="p.jpg")
    city.at(minutes=21).works("m1", "close")
    return city


def test_stages_are_timed_from_the_start_of_peoples_clocks_and_the_whole_from_what_was_felt(scene):
    assert course(waste(scene)).took_ms == {
        Stage.RESPOND: 30_000,
        Stage.ORDER: 0,
        Stage.DEPART: 200_000,
        Stage.ON_SITE: 900_000,
        Stage.HANDLED: 1_200_000,
        Stage.WHOLE: 1_265_000,
    }


def test_a_promise_is_kept_or_broken_as_the_clocks_said(scene):
    assert course(waste(scene)).kept == {
        Clock.RESPOND: True,
        Clock.ORDER: True,
        Clock.DEPART: False,
        Clock.ON_SITE: True,
    }


def test_the_time_of_a_case_is_split_into_machine_queue_person_and_travel(scene):
    spent = course(waste(scene)).spent

    assert (spent.machine_ms, spent.queue_ms) == (5_000, 30_000)
    assert (spent.person_ms, spent.travel_ms) == (170_000 + 360_000, 700_000)


def test_what_runs_still_is_neither_kept_nor_timed(scene):
    city = scene()
    city.hears()
    city.at(seconds=30).works("m1", "accept")

    assert set(course(city).kept) == {Clock.RESPOND, Clock.ORDER}
    assert set(course(city).took_ms) == {Stage.RESPOND, Stage.ORDER}
    assert not course(city).ended


def test_time_for_which_the_clocks_stood_still_is_nobodys(scene):
    city = scene()
    city.hears()
    city.works("m1", "accept", "depart")
    city.at(minutes=5).commands("pause", reason="bad-weather")
    city.at(minutes=15).commands("resume")
    city.at(minutes=20).works("m1", "arrive")

    assert course(city).took_ms[Stage.ON_SITE] == 10 * 60_000


def test_times_and_returns_are_of_the_newest_life_and_a_broken_promise_of_all(scene):
    city = waste(scene)
    city.at(minutes=30).commands("reopen", reason="there is more of it")
    city.at(minutes=31).commands("return", "m1", reason="not mine")
    city.at(minutes=32).works("g1", "accept")

    again = course(city)
    assert (again.reopens, again.returns, again.ended) == (1, 1, False)
    assert again.took_ms == {Stage.ORDER: 0, Stage.RESPOND: 120_000}
    assert again.kept == {Clock.RESPOND: False, Clock.ORDER: True, Clock.DEPART: False}


def test_what_only_a_loudspeaker_has_heard_of_has_no_promise(scene):
    city = scene()
    city.hears(kind="noise.exceeded", rung=1)
    city.at(minutes=2).hears("resolved", kind="noise.exceeded", rung=1)

    quiet = course(city)
    assert (quiet.ended, quiet.kept) == (True, {})
    assert set(quiet.took_ms) == {Stage.WHOLE}
    assert summary(rows(city)).share_at_community == 1.0


def test_a_task_of_the_city_is_a_case_without_promises_and_times(scene):
    city = scene()
    city.commands("city-task", name="city", areas=("LG-C1",), text="check all fire doors")
    ((_, task),) = rows(city)

    assert (task.kept, task.took_ms, task.spent) == ({}, {}, None)
    assert summary(rows(city)).cases == 1


def test_what_was_merged_is_a_case_that_has_not_ended_for_good(scene):
    city = scene()
    city.hears()
    city.hears(name="i2", subject="camera-2")
    city.commands("merge", name="i1", into=city.case("i2").case_id, reason="the same pile")

    assert city.case("i1").state is CaseState.MERGED
    assert not course(city, "i1").ended
    assert Stage.WHOLE not in course(city, "i1").took_ms


def changed(log):
    return [value.replace(b"who-m1", b"who-m2") for value in log]


def without_its_third_step(log):
    return [*log[:2], *log[3:]]


def cut_short(log):
    return log[:-1]


@pytest.mark.parametrize("forged", [changed, without_its_third_step, cut_short])
def test_a_story_that_is_not_as_it_was_written_is_not_counted(scene, forged):
    city = waste(scene)
    key = city.case().case_id

    assert told(city, forged(log_of(city))).course(key) is None
    assert told(city, log_of(city)).course(key) is not None


def test_what_stands_beside_or_after_a_story_changes_nothing(scene):
    city = waste(scene)
    key = city.case().case_id
    beside = [b"no json", b"{}", b'{"case_id":"%s"}' % key.encode(), *changed(log_of(city))]

    assert told(city, beside, log_of(city), beside).course(key) == course(city)


def test_figures_are_those_of_the_record_even_where_the_log_went_on(scene):
    city = scene()
    city.hears()
    stories = Stories(newest(city))
    before = course(city)
    city.at(seconds=30).works("m1", "accept")
    stories.take(log_of(city))

    assert stories.course(city.case().case_id) == before


@given(data=st.data())
def test_the_log_may_be_cut_and_doubled_anywhere(scene, data):
    city = waste(scene)
    city.hears(name="i2", subject="camera-2")
    city.commands("reopen", reason="there is more of it")
    log = log_of(city)
    places = st.integers(0, len(log))
    pieces = [log[slice(*sorted(data.draw(st.tuples(places, places))))] for _ in range(3)]
    at = data.draw(places)
    whole = told(city)

    cut = told(city, *pieces, log[:at], log[at:], *pieces)

    assert {key: cut.course(key) for key in newest(city)} == {
        key: whole.course(key) for key in newest(city)
    }


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([7], {50: 7, 90: 7, 99: 7}),
        ([1, 2], {50: 1, 90: 2, 99: 2}),
        (range(1, 11), {50: 5, 90: 9, 99: 10}),
        (range(1, 101), {50: 50, 90: 90, 99: 99}),
    ],
)
def test_a_percentile_is_the_shortest_time_that_so_many_cases_did_not_exceed(times, expected):
    assert {percent: percentile(list(times), percent) for percent in PERCENTS} == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300), st.sampled_from(PERCENTS))
def test_so_many_percent_are_within_a_percentile_and_fewer_within_anything_shorter(times, percent):
    found = percentile(sorted(times), percent)

    assert 100 * sum(one <= found for one in times) >= percent * len(times)
    assert 100 * sum(one < found for one in times) < percent * len(times)


def test_a_summary_counts_each_case_once_and_groups_share_them_out(scene):
    (one,) = rows(waste(scene))
    other = Row(one.record, one.course._replace(kept={Clock.RESPOND: False}, took_ms={}))

    whole = summary([one, other, other])
    assert whole.promises["respond"] == (3, 2)
    assert whole.promises["all"] == (6, 3)
    assert whole.stages[Stage.RESPOND] == (1, {50: 30_000, 90: 30_000, 99: 30_000})
    assert sum(whole.spent.values()) == pytest.approx(1)
    groups = grouped([("a", one), ("b", other), ("a", other)])
    assert {name: group.cases for name, group in groups.items()} == {"a": 2, "b": 1}


def test_nothing_is_a_summary_too():
    empty = summary([])

    assert (empty.cases, empty.share_at_community, empty.stages, empty.spent) == (0, None, {}, {})
    assert empty.promises["all"].share is None
    assert msgspec.json.encode(empty.promises)
