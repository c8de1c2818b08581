"""Lateness: what becomes of each row of a source as its watermark moves over them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

BEGINNING_MS = -(1 << 62)
"""The watermark of a source of which nothing was seen: before all time."""


class Timing(msgspec.Struct, frozen=True):
    """What is promised about the times of one source.

    Attributes:
        out_of_orderness_ms: How far a row may be behind the newest before it.
        allowed_lateness_ms: How far behind the watermark it is still taken.
        idle_ms: Wall time of silence after which the watermark goes on with
            wall time.
        future_ms: How far event time may be ahead of ingest time.
    """

    out_of_orderness_ms: int
    allowed_lateness_ms: int
    idle_ms: int = 30_000
    future_ms: int = 60_000


class LateRow(NamedTuple):
    """A row that came too late: its row in the raw batch, and by how much."""

    row: int
    source: str
    late_by_ms: int


class Marks(NamedTuple):
    """How far a source has come: its newest trusted event time, and its watermark."""

    max_event_ms: int = BEGINNING_MS
    watermark_ms: int = BEGINNING_MS


class Judged(NamedTuple):
    """What becomes of some rows of one source, as positions among them.

    Attributes:
        frontier_ms: The watermark after each row.
        at_once: Rows that go on now.
        hold: Rows that wait for the watermark.
        lost: Rows that are too late; `late_by_ms` behind it.
        marks: How far the source is after the last row.
    """

    frontier_ms: NDArray[np.int64]
    at_once: NDArray[np.int64]
    hold: NDArray[np.int64]
    lost: NDArray[np.int64]
    late_by_ms: NDArray[np.int64]
    marks: Marks


def by_source(names: Sequence[str]) -> list[tuple[str, NDArray[np.int64]]]:
    """Return each source with the indices of its rows, ordered by first row."""
    size = len(names)
    if names.count(names[0]) == size:
        return [(names[0], np.arange(size))]
    code = {name: number for number, name in enumerate(dict.fromkeys(names))}
    codes = np.fromiter(map(code.__getitem__, names), np.int64, size)
    return [(name, np.flatnonzero(codes == number)) for name, number in code.items()]


def judge(
    times_ms: NDArray[np.int64], ingest_ms: NDArray[np.int64], marks: Marks, timing: Timing
) -> Judged:
    """Move a source's watermark over its rows, one by one.

    A row moves it no further than to its own ingest time: nothing was taken in
    before it happened. So a device whose clock is ahead, but not so far that
    its rows are refused, does not make those of honest ones late.

    Args:
        times_ms: Event times in the order of arrival; at least one.
        ingest_ms: Their ingest times.
        marks: How far the source was before them.
        timing: What the source promises.
    """
    largest_ms = np.maximum.accumulate(np.minimum(times_ms, ingest_ms))
    np.maximum(largest_ms, marks.max_event_ms, out=largest_ms)
    after_ms = np.maximum(largest_ms - timing.out_of_orderness_ms, marks.watermark_ms)
    before_ms = np.empty_like(after_ms)
    before_ms[0], before_ms[1:] = marks.watermark_ms, after_ms[:-1]
    moved = Marks(int(largest_ms[-1]), int(after_ms[-1]))

    by_ms = before_ms - times_ms
    behind = by_ms > 0
    in_order = timing.out_of_orderness_ms == 0
    every, none = np.arange(len(times_ms)), np.empty(0, np.int64)
    if not behind.any():
        at_once, hold = (every, none) if in_order else (none, every)
        return Judged(after_ms, at_once, hold, none, none, moved)
    lost = by_ms > timing.allowed_lateness_ms
    at_once = np.flatnonzero(~lost if in_order else behind & ~lost)
    hold = none if in_order else np.flatnonzero(~behind)
    return Judged(after_ms, at_once, hold, np.flatnonzero(lost), by_ms[lost], moved)
