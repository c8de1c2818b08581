"""Fences: harbours, closed water and stays that are too long."""

from schemas.alerts import Severity
from streams.geo.fences import FenceIndex
from streams.rules import fences

OPEN_SEA, CLOSED = (121.0, 27.0), (121.25, 27.25)
HARBOUR, WATCHED = (120.55, 27.45), (121.55, 27.25)


def at(sea, minute, place, subject="412420001"):
    return sea.fix(minute, subject, lon_deg=place[0], lat_deg=place[1])


def test_a_harbour_is_one_alert_from_entering_to_leaving(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, OPEN_SEA), at(sea, 60, HARBOUR), at(sea, 61, HARBOUR))
    run.take(at(sea, 160, OPEN_SEA), at(sea, 162, OPEN_SEA))

    assert run.story() == [(61, "vessel.harbour", "onset"), (161, "vessel.harbour", "clear")]
    onset, clear = run.alerts
    assert onset.alert_id == clear.alert_id
    assert onset.visit == clear.visit is not None
    assert (onset.area, onset.severity) == ("harbour", Severity.MINOR)
    assert onset.onset_time_ms == sea.t0_ms + 60 * 60_000


def test_closed_water_is_severe_and_timers_confirm_a_lone_fix(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, OPEN_SEA), at(sea, 30, CLOSED))
    run.until(31)

    assert run.story() == [(31, "vessel.no-go", "onset")]
    assert run.alerts[0].severity is Severity.SEVERE


def test_cutting_through_closed_water_between_two_fixes_is_a_notice(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, (121.19, 27.25)), at(sea, 19, (121.31, 27.25)))

    assert run.story() == [(19, "vessel.no-go", "notice")]


def test_a_stay_that_is_too_long_is_told_when_it_becomes_so(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, OPEN_SEA), at(sea, 10, WATCHED), at(sea, 20, WATCHED))
    run.until(69)
    run.until(70)
    run.take(at(sea, 75, OPEN_SEA), at(sea, 77, OPEN_SEA))

    assert run.story() == [(70, "vessel.dwell", "onset"), (76, "vessel.dwell", "clear")]


def test_a_vessel_lost_in_closed_water_is_told_so_and_found_again(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, CLOSED))
    run.until(120)
    run.take(at(sea, 500, CLOSED))

    assert run.story() == [
        (0, "vessel.no-go", "onset"),
        (120, "vessel.no-go", "clear"),
        (500, "vessel.no-go", "onset"),
    ]
    assert [alert.reason.split()[0] for alert in run.alerts] == ["found", "lost", "found"]


def test_a_vessel_that_switches_off_in_harbour_stays_in_harbour(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, HARBOUR))
    run.until(10_000)
    run.take(at(sea, 10_001, HARBOUR))

    assert run.story() == [(0, "vessel.harbour", "onset")]


def test_a_fence_that_is_taken_away_ends_its_alerts(sea):
    run = sea.run(fences)
    run.take(at(sea, 0, CLOSED))
    run.setting = run.setting._replace(fences=FenceIndex([]))

    run.take(at(sea, 10, CLOSED))

    assert run.story() == [(0, "vessel.no-go", "onset"), (10, "vessel.no-go", "clear")]
    assert "fence-removed" in run.alerts[-1].reason


def test_fixes_that_are_delivered_again_say_nothing(sea):
    run = sea.run(fences)
    fixes = [at(sea, 0, OPEN_SEA), at(sea, 60, HARBOUR), at(sea, 61, HARBOUR)]
    run.take(*fixes)

    run.take(*fixes)

    assert run.story() == [(61, "vessel.harbour", "onset")]


def test_an_unregistered_vessel_is_told_as_such_and_no_telephone_ever(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, HARBOUR))

    assert "unregistered" in run.alerts[0].reason
    assert "未登记船" in run.alerts[0].sentence


def test_a_vessel_that_left_harbour_unseen_clears_with_its_next_fix(sea):
    run = sea.run(fences)

    run.take(at(sea, 0, HARBOUR))
    run.until(500)
    run.take(at(sea, 600, OPEN_SEA))

    assert run.story() == [(0, "vessel.harbour", "onset"), (600, "vessel.harbour", "clear")]
    assert "left-unseen" in run.alerts[-1].reason
