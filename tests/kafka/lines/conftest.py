"""What the tests of the line doors share: topics of their own on a real Kafka, and reading them."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from deploy import topic_reader, topics_admin
from feeds.intake.publisher import Publisher
from schemas.topics import TOPICS

WITHIN_S = 90.0


class Kafka(NamedTuple):
    """A Kafka with the table's topics under a prefix of the test module's own."""

    address: str
    prefix: str

    async def read(self, topic: str) -> list[Any]:
        """Return all records of a topic, partition by partition in order."""
        reader = topic_reader.read(
            self.address, [self.prefix + topic], from_beginning=True, until_end=True
        )
        found = [record async for records in reader for record in records]
        return sorted(found, key=lambda one: (one.partition, one.offset))

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        async with Publisher(self.address, self.prefix) as publisher:
            yield publisher


@pytest.fixture(scope="module")
def kafka(broker: str) -> Iterator[Kafka]:
    prefix = f"lines{uuid.uuid4().hex[:8]}-"
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    return Kafka(broker, prefix)


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Give a wait for a condition: `await until(what, condition)`; it may be async."""

    async def wait(what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + WITHIN_S
        while True:
            told = condition()
            told = await told if asyncio.iscoroutine(told) else told
            if told:
                return told
            assert time.monotonic() < deadline, f"not within {WITHIN_S:.0f} s: {what}"
            await asyncio.sleep(0.1)

    return wait
