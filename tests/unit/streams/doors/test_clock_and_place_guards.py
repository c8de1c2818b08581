"""Skew of devices, and the shift of Chinese maps."""

import pytest

from streams.doors.clock_guard import Skews
from streams.geo.gcj02 import distance_m, shifted


def test_skew_is_the_median_of_a_devices_last_fifty_events() -> None:
    skews = Skews()
    skews.note(["a"] * 60, [90_000] * 10 + [1_000] * 25 + [3_000] * 25)

    found = skews.of("a")

    assert found is not None
    assert (found.median_s, found.of) == (1.0, 50)
    assert skews.of("b") is None


def test_the_furthest_ahead_come_first_and_the_number_of_devices_is_bounded() -> None:
    skews = Skews(most_devices=3)
    skews.note(["a", "b", "c", "d"], [9_000, 1_000, 40_000, -5_000])

    assert [one.subject for one in skews.worst(2)] == ["c", "b"]
    assert len(skews) == 3


def test_who_is_forgotten_is_who_was_not_heard_for_longest() -> None:
    skews = Skews(most_devices=2)
    skews.note(["often", "once", "often", "new"], [1_000, 2_000, 1_000, 3_000])

    assert skews.of("once") is None
    assert skews.of("often") == ("often", 1.0, 2)


def test_the_shift_at_longgang_is_the_published_one() -> None:
    lon_deg, lat_deg = shifted(120.553, 27.578)

    assert lon_deg == pytest.approx(120.556949, abs=2e-6)
    assert lat_deg == pytest.approx(27.574669, abs=2e-6)
    assert distance_m(120.553, 27.578, lon_deg, lat_deg) == pytest.approx(537, abs=2)
