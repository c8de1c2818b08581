"""What a fetch brought, as batches: aiokafka's broker batches unpacked in bulk."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from faust.types import TP

from schemas.records import RawBatch

MAX_ROWS = 5_000
"""Records in one message at the most: some tens of milliseconds of work."""


class FetchedBatch(NamedTuple):
    """Records of one partition, and the range of offsets that they stand for.

    `start` is the position that the fetch began at, `next_offset` the position
    after it. `raw` may be empty: a range may hold only control records. `epoch`
    is the consumer's at the time of the fetch: see `BatchConsumer.epoch`.
    """

    raw: RawBatch
    start: int
    next_offset: int
    epoch: int = 0


class _Unpacked(NamedTuple):
    """One broker record batch, unpacked by aiokafka's C code."""

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


def _broker_batches(tp: TP, source: PartitionRecords) -> Iterator[tuple[Any, int]]:
    """Yield each broker batch with the position that it starts at."""
    position = source.next_fetch_offset
    while source._records.has_next():  # noqa: SLF001 - see the module's head
        batch = source._records.next_batch()  # noqa: SLF001
        if source._check_crcs and not batch.validate_crc():  # noqa: SLF001
            raise CorruptRecordException(f"Invalid CRC - {tp}")
        yield batch, position
        position = batch.next_offset


def unpack_fetched(tp: TP, source: PartitionRecords) -> list[FetchedBatch]:
    """Return all that was fetched of `tp`, cut into messages of `MAX_ROWS`.

    Raises:
        CorruptRecordException: A batch fails its checksum; it is fetched again.
    """
    fetched: list[FetchedBatch] = []
    held: list[_Unpacked] = []
    rows = 0
    start = position = source.next_fetch_offset
    for batch, at in _broker_batches(tp, source):
        position = batch.next_offset
        if batch.is_control_batch:
            continue
        unpacked = _unpack(batch, at)
        held.append(unpacked)
        rows += len(unpacked.values)
        if rows >= MAX_ROWS:
            fetched += _cut(tp, held, start, position)
            held, rows, start = [], 0, position
    if position > start:
        fetched += _cut(tp, held, start, position)
    return fetched


def _cut(tp: TP, held: list[_Unpacked], start: int, end: int) -> list[FetchedBatch]:
    """Join broker batches and cut them into messages; together they span start..end."""
    offsets = np.concatenate([part.offsets for part in held] or [np.empty(0, np.int64)])
    times = np.array([at for part in held for at in part.times], dtype=np.int64)
    keys = [key for part in held for key in part.keys]
    values = [value for part in held for value in part.values]
    some_headers = any(part.headers for part in held)
    headers = (
        [row for part in held for row in (part.headers or [()] * len(part.values))]
        if some_headers
        else []
    )
    cuts = list(range(0, len(values), MAX_ROWS)) or [0]
    batches = []
    for low in cuts:
        high = min(low + MAX_ROWS, len(values))
        raw = RawBatch(
            tp.topic, tp.partition, offsets[low:high], times[low:high],
            keys[low:high], values[low:high], headers[low:high],
        )  # fmt: skip
        last = low == cuts[-1]
        after = end if last else int(offsets[high])
        batches.append(FetchedBatch(raw, start, after))
        start = after
    return batches
