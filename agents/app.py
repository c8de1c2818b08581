"""The Faust app of one agent: topics, table, signals, and the checks at start."""

import socket
import time
from collections.abc import Mapping
from typing import Any

import faust
from faust.sensors.prometheus import setup_prometheus_sensors
from mode.supervisors import CrashingSupervisor

from agents.guard import refuse_what_loses_data
from agents.metrics import Metrics
from agents.runner import TICK_S, Runner
from agents.settings import Settings
from agents.spec import AgentSpec
from agents.tables import StateTable
from agents.transport import BatchTransport
from streams.clock import Clock

SESSION_TIMEOUT_S = 10.0
"""A worker that is silent for so long loses its partitions to another."""

TABLE = "state"


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
        web_port=settings.metrics_port or _free_port(),
        web_bind="127.0.0.1",
        web_enabled=True,
    )
    names = tuple(settings.prefix + topic for topic in spec.inputs)
    app.batched_topics = frozenset(names)
    metrics = Metrics()
    setup_prometheus_sensors(app, registry=metrics.registry, name_prefix="faust")
    table = StateTable(app, TABLE, partitions[spec.inputs[0]])
    runner = Runner(app, spec, settings, table=table, metrics=metrics, clock=clock or WallClock())
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
