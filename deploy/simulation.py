"""What `up --simulate` plays: a small seeded city, and a crew that answers orders.

The story begins some minutes in the past and is played fast until it reaches the
present, then at the world's own pace: so the first findings come within a
minute, and no event is ahead of its time.
"""

import asyncio
import heapq
import time
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from typing import Final, NamedTuple

from deploy import topic_reader
from deploy.feeding import Outgoing, Pace, feed
from feeds import crew, generator
from schemas import codec, topics
from schemas.dispatch import DispatchOrder, FieldAction

LOOKBACK_MS: Final = 14 * 60_000
CATCH_UP_SPEED: Final = 40.0
_CITY_KEY: Final = b"longgang"


class Play(NamedTuple):
    """Where a simulation goes: Kafka's address, the topics' prefix, the dice's seed."""

    address: str
    prefix: str
    seed: int


def now_ms() -> int:
    """Return the wall clock's time."""
    return time.time_ns() // 1_000_000


async def play(stage: Play, over: asyncio.Event) -> None:
    """Play the small city and its crew until `over` is set."""
    present_ms = now_ms()
    events = generator.city(stage.seed, present_ms - LOOKBACK_MS)
    pace = Pace(CATCH_UP_SPEED, live_at_ms=present_ms)
    async with asyncio.TaskGroup() as group:
        group.create_task(feed(stage.address, outgoing(events, stage.prefix), pace, over=over))
        group.create_task(answer_orders(stage, over))


def outgoing(events: Iterable[generator.Event], prefix: str) -> Iterator[Outgoing]:
    """Yield generated events as records to publish."""
    for event in events:
        value = codec.encode(event.record)
        yield Outgoing(prefix + event.topic, event.key.encode(), value, event.event_time_ms)


async def answer_orders(stage: Play, over: asyncio.Event) -> None:
    """Let the crew answer each order issued from now on."""
    due: list[tuple[float, int, DispatchOrder, FieldAction]] = []
    reader = topic_reader.read(
        stage.address, [stage.prefix + topics.DISPATCH_ORDERS], from_beginning=False
    )
    async with topic_reader.producer(stage.address) as sender, aclosing(reader):
        async for records in reader:
            for record in records:
                order = codec.decode(DispatchOrder, record.value or b"")
                for answer in crew.answers(stage.seed, order):
                    at_s = time.monotonic() + answer.delay_s
                    heapq.heappush(due, (at_s, len(due), order, answer.action))
            while due and due[0][0] <= time.monotonic():
                _, _, order, action = heapq.heappop(due)
                value = codec.encode(crew.update(order, action, now_ms()))
                await sender.send_and_wait(
                    stage.prefix + topics.DISPATCH_UPDATES, value, key=_CITY_KEY
                )
            if over.is_set():
                return
