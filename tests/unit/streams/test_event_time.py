from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.event_time import BEGINNING_MS, LateRow, Sequencer, Timing


class Rows(NamedTuple):
    source: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    offset: NDArray[np.int64]
    row: NDArray[np.int64]


class OtherRows(NamedTuple):
    source: Sequence[str]
    event_time_ms: NDArray[np.int64]


S = 1_000
LOOSE = Timing(out_of_orderness_ms=5 * S, allowed_lateness_ms=10 * S)
SORTED = Timing(out_of_orderness_ms=0, allowed_lateness_ms=0)


def rows(*times_s, source="a", first=0, ingest_s=1_000):
    """Rows of one source at these seconds, one subject each, offsets from `first`."""
    numbers = np.arange(first, first + len(times_s))
    times = np.array(times_s, dtype=np.int64) * S
    return Rows(
        [source] * len(times_s), [f"s{number}" for number in numbers], times,
        np.full(len(times_s), ingest_s * S), numbers, numbers - first,
    )  # fmt: skip


def seconds(released):
    return [at // S for at in released.batch.event_time_ms.tolist()]


def loose():
    return Sequencer({}, LOOSE, Rows)


def test_a_source_in_order_passes_through_untouched():
    ours = Sequencer({"a": SORTED}, LOOSE, Rows)
    batch = rows(1, 1, 2, 3)

    out = ours.push(batch, 0)

    assert out.batch is batch
    assert out.accepted == 4
    assert ours.held == 0
    assert ours.watermark_ms("a") == 3 * S


def test_rows_wait_until_the_watermark_is_past_them():
    ours = loose()

    #   event time   1 2 3 4 5 6 7 8
    #   arrivals     x     x   x     then 9: the watermark is 4
    assert seconds(ours.push(rows(1, 6, 4), 0)) == []
    assert ours.held == 3
    assert seconds(ours.push(rows(9, first=3), 0)) == [1]
    assert seconds(ours.push(rows(10, first=4), 0)) == [4]


def test_late_but_allowed_is_released_at_once_and_later_is_refused_with_its_delay():
    ours = loose()
    ours.push(rows(100), 0)  # the watermark is 95

    out = ours.push(rows(94, 85, 84, first=1), 0)

    assert seconds(out) == [94, 85]
    assert out.late == [LateRow(row=2, source="a", late_by_ms=11 * S)]
    assert out.accepted == 2


def test_lateness_is_judged_row_by_row_not_by_the_newest_of_the_batch():
    ours = loose()

    out = ours.push(rows(1, 100), 0)

    assert out.late == []
    assert seconds(out) == [1]


def test_a_row_from_the_future_is_parted_and_moves_no_watermark():
    ours = Sequencer({"a": SORTED}, LOOSE, Rows)

    out = ours.push(rows(10, 161, 12, 160, ingest_s=100), 0)

    assert out.future == [1]
    assert seconds(out) == [10, 12, 160]


def test_a_clock_that_is_ahead_but_not_refused_makes_no_honest_row_late():
    ours = loose()
    ours.push(rows(159, ingest_s=100), 0)

    out = ours.push(rows(99, 97, 107, first=1, ingest_s=110), 0)
    assert out.late == []
    assert ours.watermark_ms("a") == 102 * S
    assert seconds(out) == [97, 99]


def test_a_device_with_a_broken_clock_does_not_make_honest_ones_late():
    ours = Sequencer({"a": SORTED}, LOOSE, Rows)
    ours.push(rows(10, 99_999, ingest_s=10), 0)

    assert ours.push(rows(11, first=2, ingest_s=11), 0).late == []


def test_a_silent_source_goes_on_with_wall_time_after_thirty_seconds():
    ours = loose()
    ours.push(rows(100), 500 * S)

    assert seconds(ours.advance(529 * S)) == []
    assert ours.idle_sources() == []
    assert ours.watermark_ms("a") == 95 * S
    assert seconds(ours.advance(535 * S)) == []
    assert ours.idle_sources() == ["a"]
    assert ours.watermark_ms("a") == 100 * S
    assert seconds(ours.advance(535 * S + 1)) == [100]


def test_the_advance_of_a_silent_source_is_not_taken_for_data():
    ours = loose()
    ours.push(rows(100), 0)
    ours.advance(300 * S)

    assert ours.watermark_ms("a") == 365 * S
    assert ours.data_watermark_ms("a") == 95 * S
    assert ours.data_watermark_ms("never seen") == BEGINNING_MS


def test_rows_after_a_silence_do_not_move_the_watermark_back():
    ours = loose()
    ours.push(rows(100), 0)
    ours.advance(130 * S)  # the watermark is 195

    out = ours.push(rows(190, 184, 197, first=1), 131 * S)

    assert seconds(out) == [190]
    assert [late.late_by_ms for late in out.late] == [11 * S]
    assert ours.watermark_ms("a") == 195 * S
    assert ours.idle_sources() == []


def test_a_silent_source_does_not_hold_back_the_low_watermark():
    ours = Sequencer({}, SORTED, Rows)
    ours.push(rows(10, source="slow"), 0)
    ours.push(rows(500, source="quick", first=1), 0)
    assert ours.low_watermark_ms == 10 * S

    ours.push(rows(520, source="quick", first=2), 20 * S)
    ours.advance(31 * S)
    assert ours.idle_sources() == ["slow"]
    assert ours.low_watermark_ms == 520 * S

    ours.push(rows(15, source="slow", first=3), 32 * S)
    assert ours.low_watermark_ms == 520 * S


def test_time_in_which_nothing_was_read_is_not_silence():
    ours = loose()
    ours.push(rows(100), 0)
    again = loose()
    again.restore(ours.snapshot())
    ours.rearm()

    for sequencer in (ours, again):
        sequencer.advance(3_600 * S)
        assert sequencer.watermark_ms("a") == 95 * S
        assert sequencer.push(rows(96, first=1), 3_601 * S).late == []


def test_one_instant_is_released_by_subject_then_offset():
    ours = loose()
    same = rows(7, 7, 7, 7)._replace(subject=["c", "a", "b", "a"])

    ours.push(same, 0)
    out = ours.push(rows(20, first=4), 0)

    assert out.batch.subject == ("a", "a", "b", "c")
    assert out.batch.offset.tolist() == [1, 3, 2, 0]


def test_rows_held_over_no_longer_say_a_row_of_a_raw_batch():
    ours = loose()
    ours.push(rows(1, 6), 0)
    out = ours.push(rows(8, 14, first=2), 0)

    assert seconds(out) == [1, 6, 8]
    assert out.batch.row.tolist() == [-1, -1, 0]


def test_the_readings_of_a_pack_share_an_offset_and_all_count():
    ours = Sequencer({}, SORTED, Rows)
    pack = rows(1, 2, 3)._replace(offset=np.array([5, 5, 6]))

    assert seconds(ours.push(pack, 0)) == [1, 2, 3]
    assert ours.next_offset == 7
    assert ours.push(pack, 0).redelivered == 3


def test_a_batch_of_refused_records_still_moves_the_offset():
    ours = loose()
    ours.push(rows(), 0, next_offset=9)

    assert ours.next_offset == 9


def test_a_snapshot_of_another_version_or_batch_is_refused():
    ours = loose()
    ours.push(rows(1), 0)
    raw = ours.snapshot()

    with pytest.raises(ValueError, match="columns packed"):
        Sequencer({}, LOOSE, OtherRows).restore(raw)
    with pytest.raises(ValueError, match="version"):
        loose().restore(raw[:1] + b"\x02" + raw[2:])


def test_a_source_that_dribbles_row_by_row_does_not_grow_a_list_of_chunks():
    ours = Sequencer({}, Timing(600 * S, 0), Rows)
    for number in range(600):
        ours.push(rows(number, first=number), 0)

    assert ours.held == 600
    assert len(ours._sources["a"].held._chunks) <= 2
