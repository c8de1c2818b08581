"""The batched transport on a real broker: what it hands on, and when it commits.

It leans on inner parts of Faust and aiokafka; when these move, this fails.
"""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from agents.app import changelog_of, group_of
from deploy import processes, topics_admin

pytestmark = pytest.mark.kafka

IN, OUT = "probe.in", "probe.out"
AGENT = Path(__file__).with_name("probe_agent.py")
PATIENCE_S = 90.0


class Told(msgspec.Struct):
    """What the probe told of one batch (its own class, seen from here)."""

    partition: int
    topic: str = ""
    offsets: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    headers: list[list[tuple[str, bytes]]] = []
    restored: dict[str, int] | None = None


class Bench(NamedTuple):
    """Topics of one test, and a folder for its worker."""

    broker: str
    prefix: str
    folder: Path
    partitions: int

    @contextmanager
    def probe(self, **behaviour: object) -> Iterator[Popen[bytes]]:
        """Run the probe as a process."""
        told = {
            "broker": self.broker,
            "prefix": self.prefix,
            "folder": str(self.folder / "state"),
            "partitions": self.partitions,
            **behaviour,
        }
        with (self.folder / "probe.log").open("ab") as log:
            child = processes.spawn(
                [sys.executable, str(AGENT), msgspec.json.encode(told).decode()], output=log
            )
        try:
            yield child
        finally:
            processes.end([child], grace_s=10.0)

    def log(self) -> str:
        return (self.folder / "probe.log").read_text()[-3000:]

    def publish(self, *records: bytes | None, partition: int = 0, **how: object) -> None:
        asyncio.run(_publish(self, records, partition, how))

    def told(self) -> list[Told]:
        values = asyncio.run(_read(self.broker, self.prefix + OUT, 1))
        return [msgspec.json.decode(value, type=Told) for value in values]

    def batches(self) -> list[Told]:
        return [told for told in self.told() if told.restored is None]

    def committed(self) -> dict[int, int]:
        return asyncio.run(_committed(self.broker, group_of("probe", self.prefix)))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, lambda: f"{what}\n{self.log()}")


