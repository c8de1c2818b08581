"""Geofence words: exact ordered lists of what is told, after Tile38's own tests."""

import msgspec
import numpy as np
import pytest
import shapely

from streams.geo.fences import Fence, FenceIndex, FencePurpose, metres_per_degree
from streams.geo.geofence import at_time, step
from streams.geo.words import UNSEEN, Fix, GeofenceParams, Whereabouts, Why, Word

EAST_M, NORTH_M = metres_per_degree(27.5)
ALL_WORDS = GeofenceParams(lost_after_s=1800, words=frozenset(Word))
QUIET = GeofenceParams(lost_after_s=1800)


def metres(x, y):
    """Return the (lon, lat) of a place given in metres east and north of 120.5 E 27.5 N."""
    return 120.5 + x / EAST_M, 27.5 + y / NORTH_M


def a_fence(fence_id="a", west=0, east=1000, **more):
    geometry = shapely.box(*metres(west, 0), *metres(east, 1000))
    facts = {"buffer_m": 20.0, "enter_fixes": 1, "exit_s": 0.0, **more}
    return Fence(
        id=fence_id, name=fence_id, purpose=FencePurpose.HARBOUR, geometry=geometry, **facts
    )


class Boat:
    """A subject that remembers what was told about it."""

    def __init__(self, index, params=QUIET):
        self.index, self.params = index, params
        self.whereabouts, self.told = UNSEEN, []

    def at(self, at_s, x, y=500.0):
        lon, lat = metres(x, y)
        fix = Fix("boat", round(at_s * 1000), lon, lat)
        covering = self.index.covering_one(lon, lat)
        told, self.whereabouts = step(self.index, self.whereabouts, fix, covering, self.params)
        self.told += told
        return self

    def wait(self, until_s):
        told, self.whereabouts = at_time(
            self.index, self.whereabouts, "boat", round(until_s * 1000), self.params
        )
        self.told += told
        return self

    @property
    def words(self):
        return [str(one.word) for one in self.told]

    @property
    def lines(self):
        return [(str(one.word), one.fence, one.at_ms // 1000, str(one.why)) for one in self.told]


# x in metres; the fence lies between 0 and 1000.
@pytest.mark.parametrize(
    ("track", "words"),
    [
        ([-500, -400], ["outside", "outside"]),
        ([-500, 500, 600], ["outside", "enter", "inside", "inside"]),
        ([500, 600], ["found", "inside", "inside"]),
        ([-500, 500, 1500], ["outside", "enter", "inside", "exit", "outside"]),
        ([-500, 1500], ["outside", "cross", "outside"]),
        (
            [-500, 500, -500, 1500, 500],
            [
                "outside",
                "enter",
                "inside",
                "exit",
                "outside",
                "cross",
                "outside",
                "enter",
                "inside",
            ],
        ),
        (
            [500, -500, 1500, -500],
            ["found", "inside", "exit", "outside", "cross", "outside", "cross", "outside"],
        ),
        ([-500, 0, 1000], ["outside", "enter", "inside", "inside"]),
        ([500, 1010, 1019, 900], ["found", "inside", "inside", "inside", "inside"]),
        ([500, 1021], ["found", "inside", "exit", "outside"]),
    ],
)
def test_a_track_is_told_in_exactly_these_words(track, words):
    boat = Boat(FenceIndex([a_fence()]), ALL_WORDS)
    for at, x in enumerate(track):
        boat.at(120 * at, x)

    assert boat.words == words


def test_only_changes_are_told_unless_more_is_asked_for():
    boat = Boat(FenceIndex([a_fence()]))
    for at, x in enumerate([-500, 500, 600, 1500, 1600, -500]):
        boat.at(120 * at, x)

    assert boat.words == ["enter", "exit", "cross"]


def test_one_visit_id_holds_from_enter_to_exit_and_the_next_stay_has_another():
    boat = Boat(FenceIndex([a_fence(dwell_s=100)]))
    boat.at(0, -500).at(60, 500).at(200, 500).at(300, 1500).at(400, 500).at(500, 1500)

    assert boat.words == ["enter", "dwell", "exit", "enter", "dwell", "exit"]
    first, second = {one.visit for one in boat.told[:3]}, {one.visit for one in boat.told[3:]}
    assert len(first) == len(second) == 1
    assert first.isdisjoint(second)
    assert {one.since_ms for one in boat.told[:3]} == {60_000}


def test_exit_is_told_before_enter_when_both_happen_at_one_fix():
    boat = Boat(FenceIndex([a_fence("b", 0, 1000), a_fence("a", 2000, 3000)]))
    boat.at(0, 500).at(60, 2500)

    assert boat.lines == [
        ("found", "b", 0, "first-fix"),
        ("exit", "b", 60, "held"),
        ("enter", "a", 60, "fix"),
    ]


class TestHysteresis:
    def test_enter_needs_so_many_fixes_in_a_row(self):
        boat = Boat(FenceIndex([a_fence(enter_fixes=3, enter_s=999)]))
        boat.at(0, -500).at(1, 500).at(2, 500).at(3, -1).at(4, 500).at(5, 500).at(6, 500)

        assert boat.lines == [("enter", "a", 6, "fix")]
        assert boat.told[0].since_ms == 4000

    def test_enter_is_also_believed_when_nothing_denied_it_for_so_long(self):
        boat = Boat(FenceIndex([a_fence(enter_fixes=3, enter_s=30)]))
        boat.at(0, -500).at(10, 500).wait(39.999)
        assert boat.words == []
        boat.wait(40)

        assert boat.lines == [("enter", "a", 40, "held")]

    def test_exit_needs_to_be_beyond_the_buffer_for_so_long(self):
        boat = Boat(FenceIndex([a_fence(exit_s=60)]))
        boat.at(0, 500).at(10, 1500).at(60, 1500).at(65, 900).at(70, 1500).at(129, 1500)
        assert boat.words == ["found"]
        boat.at(131, 1500)

        assert boat.lines[1:] == [("exit", "a", 130, "held")]

    @pytest.mark.parametrize("seed", range(8))
    def test_jitter_on_the_line_gives_at_most_one_enter_and_no_exit(self, seed):
        dice = np.random.default_rng(seed)
        index = FenceIndex([a_fence(enter_fixes=2, exit_s=60, buffer_m=None)])
        boat = Boat(index)
        for at_s in range(600):
            boat.at(at_s, dice.normal(0, 15), 500 + dice.normal(0, 15))
        boat.wait(620)

        assert boat.words.count("enter") + boat.words.count("found") <= 1
        assert "exit" not in boat.words
        assert "cross" not in boat.words

    def test_dwell_is_told_once_when_the_stay_is_that_long_even_without_a_fix(self):
        boat = Boat(FenceIndex([a_fence(dwell_s=300)]))
        boat.at(0, -500).at(100, 500)
        assert boat.whereabouts.due_ms == 400_000
        boat.wait(399).wait(400).wait(401).at(402, 500).at(700, 500)

        assert boat.lines == [("enter", "a", 100, "fix"), ("dwell", "a", 400, "held")]

    def test_a_subject_on_its_way_out_does_not_dwell_until_it_comes_back(self):
        boat = Boat(FenceIndex([a_fence(dwell_s=300, exit_s=900)]))
        boat.at(0, 500).at(290, 1500).wait(310)
        assert boat.words == ["found"]
        boat.at(320, 500)

        assert boat.lines[1:] == [("dwell", "a", 320, "held")]


class TestCross:
    def test_a_pause_longer_than_the_gap_hides_the_way(self):
        boat = Boat(FenceIndex([a_fence()]), GeofenceParams(max_gap_s=600))

        assert boat.at(0, -500).at(600, 1500).words == ["cross"]
        assert boat.at(1201, -500).words == ["cross"]

    def test_a_jump_faster_than_any_boat_is_no_way(self):
        # 2,000 m at 40 kn (20.58 m/s) take 97.2 s.
        params = GeofenceParams(max_speed_kn=40)

        assert Boat(FenceIndex([a_fence()]), params).at(0, -500).at(97, 1500).words == []
        assert Boat(FenceIndex([a_fence()]), params).at(0, -500).at(98, 1500).words == ["cross"]

    def test_whoever_leaves_a_fence_has_not_crossed_it(self):
        boat = Boat(FenceIndex([a_fence(exit_s=300)]))
        boat.at(0, 500).at(120, 1500).at(240, -500).at(360, -600).at(480, -600)

        assert boat.words == ["found", "exit"]

    def test_who_was_lost_inside_has_not_crossed_it_either(self):
        params = GeofenceParams(lost_after_s=300, max_gap_s=1200)
        boat = Boat(FenceIndex([a_fence()]), params).at(0, 500).at(400, 1500)

        assert boat.words == ["found", "lost", "outside"]


class TestLost:
    def test_silence_loses_a_subject_in_the_fences_that_it_was_in_and_no_others(self):
        boat = Boat(FenceIndex([a_fence("a"), a_fence("b"), a_fence("c", 5000, 6000)]))
        boat.at(0, 500).wait(1799)
        assert boat.words == ["found", "found"]
        boat.wait(1800).wait(9000)

        assert boat.lines[2:] == [("lost", "a", 1800, "silence"), ("lost", "b", 1800, "silence")]
        assert boat.told[2].visit == boat.told[0].visit
        assert boat.whereabouts.due_ms is None

    def test_who_is_heard_again_inside_is_found_on_a_new_visit(self):
        boat = Boat(FenceIndex([a_fence()])).at(0, 500).at(4000, 500)

        assert boat.lines == [
            ("found", "a", 0, "first-fix"),
            ("lost", "a", 1800, "silence"),
            ("found", "a", 4000, "heard-again"),
        ]
        assert boat.told[0].visit == boat.told[1].visit != boat.told[2].visit

    def test_who_is_heard_again_outside_left_unseen(self):
        boat = Boat(FenceIndex([a_fence()])).at(0, 500).at(4000, 5000).at(4100, 5000)

        assert boat.lines[2:] == [("outside", "a", 4000, "left-unseen")]

    def test_who_enters_after_a_silence_says_so(self):
        boat = Boat(FenceIndex([a_fence()])).at(0, -500).at(4000, 500)

        assert boat.lines == [("enter", "a", 4000, "after-silence")]

    def test_a_class_without_a_time_out_is_never_lost(self):
        boat = Boat(FenceIndex([a_fence()]), GeofenceParams()).at(0, 500).wait(10**9)

        assert boat.words == ["found"]


class TestWindows:
    def test_occupants_are_judged_at_the_instant_that_a_window_opens_and_ends(self):
        boat = Boat(FenceIndex([a_fence(windows_ms=((600_000, 1_200_000),))]))
        boat.at(0, 500)
        assert boat.words == []
        assert boat.whereabouts.due_ms == 600_000
        boat.wait(599.999)
        assert boat.words == []
        boat.wait(600).wait(1200)

        assert boat.lines == [
            ("enter", "a", 600, "window-opened"),
            ("exit", "a", 1200, "window-ended"),
        ]
        assert boat.told[0].visit == boat.told[1].visit

    def test_a_fix_after_the_opening_tells_the_same_as_the_clock_does(self):
        index = FenceIndex([a_fence(windows_ms=((600_000, 1_200_000),))])
        by_fix = Boat(index).at(0, 500).at(700, 500).at(1300, 500)
        by_clock = Boat(index).at(0, 500).wait(600).at(700, 500).wait(1250).at(1300, 500)

        assert by_fix.told == by_clock.told
        assert by_fix.words == ["enter", "exit"]
        assert by_fix.whereabouts == by_clock.whereabouts

    def test_who_is_lost_by_then_is_no_occupant(self):
        boat = Boat(FenceIndex([a_fence(windows_ms=((2_000_000, 9_000_000),))]))
        boat.at(0, 500).wait(3000)
        assert boat.words == []
        boat.at(4000, 500)

        assert boat.lines == [("enter", "a", 4000, "after-silence")]

    def test_a_fence_out_of_force_is_not_crossed(self):
        boat = Boat(FenceIndex([a_fence(windows_ms=((600_000, 1_200_000),))]))
        boat.at(0, -500).at(120, 1500)

        assert boat.words == []


class TestFenceLife:
    def test_whoever_is_inside_a_removed_fence_exits_with_the_reason(self):
        boat = Boat(FenceIndex([a_fence("a"), a_fence("b")])).at(0, 500)
        boat.index = FenceIndex([a_fence("b")])
        boat.wait(60)

        assert boat.lines[2:] == [("exit", "a", 60, "fence-removed")]

    def test_whoever_a_changed_fence_now_covers_enters_and_the_other_way_round(self):
        boat = Boat(FenceIndex([a_fence("a"), a_fence("b", 5000, 6000)])).at(0, 500)
        boat.index = FenceIndex([a_fence("a", 5000, 6000), a_fence("b")])
        boat.wait(60).wait(70)

        assert boat.lines[1:] == [
            ("exit", "a", 60, "fence-changed"),
            ("enter", "b", 60, "fence-changed"),
        ]
        assert boat.told[1].fences_version == boat.index.version


def test_a_fix_that_is_not_newer_changes_nothing():
    boat = Boat(FenceIndex([a_fence()])).at(0, -500).at(60, 500)
    before, told = boat.whereabouts, list(boat.told)
    boat.at(60, 1500).at(30, 1500).at(0, -500)

    assert boat.whereabouts is before
    assert boat.told == told


def test_whereabouts_survive_the_table():
    boat = Boat(FenceIndex([a_fence(exit_s=60), a_fence("s", windows_ms=((10**6, 10**7),))]))
    boat.at(0, 500).at(60, 1500)
    raw = msgspec.msgpack.encode(boat.whereabouts)

    assert msgspec.msgpack.decode(raw, type=Whereabouts) == boat.whereabouts
    assert boat.told[0].why is Why.FIRST_FIX
