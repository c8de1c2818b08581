"""An agent that tells what it is handed: the transport's tests run it as a process.

Every batch is told as one record of `probe.out`. Values that are words make it
fail, or be slow; what it has counted is its state, told again after a restart.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from agents.app import create_app
from agents.settings import Settings
from agents.spec import AgentSpec
from agents.transport import BatchConsumer
from agents.worker import run
from streams.operator import NOTHING, Outcome, Send

IN, OUT = "probe.in", "probe.out"


class Told(msgspec.Struct, omit_defaults=True):
    """What one batch was, or what was restored."""

    partition: int
    topic: str = ""
    offsets: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    headers: list[list[tuple[str, bytes]]] = []
    restored: dict[str, int] | None = None


class Probe(msgspec.Struct):
    """How the process is to behave.

    Attributes:
        broker, prefix, folder: As for any worker.
        partitions: Of its topics.
        stuck_after_s: As for any worker.
        unacknowledged: Its outputs are never acknowledged.
        slow_s: So long it takes for each batch.
        quiet: Tell only how many records there were, not their values.
        fails: Raise at a record `boom`.
        dawdles: It is slow with batches, and after each seek waits until some are queued,
            or for a second.
        loses: The first batch gets lost on its way to the agent.
    """

    broker: str
    prefix: str
    folder: str
    partitions: int = 1
    stuck_after_s: float = 30.0
    unacknowledged: bool = False
    slow_s: float = 0.0
    quiet: bool = False
    fails: bool = False
    dawdles: bool = False
    loses: bool = False


class ProbeOperator:
    """Counts values, and tells every batch."""

    def __init__(self, partition: int, probe: Probe) -> None:
        self._partition = partition
        self._probe = probe
        self._counts: dict[str, int] = {}
        self._moved: set[str] = set()
        self._restored: dict[str, int] | None = None

    def take(self, raw, now_ms: int) -> Outcome:
        if self._probe.fails and b"boom" in raw.values:
            raise ValueError("boom")
        time.sleep(self._probe.slow_s)
        sends = []
        if self._restored is not None:
            sends.append(self._tell(Told(self._partition, restored=self._restored)))
            self._restored = None
        for value in raw.values:
            name = "null" if value is None else value.decode()[:20]
            self._counts[name] = self._counts.get(name, 0) + 1
            self._moved.add(name)
        quiet = self._probe.quiet
        told = Told(
            self._partition,
            raw.topic,
            raw.offsets.tolist(),
            [] if quiet else list(raw.keys),
            [] if quiet else list(raw.values),
            [list(row) for row in raw.headers],
        )
        sends.append(self._tell(told))
        return Outcome(sends, len(raw.values), len(raw.values))

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        return NOTHING

    def next_due_ms(self) -> None:
        return

    def changes(self):
        moved, self._moved = sorted(self._moved), set()
        return [(name.encode(), b"%d" % self._counts[name]) for name in moved]

    def restore(self, rows) -> None:
        self._counts = {name.decode(): int(count) for name, count in rows}
        self._restored = dict(self._counts)

    def watermark_ms(self) -> None:
        return

    def _tell(self, told: Told) -> Send:
        return Send(OUT, b"probe", msgspec.json.encode(told))


def main(probe: Probe) -> int:
    settings = Settings(
        broker=probe.broker,
        data_dir=Path(probe.folder),
        prefix=probe.prefix,
        commit_interval_s=0.3,
        stuck_after_s=probe.stuck_after_s,
    )
    spec = AgentSpec("probe", (IN,), lambda number: ProbeOperator(number, probe))
    app = create_app(spec, settings, {IN: probe.partitions})
    if probe.unacknowledged:
        app.runner._send = _never_acknowledged
    if probe.dawdles:
        _dawdle(app)
    if probe.loses:
        _lose_the_first(app.runner)
    return run(app, "INFO")


def _dawdle(app) -> None:
    seek, take = BatchConsumer.perform_seek, app.runner.take

    async def perform_seek(consumer) -> None:
        await seek(consumer)
        for _ in range(50_000):
            if any(queue.qsize() > 1 for queue in app.flow_control._queues):
                break
            await asyncio.sleep(0)

    async def take_slowly(event) -> None:
        await asyncio.sleep(0.3)
        await take(event)

    BatchConsumer.perform_seek = perform_seek
    app.runner.take = take_slowly


def _lose_the_first(runner) -> None:
    take, lost = runner.take, []

    async def take_but_the_first(event) -> None:
        if lost:
            await take(event)
            return
        lost.append(event)
        sys.stderr.write("one is lost\n")

    runner.take = take_but_the_first


async def _never_acknowledged(topic, key, value):
    return asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.argv[1], type=Probe)))
