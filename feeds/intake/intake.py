"""Intake: what every door does with events. Judge, recognise, publish, remember, answer.

An event is answered `accepted` only after the broker has acknowledged it, and
`duplicate` only when an earlier one like it was.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from feeds.intake.ledger import Ledger
from feeds.intake.memory import Memory, Print, prints_of
from feeds.intake.publisher import BrokerDownError, Publisher
from schemas.envelope import Envelope
from schemas.refused import Refusal
from streams.city.model import City
from streams.doors.judging import Judge, Judgement, Taken
from streams.doors.sender import Sender
from streams.doors.verdict import DUPLICATE, Code, Verdict, rejected

DEADLINE_S: Final = 5.0
"""So long a sender waits for the broker before it is told to come again."""

_CONFLICT: Final = rejected(
    Code.CONFLICT,
    "id",
    "another event with this id (or kind, subject and event time) was published within 24 h",
)


_GATHERED_BELOW: Final = 16  # items; more are a batch of their own
_MOST_GATHERED: Final = 1000


class _Crowd:
    """Items of several callers that are taken together."""

    def __init__(self) -> None:
        self.items: list[bytes | Refusal] = []
        self.task: asyncio.Task[list[Verdict]]


class Intake:
    """The one way in, shared by all doors of a process.

    Args:
        city: Sources, registers, the box.
        publisher: Where events go.
        memory: What was published before.
        ledger: Where all of it is counted.
        deadline_s: How long `take` waits for the broker.
    """

    def __init__(
        self,
        city: City,
        publisher: Publisher,
        memory: Memory,
        ledger: Ledger,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.city = city
        self.ledger = ledger
        self._judge = Judge(city)
        self._publisher = publisher
        self._memory = memory
        self._deadline_s = deadline_s
        self._flying: dict[bytes, asyncio.Task[None]] = {}
        self._crowds: dict[tuple[Sender, type[Envelope] | None], _Crowd] = {}

    async def take(
        self,
        items: Sequence[bytes | Refusal],
        sender: Sender,
        now_ms: int,
        record: type[Envelope] | None = None,
    ) -> list[Verdict]:
        """Return the verdict on each item, when the accepted ones are acknowledged.

        An event of which an earlier attempt is still on its way waits for that
        attempt, so it is never published beside it.

        Args:
            items: One JSON object each, as it was sent; or why it is none.
            sender: Who sent them.
            now_ms: When they came in.
            record: What they are said to be; None where each one's kind decides.

        Raises:
            BrokerDownError: The broker did not acknowledge in time. Nothing is
                answered; the same items may be sent again.
        """
        if len(items) > _GATHERED_BELOW:
            return await self._take(items, sender, now_ms, record)
        return await self._gather(items, sender, now_ms, record)

    async def _gather(
        self,
        items: Sequence[bytes | Refusal],
        sender: Sender,
        now_ms: int,
        record: type[Envelope] | None,
    ) -> list[Verdict]:
        """Take a few items together with those that others bring in the same turn of the loop.

        A batch costs little more to judge and to publish than a single event.
        """
        crowd = self._crowds.get((sender, record))
        if crowd is None or len(crowd.items) + len(items) > _MOST_GATHERED:
            crowd = self._crowds[sender, record] = _Crowd()
            crowd.task = asyncio.create_task(self._take_crowd(crowd, sender, now_ms, record))
        first = len(crowd.items)
        crowd.items += items
        verdicts = await asyncio.shield(crowd.task)
        return verdicts[first : first + len(items)]

    async def _take_crowd(
        self, crowd: "_Crowd", sender: Sender, now_ms: int, record: type[Envelope] | None
    ) -> list[Verdict]:
        await asyncio.sleep(0)  # until all that came in this turn are there
        if self._crowds.get((sender, record)) is crowd:
            del self._crowds[sender, record]
        return await self._take(crowd.items, sender, now_ms, record)

    async def _take(
        self,
        items: Sequence[bytes | Refusal],
        sender: Sender,
        now_ms: int,
        record: type[Envelope] | None,
    ) -> list[Verdict]:
        judgement = self._judge.judge(items, sender, now_ms, record)
        prints = prints_of(judgement.taken)
        until_s = time.monotonic() + self._deadline_s
        await self._wait_for_others(prints, until_s)
        fresh = recognise(
            judgement, prints, self._memory.recall([one.key for one in prints], now_ms)
        )
        if fresh:
            await self._deliver(
                [judgement.taken[i] for i in fresh], [prints[i] for i in fresh], until_s, now_ms
            )
        said = [b"" if isinstance(item, Refusal) else item for item in items]
        self.ledger.settle(judgement.verdicts, judgement.sources, said, now_ms)
        self.ledger.count_unknown_fields(judgement.unknown_fields)
        return judgement.verdicts

    async def _deliver(
        self, events: list[Taken], prints: list[Print], until_s: float, now_ms: int
    ) -> None:
        delivery = asyncio.create_task(self._publish(events, prints, now_ms))
        for one in prints:
            self._flying[one.key] = delivery
        delivery.add_done_callback(lambda landed: self._land(landed, prints))
        done, _ = await asyncio.wait({delivery}, timeout=max(0.0, until_s - time.monotonic()))
        if not done:
            raise BrokerDownError("Kafka does not acknowledge")
        delivery.result()

    async def _publish(self, events: list[Taken], prints: list[Print], now_ms: int) -> None:
        """Publish, and remember once it is acknowledged, however long that takes."""
        began_s = time.monotonic()
        await self._publisher.publish_many(events)
        self._memory.remember(prints, now_ms)
        self.ledger.accept(events, now_ms)
        self.ledger.metrics.ack_seconds.observe(time.monotonic() - began_s)

    def _land(self, delivery: asyncio.Task[None], prints: list[Print]) -> None:
        if not delivery.cancelled():
            delivery.exception()  # told to whoever still waits; else the sender comes again
        for one in prints:
            self._flying.pop(one.key, None)

    async def _wait_for_others(self, prints: list[Print], until_s: float) -> None:
        while self._flying:
            others = {task for one in prints if (task := self._flying.get(one.key)) is not None}
            if not others:
                return
            left_s = until_s - time.monotonic()
            done, _ = await asyncio.wait(others, timeout=max(0.0, left_s))
            if not done:
                raise BrokerDownError("an earlier attempt still waits for Kafka")


def recognise(
    judgement: Judgement, prints: Sequence[Print], known: Sequence[bytes | None]
) -> list[int]:
    """Answer what was published before, or stands twice here; return the places of the rest.

    Args:
        judgement: Its verdicts are changed where an event is a duplicate or a conflict.
        prints: Of each event taken.
        known: The body's digest that was published under each one's key, if any.
    """
    fresh: list[int] = []
    here: dict[bytes, bytes] = {}
    for place, (one, event) in enumerate(zip(prints, judgement.taken, strict=True)):
        body = known[place] or here.get(one.key)
        if body is None:
            here[one.key] = one.body
            fresh.append(place)
        else:
            judgement.verdicts[event.number] = DUPLICATE if body == one.body else _CONFLICT
    return fresh
