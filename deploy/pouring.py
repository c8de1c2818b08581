"""Pouring prepared records into Kafka: whole batches a partition, not one by one.

A record a call costs a producer some 30 us, more than all else in the city
together; handed over as the batch of their partition they cost about 2.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from deploy import topic_reader
from deploy.feeding import Pace, settle, until_due
from feeds.recordings import KeyedRecord

_NEWS_S = 0.5
_IN_FLIGHT = 200  # batches


class _Table:
    """Which partition each key has: Kafka's own hash, computed once a key."""

    def __init__(self, sender: AIOKafkaProducer, prefix: str) -> None:
        self._sender, self._prefix = sender, prefix
        self._counts: dict[str, int] = {}
        self._known: dict[tuple[str, bytes], tuple[str, int]] = {}

    async def split(
        self, records: Iterable[KeyedRecord]
    ) -> dict[tuple[str, int], list[KeyedRecord]]:
        """Return the records by topic (with its prefix) and partition."""
        found: dict[tuple[str, int], list[KeyedRecord]] = defaultdict(list)
        for record in records:
            place = self._known.get((record.topic, record.key))
            if place is None:
                place = await self._place(record.topic, record.key)
            found[place].append(record)
        return found

    async def _place(self, topic: str, key: bytes) -> tuple[str, int]:
        name = self._prefix + topic
        if name not in self._counts:
            self._counts[name] = len(await self._sender.partitions_for(name))
        partition = (murmur2(key) & 0x7FFFFFFF) % self._counts[name]
        self._known[topic, key] = name, partition
        return name, partition


async def pour(
    address: str,
    batches: Iterable[Sequence[KeyedRecord]],
    pace: Pace,
    *,
    prefix: str = "",
    over: asyncio.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Publish batches in their order, each acknowledged by the broker.

    Args:
        address: Kafka's bootstrap address.
        batches: Records in order of time; made as they are sent.
        pace: When each batch is due: at the time of its last record, so that
            none is sent before it happened.
        prefix: Before topic names.
        over: Ends it when set; what was sent is still acknowledged.
        progress: Told the number sent, about twice a second.

    Returns:
        How many records were published and acknowledged.
    """
    sent, told_s = 0, time.monotonic()
    waiting: set[asyncio.Future[object]] = set()
    async with topic_reader.producer(address) as sender:
        table = _Table(sender, prefix)
        for batch in batches:
            if not batch:
                continue
            await until_due(pace, batch[-1].event_time_ms, over)
            await asyncio.sleep(0)  # without a wait too, others have their turn
            if over is not None and over.is_set():
                break
            for (topic, partition), records in (await table.split(batch)).items():
                waiting |= await _send(sender, topic, partition, records)
            sent += len(batch)
            while len(waiting) > _IN_FLIGHT:
                waiting = await settle(waiting)
            if progress is not None and time.monotonic() - told_s > _NEWS_S:
                told_s = time.monotonic()
                progress(sent)
        await asyncio.gather(*waiting)
    if progress is not None:
        progress(sent)
    return sent


async def _send(
    sender: AIOKafkaProducer, topic: str, partition: int, records: Sequence[KeyedRecord]
) -> set[asyncio.Future[object]]:
    """Hand records of one partition over, in as few batches as they fit in."""
    handed: set[asyncio.Future[object]] = set()
    builder = sender.create_batch()
    for record in records:
        if builder.append(timestamp=None, key=record.key, value=record.value) is None:
            handed.add(await sender.send_batch(builder, topic, partition=partition))
            builder = sender.create_batch()
            builder.append(timestamp=None, key=record.key, value=record.value)
    handed.add(await sender.send_batch(builder, topic, partition=partition))
    return handed
