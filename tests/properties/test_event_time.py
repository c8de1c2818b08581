"""The sequencer against a plain model that looks at one row at a time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams import columns
from streams.event_time import BEGINNING_MS, Sequencer, Timing


class Rows(NamedTuple):
    source: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    offset: NDArray[np.int64]
    row: NDArray[np.int64]


TIMING = {
    "sorted": Timing(0, 5, future_ms=60),
    "loose": Timing(10, 15, future_ms=60),
    "wide": Timing(40, 0, future_ms=60),
}
NOW_MS = 1_000


def rows_of(items):
    """`items`: (source, subject, event time, ingest time); offsets count from 0."""
    numbers = np.arange(len(items))
    return Rows(
        [item[0] for item in items],
        [item[1] for item in items],
        np.array([item[2] for item in items], dtype=np.int64),
        np.array([item[3] for item in items], dtype=np.int64),
        numbers,
        numbers,
    )


def plain(batch):
    return list(
        zip(
            batch.source, batch.subject, batch.event_time_ms.tolist(), batch.offset.tolist(),
            strict=True,
        )
    )  # fmt: skip


def sequencer():
    return Sequencer(TIMING, TIMING["loose"], Rows)


def model(items):
    """Return (released, late, future, held) one row at a time."""
    released, late, future = [], [], []
    largest, mark, held = {}, {}, []
    for offset, (source, subject, at_ms, ingest_ms) in enumerate(items):
        timing = TIMING[source]
        if at_ms > ingest_ms + timing.future_ms:
            future.append(offset)
            continue
        behind_ms = mark.get(source, BEGINNING_MS) - at_ms
        if behind_ms > 0:
            if behind_ms > timing.allowed_lateness_ms:
                late.append((offset, source, behind_ms))
            else:
                released.append((source, subject, at_ms, offset))
            continue
        held.append((source, subject, at_ms, offset))
        largest[source] = max(largest.get(source, BEGINNING_MS), min(at_ms, ingest_ms))
        mark[source] = largest[source] - timing.out_of_orderness_ms
        edge_ms = mark[source] if timing.out_of_orderness_ms else at_ms + 1
        free = [row for row in held if row[0] == source and row[2] < edge_ms]
        held = [row for row in held if row not in free]
        released += sorted(free, key=lambda row: (row[2], row[1], row[3]))
    return released, late, future, held


ITEMS = st.lists(
    st.tuples(
        st.sampled_from(sorted(TIMING)),
        st.sampled_from("abc"),
        st.integers(0, 120),
        st.integers(20, 200),
    ),
    max_size=40,
)


def cuts_of(data, size):
    inner = data.draw(st.sets(st.integers(0, size), max_size=5))
    edges = sorted({0, size} | inner)
    return list(pairwise(edges))


@settings(max_examples=200)
@given(items=ITEMS, data=st.data())
def test_cut_anywhere_and_restarted_anywhere_it_does_what_the_model_does(items, data):
    whole = rows_of(items)
    ours, got, late, future = sequencer(), [], [], []
    for start, end in cuts_of(data, len(items)):
        out = ours.push(columns.take(whole, slice(start, end)), NOW_MS)
        got += plain(out.batch)
        late += out.late
        future += out.future
        again = sequencer()
        again.restore(ours.snapshot())
        assert again.snapshot() == ours.snapshot()
        if data.draw(st.booleans()):
            ours = again

    released, expected_late, expected_future, held = model(items)
    assert got == released
    assert [tuple(row) for row in late] == expected_late
    assert future == expected_future
    assert ours.held == len(held)


@settings(max_examples=100)
@given(
    spots=st.sets(st.tuples(st.integers(0, 60), st.sampled_from("abcd")), min_size=1, max_size=30),
    data=st.data(),
)
def test_any_order_of_arrival_within_the_bound_releases_the_same_rows(spots, data):
    bound_ms = TIMING["loose"].out_of_orderness_ms
    delayed = [(at + data.draw(st.integers(0, bound_ms)), at, name) for at, name in spots]
    arrivals = [("loose", name, at, 200) for _, at, name in sorted(delayed)]
    ours = sequencer()
    got = ours.push(rows_of(arrivals), NOW_MS)
    rest = ours.push(rows_of([("loose", "end", 500, 500)])._replace(offset=np.array([99])), NOW_MS)

    assert got.late == rest.late == []
    seen = [(row[2], row[1]) for row in plain(got.batch) + plain(rest.batch)]
    assert seen == sorted(spots)


@settings(max_examples=100)
@given(items=ITEMS, data=st.data())
def test_rows_delivered_again_are_dropped_and_change_nothing(items, data):
    whole = rows_of(items)
    ours = sequencer()
    first = data.draw(st.integers(0, len(items)))
    back = data.draw(st.integers(0, first))
    got = plain(ours.push(columns.take(whole, slice(0, first)), NOW_MS, first).batch)
    out = ours.push(columns.take(whole, slice(back, None)), NOW_MS, len(items))
    got += plain(out.batch)

    assert out.redelivered == first - back
    assert got == model(items)[0]
    assert ours.next_offset == len(items)


@settings(max_examples=100)
@given(
    items=ITEMS,
    walks=st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), max_size=8),
    data=st.data(),
)
def test_no_watermark_ever_moves_back(items, walks, data):
    whole, ours, now_ms, at = rows_of(items), sequencer(), NOW_MS, 0
    last, low = {}, BEGINNING_MS
    for wait_ms, pushes in walks:
        now_ms += wait_ms
        if pushes:
            upto = data.draw(st.integers(at, len(items)))
            ours.push(columns.take(whole, slice(at, upto)), now_ms, upto)
            at = upto
        else:
            ours.advance(now_ms)
        marks = ours.watermarks_ms()
        assert all(marks[name] >= mark for name, mark in last.items())
        assert ours.low_watermark_ms >= low
        last, low = marks, ours.low_watermark_ms
