"""Those who answer in a simulated city, on Kafka and by the wall clock."""

import asyncio
import time
from contextlib import aclosing

from deploy import topic_reader
from feeds.people import HEARD, People


async def answer(
    address: str,
    prefix: str,
    people: People,
    over: asyncio.Event,
    listening: asyncio.Event | None = None,
) -> None:
    """Let `people` hear all that is sent from now on, and answer, until `over` is set.

    Args:
        address: Kafka's bootstrap address.
        prefix: Before topic names.
        people: Who hears, and what they say.
        over: Ends it.
        listening: Set once nothing that is sent can be missed any more.
    """
    reader = topic_reader.read(address, [prefix + name for name in HEARD], from_beginning=False)
    async with topic_reader.producer(address) as sender, aclosing(reader):
        async for records in reader:
            if listening is not None:
                listening.set()
            for record in records:
                if record.value is not None:
                    people.hear(record.topic.removeprefix(prefix), record.value, _now_ms())
            for said in people.due(_now_ms()):
                await sender.send_and_wait(prefix + said.topic, said.value, key=said.key)
            if over.is_set():
                return


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
