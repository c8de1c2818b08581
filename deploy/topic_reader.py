"""Reading a topic as an onlooker: no group, nothing committed."""

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from deploy.errors import Fault

_POLL_MS = 250
_MAX_REQUEST = 8 << 20  # above every topic's max.message.bytes: the broker refuses, by name


def quiet_clients() -> None:
    """Keep the Kafka clients' own log lines out of a command's output."""
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def unreachable(address: str) -> Fault:
    """Return the fault of a Kafka that does not answer."""
    return Fault(
        f"No Kafka answers at {address}",
        "Check CITYBRAIN_BROKER or --broker, or start one: citybrain broker start --detach",
    )


@asynccontextmanager
async def _consumer(address: str) -> AsyncIterator[AIOKafkaConsumer]:
    quiet_clients()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        try:
            await consumer.start()
        except KafkaConnectionError as error:
            raise unreachable(address) from error
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def producer(address: str) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer that loses and doubles nothing, and flushes at the end.

    Idempotent, acknowledged by all replicas, lz4, partitioned by Kafka's own
    hash of the key.
    """
    quiet_clients()
    sender = AIOKafkaProducer(
        bootstrap_servers=address,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=_MAX_REQUEST,
    )
    try:
        try:
            await sender.start()
        except KafkaConnectionError as error:
            raise unreachable(address) from error
        yield sender
    finally:
        await sender.stop()


async def read(
    address: str,
    topics: Sequence[str],
    *,
    from_beginning: bool,
    until_end: bool = False,
    timeout_s: float | None = None,
    since_ms: int | None = None,
) -> AsyncGenerator[list[ConsumerRecord], None]:
    """Yield the records of `topics` as they come, in lists; empty ones while idle.

    Args:
        address: Kafka's bootstrap address.
        topics: They must exist.
        from_beginning: Start at the oldest record, else at the next new one.
        until_end: End where the topics ended at the start of the call.
        timeout_s: End after this long.
        since_ms: With `from_beginning`: skip what was written before this instant.

    Raises:
        Fault: Kafka does not answer, or a topic does not exist.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    parts = await partitions_of(address, topics)
    async with _consumer(address) as consumer:
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        starts = await consumer.beginning_offsets(parts) if from_beginning else ends
        if from_beginning and since_ms is not None:
            later = await consumer.offsets_for_times(dict.fromkeys(parts, since_ms))
            starts = {p: ends[p] if (at := later[p]) is None else at.offset for p in parts}
        for part in parts:
            consumer.seek(part, starts[part])
        while deadline is None or time.monotonic() < deadline:
            if until_end and all([await consumer.position(p) >= ends[p] for p in parts]):
                return
            fetched = await consumer.getmany(timeout_ms=_POLL_MS)
            yield [record for records in fetched.values() for record in records]


async def partitions_of(address: str, topics: Sequence[str]) -> list[TopicPartition]:
    """Return every partition of `topics`; Fault when one of them does not exist."""
    quiet_clients()
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    try:
        await admin.start()
        known = set(await admin.list_topics())
        missing = sorted(set(topics) - known)
        if missing:
            names = ", ".join(sorted(name for name in known if not name.startswith("_")))
            raise Fault(
                f"There is no topic {', '.join(missing)} on this Kafka",
                f"It has: {names}" if names else "It has none; make them: citybrain topics apply",
            )
        told = await admin.describe_topics(list(topics))
    except KafkaConnectionError as error:
        raise unreachable(address) from error
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], part["partition"])
        for topic in told
        for part in topic["partitions"]
    ]
