"""The partitions that a process owns: batches in, time passing, standings out."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from agents.fetched import Fetched
from agents.metrics import Metrics
from agents.pipeline import Partition
from agents.progress import Progress, Standing
from agents.settings import Settings
from agents.spec import AgentSpec
from agents.tables import StateTable
from streams.clock import Clock

log = logging.getLogger(__name__)

TICK_S = 0.1
"""How often time is looked at. Deadlines are absolute, so this is only jitter."""

AT_END_FOR_S = 5.0
"""A partition that was read to its end so lately is not behind."""

DRAIN_S = 8.0
"""How long a rebalance or a stop waits for what is on its way."""

RECOVERY_NEWS_S = 5.0
"""How often a long recovery says how far it is."""


class StuckError(Exception):
    """Records wait and none gets done."""


class Runner:
    """Holds the partitions that this process owns, from assignment to revocation."""

    def __init__(
        self,
        app: Any,
        spec: AgentSpec,
        settings: Settings,
        *,
        table: StateTable,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._app = app
        self._spec = spec
        self._prefix = settings.prefix
        self._table = table
        self.metrics = metrics
        self._clock = clock
        self._partitions: dict[int, Partition] = {}
        self._assigned = False
        self._era = 0
        self._progress: Progress[Any] = Progress(settings.stuck_after_s)
        self._recovering_since: float | None = None
        self._recovery_told = 0.0
        self._at_end_s: dict[int, float] = {}

    async def take(self, event: Any) -> None:
        """Decide on a fetched run, unless it was fetched before a seek."""
        fetched: Fetched = event.value
        consumer = self._app.consumer
        if not (self._assigned and consumer.is_current(fetched)):
            return
        if fetched.era != self._era:
            # The consumer went back: what comes again is known by its offset.
            self._era = fetched.era
            for one in self._partitions.values():
                one.begin_anew()
        first = consumer.begin(event.message.tp, fetched)
        partition = self._partition(event.message.partition)
        await partition.room()
        batch = fetched.unpack()
        # Whoever decides knows topics by the names of the table.
        raw = batch.raw._replace(topic=batch.raw.topic.removeprefix(self._prefix))
        await partition.take(event, batch._replace(raw=raw), first)

    def _partition(self, number: int) -> Partition:
        partition = self._partitions.get(number)
        if partition is None:
            operator = self._spec.build(number)
            partition = self._partitions[number] = Partition(
                number,
                operator,
                table=self._table,
                send=self._send,
                metrics=self.metrics,
                clock=self._clock,
            )
        return partition

    async def _send(self, topic: str, key: bytes, value: bytes) -> Any:
        name = self._prefix + topic
        return await self._app.producer.send(name, key, value, None, None, None)

    async def on_revoked(self, _app: Any, _revoked: Any = None, **_: Any) -> None:
        """Finish what is on its way before the partitions go to another.

        Every assignment starts from the table again: what was decided but not
        remembered is delivered again.
        """
        self._assigned = False
        partitions, self._partitions = list(self._partitions.values()), {}
        if partitions:
            log.info("rebalance: finishing %d partitions", len(partitions))
            await asyncio.gather(*(one.close(DRAIN_S) for one in partitions))
            await self._app.consumer.commit()

    async def on_assigned(self, _app: Any, _assigned: Any = None, **_: Any) -> None:
        """Take partitions into work again."""
        self._assigned = True
        self._progress.forget()
        self._at_end_s.clear()

    async def tick(self) -> None:
        """Let every owned partition see the time, also those without traffic."""
        app = self._app
        idle = app.rebalancing or app.in_recovery or not app.tables.actives_ready
        self.metrics.ready.set(0 if idle else 1)
        if idle or not self._assigned:
            self._watch_recovery()
            return
        self._recovering_since = None
        owned = {tp for tp in app.consumer.assignment() if tp.topic in app.batched_topics}
        standings = app.consumer.standings(owned)
        for number in sorted({tp.partition for tp in owned}):
            partition = self._partition(number)
            tps = [tp for tp in owned if tp.partition == number]
            caught_up = self._is_caught_up(partition, tps, standings)
            await partition.wake(caught_up=caught_up)
        self._publish(standings)
        if stuck := self._progress.stuck(standings, time.monotonic()):
            for tp in stuck:
                self.metrics.stuck.labels(tp.topic).inc()
            raise StuckError(
                f"{stuck[0].topic}[{stuck[0].partition}] has {standings[stuck[0]].backlog} records "
                "waiting and made no progress; the worker ends so that another takes over"
            )

    def _is_caught_up(
        self, partition: Partition, tps: Sequence[Any], standings: Mapping[Any, Standing]
    ) -> bool:
        """Tell whether a partition was read to its end within the last seconds.

        With steady traffic some record is nearly always on its way; it is a
        backlog only when the end has not been reached for a while.
        """
        now = time.monotonic()
        found = [(standings.get(tp), tp.topic.removeprefix(self._prefix)) for tp in tps]
        if all(
            standing is not None
            and (not standing.backlog or partition.taken(topic) >= standing.done + standing.backlog)
            for standing, topic in found
        ):
            self._at_end_s[partition.number] = now
        return now - self._at_end_s.get(partition.number, -AT_END_FOR_S) < AT_END_FOR_S

    def _watch_recovery(self) -> None:
        now = time.monotonic()
        since = self._recovering_since = self._recovering_since or now
        remaining = max(0, self._app.tables.recovery.active_remaining_total())
        self.metrics.recovery_remaining.set(remaining)
        self.metrics.recovery_seconds.set(now - since)
        if now - self._recovery_told >= RECOVERY_NEWS_S and remaining:
            self._recovery_told = now
            log.info("recovering state: %d changelog records to go", remaining)

    def _publish(self, standings: Mapping[Any, Standing]) -> None:
        now_ms = self._clock.now_ms()
        self.metrics.recovery_remaining.set(0)
        for tp, standing in standings.items():
            labels = (tp.topic.removeprefix(self._prefix), str(tp.partition))
            self.metrics.lag.labels(*labels).set(standing.backlog)
        for number, partition in self._partitions.items():
            oldest_ms = partition.oldest_ms()
            age_s = 0.0 if oldest_ms is None else (now_ms - oldest_ms) / 1000
            self.metrics.lag_seconds.labels(str(number)).set(age_s)
            watermark_ms = partition.operator.watermark_ms()
            if watermark_ms is not None:
                delay = self.metrics.watermark_delay.labels(str(number))
                delay.set((now_ms - watermark_ms) / 1000)
