"""Backtest: the very operators of the live agents over recordings, on a virtual clock.

There is no broker: topics are lists in memory, keys find their partition by
Kafka's own hash, and what one agent sends is handed to the next. The clock is
the recording's; it never waits. So the same recording gives the same alerts and
incidents, with the same ids, as a live replay of it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from kafka.partitioner.default import murmur2

from agents.roster import AGENTS
from feeds.recordings import KeyedRecord
from schemas.records import RawBatch
from schemas.topics import TOPICS
from streams.city.model import City
from streams.clock import ManualClock
from streams.operator import Operator, Outcome, Send

MAX_RECORDS = 20_000
SLICE_MS = 60_000
"""Records of so long a stretch are decided together; clocks toward people are
looked at between stretches, and at their own instants."""

_IDLE_MS = 31_000


class Counts(NamedTuple):
    """What went through: records in, events used, refused by reason, sent by topic."""

    records: int
    used: int
    refused: Mapping[str, int]
    sent: Mapping[str, int]


class Backtest:
    """A city without a broker.

    Args:
        city: Its files.
        sink: Takes each record that is sent, as it is sent.
    """

    def __init__(self, city: City, sink: Callable[[Send], None]) -> None:
        self._sink = sink
        self._clock = ManualClock(0)
        self._offsets: Counter[tuple[str, int]] = Counter()
        self._operators: dict[tuple[str, int], Operator] = {}
        self._reader: dict[str, str] = {}
        self._build: dict[str, Callable[[int], Operator]] = {}
        self._records = self._used = 0
        self._refused: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        for name, make in AGENTS.items():
            spec = make(city)
            self._build[name] = spec.build
            self._reader |= dict.fromkeys(spec.inputs, name)

    def run(self, records: Iterable[KeyedRecord], drain_s: float) -> Counts:
        """Play `records` (in time order), then let `drain_s` seconds pass.

        Returns:
            The counts of the whole run.
        """
        self.play(records)
        self._drain(drain_s)
        return Counts(self._records, self._used, self._refused, self._sent)

    @property
    def now_ms(self) -> int:
        """The virtual clock."""
        return self._clock.now_ms()

    def play(self, records: Iterable[KeyedRecord]) -> None:
        """Play `records` (in time order), and look at what is due on the way."""
        for stretch in _stretches(records):
            self.wait_until(max(record.event_time_ms for record in stretch))
            self._take(self._raw_batches(stretch))

    def wait_until(self, now_ms: int) -> None:
        """Move the clock on, stopping wherever something is due to be told."""
        clock = self._clock
        while (due_ms := self._next_due_ms()) is not None and due_ms <= now_ms:
            clock.advance(max(0, due_ms - clock.now_ms()))
            for operator in self._timed():
                self._follow(operator.wake(clock.now_ms(), caught_up=True))
        clock.advance(max(0, now_ms - clock.now_ms()))

    def _drain(self, drain_s: float) -> None:
        """Let time pass after the end, as for feeds that have fallen silent."""
        for pause_ms in (0, _IDLE_MS, int(drain_s * 1000)):
            self.wait_until(self._clock.now_ms() + pause_ms)
            for operator in list(self._operators.values()):
                self._follow(operator.wake(self._clock.now_ms(), caught_up=True))

    def _timed(self) -> list[Operator]:
        """Return the operators that wait for an instant of wall time."""
        return [one for one in self._operators.values() if one.next_due_ms() is not None]

    def _next_due_ms(self) -> int | None:
        due = [at_ms for one in self._timed() if (at_ms := one.next_due_ms()) is not None]
        return min(due, default=None)

    def _take(self, batches: Iterable[RawBatch]) -> None:
        for raw in batches:
            self._records += len(raw.values)
            self._follow(self._hand(self._reader[raw.topic], raw))

    def _hand(self, agent: str, raw: RawBatch) -> Outcome:
        """Hand records of one partition to the agent that reads them."""
        return self._operator(agent, raw.partition).take(raw, self._clock.now_ms())

    def _follow(self, outcome: Outcome) -> None:
        """Count an outcome, and hand what it sends to whoever reads it."""
        self._used += outcome.used
        for (stage, reason), count in outcome.refused.items():
            self._refused[f"{stage}/{reason}"] += count
        for send in outcome.sends:
            self._sent[send.topic] += 1
            self._sink(send)
        now_ms = self._clock.now_ms()
        for topic, sends in groupby(outcome.sends, attrgetter("topic")):
            if topic in self._reader:
                onward = [KeyedRecord(topic, s.key, s.value, now_ms) for s in sends]
                self._take(self._raw_batches(onward))

    def _operator(self, agent: str, partition: int) -> Operator:
        operator = self._operators.get((agent, partition))
        if operator is None:
            operator = self._operators[agent, partition] = self._build[agent](partition)
        return operator

    def _raw_batches(self, records: Sequence[KeyedRecord]) -> Iterator[RawBatch]:
        """Lay records out as the partitions of their topics."""
        partitions: dict[tuple[str, int], list[KeyedRecord]] = defaultdict(list)
        for record in records:
            partitions[record.topic, partition_of(record.topic, record.key)].append(record)
        for (topic, number), held in partitions.items():
            if topic not in self._reader:
                continue
            first = self._offsets[topic, number]
            self._offsets[topic, number] = first + len(held)
            yield RawBatch(
                topic,
                number,
                np.arange(first, first + len(held), dtype=np.int64),
                np.array([record.event_time_ms for record in held], dtype=np.int64),
                [record.key for record in held],
                [record.value for record in held],
            )


def partition_of(topic: str, key: bytes) -> int:
    """Return the partition that Kafka's default partitioner gives `key`."""
    count = TOPICS[topic].partitions
    return 0 if count == 1 else _hash(key) % count


# Kafka's hash is in plain Python here, and the same devices speak again and again.
@lru_cache(maxsize=1 << 17)
def _hash(key: bytes) -> int:
    return int(murmur2(key) & 0x7FFFFFFF)


def _stretches(records: Iterable[KeyedRecord]) -> Iterator[list[KeyedRecord]]:
    held: list[KeyedRecord] = []
    for record in records:
        if held and (
            len(held) >= MAX_RECORDS or record.event_time_ms - held[0].event_time_ms > SLICE_MS
        ):
            yield held
            held = []
        held.append(record)
    if held:
        yield held
