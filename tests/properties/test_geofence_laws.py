"""Laws of the geofence: cut, redelivery, clock, and what a list of words can look like."""

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.geo.fences import Fence, FenceIndex, FencePurpose
from streams.geo.geofence import at_time, step
from streams.geo.words import UNSEEN, Fix, GeofenceParams, Word

# Degrees stand for places on a small line: 0.001 degrees are about 100 m.
FENCES = FenceIndex(
    [
        Fence(
            id=name,
            name=name,
            purpose=FencePurpose.DWELL_WATCH,
            geometry=shapely.box(120.5 + west / 1000, 27.4, 120.5 + east / 1000, 27.5),
            **facts,
        )
        for name, west, east, facts in [
            ("plain", 2, 5, {"enter_fixes": 1, "exit_s": 0.0}),
            ("slow", 4, 8, {"enter_fixes": 3, "enter_s": 90.0, "exit_s": 60.0, "dwell_s": 120.0}),
            ("timed", 1, 9, {"windows_ms": ((200_000, 500_000), (700_000, 900_000))}),
        ]
    ]
)
PARAMS = GeofenceParams(lost_after_s=240, max_speed_kn=100, words=frozenset(Word) - {Word.OUTSIDE})

TRACKS = st.lists(
    st.tuples(st.sampled_from([1, 10, 30, 60, 200, 400]), st.integers(0, 10)), max_size=12
).map(
    lambda steps: [
        Fix("boat", sum(gap for gap, _ in steps[: at + 1]) * 1000, 120.5 + x / 1000, 27.45)
        for at, (_, x) in enumerate(steps)
    ]
)


def follow(fixes, whereabouts=UNSEEN, clocks=frozenset()):
    """Take the fixes in turn; before those in `clocks`, let the time pass by clock."""
    told = []
    for at, fix in enumerate(fixes):
        if at in clocks:
            words, whereabouts = at_time(FENCES, whereabouts, "boat", fix.event_time_ms, PARAMS)
            told += words
        covering = FENCES.covering_one(fix.lon_deg, fix.lat_deg)
        words, whereabouts = step(FENCES, whereabouts, fix, covering, PARAMS)
        told += words
    return told, whereabouts


@settings(max_examples=200, deadline=None)
@given(TRACKS, st.sets(st.integers(0, 11)))
def test_it_makes_no_difference_whether_the_clock_was_asked_in_between(fixes, clocks):
    assert follow(fixes) == follow(fixes, clocks=clocks)


@settings(max_examples=200, deadline=None)
@given(TRACKS, st.integers(0, 12), st.integers(0, 12))
def test_redelivery_of_any_earlier_part_tells_nothing(fixes, start, end):
    _, whereabouts = follow(fixes)

    assert follow(fixes[start:end], whereabouts) == ([], whereabouts)


@settings(max_examples=200, deadline=None)
@given(TRACKS)
def test_every_visit_opens_once_ends_at_most_once_and_visits_of_a_fence_do_not_overlap(fixes):
    told, whereabouts = follow(fixes)
    words, _ = at_time(FENCES, whereabouts, "boat", 10**8, PARAMS)
    told += words
    open_visit = {}
    for one in told:
        if one.word in {Word.ENTER, Word.FOUND}:
            assert one.fence not in open_visit
            open_visit[one.fence] = one.visit
        elif one.word in {Word.EXIT, Word.LOST}:
            assert open_visit.pop(one.fence) == one.visit
        elif one.word in {Word.INSIDE, Word.DWELL}:
            assert open_visit[one.fence] == one.visit
        elif one.word is Word.CROSS:
            assert one.fence not in open_visit

    assert open_visit == {}
    assert [one.at_ms for one in told] == sorted(one.at_ms for one in told)


@settings(max_examples=100, deadline=None)
@given(TRACKS)
def test_nothing_is_due_before_the_instant_that_the_state_names(fixes):
    _, whereabouts = follow(fixes)
    if whereabouts.due_ms is not None:
        early = at_time(FENCES, whereabouts, "boat", whereabouts.due_ms - 1, PARAMS)
        _, moved_on = at_time(FENCES, whereabouts, "boat", whereabouts.due_ms, PARAMS)

        assert early == ([], whereabouts)
        assert moved_on.due_ms is None or moved_on.due_ms > whereabouts.due_ms
