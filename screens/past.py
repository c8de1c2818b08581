"""The city as it was at an instant of the last day.

Records of matters are folded again from Kafka, from a day before the instant up to
it; values of sensors and tracks of vessels are in the gateway's own memory.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from screens.hub.subscription import Layer
from screens.known.atlas import Atlas
from screens.known.matters import Matters
from screens.partitions import partitions_of

DAY_MS = 86_400_000
_MOST_RECORDS = 200_000
_POLL_MS = 500
_SOURCES: Mapping[Layer, str] = {
    Layer.ALERTS: topics.ALERTS,
    Layer.INCIDENTS: topics.INCIDENTS,
    Layer.CASES: topics.CASES,
    Layer.ORDERS: topics.DISPATCH_ORDERS,
    Layer.REMINDERS: topics.REMINDERS,
}
KEPT = frozenset(_SOURCES)
"""Layers whose past is in Kafka."""


async def matters_at(
    address: str, prefix: str, atlas: Atlas, layers: Sequence[Layer], at_ms: int
) -> dict[Layer, Matters]:
    """Return the layers of `KEPT` as they were at `at_ms`.

    Of a topic with more than 200,000 records in that day, the newest so many count.

    Raises:
        KafkaError: The broker does not answer.
    """
    wanted = {prefix + _SOURCES[layer]: Matters(layer, atlas) for layer in layers}
    consumer = AIOKafkaConsumer(bootstrap_servers=address, group_id=None, enable_auto_commit=False)
    try:
        await consumer.start()
        parts = await partitions_of(address, wanted)
        await _fold(consumer, parts, wanted, at_ms)
    finally:
        await consumer.stop()
    for matters in wanted.values():
        matters.age(at_ms)
    return {matters.layer: matters for matters in wanted.values()}


async def _fold(
    consumer: AIOKafkaConsumer,
    parts: Sequence[TopicPartition],
    wanted: Mapping[str, Matters],
    at_ms: int,
) -> None:
    if not parts:
        return
    ends = await consumer.end_offsets(parts)
    begins = await consumer.offsets_for_times(dict.fromkeys(parts, at_ms - DAY_MS))
    after = await consumer.offsets_for_times(dict.fromkeys(parts, at_ms + 1))
    consumer.assign(parts)
    goals: dict[TopicPartition, int] = {}
    for part in parts:
        goal = ends[part] if after[part] is None else after[part].offset
        begin = goal if begins[part] is None else begins[part].offset
        consumer.seek(part, max(begin, goal - _MOST_RECORDS))
        if begin < goal:
            goals[part] = goal
    while goals:
        for part, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
            goal = goals.get(part, 0)
            for record in records:
                if record.offset < goal and record.value is not None:
                    _take(wanted[part.topic], record.value, record.timestamp)
            await asyncio.sleep(0)
        for part, goal in list(goals.items()):
            if await consumer.position(part) >= goal:
                del goals[part]


def _take(matters: Matters, value: bytes, timestamp_ms: int) -> None:
    """Take in a record; one that the present could not take either is no part of the past."""
    with suppress(TypeError, ValueError):
        wire = orjson.loads(value)
        orjson.dumps(wire)
        if isinstance(wire, dict):
            matters.take(wire, timestamp_ms)
