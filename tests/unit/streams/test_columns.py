from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.positions import Position, PositionBatch
from streams import columns


class Pairs(NamedTuple):
    name: Sequence[str]
    size: NDArray[np.int64]


PAIRS = Pairs(["a", "b", "c", "d"], np.array([1, 2, 3, 4]))


def plain(batch):
    return [list(batch.name), batch.size.tolist()]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (np.array([2, 0]), [["c", "a"], [3, 1]]),
        (np.array([3]), [["d"], [4]]),
        (np.array([], dtype=np.int64), [[], []]),
        (np.array([True, False, False, True]), [["a", "d"], [1, 4]]),
        (np.array([False, False, True, False]), [["c"], [3]]),
        (slice(1, 3), [["b", "c"], [2, 3]]),
    ],
)
def test_take_keeps_the_order_that_it_is_asked_for(index, expected):
    assert plain(columns.take(PAIRS, index)) == expected


def test_concat_puts_batches_one_after_the_other_whatever_their_sequences_are():
    joined = columns.concat([PAIRS, Pairs(("e",), np.array([5])), columns.empty(Pairs)])

    assert plain(joined) == [["a", "b", "c", "d", "e"], [1, 2, 3, 4, 5]]


def test_concat_of_nothing_is_a_callers_mistake():
    with pytest.raises(ValueError, match="nothing to join"):
        columns.concat([])


def test_an_empty_batch_has_the_dtypes_of_its_class():
    nothing = columns.empty(PositionBatch)

    assert columns.length(nothing) == 0
    assert nothing.lon_deg.dtype == np.float64
    assert nothing.offset.dtype == np.int64


def test_a_packed_batch_comes_back_with_its_records():
    said = Position(
        source="ais", kind="vessel.static", subject="413000001", event_time_ms=5, name="浙龙渔 1"
    )
    one, two = np.array([1.5, np.nan]), np.array([7, -1])
    batch = PositionBatch(
        ["ais", "ais"], ["vessel.static", "vessel.position"], ("413000001", "413000002"),
        two, two, one, one, one, one, one, two, two, two, [said, None],
    )  # fmt: skip

    back = columns.unpack(PositionBatch, columns.pack(batch))

    assert back.extra == [said, None]
    assert back.subject == ["413000001", "413000002"]
    np.testing.assert_array_equal(back.lon_deg, batch.lon_deg)
    assert columns.pack(back) == columns.pack(batch)


def test_bytes_of_another_batch_are_refused():
    with pytest.raises(ValueError, match="columns packed"):
        columns.unpack(PositionBatch, columns.pack(PAIRS))


def test_packed_columns_that_differ_in_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        columns.unpack(Pairs, columns.pack(Pairs(["a"], np.array([1, 2]))))
