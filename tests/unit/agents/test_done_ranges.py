"""What is committed is done without a hole, in whatever order it became done."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.progress import DoneRanges


def begun_at(start):
    ranges = DoneRanges()
    ranges.begin(start)
    return ranges


def test_nothing_is_committable_before_anything_was_read() -> None:
    assert DoneRanges().committable is None


def test_what_is_done_before_the_beginning_is_known_is_not_committed() -> None:
    ranges = DoneRanges()
    ranges.add(5, 9)

    assert ranges.committable is None

    ranges.begin(5)
    ranges.add(9, 12)
    assert ranges.committable == 12


def test_a_range_behind_a_hole_waits_for_what_is_before_it() -> None:
    ranges = begun_at(10)

    ranges.add(20, 30)
    assert ranges.committable == 10

    ranges.add(10, 20)
    assert ranges.committable == 30


def test_a_range_may_span_more_offsets_than_it_has_records() -> None:
    ranges = begun_at(0)

    ranges.add(0, 1_000_000)  # nearly all of it was compacted away

    assert ranges.committable == 1_000_000


def test_a_second_beginning_changes_nothing() -> None:
    ranges = begun_at(10)
    ranges.add(10, 12)

    ranges.begin(40)

    assert ranges.committable == 12


def test_the_longer_of_two_ranges_with_one_start_counts() -> None:
    ranges = begun_at(0)
    ranges.add(5, 9)
    ranges.add(5, 7)

    ranges.add(0, 5)

    assert ranges.committable == 9


@given(st.data(), st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(0, 1000))
def test_in_any_order_it_never_passes_what_is_not_done(data, lengths, start) -> None:
    edges = [start]
    for length in lengths:
        edges.append(edges[-1] + length)
    spans = list(pairwise(edges))
    ranges = begun_at(start)
    done: set[int] = set()

    for low, high in data.draw(st.permutations(spans)):
        ranges.add(low, high)
        done |= set(range(low, high))
        reached = ranges.committable
        assert reached is not None
        assert set(range(start, reached)) <= done
        assert reached not in done

    assert ranges.committable == edges[-1]
