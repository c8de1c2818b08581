"""Rows that wait for the watermark, ordered so that releasing them is a slice."""

import zlib
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from streams import columns

B = TypeVar("B", bound=tuple[Any, ...])

# Smaller chunks are joined: enough that a source which sends row by row does not
# grow a long list of chunks, few enough that joining costs less than a millisecond.
_CHUNK_ROWS = 512


class _Chunk(Generic[B]):
    """Rows by event time; those before `start` are gone."""

    __slots__ = ("batch", "start", "times_ms")

    def __init__(self, batch: B) -> None:
        rows: Any = batch
        times_ms: NDArray[np.int64] = rows.event_time_ms
        if len(times_ms) > 1 and bool((times_ms[1:] < times_ms[:-1]).any()):
            batch = columns.take(batch, np.argsort(times_ms, kind="stable"))
            rows = batch
        self.batch = batch
        self.times_ms: NDArray[np.int64] = rows.event_time_ms
        self.start = 0

    def __len__(self) -> int:
        return len(self.times_ms) - self.start

    def rest(self) -> B:
        return columns.take(self.batch, slice(self.start, None)) if self.start else self.batch


class Held(Generic[B]):
    """The waiting rows of one source."""

    def __init__(self, batch_type: type[B]) -> None:
        self._batch_type = batch_type
        self._chunks: list[_Chunk[B]] = []

    def __len__(self) -> int:
        return sum(len(chunk) for chunk in self._chunks)

    def add(self, batch: B) -> None:
        """Keep rows; their `row` becomes -1, for the raw batch will be gone."""
        rows: Any = batch
        if not len(rows.row):
            return
        batch = rows._replace(row=np.full(len(rows.row), -1, np.int64))
        if self._chunks and len(self._chunks[-1]) < _CHUNK_ROWS:
            batch = columns.concat([self._chunks.pop().rest(), batch])
        self._chunks.append(_Chunk(batch))

    def release(self, watermark_ms: int) -> list[B]:
        """Remove and return the rows whose event time is before `watermark_ms`."""
        freed: list[B] = []
        emptied = False
        for chunk in self._chunks:
            if chunk.times_ms[chunk.start] >= watermark_ms:
                continue
            end = int(np.searchsorted(chunk.times_ms, watermark_ms))
            freed.append(columns.take(chunk.batch, slice(chunk.start, end)))
            chunk.start = end
            emptied = emptied or not len(chunk)
        if emptied:
            self._chunks = [chunk for chunk in self._chunks if len(chunk)]
        return freed

    def pack(self) -> bytes:
        """Return the rows as bytes, in the order (event time, arrival)."""
        if not self._chunks:
            return b""
        whole = _Chunk(columns.concat([chunk.rest() for chunk in self._chunks]))
        self._chunks = [whole]
        return zlib.compress(columns.pack(whole.batch), 1)

    def unpack(self, raw: bytes) -> None:
        """Become what `pack` wrote.

        Raises:
            ValueError: When the bytes are of another batch.
        """
        self._chunks = (
            [_Chunk(columns.unpack(self._batch_type, zlib.decompress(raw)))] if raw else []
        )


def in_order(batch: B, steps: NDArray[np.int64] | None) -> B:
    """Return the rows by (step, event time, subject, offset)."""
    rows: Any = batch
    times_ms = rows.event_time_ms
    if steps is None:
        steps = np.zeros(len(times_ms), np.int64)
    order = np.lexsort((rows.offset, times_ms, steps))
    times_ms, steps = times_ms[order], steps[order]
    tied = (times_ms[1:] == times_ms[:-1]) & (steps[1:] == steps[:-1])
    if tied.any():
        order = _by_subject(order, tied, rows)
    if bool((order[1:] > order[:-1]).all()):
        return batch
    return columns.take(batch, order)


def _by_subject(order: NDArray[np.int64], tied: NDArray[np.bool_], rows: Any) -> NDArray[np.int64]:
    """Return `order` with the rows of one instant by subject, then offset.

    `tied[i]` says that rows i and i + 1 of the order are of one instant.
    """
    in_tie = np.zeros(len(order), np.bool_)
    in_tie[1:] |= tied
    in_tie[:-1] |= tied
    run = np.concatenate(([0], np.cumsum(~tied)))
    places = np.flatnonzero(in_tie)
    members = order[places].tolist()
    keyed = sorted(
        zip(
            run[places].tolist(),
            map(rows.subject.__getitem__, members),
            range(len(members)),
            members,
            strict=True,
        )
    )
    order = order.copy()
    order[places] = [member for _, _, _, member in keyed]
    return order
