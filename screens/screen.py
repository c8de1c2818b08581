"""One screen: sends it what changed since where it stands, until it goes or must be cut."""

import asyncio
from collections.abc import Awaitable, Callable

from screens.hub.frames import Frame
from screens.hub.hub import Look
from screens.metrics import Metrics
from screens.ticker import Ticker

Send = Callable[[Frame], Awaitable[None]]


class CutError(Exception):
    """The screen took nothing for too long."""


class Screen:
    """A subscription on its way to one socket.

    It has no queue: one frame is under way at most, and the next one is made of what
    changed since. A screen that reads slowly gets fewer and larger frames; one that
    stops reading is cut after `cut_after_s` and may come back with its cursor.

    Args:
        look: The view that it sees.
        since: The cursor that it comes back with; "" begins with a snapshot.
        send: Puts a frame on the wire, and waits while the wire is full.
        may_stay: Whether whoever signed in still may look.
    """

    def __init__(
        self,
        look: Look,
        *,
        since: str,
        send: Send,
        ticker: Ticker,
        metrics: Metrics,
        may_stay: Callable[[], bool],
        cut_after_s: float,
    ) -> None:
        self._look = look
        self._since = since
        self._send = send
        self._ticker = ticker
        self._metrics = metrics
        self._may_stay = may_stay
        self._cut_after_s = cut_after_s

    async def run(self) -> None:
        """Send frames until the socket ends, or its person may no longer look.

        Raises:
            CutError: It took nothing for `cut_after_s`.
        """
        health = -1
        if not self._since:
            await self._snapshot()
        while self._may_stay():
            view = self._look.view
            frame = view.delta(self._since)
            if frame is not None:
                await self._put(frame)
                if frame.kind == "resync":
                    await self._snapshot()
                    continue
            self._since = view.cursor if frame is None else frame.cursor
            if health != self._ticker.health_number:
                health = self._ticker.health_number
                await self._put(self._ticker.health(self._since))
            await self._ticker.next()

    async def _snapshot(self) -> None:
        frame = self._look.view.snapshot()
        await self._put(frame)
        self._since = frame.cursor

    async def _put(self, frame: Frame) -> None:
        try:
            async with asyncio.timeout(self._cut_after_s):
                await self._send(frame)
        except TimeoutError:
            self._metrics.cut.inc()
            raise CutError from None
        self._metrics.frames.labels(frame.kind).inc()
        self._metrics.sent_bytes.inc(len(frame.body))
