"""A partition's order: sent, then remembered, then acknowledged; else nothing of it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from agents.fetched import FetchedBatch
from agents.metrics import Metrics
from agents.pipeline import MAX_IN_FLIGHT, LostRecordsError, Partition
from schemas.records import RawBatch
from streams.clock import ManualClock
from streams.operator import NOTHING, Outcome, Send

TOPIC = "readings"


class Echo:
    """An operator that sends what it reads on, and remembers how much that was."""

    def __init__(self) -> None:
        self.seen, self.told = 0, 0
        self.restored: list[Any] = []

    def take(self, raw, now_ms):
        self.seen += len(raw.values)
        return Outcome([Send("out", b"key", value) for value in raw.values], len(raw.values))

    def wake(self, now_ms, *, caught_up):
        return Outcome([Send("out", b"key", b"tick")]) if caught_up else NOTHING

    def next_due_ms(self):
        return

    def changes(self):
        if self.seen == self.told:
            return []
        self.told = self.seen
        return [(b"seen", b"%d" % self.seen)]

    def restore(self, rows):
        self.restored = list(rows)

    def watermark_ms(self):
        return


class Scene:
    """A partition between a table and a broker that answer when they are told to.

    `story` is what happened, in its order.
    """

    def __init__(self) -> None:
        self.story: list[Any] = []
        self.offset = 0
        self.acknowledge = asyncio.Event()
        self.acknowledge.set()
        self.refuse = False
        self.operator = Echo()
        self.partition = Partition(
            0,
            self.operator,
            table=self,
            send=self._send,
            metrics=Metrics(),
            clock=ManualClock(0),
            every_s=0.0,
        )

    async def take(self, *values: bytes, start: int | None = None) -> None:
        first = self.offset if start is None else start
        self.offset = first + len(values)
        size = len(values)
        raw = RawBatch(
            TOPIC, 0, np.arange(first, first + size), np.full(size, 7), [b"k"] * size, values
        )
        await self.partition.take(_Event(self, first), FetchedBatch(raw, first, self.offset), 0)

    async def settle(self) -> None:
        """Let everything happen that nothing holds back."""
        for _ in range(50):
            await asyncio.sleep(0)

    def rows(self, partition: int) -> list[tuple[bytes, bytes]]:
        return [(b"seen", b"before")]

    async def put(self, partition: int, rows: list[Any]) -> None:
        await asyncio.sleep(0)
        self.story.append(("remembered", dict(rows)))

    async def _send(self, topic: str, key: bytes, value: bytes) -> Any:
        self.story.append(("sent", value))
        return asyncio.ensure_future(self._acknowledged(value))

    async def _acknowledged(self, value: bytes) -> None:
        await self.acknowledge.wait()
        if self.refuse:
            raise ConnectionError("the broker is gone")
        self.story.append(("acknowledged", value))


class _Event:
    def __init__(self, scene: Scene, start: int) -> None:
        self._scene, self._start = scene, start

    def ack(self) -> None:
        self._scene.story.append(("done", self._start))


def play(scene: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await scene(Scene())

    asyncio.run(run())


def what(scene: Scene, kind: str) -> list[Any]:
    return [told for name, told in scene.story if name == kind]


def test_a_partition_begins_with_what_its_table_holds() -> None:
    async def scene(it: Scene) -> None:
        assert it.operator.restored == [(b"seen", b"before")]

    play(scene)


def test_a_batch_is_sent_then_remembered_then_done() -> None:
    async def scene(it: Scene) -> None:
        await it.take(b"a", b"b")
        await it.settle()

        assert it.story == [
            ("sent", b"a"),
            ("sent", b"b"),
            ("acknowledged", b"a"),
            ("acknowledged", b"b"),
            ("remembered", {b"seen": b"2"}),
            ("done", 0),
        ]
        assert it.partition.oldest_ms() is None

    play(scene)


def test_nothing_is_remembered_or_done_before_the_broker_has_everything() -> None:
    async def scene(it: Scene) -> None:
        it.acknowledge.clear()
        await it.take(b"a")
        await it.settle()

        assert it.story == [("sent", b"a")]
        assert it.partition.oldest_ms() == 7

        it.acknowledge.set()
        await it.settle()
        assert it.story[1:] == [
            ("acknowledged", b"a"), ("remembered", {b"seen": b"1"}), ("done", 0)
        ]  # fmt: skip

    play(scene)


def test_a_send_that_fails_leaves_nothing_remembered_or_done_and_the_next_batch_raises() -> None:
    async def scene(it: Scene) -> None:
        it.refuse = True
        await it.take(b"a")
        await it.settle()

        assert what(it, "remembered") == what(it, "done") == []
        it.refuse = False
        with pytest.raises(ConnectionError, match="the broker is gone"):
            await it.take(b"b")
        with pytest.raises(ConnectionError):
            await it.partition.wake(caught_up=True)
        assert what(it, "sent") == [b"a"]

    play(scene)


def test_batches_that_come_while_one_is_on_its_way_share_the_next_checkpoint() -> None:
    async def scene(it: Scene) -> None:
        it.acknowledge.clear()
        for value in (b"a", b"b", b"c", b"d"):
            await it.take(value)
            await it.settle()
        it.acknowledge.set()
        await it.settle()

        assert what(it, "remembered") == [{b"seen": b"1"}, {b"seen": b"4"}]
        assert what(it, "done") == [0, 1, 2, 3]
        assert what(it, "sent") == [b"a", b"b", b"c", b"d"]

    play(scene)


def test_a_gap_between_batches_is_refused() -> None:
    async def scene(it: Scene) -> None:
        await it.take(b"a", b"b")
        with pytest.raises(LostRecordsError, match="offset 2 was to come, 3 came"):
            await it.take(b"d", start=3)
        await it.settle()

        assert what(it, "sent") == [b"a", b"b"]

    play(scene)


def test_a_batch_that_is_not_the_first_one_handed_out_is_refused() -> None:
    async def scene(it: Scene) -> None:
        with pytest.raises(LostRecordsError, match="offset 0 was to come, 3 came"):
            await it.take(b"d", start=3)

    play(scene)


def test_after_closing_nothing_more_is_remembered_or_done() -> None:
    async def scene(it: Scene) -> None:
        it.acknowledge.clear()
        await it.take(b"a")
        await it.partition.close(timeout_s=0.0)
        it.acknowledge.set()
        await it.settle()
        await it.take(b"b")
        await it.partition.wake(caught_up=True)
        await it.settle()

        assert what(it, "sent") == [b"a"]
        assert what(it, "remembered") == what(it, "done") == []

    play(scene)


def test_closing_finishes_what_is_on_its_way() -> None:
    async def scene(it: Scene) -> None:
        await it.take(b"a")
        await it.partition.close(timeout_s=5.0)

        assert what(it, "done") == [0]

    play(scene)


def test_intake_waits_when_too_much_is_on_its_way() -> None:
    async def scene(it: Scene) -> None:
        it.acknowledge.clear()
        await it.take(b"first")
        await it.settle()  # its checkpoint is on its way: the next ones queue
        for _ in range(MAX_IN_FLIGHT):
            await it.take(b"more")
        waiting = asyncio.ensure_future(it.take(b"last"))
        await it.settle()
        assert not waiting.done()
        assert it.operator.seen == 1 + MAX_IN_FLIGHT

        it.acknowledge.set()
        await waiting
        await it.settle()
        assert what(it, "done") == list(range(MAX_IN_FLIGHT + 2))

    play(scene)


def test_one_who_waits_for_room_hears_of_the_failure() -> None:
    async def scene(it: Scene) -> None:
        it.acknowledge.clear()
        await it.take(b"first")
        await it.settle()
        for _ in range(MAX_IN_FLIGHT):
            await it.take(b"more")
        waiting = asyncio.ensure_future(it.take(b"last"))
        await it.settle()

        it.refuse = True
        it.acknowledge.set()
        with pytest.raises(ConnectionError):
            await waiting
        assert what(it, "done") == []

    play(scene)


def test_what_time_alone_says_is_sent_and_remembered_too() -> None:
    async def scene(it: Scene) -> None:
        await it.partition.wake(caught_up=False)
        await it.partition.wake(caught_up=True)
        it.operator.seen = 5
        await it.settle()

        assert what(it, "sent") == [b"tick"]
        assert what(it, "remembered") == [{b"seen": b"5"}]
        assert what(it, "done") == []

    play(scene)
