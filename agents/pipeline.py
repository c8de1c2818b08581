"""From batches to acknowledgements: decide, send, remember, acknowledge.

The order is what makes a crash harmless. Everything that a batch sends is
acknowledged by the broker before the state that results is written, and the
state is written before the batch is acknowledged. A crash in between delivers
the batch again: it says the same ids, and rows of state that were already
written recognise what they have seen.

Checkpoints are grouped: while one is on its way, further batches are decided,
and the next checkpoint covers all of them. Under load that divides the cost of
a state row by the number of batches. It adds nothing to the latency of what is
sent: only state and acknowledgement wait.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from agents.fetched import FetchedBatch
from agents.metrics import Metrics
from agents.tables import StateTable
from schemas.records import RawBatch
from streams.clock import Clock
from streams.operator import Operator, Outcome, Send

MAX_IN_FLIGHT = 32
"""Batches decided but not acknowledged, by partition, before intake waits."""

CHECKPOINT_EVERY_S = 0.2
"""Checkpoints begin no closer than this, unless intake waits for one: a page of
state that many batches touch is then written once for all of them. What is sent
is not held back by it."""


class LostRecordsError(Exception):
    """The transport left out records: a fault of ours, and never to go on from."""


class _Work(NamedTuple):
    """A batch on its way: its sends are under way, it is not yet acknowledged."""

    event: Any
    sent: asyncio.Task[None] | None
    oldest_ms: int | None
    decided_at: float


class Partition:
    """One partition's operator with its checkpoints."""

    def __init__(
        self,
        number: int,
        operator: Operator,
        *,
        table: StateTable,
        send: Callable[[str, bytes, bytes], Awaitable[Awaitable[Any]]],
        metrics: Metrics,
        clock: Clock,
        every_s: float = CHECKPOINT_EVERY_S,
    ) -> None:
        self.number = number
        self.operator = operator
        self._table = table
        self._send = send
        self._metrics = metrics
        self._clock = clock
        self._pending: list[_Work] = []
        self._in_checkpoint: list[_Work] = []
        self._shipping = asyncio.Lock()
        self._closed = False
        self._next_start: dict[str, int] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._hurry = asyncio.Event()
        self._every_s = every_s
        self._began_at = -every_s
        self._task: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None
        operator.restore(table.rows(number))

    async def take(self, event: Any, batch: FetchedBatch, first: int) -> None:
        """Decide on a batch and let its checkpoint follow.

        Args:
            event: Acknowledged in the end.
            batch: What is decided on.
            first: The offset that its topic's chain of batches begins at.

        Raises:
            Exception: A rule failed, or an earlier checkpoint did. Nothing more
                is acknowledged then: the worker must end, and begin again.
        """
        await self.room()
        self._raise_failure()
        if self._closed:
            return
        self._check_chain(batch, first)
        raw = batch.raw
        if not raw.values:
            event.ack()
            return
        started = time.perf_counter()
        outcome = self.operator.take(raw, self._clock.now_ms())
        self._metrics.rule_seconds.labels(raw.topic).inc(time.perf_counter() - started)
        self._metrics.batch_rows.labels(raw.topic).observe(len(raw.values))
        self._count(raw.topic, outcome)
        self._follow(event, outcome, raw)
        # Full queues never make the stream wait; commits and clocks need a turn.
        await asyncio.sleep(0)

    def begin_anew(self) -> None:
        """Begin a chain of batches again: the consumer went back by itself."""
        self._next_start.clear()

    async def room(self) -> None:
        """Wait until a batch more may go into work."""
        await self._room.wait()

    def _check_chain(self, batch: FetchedBatch, first: int) -> None:
        """Refuse a batch that does not go on where the last one of its topic ended."""
        expected = self._next_start.get(batch.raw.topic, first)
        if batch.start != expected:
            raise LostRecordsError(
                f"{batch.raw.topic}[{self.number}]: offset {expected} was to come, "
                f"{batch.start} came; the worker ends so that the records are read again"
            )
        self._next_start[batch.raw.topic] = batch.next_offset

    async def wake(self, *, caught_up: bool) -> None:
        """Let the operator see the time."""
        self._raise_failure()
        if self._closed:
            return
        outcome = self.operator.wake(self._clock.now_ms(), caught_up=caught_up)
        if outcome.sends:
            self._count("(time)", outcome)
            self._follow(None, outcome, None)

    async def close(self, timeout_s: float) -> None:
        """Finish what is on its way; after `timeout_s` give it up, to be redone.

        From then on no state row is written: the partition may be another's.
        """
        self._hurry.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
        self._closed = True
        self._room.set()

    def taken(self, topic: str) -> int:
        """Return the offset after the last record of `topic` that was decided, 0 for none."""
        return self._next_start.get(topic, 0)

    def oldest_ms(self) -> int | None:
        """Return the broker time of the oldest record in work; None when idle."""
        times = [
            work.oldest_ms
            for work in (*self._in_checkpoint, *self._pending)
            if work.oldest_ms is not None
        ]
        return min(times, default=None)

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _follow(self, event: Any, outcome: Outcome, raw: RawBatch | None) -> None:
        # Nothing is awaited between a decision and this: a checkpoint that took
        # the new state without these sends would remember what was never said.
        loop = asyncio.get_running_loop()
        sent = loop.create_task(self._ship(outcome.sends)) if outcome.sends else None
        if sent is not None:
            sent.add_done_callback(_note_failure)
        oldest = int(raw.ingest_time_ms[0]) if raw is not None and len(raw.values) else None
        self._pending.append(_Work(event, sent, oldest, time.perf_counter()))
        if len(self._pending) >= MAX_IN_FLIGHT:
            self._room.clear()
            self._hurry.set()
        if self._task is None:
            self._task = loop.create_task(self._checkpoints())

    async def _ship(self, sends: Sequence[Send]) -> None:
        """Send in order, also among batches, and wait for every acknowledgement."""
        async with self._shipping:
            acknowledged = [await self._send(*send) for send in sends]
        await asyncio.gather(*acknowledged)
        for send in sends:
            self._metrics.sent.labels(send.topic).inc()

    async def _checkpoints(self) -> None:
        try:
            while self._pending:
                await self._rest()
                self._began_at = time.monotonic()
                work, self._pending = self._pending, []
                self._in_checkpoint = work
                self._room.set()
                await self._checkpoint(work)
        except BaseException as failure:  # noqa: BLE001 - handed to the agent, which ends the worker
            self.failure = failure
            self._room.set()
        finally:
            self._in_checkpoint = []
            self._task = None

    async def _rest(self) -> None:
        """Let batches gather, as long as nobody waits for a checkpoint."""
        rest_s = self._began_at + self._every_s - time.monotonic()
        if rest_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), rest_s)
        self._hurry.clear()

    async def _checkpoint(self, work: list[_Work]) -> None:
        # Taken before anything is awaited: the rows stand for these batches only.
        rows = self.operator.changes()
        for one in work:
            if one.sent is not None:
                await one.sent
        if self._closed:
            return
        await self._table.put(self.number, rows)
        self._metrics.state_rows.inc(len(rows))
        now = time.perf_counter()
        for one in work:
            if one.event is not None:
                one.event.ack()
            self._metrics.checkpoint_seconds.observe(now - one.decided_at)

    def _count(self, topic: str, outcome: Outcome) -> None:
        metrics = self._metrics
        metrics.records.labels(topic).inc(outcome.read)
        metrics.events.labels(topic).inc(outcome.used)
        for (stage, reason), count in outcome.refused.items():
            metrics.refused.labels(topic, stage, reason).inc(count)
        for community, count in outcome.communities.items():
            metrics.communities.labels(topic, community).inc(count)
        for why, count in outcome.set_aside.items():
            metrics.set_aside.labels(topic, why).inc(count)
        for field, count in outcome.unknown_fields.items():
            metrics.count_unknown_field(topic, field, count)
        for (rule, transition), count in outcome.alerts.items():
            metrics.alerts.labels(rule, transition).inc(count)
        for age_ms in outcome.ages_ms:
            metrics.alert_age.observe(age_ms / 1000)


def _note_failure(sent: asyncio.Task[None]) -> None:
    """Look at how a task ended: after the first failure nobody awaits the others."""
    if not sent.cancelled():
        sent.exception()
