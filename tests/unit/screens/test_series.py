"""A sensor's course: bounded, never hiding the worst, never wiped by one wrong clock."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from screens.known.series import COARSE_MS, COARSE_STEPS, Series

BEGAN_MS = 1_800_000_000_000


def take(series: Series, *said: tuple[int, int, float], sign: float = 1.0) -> None:
    rows, times, values = (np.array(column) for column in zip(*said, strict=True))
    series.take(rows, times, values.astype(np.float64), np.full(4, sign))


def test_a_step_holds_the_worst_of_its_readings_not_the_last() -> None:
    series = Series(4)
    take(series, (0, BEGAN_MS, 50.0), (0, BEGAN_MS + 1_000, 71.0), (0, BEGAN_MS + 2_000, 49.0))

    assert series.points(0, BEGAN_MS - 60_000) == [(BEGAN_MS, 71.0)]


def test_where_low_is_bad_the_lowest_is_kept() -> None:
    series = Series(4)
    take(series, (0, BEGAN_MS, 50.0), (0, BEGAN_MS + 1_000, 7.0), (0, BEGAN_MS + 2, 9.0), sign=-1)

    assert series.points(0, BEGAN_MS - 60_000) == [(BEGAN_MS, 7.0)]


def test_what_comes_late_still_enters_its_own_minute() -> None:
    series = Series(4)
    take(series, (1, BEGAN_MS, 5.0))
    take(series, (1, BEGAN_MS - 7_200_000, 9.0))

    assert series.points(1, BEGAN_MS - 8_000_000)[0] == (BEGAN_MS - 7_200_000, 9.0)
    assert series.since_ms == BEGAN_MS - 7_200_000
    assert Series(4).since_ms is None


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3 * COARSE_STEPS), st.integers(-50, 150)),
        min_size=1,
        max_size=60,
    )
)
def test_a_day_of_minutes_says_what_a_plain_list_says(said: list[tuple[int, int, int]]) -> None:
    series = Series(4)
    newest, plain = 0, dict[tuple[int, int], int]()
    for row, minute, value in said:
        take(series, (row, BEGAN_MS + minute * COARSE_MS, value))
        newest = max(newest, minute)
        if minute > newest - COARSE_STEPS:
            plain[row, minute] = max(value, plain.get((row, minute), value))

    for row in range(4):
        expected = sorted(
            (BEGAN_MS + minute * COARSE_MS, value)
            for (owner, minute), value in plain.items()
            if owner == row and minute > newest - COARSE_STEPS
        )
        assert series.points(row, BEGAN_MS - COARSE_MS) == expected or not expected
