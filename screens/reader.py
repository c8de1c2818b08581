"""Reads the topics into the knowledge: no group, nothing committed, every partition.

Starts some way back, so that a gateway that comes up knows the city at once, and
waits for topics that the broker does not have yet.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.records import RawBatch
from screens.known.knowledge import STARTS, Knowledge, Start
from screens.partitions import partitions_of

_POLL_MS = 100
_MOST_RECORDS = 4_000
_LOOK_S = 2.0
_TOPICS_EVERY_S = 10.0
_ANSWER_S = 5.0


class NoBrokerError(Exception):
    """No Kafka answers at the address."""


class Reader:
    """Follows the topics of `STARTS`.

    Attributes:
        caught_up: Set once everything that was there at the start has been read.
        behind: By topic, records that wait on the broker.
    """

    def __init__(self, address: str, prefix: str, knowledge: Knowledge) -> None:
        self._address = address
        self._prefix = prefix
        self._knowledge = knowledge
        self._followed: set[TopicPartition] = set()
        self._goals: dict[TopicPartition, int] = {}
        self.caught_up = asyncio.Event()
        self.behind: dict[str, int] = {}
        self.records = 0

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            NoBrokerError: None answers at the start; later it is waited for.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._address,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=int(_TOPICS_EVERY_S * 1000),
            max_partition_fetch_bytes=1 << 20,
        )
        try:
            await consumer.start()
        except KafkaConnectionError as error:
            await consumer.stop()
            raise NoBrokerError(str(error)) from error
        watch = asyncio.create_task(self._watch(consumer), name="broker")
        try:
            while True:
                fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
                now_ms = time.time_ns() // 1_000_000
                for part, records in fetched.items():
                    topic = part.topic.removeprefix(self._prefix)
                    self._knowledge.take(topic, _raw(topic, part.partition, records), now_ms)
                    self.records += len(records)
                    await asyncio.sleep(0)  # screens before the next batch
                if watch.done():
                    watch.result()  # it ends by a failure alone
                if not self.caught_up.is_set() and self._followed:
                    await self._check_goals(consumer)
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            await consumer.stop()

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        """Follow new topics, and note when the broker last answered and what waits there."""
        looked_s = -_TOPICS_EVERY_S
        while True:
            try:
                if time.monotonic() - looked_s >= _TOPICS_EVERY_S:
                    await asyncio.wait_for(self._follow_new(consumer), 6 * _ANSWER_S)
                    looked_s = time.monotonic()
                parts = sorted(self._followed)
                ends = await asyncio.wait_for(consumer.end_offsets(parts), _ANSWER_S)
                self._knowledge.feeds.broker_ms = time.time_ns() // 1_000_000
                self.behind = await self._waiting(consumer, ends)
            except (KafkaError, TimeoutError) as error:
                logging.getLogger(__name__).warning("Kafka does not answer: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def _waiting(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> dict[str, int]:
        waiting: dict[str, int] = {}
        for part, end in ends.items():
            topic = part.topic.removeprefix(self._prefix)
            left = max(0, end - await consumer.position(part))
            waiting[topic] = waiting.get(topic, 0) + left
        return waiting

    async def _follow_new(self, consumer: AIOKafkaConsumer) -> None:
        wanted = {self._prefix + topic: start for topic, start in STARTS.items()}
        there = await partitions_of(self._address, wanted)
        fresh = {part: wanted[part.topic] for part in there if part not in self._followed}
        if not fresh:
            if not there:
                self.caught_up.set()
            return
        begins = await self._begins(consumer, fresh)
        positions = {part: await consumer.position(part) for part in self._followed}
        self._followed |= fresh.keys()
        consumer.assign(sorted(self._followed))  # forgets where it was
        for part, offset in {**positions, **begins}.items():
            consumer.seek(part, offset)

    async def _begins(
        self, consumer: AIOKafkaConsumer, fresh: Mapping[TopicPartition, Start]
    ) -> dict[TopicPartition, int]:
        """Return where to begin: as far back as its start says, and no more records than that."""
        parts = list(fresh)
        now_ms = time.time_ns() // 1_000_000
        first = await consumer.beginning_offsets(parts)
        ends = await consumer.end_offsets(parts)
        since = {
            part: now_ms - round(start.back_s * 1000)
            for part, start in fresh.items()
            if start.back_s is not None
        }
        found = await consumer.offsets_for_times(since) if since else {}
        begins = {}
        for part, start in fresh.items():
            begin = first[part]
            if start.back_s is not None:
                at = found.get(part)
                begin = ends[part] if at is None else at.offset
            begins[part] = max(first[part], begin, ends[part] - start.most)
        self._goals |= {part: ends[part] for part in parts}
        return begins

    async def _check_goals(self, consumer: AIOKafkaConsumer) -> None:
        for part, goal in list(self._goals.items()):
            if await consumer.position(part) >= goal:
                del self._goals[part]
        if not self._goals:
            self.caught_up.set()


def _raw(topic: str, partition: int, records: Sequence[ConsumerRecord]) -> RawBatch:
    return RawBatch(
        topic=topic,
        partition=partition,
        offsets=np.array([record.offset for record in records], np.int64),
        ingest_time_ms=np.array([record.timestamp for record in records], np.int64),
        keys=[record.key for record in records],
        values=[record.value for record in records],
        headers=[record.headers for record in records],
    )
