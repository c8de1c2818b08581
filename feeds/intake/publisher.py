"""The publisher that all doors share: it answers when the broker has acknowledged.

Idempotent, acknowledged by all replicas, in order for each key. It starts while
the broker is away, and tells in a typed way when the broker cannot take more.
aiokafka never gives an idempotent record up, so one that was handed over during
an outage is delivered when the broker is back, unless the process ends before.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

RETRY_AFTER_S: Final = 2
_IN_FLIGHT_BYTES: Final = 64 * 1024 * 1024
_OVERHEAD_BYTES: Final = 128  # of a record in memory, beside its key and value
_BATCH_BYTES: Final = 512 * 1024
_LARGEST_REQUEST: Final = 8 << 20  # above every topic's max.message.bytes: the broker refuses
_KNOWN_KEYS: Final = 200_000
_START_S: Final = 2.0  # so long the doors stay shut for a broker that answers late
_STOP_S: Final = 5.0


class Record(Protocol):
    """What can be published; as `Outgoing`."""

    @property
    def topic(self) -> str: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes: ...

    @property
    def timestamp_ms(self) -> int | None: ...


class Outgoing(NamedTuple):
    """One record; `topic` is without prefix, `timestamp_ms` None stands for now."""

    topic: str
    key: bytes | None
    value: bytes
    timestamp_ms: int | None = None


class BrokerDownError(Exception):
    """The broker cannot take events now; nothing was acknowledged.

    Attributes:
        retry_after_s: When to try again.
    """

    def __init__(self, why: str, retry_after_s: int = RETRY_AFTER_S) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class Publisher:
    """Publishes records; use it as an async context.

    Args:
        address: Kafka's bootstrap addresses.
        prefix: Stands before every topic name.
        in_flight_bytes: What may wait for an acknowledgement; more is refused.
    """

    def __init__(
        self, address: str, prefix: str = "", in_flight_bytes: int = _IN_FLIGHT_BYTES
    ) -> None:
        self._address = address
        self._prefix = prefix
        self._most = in_flight_bytes
        self._waiting = 0
        self._producer: AIOKafkaProducer | None = None
        self._starter: asyncio.Task[None] | None = None
        self._hashes: dict[bytes, int] = {}
        self._turns: dict[tuple[str, int], asyncio.Lock] = {}

    @property
    def is_up(self) -> bool:
        """Whether the broker was reached, so that records can be handed over."""
        return self._producer is not None

    @property
    def in_flight_bytes(self) -> int:
        """What waits for an acknowledgement."""
        return self._waiting

    async def __aenter__(self) -> Self:
        for name in ("aiokafka", "kafka"):  # one line a failed connection is enough, from here
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._starter = asyncio.create_task(self._start())
        await asyncio.wait({self._starter}, timeout=_START_S)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._starter is not None:
            self._starter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starter
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(producer.stop(), _STOP_S)

    async def publish(
        self, topic: str, key: bytes | None, value: bytes, *, timestamp_ms: int | None = None
    ) -> None:
        """Publish one record; returns when the broker has acknowledged it.

        Raises:
            BrokerDownError: It was not acknowledged.
        """
        await self.publish_many([Outgoing(topic, key, value, timestamp_ms)])

    async def publish_many(self, records: Sequence[Record]) -> None:
        """Publish records; returns when the broker has acknowledged all of them.

        The order of `records` is kept for each key, also against earlier calls.
        Cancelling does not take records back that were handed over.

        Raises:
            BrokerDownError: Not all were acknowledged; some may have been.
        """
        producer = self._producer
        if producer is None:
            raise BrokerDownError("Kafka does not answer")
        size = sum(len(one.value) + _OVERHEAD_BYTES for one in records)
        if self._waiting and self._waiting + size > self._most:
            raise BrokerDownError("Kafka does not keep up")
        self._waiting += size
        try:
            futures = await self._hand_over(producer, records)
            results = await asyncio.gather(*futures, return_exceptions=True)
        except KafkaError as error:
            raise BrokerDownError(f"Kafka refused: {error!r}"[:200]) from error
        finally:
            self._waiting -= size
        for result in results:
            if isinstance(result, BaseException):
                raise BrokerDownError(f"Kafka refused: {result!r}"[:200]) from result

    async def _hand_over(
        self, producer: AIOKafkaProducer, records: Sequence[Record]
    ) -> list["asyncio.Future[object]"]:
        groups: dict[tuple[str, int], list[Record]] = {}
        counts: dict[str, int] = {}
        for one in records:
            count = counts.get(one.topic)
            if count is None:
                known = await producer.partitions_for(self._prefix + one.topic)
                count = counts[one.topic] = len(known)
            partition = self._hash(one.key) % count if one.key is not None else 0
            groups.setdefault((one.topic, partition), []).append(one)
        futures: list[asyncio.Future[object]] = []
        for (name, partition), group in groups.items():
            # In turn: aiokafka lets whoever comes first take a partition's place, and
            # among many one would wait until it gives up.
            turn = self._turns.setdefault((name, partition), asyncio.Lock())
            async with turn:
                futures += await self._send_batches(producer, self._prefix + name, partition, group)
        return futures

    async def _send_batches(
        self, producer: AIOKafkaProducer, topic: str, partition: int, group: Sequence[Record]
    ) -> list["asyncio.Future[object]"]:
        """Hand records over as batches of our own: a fifth of the cost of one by one."""
        futures = []
        batch = producer.create_batch()
        for one in group:
            if batch.append(key=one.key, value=one.value, timestamp=one.timestamp_ms) is None:
                futures.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=one.key, value=one.value, timestamp=one.timestamp_ms)
        batch.close()
        futures.append(await producer.send_batch(batch, topic, partition=partition))
        return futures

    def _hash(self, key: bytes) -> int:
        """Return the hash by which Kafka's own clients choose a partition."""
        known = self._hashes.get(key)
        if known is None:
            if len(self._hashes) >= _KNOWN_KEYS:
                self._hashes.clear()
            known = self._hashes[key] = murmur2(key) & 0x7FFFFFFF
        return known

    async def _start(self) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((KafkaError, OSError)),
            wait=wait_exponential(multiplier=0.2, max=5),
        )
        async for attempt in retrying:
            with attempt:
                self._producer = await self._connect()

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._address,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_LARGEST_REQUEST,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer
