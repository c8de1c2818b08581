"""A feed's pace: a recording's own, faster, at once, or catching up with the present."""

import pytest

from deploy.feeding import Pace


def test_at_once_waits_for_nothing() -> None:
    pace = Pace(None)

    assert pace.wait_s(0, 100.0) == 0.0
    assert pace.wait_s(3_600_000, 100.0) == 0.0


@pytest.mark.parametrize(("speed", "due_s"), [(1.0, 10.0), (2.0, 5.0), (0.5, 20.0)])
def test_an_event_is_due_its_time_after_the_first_over_the_speed(
    speed: float, due_s: float
) -> None:
    pace = Pace(speed)

    assert pace.wait_s(1_000_000, 50.0) == 0.0
    assert pace.wait_s(1_010_000, 50.0) == due_s
    assert pace.wait_s(1_010_000, 50.0 + due_s + 3.0) == -3.0


def test_an_event_older_than_the_first_is_due_at_once() -> None:
    pace = Pace(1.0)
    pace.wait_s(1_000_000, 0.0)

    assert pace.wait_s(400_000, 0.0) < 0


def test_a_feed_that_has_caught_up_goes_at_the_walls_pace() -> None:
    pace = Pace(10.0, live_at_ms=100_000)
    pace.wait_s(0, 0.0)

    assert pace.wait_s(100_000, 0.0) == 10.0
    assert pace.wait_s(103_000, 0.0) == 13.0


def test_a_feed_that_begins_in_the_present_never_hurries() -> None:
    pace = Pace(10.0, live_at_ms=100_000)
    pace.wait_s(200_000, 0.0)

    assert pace.wait_s(205_000, 0.0) == 5.0
