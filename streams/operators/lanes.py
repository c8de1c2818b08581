"""Lanes: every rule's state for one source of one partition, and its durable rows.

Each source has its own lane, as it has its own watermark: what is due for a
source's keys is asked by that source's time and by no other's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Alert
from streams.keyed import Columns
from streams.operator import Row
from streams.registry import RuleEntry
from streams.rule import RowNote
from streams.timers import Deadlines

_BETWEEN = b"\x00"


class Times(NamedTuple):
    """How far a source has come: its watermark, and what its rows alone account for."""

    watermark_ms: int
    data_watermark_ms: int


class Said(NamedTuple):
    """What one rule said about some rows; `keep` are those that later rules may see."""

    alerts: list[Alert]
    notes: list[RowNote]
    keep: NDArray[np.int64] | None = None


class Runner(Protocol):
    """A rule with its state."""

    def run(self, batch: Any, times: Times) -> Said: ...

    def close(self, times: Times) -> Said: ...

    def changes(self) -> Iterator[tuple[bytes, bytes | None]]: ...

    def restore(self, key: bytes, value: bytes) -> None: ...


class ObjectRunner:
    """A rule whose state is one frozen Struct a key."""

    def __init__(self, entry: RuleEntry, params: Any) -> None:
        self._entry = entry
        self._params = params
        self._states: dict[str, Any] = {}
        self._deadlines: Deadlines[str] = Deadlines()
        self._moved: set[str] = set()
        self._decoder = msgspec.msgpack.Decoder(entry.state)

    def run(self, batch: Any, times: Times) -> Said:
        """Let the rule see `batch`, then what has become due."""
        verdict = self._entry.rule.evaluate(batch, self._states, self._params)
        self._apply(verdict.changed)
        closed = self.close(times)
        keep = verdict.main if self._entry.sifts else None
        return Said(verdict.alerts + closed.alerts, verdict.notes + closed.notes, keep)

    def close(self, times: Times) -> Said:
        """Let the rule look at the keys that are due."""
        reached_ms = times.data_watermark_ms if self._entry.by_data else times.watermark_ms
        alerts: list[Alert] = []
        notes: list[RowNote] = []
        while due := self._deadlines.pop_due(reached_ms):
            verdict = self._entry.rule.close(due, self._states, reached_ms, self._params)
            alerts += verdict.alerts
            notes += verdict.notes
            self._apply(verdict.changed)
        return Said(alerts, notes)

    def changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield key and state of what moved since the last call."""
        moved, self._moved = self._moved, set()
        for key in sorted(moved):
            state = self._states.get(key)
            yield key.encode(), None if state is None else msgspec.msgpack.encode(state)

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up one key's state."""
        name = key.decode()
        state = self._states[name] = self._decoder.decode(value)
        self._deadlines.set(name, getattr(state, "due_ms", None))

    def _apply(self, changed: Mapping[str, Any]) -> None:
        for key, state in changed.items():
            if state is None:
                self._states.pop(key, None)
                self._deadlines.set(key, None)
            else:
                self._states[key] = state
                self._deadlines.set(key, getattr(state, "due_ms", None))
        self._moved.update(changed)


class ColumnRunner:
    """A rule whose state is one array row a key, in pages."""

    def __init__(self, entry: RuleEntry, params: Any) -> None:
        self._entry = entry
        self._params = params
        self._columns = Columns(entry.state)

    def run(self, batch: Any, times: Times) -> Said:
        """Let the rule see `batch`, then what has become due."""
        verdict = self._entry.rule.evaluate(batch, self._columns, self._params)
        self._columns.put(verdict.slots, verdict.rows)
        closed = self.close(times)
        return Said(verdict.alerts + closed.alerts, verdict.notes + closed.notes)

    def close(self, times: Times) -> Said:
        """Let the rule look at the keys that are due."""
        due = self._columns.due(times.watermark_ms)
        if not len(due):
            return Said([], [])
        verdict = self._entry.rule.close(due, self._columns, times.watermark_ms, self._params)
        self._columns.put(verdict.slots, verdict.rows)
        return Said(verdict.alerts, verdict.notes)

    def changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the pages that moved since the last call."""
        for page, raw in self._columns.dirty_pages():
            yield page.to_bytes(4, "big"), raw

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up one page; pages come in rising order."""
        self._columns.load(int.from_bytes(key, "big"), value)


class Lanes:
    """The rules of one input topic with their state, by source."""

    def __init__(self, entries: Mapping[str, RuleEntry], params: Mapping[str, Any]) -> None:
        self._entries = entries
        self._params = params
        self._lanes: dict[str, dict[str, Runner]] = {}

    def lane(self, source: str) -> dict[str, Runner]:
        """Return the runners of `source`, by rule name; new ones when it is new."""
        lane = self._lanes.get(source)
        if lane is None:
            lane = self._lanes[source] = {
                name: _runner(entry, self._params[name]) for name, entry in self._entries.items()
            }
        return lane

    def sources(self) -> list[str]:
        """Return the sources that have a lane, by name."""
        return sorted(self._lanes)

    def changes(self) -> list[Row]:
        """Return the durable rows that moved since the last call.

        A rule's rows come before those of the rules ahead of it. After a crash
        that kept only some of them, a rule that sifts may then be older than
        those that see what it lets through, and never newer: it lets the same
        rows through again, and who has seen them says nothing.
        """
        return [
            (_BETWEEN.join((name.encode(), source.encode(), key)), value)
            for source in self.sources()
            for name, runner in reversed(self._lanes[source].items())
            for key, value in runner.changes()
        ]

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up one row; rows of a rule that is no longer run are left alone."""
        name, source, rest = key.split(_BETWEEN, 2)
        runner = self.lane(source.decode()).get(name.decode())
        if runner is not None:
            runner.restore(rest, value)


def _runner(entry: RuleEntry, params: Any) -> Runner:
    return ColumnRunner(entry, params) if entry.is_columnar else ObjectRunner(entry, params)
