"""The Faust app of one agent: topics, table, signals, and the checks at start."""

import asyncio
import logging
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import faust
from faust.sensors.prometheus import setup_prometheus_sensors
from mode.supervisors import CrashingSupervisor

from agents.guard import refuse_what_loses_data
from agents.metrics import Metrics
from agents.pipeline import Partition
from agents.progress import Progress, Standing
from agents.settings import Settings
from agents.spec import AgentSpec
from agents.tables import StateTable
from agents.transport import BatchTransport, FetchedBatch
from streams.clock import Clock

log = logging.getLogger(__name__)

TICK_S = 0.1
"""How often time is looked at. Deadlines are absolute, so this is only jitter."""

SESSION_TIMEOUT_S = 10.0
"""A worker that is silent for so long loses its partitions to another."""

AT_END_FOR_S = 5.0
"""A partition that was read to its end so lately is not behind."""

DRAIN_S = 8.0
"""How long a rebalance or a stop waits for what is on its way."""


TABLE = "state"

RECOVERY_NEWS_S = 5.0
"""How often a long recovery says how far it is."""


class StuckError(Exception):
    """Records wait and none gets done."""


class BatchSchema(faust.Schema):
    """Passes a fetched batch through: the operator decodes it, not Faust."""

    def compile(self, app: Any, **_: Any) -> Any:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001
            return create_event(None, message.value, None, message)

        return decode


class CityApp(faust.App):
    """A Faust app on the batched transport."""

    batched_topics: frozenset[str] = frozenset()

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return BatchTransport(self.conf.broker_producer, self)


class WallClock:
    """The one place of a worker where the wall clock is read."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def group_of(agent: str, prefix: str) -> str:
    """Return the consumer group of an agent."""
    return f"{prefix}citybrain-{agent}"


def changelog_of(agent: str, prefix: str) -> str:
    """Return the topic that carries an agent's state."""
    return f"{group_of(agent, prefix)}-{TABLE}-changelog"


def create_app(
    spec: AgentSpec,
    settings: Settings,
    partitions: Mapping[str, int],
    clock: Clock | None = None,
) -> CityApp:
    """Build the app of one agent, ready to be started by a worker.

    Args:
        spec: The agent.
        settings: Where and how it runs.
        partitions: How many partitions each topic has on the broker (without
            the prefix in the names).
        clock: Its wall clock.

    Raises:
        UnsafeSettingError: A setting would lose data; the message says the cure.
    """
    folder = settings.data_dir / f"{spec.name}-{settings.instance}"
    folder.mkdir(parents=True, exist_ok=True)
    port = settings.metrics_port or _free_port()
    log.info("agent %s: metrics at http://127.0.0.1:%d/metrics", spec.name, port)
    app = CityApp(
        group_of(spec.name, settings.prefix),
        broker=[f"kafka://{address}" for address in settings.broker.split(",")],
        store="rocksdb://",
        datadir=str(folder),
        autodiscover=False,
        topic_disable_leader=True,
        topic_replication_factor=settings.replication,
        agent_supervisor=CrashingSupervisor,
        consumer_auto_offset_reset="earliest",
        # A restarted worker takes its partitions back at once, without waiting
        # for the session of the one that was killed to run out.
        consumer_group_instance_id=f"{spec.name}-{settings.instance}",
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=SESSION_TIMEOUT_S / 4,
        broker_commit_interval=settings.commit_interval_s,
        broker_max_poll_records=10_000,
        stream_buffer_maxsize=64,
        stream_recovery_delay=0.0,
        producer_acks=-1,
        producer_linger=0.0,
        producer_compression_type="lz4",
        producer_max_batch_size=1 << 18,
        producer_max_request_size=8 << 20,
        # A member that returns is handed its old assignment, with its old address.
        canonical_url=f"http://{spec.name}-{settings.instance}",
        web_port=port,
        web_bind="127.0.0.1",
        web_enabled=True,
    )
    names = tuple(settings.prefix + topic for topic in spec.inputs)
    app.batched_topics = frozenset(names)
    metrics = Metrics()
    setup_prometheus_sensors(app, registry=metrics.registry, name_prefix="faust")
    table = StateTable(app, TABLE, partitions[spec.inputs[0]])
    runner = _Runner(app, spec, settings, table=table, metrics=metrics, clock=clock or WallClock())
    topic = app.topic(*names, schema=BatchSchema(key_type=bytes, value_type=bytes))

    @app.agent(topic, name=spec.name, concurrency=1)
    async def decide(stream: Any) -> None:
        async for event in stream.noack().events():
            await runner.take(event)

    app.on_partitions_revoked.connect(runner.on_revoked)
    app.on_partitions_assigned.connect(runner.on_assigned)
    app.timer(TICK_S, name="time")(runner.tick)
    app.runner = runner
    refuse_what_loses_data(app)
    return app


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Runner:
    """Holds the partitions that this process owns, from assignment to revocation."""

    def __init__(
        self,
        app: CityApp,
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
        self._progress: Progress[Any] = Progress(settings.stuck_after_s)
        self._recovering_since: float | None = None
        self._recovery_told = 0.0
        self._at_end_s: dict[int, float] = {}

    async def take(self, event: Any) -> None:
        batch: FetchedBatch = event.value
        consumer = self._app.consumer
        if not (self._assigned and consumer.is_current(batch)):
            return
        consumer.begin(event.message.tp, batch)
        if batch.raw.values:
            # Whoever decides knows topics by the names of the table.
            raw = batch.raw._replace(topic=batch.raw.topic.removeprefix(self._prefix))
            partition = self._partition(event.message.partition)
            await partition.take(event, batch._replace(raw=raw))
        else:
            event.ack()

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
        ends = [(standings.get(tp), self._app.consumer.highwater(tp), tp) for tp in tps]
        if all(
            standing is not None
            and max(standing.done, partition.taken(tp.topic.removeprefix(self._prefix))) >= end
            for standing, end, tp in ends
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
