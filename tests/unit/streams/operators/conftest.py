"""What the operators' tests share: the city, and records laid out as a partition."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from deploy.cities import load_city
from schemas.codec import decode, encode
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope
from schemas.readings import Reading
from schemas.records import RawBatch
from schemas.topics import DEADLETTER
from streams.city.model import City
from streams.operator import Operator, Outcome, Row

T0_MS = 1_757_980_800_000  # Tuesday 16 Sep 2025 08:00 in Beijing

Record = Envelope | bytes | None


class Log:
    """One partition of a topic: records get the offsets that follow."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.end = 0

    def batch(self, *records: Record, taken_ms: int | None = None) -> RawBatch:
        """Append records; each is taken in at `taken_ms`, or at its own instant."""
        first, self.end = self.end, self.end + len(records)
        own_ms = [T0_MS if not isinstance(r, Envelope) else r.event_time_ms for r in records]
        return RawBatch(
            self.topic,
            3,
            np.arange(first, self.end),
            np.array(own_ms if taken_ms is None else [taken_ms] * len(records), np.int64),
            [b"key"] * len(records),
            [encode(r) if isinstance(r, Envelope) else r for r in records],
        )


def cut(raw: RawBatch, points: Sequence[int]) -> Iterator[RawBatch]:
    """Yield `raw` in pieces that begin at `points`."""
    edges = sorted({0, len(raw.values), *points})
    for start, end in pairwise(edges):
        yield raw._replace(
            offsets=raw.offsets[start:end],
            ingest_time_ms=raw.ingest_time_ms[start:end],
            keys=raw.keys[start:end],
            values=raw.values[start:end],
        )


class Kept:
    """The durable rows of a partition: what a table keeps of `changes`."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def put(self, rows: Sequence[Row]) -> None:
        for key, value in rows:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value

    def begin(self, operator: Operator) -> Operator:
        """Return `operator`, begun from what is kept."""
        operator.restore(list(self.rows.items()))
        return operator


def reading(second: float, value: float, subject: str = "gas-1", **said: Any) -> Reading:
    """Return a reading `second` seconds after T0: of gas, if not said otherwise."""
    at_ms = T0_MS + round(second * 1000)
    fields = {"source": "iot", "kind": "gas.combustible", "unit": "%LEL"} | said
    return Reading(**({"subject": subject, "event_time_ms": at_ms, "value": value} | fields))


def noise(
    second: float, value: float, subject: str = "LG-noise-square-riverside-1", **said: Any
) -> Reading:
    """Return a level, of a meter whose feed may be two seconds out of order."""
    return reading(
        second,
        value,
        subject,
        **({"source": "noise", "kind": "noise.laeq", "unit": "dB(A)"} | said),
    )


def letters(outcome: Outcome) -> list[DeadLetter]:
    """Return the dead letters of an outcome."""
    return [decode(DeadLetter, s.value) for s in outcome.sends if s.topic == DEADLETTER]


def sent(outcome: Outcome, topic: str, record: type[Envelope]) -> list[Any]:
    """Return what an outcome sends to `topic`."""
    return [decode(record, send.value) for send in outcome.sends if send.topic == topic]


class Kit(NamedTuple):
    """What a test of an operator needs."""

    city: City
    t0_ms: int = T0_MS
    log: Callable[[str], Log] = Log
    kept: Callable[[], Kept] = Kept
    cut: Callable[..., Iterator[RawBatch]] = cut
    reading: Callable[..., Reading] = reading
    noise: Callable[..., Reading] = noise
    letters: Callable[[Outcome], list[DeadLetter]] = letters
    sent: Callable[..., list[Any]] = sent


@pytest.fixture(scope="session")
def kit() -> Kit:
    """Give the city that comes with the program, and makers of records."""
    return Kit(load_city())
