"""Feeding events into the input topics at a pace: a recording's own, faster, or at once."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from deploy import topic_reader

_MAX_WAIT_S = 0.2
_IN_FLIGHT = 5000


class Outgoing(NamedTuple):
    """A record to publish; `event_time_ms` paces it, None goes at once."""

    topic: str
    key: bytes | None
    value: bytes
    event_time_ms: int | None


class Pace:
    """When an event is due, by its event time.

    Args:
        speed: Event seconds a wall second; None does not wait at all.
        live_at_ms: From this event time on the pace is the wall's own, for a
            feed that catches up with the present; None never.
    """

    def __init__(self, speed: float | None, live_at_ms: int | None = None) -> None:
        self._speed = speed
        self._live_at_ms = live_at_ms
        self._first: tuple[int, float] | None = None

    def wait_s(self, event_time_ms: int, now_s: float) -> float:
        """Return for how long an event must wait; `now_s` is a monotonic clock's."""
        if self._speed is None:
            return 0.0
        if self._first is None:
            self._first = (event_time_ms, now_s)
        first_ms, began_s = self._first
        return began_s + self._elapsed_s(first_ms, event_time_ms) - now_s

    def _elapsed_s(self, first_ms: int, at_ms: int) -> float:
        speed = self._speed or 1.0
        if self._live_at_ms is None or at_ms <= self._live_at_ms:
            return (at_ms - first_ms) / 1000 / speed
        caught_up_ms = max(self._live_at_ms, first_ms)
        return (caught_up_ms - first_ms) / 1000 / speed + (at_ms - caught_up_ms) / 1000


async def feed(
    address: str,
    events: Iterable[Outgoing],
    pace: Pace,
    *,
    over: asyncio.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Publish `events` in their order, each acknowledged by the broker.

    Args:
        address: Kafka's bootstrap address.
        events: What to publish; read as it is sent.
        pace: When each is due.
        over: Ends the feed when set; what was sent is still acknowledged.
        progress: Told the number sent, about twice a second.

    Returns:
        How many were published and acknowledged.
    """
    sent, told_s = 0, time.monotonic()
    waiting: set[asyncio.Future[object]] = set()
    async with topic_reader.producer(address) as sender:
        for event in events:
            if event.event_time_ms is not None:
                await until_due(pace, event.event_time_ms, over)
            if over is not None and over.is_set():
                break
            waiting.add(await sender.send(event.topic, event.value, key=event.key))
            sent += 1
            if len(waiting) >= _IN_FLIGHT:
                waiting = await settle(waiting)
            if progress is not None and time.monotonic() - told_s > 0.5:  # noqa: PLR2004  # s
                told_s = time.monotonic()
                progress(sent)
        await asyncio.gather(*waiting)
    if progress is not None:
        progress(sent)
    return sent


async def settle(waiting: set[asyncio.Future[object]]) -> set[asyncio.Future[object]]:
    """Wait for the first acknowledgements; an error of any is raised here."""
    done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for future in done:
        future.result()
    return left


async def until_due(pace: Pace, event_time_ms: int, over: asyncio.Event | None) -> None:
    """Sleep until an event is due, in small steps, so that the end is seen."""
    while (wait_s := pace.wait_s(event_time_ms, time.monotonic())) > 0:
        if over is not None and over.is_set():
            return
        await asyncio.sleep(min(wait_s, _MAX_WAIT_S))
