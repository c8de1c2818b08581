"""A courier: carries the messages of its topics to one endpoint, in order, at least once.

Each endpoint has a consumer group of its own, so its place in the topics is
durable, and a slow one delays nobody else. What is not taken yet stays where it
is safe: in Kafka. Only when a message is taken, not wanted, or among the dead
letters does the place move on.
"""

import asyncio
import contextlib
import logging
import random
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError

from schemas.codec import encode
from schemas.deadletter import DeadLetter
from schemas.ids import uuid5
from schemas.records import Reason, Stage
from schemas.topics import DEADLETTER
from screens.webhooks.addresses import AddressRefusedError, Allowed, GuardedResolver
from screens.webhooks.endpoints import Endpoint
from screens.webhooks.metrics import WebhookMetrics
from screens.webhooks.signature import headers
from screens.webhooks.verdict import Answer, Next, answer_of, judge

log = logging.getLogger(__name__)

GROUP: Final = "webhooks."
_POLL_MS: Final = 500
_MOST_RECORDS: Final = 100
_KEPT_BYTES: Final = 1024 * 1024
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Kafka(NamedTuple):
    """The Kafka of an installation."""

    address: str
    prefix: str


class Said(NamedTuple):
    """What an endpoint answered, and what it asks for."""

    answer: Answer
    detail: str
    retry_after_s: float = 0.0


