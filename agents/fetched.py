"""What a fetch brought, as batches: aiokafka's broker batches unpacked in bulk."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from faust.types import TP

from schemas.records import RawBatch

MAX_ROWS = 5_000
"""Records in one message, more or less: some tens of milliseconds of work."""


class FetchedBatch(NamedTuple):
    """Records of one partition, and the range of offsets that they stand for.

    `start` is the position that the fetch began at, `next_offset` the position
    after it. `raw` may be empty: a range may hold only control records.
    """

    raw: RawBatch
    start: int
    next_offset: int


class Fetched(NamedTuple):
    """A run of a partition's records as the broker packed them.

    It is unpacked only when it is decided on: records that wait in a queue stay
    compressed, and those that are decoded are still in the processor's cache.

    Attributes:
        tp: Topic and partition.
        parts: Broker batches, each with the first offset that counts of it.
        start, next_offset: As in `FetchedBatch`.
        era: Number of the consumer's era at the time of the fetch.
    """

    tp: TP
    parts: tuple[tuple[Any, int], ...]
    start: int
    next_offset: int
    era: int

    def unpack(self) -> FetchedBatch:
        """Return the records; broker batches can be read once only."""
        held = [_unpack(batch, first) for batch, first in self.parts]
        some_headers = any(part.headers for part in held)
        raw = RawBatch(
            self.tp.topic,
            self.tp.partition,
            np.concatenate([part.offsets for part in held] or [np.empty(0, np.int64)]),
            np.array([at_ms for part in held for at_ms in part.times], dtype=np.int64),
            [key for part in held for key in part.keys],
            [value for part in held for value in part.values],
            [
                row
                for part in (held if some_headers else [])
                for row in (part.headers or [()] * len(part.values))
            ],
        )
        return FetchedBatch(raw, self.start, self.next_offset)


class _Unpacked(NamedTuple):
    """One broker batch, unpacked by aiokafka's C code."""

    offsets: np.ndarray[Any, np.dtype[np.int64]]
    times: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[Any]


def _unpack(batch: Any, from_offset: int) -> _Unpacked:
    """Return the records of a broker batch that are not before `from_offset`."""
    records = list(batch)
    first = batch.base_offset
    if len(records) == batch.last_offset_delta + 1:
        offsets = np.arange(first, first + len(records), dtype=np.int64)
    else:
        offsets = np.array([record.offset for record in records], dtype=np.int64)
    if len(offsets) and offsets[0] < from_offset:
        skip = int(np.searchsorted(offsets, from_offset))
        records, offsets = records[skip:], offsets[skip:]
    headers = [record.headers for record in records]
    return _Unpacked(
        offsets,
        [record.timestamp for record in records],
        [record.key for record in records],
        [record.value for record in records],
        headers if any(headers) else [],
    )


def cut_fetched(tp: TP, source: PartitionRecords, era: int) -> list[Fetched]:
    """Return all that was fetched of `tp`, in runs of about `MAX_ROWS` records.

    A run is whole broker batches; one that is larger than `MAX_ROWS` is a run
    of its own (a broker takes batches of about 1 MB).

    Raises:
        CorruptRecordException: A batch fails its checksum; it is fetched again.
    """
    runs: list[Fetched] = []
    parts: list[tuple[Any, int]] = []
    rows = 0
    start = position = source.next_fetch_offset
    for batch, at in _broker_batches(tp, source):
        position = batch.next_offset
        if not batch.is_control_batch:
            parts.append((batch, at))
            rows += batch.last_offset_delta + 1
        if rows >= MAX_ROWS:
            runs.append(Fetched(tp, tuple(parts), start, position, era))
            parts, rows, start = [], 0, position
    if position > start:
        runs.append(Fetched(tp, tuple(parts), start, position, era))
    return runs


def _broker_batches(tp: TP, source: PartitionRecords) -> Iterator[tuple[Any, int]]:
    """Yield each broker batch with the position that it starts at."""
    position = source.next_fetch_offset
    while source._records.has_next():  # noqa: SLF001 - aiokafka's inner part, pinned
        batch = source._records.next_batch()  # noqa: SLF001
        if source._check_crcs and not batch.validate_crc():  # noqa: SLF001
            raise CorruptRecordException(f"Invalid CRC - {tp}")
        yield batch, position
        position = batch.next_offset
