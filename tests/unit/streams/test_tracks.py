"""Tracks: outliers, two hulls on one identity, and who is no vessel."""

from collections import Counter

import pytest

from streams.vessels import tracks
from streams.vessels.register import VesselRecord, register

HERE, THERE = (121.0, 27.0), (121.6, 27.3)
KIND = "vessel.identity-conflict"


def at(sea, minute, place, subject="412420001"):
    return sea.fix(minute, subject, lon_deg=place[0], lat_deg=place[1])


def reasons(split):
    return Counter(note.reason for note in split.notes)


def test_one_wild_fix_is_suspect_and_no_rule_sees_it(sea):
    run = sea.run(tracks)

    split = run.take(at(sea, 0, HERE), at(sea, 10, THERE), at(sea, 20, HERE), at(sea, 30, HERE))

    assert split.main.tolist() == [0, 2, 3]
    assert reasons(split) == {"position-suspect": 1}
    assert run.alerts == []


def test_several_lone_outliers_are_no_second_hull(sea):
    run = sea.run(tracks)
    places = [HERE, THERE, HERE, (120.0, 27.5), HERE, (121.0, 26.6), HERE, (122.0, 27.9), HERE]

    split = run.take(*[at(sea, 10 * minute, place) for minute, place in enumerate(places)])

    assert split.main.tolist() == [0, 2, 4, 6, 8]
    assert run.alerts == []


def test_two_places_that_send_in_turns_are_two_hulls(sea):
    run = sea.run(tracks)

    split = run.take(*[at(sea, minute, THERE if minute % 2 else HERE) for minute in range(12)])

    assert split.main.tolist() == [0, 2, 4, 6, 8, 10]
    assert run.story() == [(6, KIND, "onset")]
    assert reasons(split) == {"position-suspect": 3, "second-hull": 3}
    assert run.alerts[0].value == pytest.approx(68.2, abs=0.5)


def test_the_second_hull_keeps_apart_while_both_sail_on(sea):
    run = sea.run(tracks)
    fixes = []
    for minute in range(0, 60, 2):
        fixes.append(at(sea, minute, (121.0 + minute * 0.002, 27.0)))
        fixes.append(at(sea, minute + 1, (121.6, 27.3 + minute * 0.002)))

    split = run.take(*fixes)

    assert split.main.tolist() == list(range(0, 60, 2))
    assert [what for _, _, what in run.story()] == ["onset"]


def test_a_conflict_ends_when_the_second_hull_is_silent_for_six_hours(sea):
    run = sea.run(tracks)
    run.take(*[at(sea, minute, THERE if minute % 2 else HERE) for minute in range(12)])

    run.until(11 + 359)
    run.until(11 + 360)

    assert run.story() == [(6, KIND, "onset"), (371, KIND, "clear")]


def test_a_vessel_that_goes_on_sending_from_the_new_place_is_there(sea):
    run = sea.run(tracks)

    split = run.take(at(sea, 0, HERE), *[at(sea, 10 * minute, THERE) for minute in range(1, 7)])

    assert split.main.tolist() == [0, 3, 4, 5, 6]
    assert run.alerts == []


def test_a_long_pause_explains_a_long_way(sea):
    run = sea.run(tracks)

    split = run.take(at(sea, 0, HERE), at(sea, 60, THERE))

    assert split.main.tolist() == [0, 1]


def test_fixes_that_are_delivered_again_change_nothing_and_stay_apart(sea):
    run = sea.run(tracks)
    fixes = [at(sea, minute, THERE if minute % 2 else HERE) for minute in range(12)]
    run.take(*fixes)
    before, states = list(run.alerts), dict(run.states)

    split = run.take(*fixes)

    assert split.main.tolist() == [0, 2, 4, 6, 8, 10]
    assert (run.alerts, run.states) == (before, states)


@pytest.mark.parametrize(
    "subject",
    ["994121001", "004121001", "111412001", "041200001", "970412001", "812345678", "123456789"],
)
def test_what_is_no_vessel_is_kept_off_the_rules(sea, subject):
    split = sea.run(tracks).take(sea.fix(0, subject), sea.fix(1, subject))

    assert (split.main.tolist(), split.notes, split.changed) == ([], [], {})


def test_a_net_marker_is_known_by_its_name_and_kept_off(sea):
    run = sea.run(tracks)

    split = run.take(
        sea.fix(0), sea.static(1, name="SHUNFA88-97%"), sea.fix(2), sea.fix(3, "412420002")
    )

    assert split.main.tolist() == [0, 3]


def test_what_was_sent_as_a_beacon_stays_so_when_it_is_delivered_again_to_a_vessel(sea):
    run = sea.run(tracks)
    sent = [at(sea, 0, HERE), sea.static(1, name="SHUNFA88-97%"), at(sea, 2, THERE)]
    run.take(*sent, sea.static(2, name="SHUNFA 88"), at(sea, 3, HERE))
    states = dict(run.states)

    split = run.take(*sent)

    assert 2 not in split.main
    assert run.states == states
    assert run.take(at(sea, 4, HERE)).main.tolist() == [0]


def test_the_register_is_believed_before_a_name(sea):
    registry = register([VesselRecord(code="V1", name="b", mmsi="412420001", gear="trawl")])
    run = sea.run(tracks, registry)

    split = run.take(sea.static(0, name="SHUNFA88-97%"), sea.fix(1))

    assert split.main.tolist() == [0, 1]
