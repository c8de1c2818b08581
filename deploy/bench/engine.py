"""Runs the contestants one after the other, each in a process of its own."""

import os
import signal
import sys
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from deploy import processes, topic_reader, topics_admin
from deploy.bench.course import PARTITIONS, Course, Finish
from deploy.bench.workload import Expected, Workload, expected
from deploy.broker import EmbeddedBroker
from deploy.errors import Fault
from schemas.topics import DEADLETTER

_READ_S = 60.0
# Who needs longer is stuck: stock Faust does hundreds of events a second on a busy machine.
_START_S, _LEAST_RATE_HZ = 120.0, 100.0


class Contestant(StrEnum):
    """Who can take part."""

    OURS = "ours"
    FAUST = "faust"
    BARE = "bare"


class Profile(NamedTuple):
    """What runs a contestant, and what it offers."""

    module: str
    alerts: bool
    durability: str


PROFILES = {
    Contestant.OURS: Profile(
        "ours",
        alerts=True,
        durability="outputs acknowledged, state in RocksDB and changelog, then offsets",
    ),
    Contestant.FAUST: Profile(
        "stock_faust",
        alerts=True,
        durability="state in RocksDB and changelog, neither they nor outputs awaited",
    ),
    Contestant.BARE: Profile(
        "bare_loop",
        alerts=False,
        durability="none: it keeps no state, sends nothing, commits nothing",
    ),
}


class Plan(NamedTuple):
    """What to measure.

    Attributes:
        contestants: In this order.
        work: For all but stock Faust.
        faust_events: How many of its events stock Faust gets.
    """

    contestants: Sequence[Contestant]
    work: Workload
    faust_events: int

    def work_of(self, contestant: Contestant) -> Workload:
        """Return the work of one contestant."""
        if contestant is not Contestant.FAUST:
            return self.work
        fewer = min(self.faust_events, self.work.events)
        return msgspec.structs.replace(self.work, events=fewer)


class Result(msgspec.Struct, frozen=True):
    """How one contestant did.

    Attributes:
        finish: What it told itself.
        cpu_s: CPU seconds of its process, user and system, from its start to its end.
        expected: What its work makes.
        onsets, clears: What it made; None where it judges nothing.
    """

    contestant: Contestant
    finish: Finish
    cpu_s: float
    expected: Expected
    onsets: int | None
    clears: int | None

    @property
    def is_right(self) -> bool:
        """Whether its counts are those of the plain loop."""
        judged = self.onsets is None or (self.onsets, self.clears) == (
            self.expected.onsets,
            self.expected.clears,
        )
        return judged and self.finish.inside in (None, self.expected.inside)


@contextmanager
def kafka(address: str | None, folder: Path) -> Iterator[str]:
    """Give the address of the Kafka to measure on: the one named, else one of our own."""
    if address is not None:
        yield address
        return
    with EmbeddedBroker(folder) as embedded:
        yield embedded


async def measure(plan: Plan, address: str, say: Callable[[str], None]) -> list[Result]:
    """Produce the work, then let each contestant do it.

    Args:
        plan: What to measure.
        address: Kafka; topics of a prefix of our own are made there, and removed.
        say: Told what is going on.

    Raises:
        Fault: A contestant failed.
    """
    results = []
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        produced: dict[Workload, Course] = {}
        try:
            for contestant in plan.contestants:
                work = plan.work_of(contestant)
                if work not in produced:
                    start = Course(address, f"{prefix}{work.events}-", work, (), folder)
                    produced[work] = _produce(start)
            for contestant in plan.contestants:
                say(f"{contestant}: running")
                shared = produced[plan.work_of(contestant)]
                own = Path(folder) / contestant
                own.mkdir()
                course = msgspec.structs.replace(shared, data_dir=str(own))
                results.append(await _run(contestant, course))
        finally:
            topics_admin.remove(address, prefix)
    return results


def _produce(course: Course) -> Course:
    """Make the topics of a course and fill its input."""
    with topics_admin.admin(course.broker) as client:
        # Event times are fixed, so by age the broker would delete them at once.
        numbers = {course.readings: PARTITIONS, course.alerts: 1, course.prefix + DEADLETTER: 1}
        topics = {
            name: {"num_partitions": number, "configs": {"retention.ms": "-1"}}
            for name, number in numbers.items()
        }
        client.create_topics(topics, wait_for_metadata=True)
    _python("produce", course)
    ends = msgspec.json.decode(
        (Path(course.data_dir) / "ends.json").read_bytes(), type=tuple[int, ...]
    )
    return msgspec.structs.replace(course, ends=ends)


async def _run(contestant: Contestant, course: Course) -> Result:
    profile = PROFILES[contestant]
    before = await _count_alerts(course)
    cpu_s = _python(profile.module, course)
    try:
        told = (Path(course.data_dir) / "finish.json").read_bytes()
    except FileNotFoundError:
        raise Fault(f"{contestant} ended before its work was done") from None
    after = await _count_alerts(course)
    onsets, clears = (after[0] - before[0], after[1] - before[1])
    return Result(
        contestant,
        msgspec.json.decode(told, type=Finish),
        cpu_s,
        expected(course.work),
        onsets if profile.alerts else None,
        clears if profile.alerts else None,
    )


def _python(module: str, course: Course) -> float:
    """Run a module of this package over `course`; return the CPU seconds of its whole life."""
    argv = [sys.executable, "-m", f"deploy.bench.{module}", msgspec.json.encode(course).decode()]
    child = processes.spawn(argv)
    limit_s = _START_S + course.work.events / _LEAST_RATE_HZ
    limit = threading.Timer(limit_s, processes.signal_group, (child.pid, signal.SIGKILL))
    limit.start()
    try:
        _, status, used = os.wait4(child.pid, 0)
    except BaseException:
        processes.end([child], 1.0)
        raise
    finally:
        limit.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode == -signal.SIGKILL:
        raise Fault(f"deploy.bench.{module} was not done after {limit_s:.0f} s")
    if child.returncode:
        raise Fault(f"deploy.bench.{module} ended with exit code {child.returncode}")
    return used.ru_utime + used.ru_stime


async def _count_alerts(course: Course) -> tuple[int, int]:
    """Return how many onsets and clears the course's alerts hold."""
    counts: Counter[str] = Counter()
    reader = topic_reader.read(
        course.broker, [course.alerts], from_beginning=True, until_end=True, timeout_s=_READ_S
    )
    async with aclosing(reader):
        async for records in reader:
            counts.update(orjson.loads(record.value)["transition"] for record in records)
    return counts["onset"], counts["clear"]
