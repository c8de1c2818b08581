"""Those who answer in a simulated city: units to their orders, loudspeakers to reminders."""

import asyncio
import heapq
import time
from collections.abc import Iterator
from contextlib import aclosing
from typing import Final

from deploy import topic_reader
from feeds import crew, loudspeakers
from schemas import codec, topics
from schemas.dispatch import DispatchOrder, DispatchUpdate, FieldAction, Reminder

_HEARD: Final = (topics.DISPATCH_ORDERS, topics.REMINDERS)


async def answer(address: str, prefix: str, seed: int, city: str, over: asyncio.Event) -> None:
    """Answer each order and reminder that is sent from now on, until `over` is set.

    Args:
        address: Kafka's bootstrap address.
        prefix: Before topic names.
        seed: Of the dice: who answers, when, whose loudspeaker fails.
        city: Code of the city, the key of the answers.
        over: Ends it.
    """
    due: list[tuple[float, int, DispatchOrder | Reminder, FieldAction]] = []
    told = 0
    reader = topic_reader.read(address, [prefix + name for name in _HEARD], from_beginning=False)
    async with topic_reader.producer(address) as sender, aclosing(reader):
        async for records in reader:
            for record in records:
                heard = record.topic.removeprefix(prefix)
                for delay_s, asked, action in _answers(seed, heard, record.value or b""):
                    told += 1
                    heapq.heappush(due, (time.monotonic() + delay_s, told, asked, action))
            while due and due[0][0] <= time.monotonic():
                _, _, asked, action = heapq.heappop(due)
                word = codec.encode(_word(asked, action))
                await sender.send_and_wait(
                    prefix + topics.DISPATCH_UPDATES, word, key=city.encode()
                )
            if over.is_set():
                return


def _answers(
    seed: int, topic: str, value: bytes
) -> Iterator[tuple[float, DispatchOrder | Reminder, FieldAction]]:
    """Yield what is done about a message, and how long after it."""
    if topic == topics.REMINDERS:
        reminder = codec.decode(Reminder, value)
        playing = loudspeakers.playing(seed, reminder)
        yield playing.delay_s, reminder, playing.action
        return
    order = codec.decode(DispatchOrder, value)
    for one in crew.answers(seed, order):
        yield one.delay_s, order, one.action


def _word(asked: DispatchOrder | Reminder, action: FieldAction) -> DispatchUpdate:
    now_ms = time.time_ns() // 1_000_000
    if isinstance(asked, Reminder):
        return loudspeakers.report(asked, action, now_ms)
    return crew.update(asked, action, now_ms)