class Courier:
    """Serves one endpoint.

    Args:
        endpoint: Whom.
        kafka: Where from.
        session: For its requests; see `open_session`.
        letters: For messages that are given up.
        metrics: What happened.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        kafka: Kafka,
        session: aiohttp.ClientSession,
        letters: AIOKafkaProducer,
        metrics: WebhookMetrics,
    ) -> None:
        self._endpoint = endpoint
        self._kafka = kafka
        self._session = session
        self._letters = letters
        self._metrics = metrics

    async def run(self, over: asyncio.Event) -> None:
        """Carry until `over`; what is being tried then is tried again by the next run."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka.address,
            group_id=f"{self._kafka.prefix}{GROUP}{self._endpoint.name}",
            enable_auto_commit=False,
            auto_offset_reset="latest",
        )
        topics = [self._kafka.prefix + topic for topic in self._endpoint.topics]
        places = Places(consumer)
        consumer.subscribe(topics, listener=places)
        try:
            await consumer.start()
            while not over.is_set():
                fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
                epoch = places.epoch
                for partition, records in fetched.items():
                    for record in records:
                        done = await self._carry(consumer, record, over)
                        if not done or places.epoch != epoch:
                            break
                        await self._move_on(consumer, partition, record.offset + 1)
                    if over.is_set() or places.epoch != epoch:
                        break
        finally:
            await consumer.stop()

    async def _carry(
        self, consumer: AIOKafkaConsumer, record: ConsumerRecord, over: asyncio.Event
    ) -> bool:
        """Bring one record to its end; False when `over` came first."""
        said = _read(record.value)
        if not self._endpoint.wants(said):
            self._metrics.skipped.labels(self._endpoint.name).inc()
            return True
        topic = record.topic.removeprefix(self._kafka.prefix)
        message_id = str(said.get("id") or uuid5("webhook", topic, record.partition, record.offset))
        attempts = 0
        while not over.is_set():
            attempts += 1
            told = await self._post(topic, message_id, record.value or b"")
            age_s = time.time() - record.timestamp / 1000
            verdict = judge(
                told.answer,
                attempts=attempts,
                age_s=age_s,
                share=random.random(),
                retry_after_s=told.retry_after_s,
            )
            if verdict.next is Next.AGAIN:
                self._metrics.waiting.labels(self._endpoint.name).set(age_s)
                await self._wait(consumer, verdict.wait_s, over)
                continue
            if verdict.next is Next.DELIVERED:
                self._metrics.delivered.labels(self._endpoint.name, topic).inc()
            else:
                await self._give_up(topic, record, told.detail)
            self._metrics.waiting.labels(self._endpoint.name).set(0)
            return True
        return False

    async def _post(self, topic: str, message_id: str, body: bytes) -> Said:
        """Make one attempt."""
        endpoint = self._endpoint
        signed = headers(endpoint.secrets, message_id, int(time.time()), body)
        sent = {"content-type": "application/json", "citybrain-topic": topic, **signed}
        began_s = time.monotonic()
        try:
            async with self._session.post(
                endpoint.url,
                data=body,
                headers=sent,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=endpoint.timeout_s),
            ) as response:
                answer = answer_of(response.status)
                told = Said(answer, f"HTTP {response.status}", _retry_after_s(response.headers))
        except TimeoutError:
            told = Said(Answer.TIMEOUT, f"no answer within {endpoint.timeout_s:g} s")
        except AddressRefusedError as refused:
            told = Said(Answer.ADDRESS_REFUSED, str(refused))
        except (aiohttp.ClientError, OSError) as error:
            refused_by = isinstance(error.__cause__, AddressRefusedError) or isinstance(
                getattr(error, "os_error", None), AddressRefusedError
            )
            answer = Answer.ADDRESS_REFUSED if refused_by else Answer.UNREACHABLE
            told = Said(answer, f"{type(error).__name__}: {error}"[:200])
        self._metrics.attempt_seconds.labels(endpoint.name).observe(time.monotonic() - began_s)
        if told.answer is not Answer.TAKEN:
            self._metrics.failed.labels(endpoint.name, told.answer).inc()
            log.warning("%s: %s not taken: %s", endpoint.name, message_id, told.detail)
        return told

    async def _wait(self, consumer: AIOKafkaConsumer, wait_s: float, over: asyncio.Event) -> None:
        """Wait, as a member of the group in good standing: paused, and polling."""
        until_s = time.monotonic() + wait_s
        try:
            while (left_s := until_s - time.monotonic()) > 0 and not over.is_set():
                consumer.pause(*consumer.assignment())
                fetched = await consumer.getmany(timeout_ms=int(min(left_s * 1000, _POLL_MS)) or 1)
                # A group that moved meanwhile has unpaused all: what came is for later.
                for partition, records in fetched.items():
                    with contextlib.suppress(IllegalStateError):
                        consumer.seek(partition, records[0].offset)
        finally:
            consumer.resume(*consumer.assignment())

    async def _move_on(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int
    ) -> None:
        # A group that moved meanwhile gives the record to another: told twice, by the same id.
        with contextlib.suppress(CommitFailedError, IllegalStateError):
            await consumer.commit({partition: offset})

    async def _give_up(self, topic: str, record: ConsumerRecord, why: str) -> None:
        """Put a message among the dead letters; returns when it is there."""
        name = self._endpoint.name
        now_ms = time.time_ns() // 1_000_000
        dead = DeadLetter(
            source=f"citybrain.{Stage.DELIVER}",
            kind="deadletter",
            subject=topic,
            event_time_ms=record.timestamp,
            id=uuid5("webhook", name, topic, record.partition, record.offset),
            ingest_time_ms=now_ms,
            topic=topic,
            partition=record.partition,
            offset=record.offset,
            stage=Stage.DELIVER,
            reason=Reason.UNDELIVERED,
            hint=f"webhook {name}: {why}; sent again it goes to every reader of {topic}",
            key=None if record.key is None else b64encode(record.key).decode(),
            value=b64encode((record.value or b"")[:_KEPT_BYTES]).decode(),
        )
        letter_topic = self._kafka.prefix + DEADLETTER
        await self._letters.send_and_wait(letter_topic, encode(dead), key=topic.encode())
        self._metrics.dead_letters.labels(name).inc()
        log.error("%s: given up on %s of %s: %s", name, record.offset, topic, why)


class Places(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped here
    """Holds an endpoint's place from its first moment on, before anything is delivered.

    Attributes:
        epoch: Rises with each rebalance; what was fetched before it is let go.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.epoch = 0

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """Let go of what was fetched."""
        self.epoch += 1

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Write down the place of a new endpoint: what comes from now on is for it."""
        for partition in assigned:
            if await self._consumer.committed(partition) is None:
                await self._consumer.seek_to_end(partition)
                offset = await self._consumer.position(partition)
                await self._consumer.commit({partition: offset})


def open_session(allowed: Allowed) -> aiohttp.ClientSession:
    """Return a session that posts to allowed addresses only, past no proxy."""
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(allowed), ttl_dns_cache=30)
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        headers={"user-agent": "longgang-citybrain-webhooks"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _read(value: bytes | None) -> Mapping[str, Any]:
    """Return what a record says; nothing of one that is no JSON object."""
    try:
        return _OBJECT.decode(value or b"")
    except (ValueError, RecursionError):
        return {}


def _retry_after_s(answered: Mapping[str, str]) -> float:
    text = answered.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0  # noqa: PLR2004
