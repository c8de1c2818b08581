"""The whole city live on this machine: event to alert, CPU and memory; what it can hold."""

import asyncio
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from agents.roster import AGENTS
from deploy import processes, topic_reader, topics_admin
from deploy.bench.city_feed import Fed, Feed
from deploy.bench.usage import Usage, usage
from deploy.cities import load_city
from deploy.errors import Fault
from deploy.faults.fleet import Fleet, Place
from schemas.alerts import Transition
from schemas.topics import ALERTS, TOPICS

_START_S = 120.0
_LOOK_S = 0.5
_LEAD_MS = 6_000  # the feeder reads the city's files first
_SETTLE_S = 10.0
_HELD_P99_S = 1.0
"""A rate is held when so late an alert is one in a hundred at most, and none is missing."""
_FEEDER_LATE_MS = 500


class Plan(NamedTuple):
    """What to measure.

    Attributes:
        city_dir: The city's files.
        seed: Of the simulated city.
        seconds: How long each rate is kept.
        times: Rates to try, as multiples of the whole city at 1 Hz, rising.
        probes_each_s: Alarming events of each of three kinds a second.
    """

    city_dir: Path
    seed: int
    seconds: int
    times: Sequence[float]
    probes_each_s: float


class Latency(NamedTuple):
    """From an event's instant to its alert in Kafka, in seconds."""

    p50_s: float
    p95_s: float
    p99_s: float


class Lap(NamedTuple):
    """What one rate came to.

    Attributes:
        times: The rate.
        fed: What the feeder did.
        seconds: Measured, by the wall.
        expected: Probes sent; `got` those whose alert came.
        latency: Of all of them; `by_kind` of each kind of alert.
        used: CPU seconds within the measured time, and memory at its end, by process.
    """

    times: float
    fed: Fed
    seconds: float
    expected: int
    got: int
    latency: Latency
    by_kind: Mapping[str, Latency]
    used: Mapping[str, Usage]

    @property
    def events_a_second(self) -> float:
        """Events a second over the lap."""
        return self.fed.records / self.seconds

    @property
    def cores(self) -> float:
        """How many cores the broker and the agents kept busy."""
        return sum(one.cpu_s for one in self.used.values()) / self.seconds

    @property
    def is_fed(self) -> bool:
        """Whether the feeder itself kept to the rate."""
        return self.fed.behind_ms < _FEEDER_LATE_MS

    @property
    def is_held(self) -> bool:
        """Whether the system kept to it too."""
        return self.got == self.expected and self.latency.p99_s < _HELD_P99_S


async def measure(
    plan: Plan, address: str, broker_pid: int | None, folder: Path, say: Callable[[str], None]
) -> list[Lap]:
    """Run the agents of a city, and feed it at one rate after the other.

    Args:
        plan: What to measure; it ends after the first rate that is not held.
        address: Kafka; topics of a prefix of our own are made there, and removed.
        broker_pid: Its process, where it is ours to account for.
        folder: For the agents' state and logs.
        say: Told what is going on.

    Raises:
        Fault: An agent did not start, or ended.
    """
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    topics_admin.apply(address, topics_admin.prefixed(TOPICS, prefix), {})
    laps: list[Lap] = []
    try:
        with Fleet(Place(address, prefix, folder, plan.city_dir)) as fleet:
            say(f"starting {len(AGENTS)} agents")
            await _until_ready(fleet)
            pids = fleet.pids() | ({} if broker_pid is None else {"kafka": broker_pid})
            skip = 0
            for number, times in enumerate(plan.times):
                say(f"{times:g} x the whole city at 1 Hz, {plan.seconds} s")
                feed = Feed(
                    address=address,
                    prefix=prefix,
                    city_dir=str(plan.city_dir),
                    seed=plan.seed,
                    times=times,
                    begin_ms=time.time_ns() // 1_000_000 + _LEAD_MS,
                    seconds=plan.seconds,
                    probes_each_s=plan.probes_each_s,
                    skip=skip,
                    report=str(folder / f"fed-{number}.json"),
                )
                lap = await _lap(feed, pids)
                skip += round(plan.seconds * plan.probes_each_s)
                laps.append(lap)
                if not (lap.is_fed and lap.is_held):
                    break
    finally:
        topics_admin.remove(address, prefix)
    return laps


async def _until_ready(fleet: Fleet) -> None:
    deadline = time.monotonic() + _START_S
    waiting = set(fleet.agents)
    while waiting:
        fleet.look()
        waiting = {agent for agent in waiting if not fleet.is_ready(agent)}
        if time.monotonic() > deadline:
            agent = min(waiting)
            raise Fault(f"The agent {agent} was not ready in time:\n{fleet.log(agent)}")
        await asyncio.sleep(_LOOK_S)


async def _lap(feed: Feed, pids: Mapping[str, int]) -> Lap:
    """Play one feed, and gather what came of it."""
    probes = feed.probes(load_city(Path(feed.city_dir))).decided_ms
    ended_ms = feed.begin_ms + 1000 * feed.seconds
    argv = [sys.executable, "-m", "deploy.bench.city_feed", msgspec.json.encode(feed).decode()]
    late: dict[str, tuple[str, float]] = {}
    child = processes.spawn(argv)
    try:
        before: dict[str, Usage] | None = None
        after: dict[str, Usage] = {}
        reader = topic_reader.read(
            feed.address,
            [feed.prefix + ALERTS],
            from_beginning=False,
            timeout_s=(ended_ms / 1000 - time.time()) + _SETTLE_S + 30,
        )
        async with aclosing(reader):
            async for records in reader:
                now_ms = time.time_ns() // 1_000_000
                if before is None and now_ms >= feed.begin_ms:
                    before = usage(pids)
                if not after and now_ms >= ended_ms:
                    after = usage(pids)
                for record in records:
                    _take(record.value, record.timestamp, probes, late)
                over = child.poll() is not None and now_ms >= ended_ms
                if over and (len(late) == len(probes) or now_ms > ended_ms + 1000 * _SETTLE_S):
                    break
    finally:
        processes.end([child], 1.0)
    if child.returncode:
        raise Fault(f"The feeder ended with exit code {child.returncode}")
    kinds = sorted({kind for kind, _ in late.values()})
    return Lap(
        times=feed.times,
        fed=feed.done(),
        seconds=float(feed.seconds),
        expected=len(probes),
        got=len(late),
        latency=_latency([s for _, s in late.values()]),
        by_kind={kind: _latency([s for k, s in late.values() if k == kind]) for kind in kinds},
        used={
            name: Usage(after[name].cpu_s - (before or after)[name].cpu_s, after[name].memory_bytes)
            for name in after
        },
    )


def _take(
    value: bytes | None,
    sent_ms: int,
    probes: Mapping[str, int],
    late: dict[str, tuple[str, float]],
) -> None:
    """Note the first alert about a probe: its kind, and how long after the event."""
    alert = msgspec.json.decode(value or b"{}")
    subject = alert.get("subject", "")
    if subject in probes and subject not in late and alert["transition"] == Transition.ONSET:
        late[subject] = (alert["kind"], (sent_ms - probes[subject]) / 1000)


def _latency(seconds: Sequence[float]) -> Latency:
    if not seconds:
        return Latency(float("nan"), float("nan"), float("nan"))
    return Latency(*np.percentile(seconds, (50, 95, 99)).tolist())