def wait_until(condition: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {PATIENCE_S:.0f} s: {why()}")
        time.sleep(0.2)


async def _publish(
    bench: Bench, records: tuple[bytes | None, ...], partition: int, how: dict[str, object]
) -> None:
    options = {"bootstrap_servers": bench.broker, "linger_ms": 20, **how}
    headers = options.pop("headers", None)
    producer = AIOKafkaProducer(**options)
    await producer.start()
    try:
        sent = [
            await producer.send(
                bench.prefix + IN, value, key=b"k", partition=partition, headers=headers
            )
            for value in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _read(broker: str, topic: str, partitions: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        values: list[bytes | None] = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            fetched = await consumer.getmany(timeout_ms=200)
            values += [record.value for records in fetched.values() for record in records]
        return values
    finally:
        await consumer.stop()


async def _committed(broker: str, group: str) -> dict[int, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:  # the first group of a new broker
        return {}
    finally:
        await admin.close()
    return {part.partition: place.offset for part, place in offsets.items() if place.offset >= 0}


@pytest.fixture
def make_bench(broker: str, prefix: str, tmp_path: Path) -> Callable[..., Bench]:
    """Give a maker of the topics of a test."""

    def make(partitions: int = 1, configs: dict[str, str] | None = None) -> Bench:
        with topics_admin.admin(broker) as client:
            inputs = {"num_partitions": partitions, "replication_factor": 1}
            client.create_topics(
                {
                    prefix + IN: {**inputs, "configs": configs or {}},
                    prefix + OUT: {"num_partitions": 1, "replication_factor": 1},
                },
                wait_for_metadata=True,
            )
        changelog = changelog_of("probe", prefix)
        topics_admin.ensure_changelog(broker, changelog, partitions, 1)
        return Bench(broker, prefix, tmp_path, partitions)

    return make


def test_a_fetched_run_is_one_batch_with_all_that_its_records_say(make_bench) -> None:
    bench = make_bench(partitions=2)
    values = [b"a", b"b", None, b"", b"\xc3\xa9"]
    bench.publish(*values, headers=[("trace", b"t1"), ("again", b"")])
    bench.publish(*[b"%d" % number for number in range(2_000)], partition=1)

    with bench.probe():
        bench.until(lambda: bench.committed() == {0: 5, 1: 2000}, "both are committed")

    told = bench.batches()
    first = [one for one in told if one.partition == 0]
    assert [value for one in first for value in one.values] == values
    assert [offset for one in first for offset in one.offsets] == [0, 1, 2, 3, 4]
    assert {key for one in first for key in one.keys} == {b"k"}
    assert [row for one in first for row in one.headers] == [[("trace", b"t1"), ("again", b"")]] * 5
    second = [one for one in told if one.partition == 1]
    assert [value for one in second for value in one.values] == [b"%d" % n for n in range(2_000)]
    assert len(second) < 200, "many records come in one batch"
    assert not any(one.headers for one in second)


def test_every_compression_is_read(make_bench) -> None:
    bench = make_bench()
    values = []
    for name in ("gzip", "snappy", "lz4", "zstd", None):
        more = [f"{name}-{number}".encode() * 20 for number in range(300)]
        bench.publish(*more, compression_type=name)
        values += more

    with bench.probe():
        bench.until(lambda: bench.committed() == {0: len(values)}, "all is committed")

    assert [value for one in bench.batches() for value in one.values] == values


async def _transactions(bench: Bench) -> int:
    """Publish three transactions of two records; return where the topic ends."""
    producer = AIOKafkaProducer(bootstrap_servers=bench.broker, transactional_id=bench.prefix)
    await producer.start()
    try:
        for number in range(3):
            async with producer.transaction():
                for value in (b"%d-first" % number, b"%d-second" % number):
                    await producer.send_and_wait(bench.prefix + IN, value, partition=0)
    finally:
        await producer.stop()
    part = TopicPartition(bench.prefix + IN, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bench.broker)
    await consumer.start()
    try:
        return (await consumer.end_offsets([part]))[part]
    finally:
        await consumer.stop()


def test_control_records_are_holes_that_are_passed_and_committed(make_bench) -> None:
    bench = make_bench()
    end = asyncio.run(_transactions(bench))
    assert end == 9, "each transaction ends with a control record"

    with bench.probe():
        bench.until(lambda: bench.committed() == {0: end}, "the end is committed")

    told = bench.batches()
    assert [offset for one in told for offset in one.offsets] == [0, 1, 3, 4, 6, 7]


def test_holes_of_compaction_are_passed_and_committed(make_bench) -> None:
    often = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "100",
        "min.compaction.lag.ms": "0",
    }
    bench = make_bench(configs=often)
    values = [b"%d" % number for number in range(50)]
    bench.publish(*values)

    def survivors() -> list[bytes | None]:
        # A new segment begins with a later record, and only closed ones are compacted.
        bench.publish(b"later")
        return asyncio.run(_read(bench.broker, bench.prefix + IN, 1))

    bench.until(lambda: len(survivors()) < len(values), "the log is compacted")
    left = survivors()

    with bench.probe():
        bench.until(lambda: sum(len(one.values) for one in bench.batches()) > 0, "it was read")
        bench.publish(b"last")
        bench.until(
            lambda: b"last" in [value for one in bench.batches() for value in one.values],
            "what came after is read",
        )
        last = max(offset for one in bench.batches() for offset in one.offsets)
        bench.until(lambda: bench.committed() == {0: last + 1}, "its end is committed")

    offsets = [offset for one in bench.batches() for offset in one.offsets]
    assert offsets == sorted(set(offsets)), "none came twice"
    assert len(left) < last, "there were holes"


def test_nothing_is_committed_before_outputs_are_acknowledged_and_a_stuck_worker_ends(
    make_bench,
) -> None:
    bench = make_bench()
    bench.publish(b"one", b"two")

    with bench.probe(unacknowledged=True, stuck_after_s=3.0) as stuck:
        code = stuck.wait(timeout=PATIENCE_S)

    assert code == 1, bench.log()
    assert "made no progress" in bench.log()
    assert bench.committed().get(0, 0) == 0

    with bench.probe():
        bench.until(lambda: bench.committed() == {0: 2}, "the next one does it")
    assert [value for one in bench.batches() for value in one.values] == [b"one", b"two"]


def test_a_batch_that_fails_ends_the_worker_and_is_delivered_again(make_bench) -> None:
    bench = make_bench()
    bench.publish(b"good")
    with bench.probe(fails=True) as failing:
        bench.until(lambda: bench.committed() == {0: 1}, "the good one is committed")
        bench.publish(b"before", b"boom", b"after")
        code = failing.wait(timeout=PATIENCE_S)

    assert code == 1, bench.log()
    assert bench.committed()[0] < 3, "nothing past the failure is committed"

    with bench.probe(fails=False):
        bench.until(lambda: bench.committed() == {0: 4}, "delivered again")
    seen = Counter(value for one in bench.batches() for value in one.values)
    assert set(seen) == {b"good", b"before", b"boom", b"after"}
    assert seen[b"boom"] == seen[b"after"] == 1


def test_what_comes_between_the_seek_and_the_end_of_a_recovery_is_not_lost(make_bench) -> None:
    # Faust clears the queues of streams there: nothing may wait in them yet.
    bench = make_bench(partitions=8)

    def publish(what: str) -> None:
        for number in range(8):
            bench.publish(f"{what}-{number}".encode(), partition=number)

    publish("before")
    with bench.probe():
        bench.until(lambda: bench.committed() == dict.fromkeys(range(8), 1), "all is committed")
    shutil.rmtree(bench.folder / "state")
    publish("meanwhile")
    with bench.probe(dawdles=True):
        bench.until(lambda: bench.committed() == dict.fromkeys(range(8), 2), "what came meanwhile")
        publish("after")
        bench.until(lambda: bench.committed() == dict.fromkeys(range(8), 3), "what came after")

    values = Counter(value for one in bench.batches() for value in one.values)
    whens = ("before", "meanwhile", "after")
    assert values == {f"{when}-{number}".encode(): 1 for when in whens for number in range(8)}


@pytest.mark.parametrize("later", [[], [b"later"]])
def test_a_batch_that_is_lost_on_its_way_ends_the_worker_and_is_read_again(
    make_bench, later
) -> None:
    bench = make_bench()
    bench.publish(b"first")
    with bench.probe(loses=True, stuck_after_s=3.0) as losing:
        bench.until(lambda: "one is lost" in bench.log(), "the first is lost")
        bench.publish(*later)
        code = losing.wait(timeout=PATIENCE_S)

    assert code == 1, bench.log()
    assert bench.committed().get(0, 0) == 0
    with bench.probe():
        bench.until(lambda: bench.committed() == {0: 1 + len(later)}, "the next one does it")
    assert [value for one in bench.batches() for value in one.values] == [b"first", *later]


def test_a_slow_operator_makes_the_intake_wait_and_memory_stays_bounded(make_bench) -> None:
    bench = make_bench()
    megabytes = 240
    for _ in range(megabytes // 20):
        bench.publish(*[os.urandom(10_000).hex().encode()[:20_000]] * 1_000)

    with bench.probe(slow_s=0.5, quiet=True) as slow:
        bench.until(lambda: len(bench.told()) > 20, "it works")
        peaks = [peak_mb(slow.pid)]
        bench.until(lambda: len(bench.told()) > 40, "it goes on")
        peaks.append(peak_mb(slow.pid))
        left = megabytes * 50 - sum(len(one.offsets) for one in bench.batches())

        assert left > 0, "it is still behind when its memory is looked at"
        assert peaks[-1] < megabytes, f"peaks {peaks} MB: the backlog alone has {megabytes}"


def peak_mb(pid: int) -> int:
    """Return the most memory that a process ever had (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    raise AssertionError("no VmHWM")


def test_state_comes_back_from_the_changelog_when_the_local_copy_is_lost(make_bench) -> None:
    bench = make_bench(partitions=2)
    bench.publish(*[b"word-%d" % (number % 7) for number in range(700)])
    bench.publish(*[b"other-%d" % (number % 3) for number in range(30)], partition=1)
    with bench.probe() as first:
        bench.until(lambda: bench.committed() == {0: 700, 1: 30}, "all is committed")
        began_s = time.monotonic()
        first.send_signal(signal.SIGTERM)
        assert first.wait(timeout=PATIENCE_S) == 0, bench.log()
        drained_s = time.monotonic() - began_s
    assert drained_s < 10, "a stop drains within ten seconds"

    with bench.probe() as kept:
        bench.publish(b"next")
        bench.publish(b"next", partition=1)
        bench.until(lambda: bench.committed() == {0: 701, 1: 31}, "from the local copy")
        kept.send_signal(signal.SIGTERM)
        assert kept.wait(timeout=PATIENCE_S) == 0
    from_copy = {one.partition: one.restored for one in bench.told() if one.restored}
    shutil.rmtree(bench.folder / "state")
    with bench.probe():
        bench.publish(b"last")
        bench.publish(b"last", partition=1)
        bench.until(lambda: bench.committed() == {0: 702, 1: 32}, "from the changelog")

    assert from_copy == {
        0: {f"word-{number}": 100 for number in range(7)},
        1: {f"other-{number}": 10 for number in range(3)},
    }
    restored = [one for one in bench.told() if one.restored]
    from_log = {one.partition: one.restored for one in restored[-2:]}
    assert from_log == {number: {**counts, "next": 1} for number, counts in from_copy.items()}
