"""The gateway's heartbeat: publishes what changed, and wakes the screens."""

import asyncio
import time

import orjson

from schemas.instants import format_instant
from screens.hub import frames
from screens.hub.frames import Frame
from screens.known.knowledge import Knowledge
from screens.metrics import Metrics

_PAST_THE_GRID_S = 0.002


class Ticker:
    """Ticks the knowledge; screens wait for it.

    Attributes:
        tick_s: Wall time between two looks.
        spent_s: What the latest look took.
    """

    def __init__(
        self, knowledge: Knowledge, metrics: Metrics, tick_s: float, health_s: float
    ) -> None:
        self._knowledge = knowledge
        self._metrics = metrics
        self._health_s = health_s
        self._next = asyncio.Event()
        self._health_members = b""
        self._health_number = 0
        self._made: dict[str, Frame] = {}
        self.tick_s = tick_s
        self._tick_ms = round(tick_s * 1000)
        self.spent_s = 0.0
        self.now_ms = time.time_ns() // 1_000_000

    async def run(self) -> None:
        """Tick until cancelled."""
        health_due_s = 0.0
        while True:
            began_s = time.monotonic()
            now_ms = self.now_ms = time.time_ns() // 1_000_000
            # On the grid of ticks: one that comes some milliseconds early would else make
            # everything that changes once a second wait for the tick after it.
            self._knowledge.tick(now_ms - now_ms % self._tick_ms)
            self._made.clear()
            if began_s >= health_due_s:
                health_due_s = began_s + self._health_s
                self._health_members = health_members(self._knowledge, now_ms)
                self._health_number += 1
            woken, self._next = self._next, asyncio.Event()
            woken.set()
            self.spent_s = time.monotonic() - began_s
            self._metrics.tick.observe(self.spent_s)
            await asyncio.sleep(self.tick_s - time.time() % self.tick_s + _PAST_THE_GRID_S)

    async def next(self) -> None:
        """Wait for the next tick."""
        await self._next.wait()

    @property
    def health_number(self) -> int:
        """Rises with each new health report."""
        return self._health_number

    def health(self, cursor: str) -> Frame:
        """Return the newest health report for screens that stand at `cursor`."""
        if cursor not in self._made:
            self._made[cursor] = frames.health(cursor, self._health_members)
        return self._made[cursor]


def health_members(knowledge: Knowledge, now_ms: int) -> bytes:
    """Return the members of a health report, without braces."""
    feeds = knowledge.feeds.look(now_ms)
    said = {
        "now": format_instant(now_ms),
        "feeds": [
            {
                "feed": feed.feed,
                "class": feed.feed_class,
                "age_s": None if feed.age_s is None else round(feed.age_s, 1),
                "stale": feed.stale,
                "since": None if feed.since_ms is None else format_instant(feed.since_ms),
            }
            for feed in feeds
        ],
        "stale_count": sum(feed.stale for feed in feeds),
    }
    return orjson.dumps(said)[1:-1]
