"""Silence: gone dark, out of reach, in harbour, or nobody heard at all."""

import pytest

from streams.rules import silence


def others(sea, *minutes, source="ais"):
    """Return fixes of a neighbour that keeps its feed alive."""
    return [sea.fix(minute, "412999999", source=source) for minute in minutes]


SILENT, LOST = "vessel.silent", "vessel.out-of-coverage"


def test_a_vessel_that_goes_dark_is_warned_of_told_and_cleared_once(sea):
    run = sea.run(silence)

    run.take(sea.fix(0), *others(sea, *range(0, 70, 10)))
    run.until(20)
    run.until(25)
    run.until(60)
    run.take(sea.fix(61))

    assert run.story() == [(20, SILENT, "onset"), (60, SILENT, "update"), (61, SILENT, "clear")]
    assert run.alerts[-1].value == 61 * 60
    assert len({alert.alert_id for alert in run.alerts}) == 1


def test_it_arms_again_after_the_next_fix(sea):
    run = sea.run(silence)

    run.take(sea.fix(0), *others(sea, 10, 20, 21), sea.fix(22), *others(sea, 30, 40, 42))
    run.until(42)

    assert run.story() == [(20, SILENT, "onset"), (22, SILENT, "clear"), (42, SILENT, "onset")]


def test_a_silence_is_found_by_the_next_fix_alone_when_no_clock_was_asked(sea):
    run = sea.run(silence)

    run.take(sea.fix(0), *others(sea, 10, 20, 25), sea.fix(26))

    assert run.story() == [(20, SILENT, "onset"), (26, SILENT, "clear")]


def test_the_end_of_a_feed_silences_nobody(sea):
    run = sea.run(silence)

    run.take(sea.fix(0), sea.fix(0, "412420002"), sea.fix(1, "412420003"))

    for minute in (20, 60, 600):
        assert run.until(minute) == []


def test_when_a_feed_comes_back_everyone_gets_the_full_time_again(sea):
    run = sea.run(silence)

    run.take(sea.fix(0), *others(sea, 1))
    run.until(100)
    run.take(*others(sea, 120, 130, 139, 141))
    run.until(141)

    assert run.story() == [(140, SILENT, "onset")]


def test_what_was_silent_before_the_feed_went_down_is_told_wherever_a_batch_is_cut(sea):
    told = []
    for batches in ([(0, 10, 20, 21, 60)], [(0, 10, 20), (21, 60)], [(0, 10, 20, 21), (60,)]):
        run = sea.run(silence)
        run.take(sea.fix(0))
        for minutes in batches:
            run.take(*others(sea, *minutes))
        told.append(run.story())

    assert told == [[(20, SILENT, "onset")]] * 3


def test_in_harbour_a_vessel_may_be_silent(sea):
    run = sea.run(silence)

    run.take(sea.fix(0, lon_deg=120.55, lat_deg=27.45), *others(sea, *range(0, 300, 10)))
    run.until(300)

    assert run.alerts == []


@pytest.mark.parametrize(
    ("place", "course", "kind"),
    [
        ((121.99, 27.0), 270.0, LOST),  # a kilometre from the edge of coverage
        ((121.96, 27.0), 90.0, LOST),  # heading out of it
        ((121.96, 27.0), 270.0, SILENT),  # heading in
        ((122.5, 27.0), 270.0, LOST),  # outside already
        ((121.0, 27.0), 90.0, SILENT),  # well inside
    ],
)
def test_gone_dark_is_told_apart_from_out_of_coverage(sea, place, course, kind):
    run = sea.run(silence)
    last = sea.fix(0, lon_deg=place[0], lat_deg=place[1], cog_deg=course, sog_kn=10.0)

    run.take(last, *others(sea, *range(0, 120, 10)))
    run.until(110)

    assert {found for _, found, _ in run.story()} == {kind}
    assert len(run.alerts) == (1 if kind == LOST else 2)


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ({}, 20),
        ({"nav_status": 5}, 60),
        ({"sog_kn": 0.1}, 60),
        ({"nav_status": -1}, 30),
        ({"subject": "bd:20578", "nav_status": -1}, 30),
    ],
)
def test_each_class_has_a_patience_of_its_own(sea, said, minutes):
    run = sea.run(silence)

    run.take(sea.fix(0, **said), *others(sea, *range(0, 70, 10)))

    assert run.until(minutes - 1) == []
    [alert] = run.until(minutes)
    assert alert.value == minutes * 60


def test_a_beidou_terminal_is_heard_beyond_the_shore_stations(sea):
    run = sea.run(silence)
    far = sea.fix(0, "bd:20578", source="beidou", lon_deg=124.0)

    run.take(far, *others(sea, *range(0, 40, 10), source="beidou"))
    run.until(30)

    assert run.story() == [(30, SILENT, "onset")]


def test_fixes_that_are_delivered_again_say_nothing(sea):
    run = sea.run(silence)
    fixes = [sea.fix(0), *others(sea, 10, 20, 25), sea.fix(26)]
    run.take(*fixes)
    before = list(run.alerts)

    run.take(*fixes)

    assert run.alerts == before


def test_vessels_whose_states_outlived_their_feeds_are_judged_as_if_all_had(sea):
    run = sea.run(silence)
    fixes = [sea.fix(0), *others(sea, 0, 3, 6)]
    run.take(*fixes)
    # A crash kept the vessels' states and not the feed's; the fixes come again.
    del run.states["feed:ais"]
    run.take(*fixes)

    run.take(*others(sea, 10, 20))
    run.until(20)

    assert run.story() == [(20, SILENT, "onset")]
