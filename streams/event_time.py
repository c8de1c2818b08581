"""Event time: puts the rows of one partition in order, and parts the late ones.

Each source of a partition has its own watermark: the largest event time seen
less the disorder that the source is allowed; an event time counts there only up
to its ingest time. It moves row by row, as a running maximum, so cutting the
input anywhere gives the same answer; it never moves back. A row is

- *future* when its event time is ahead of its ingest time: it moves nothing;
- *late* when it is further behind the watermark than the allowed lateness;
- released at once when it is behind the watermark but still allowed: rules
  know it by an event time before their own;
- else held until the watermark has passed its event time, then released in the
  order (event time, subject, offset).

A source whose bound is 0 is taken at its word: its rows are never held, and
those of one instant stay in the order in which they arrived. With a larger
bound every row of an instant is held until the watermark is past that instant,
so any order of arrival within the bound gives the same rows in the same order.
"""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams import columns
from streams.held import Held, in_order
from streams.lateness import BEGINNING_MS, Judged, LateRow, Marks, Timing, by_source, judge

B = TypeVar("B", bound=tuple[Any, ...])

_SNAPSHOT_VERSION = 1


class Released(NamedTuple, Generic[B]):
    """What a push or an advance let go.

    Attributes:
        batch: Rows to decide on. `row` is -1 for those that came in an earlier
            push: their raw batch is gone.
        late: Rows that came too late.
        future: Rows (in the raw batch) whose event time is in the future.
        redelivered: How many rows were dropped because they were seen before.
        accepted: How many rows of the push were released or are held.
    """

    batch: B
    late: list[LateRow]
    future: list[int]
    redelivered: int = 0
    accepted: int = 0


class _SavedSource(msgspec.Struct, array_like=True):
    marks: Marks
    held: bytes


class _Saved(msgspec.Struct, array_like=True):
    version: int
    next_offset: int
    low_ms: int
    sources: list[tuple[str, _SavedSource]]


class _Source(Generic[B]):
    """One source's running state. `armed_ms` is the wall time of its last rows."""

    def __init__(self, timing: Timing, batch_type: type[B]) -> None:
        self.timing = timing
        self.marks = Marks()
        self.base_ms = BEGINNING_MS
        self.armed_ms: int | None = None
        self.idle = False
        self.held = Held(batch_type)

    def arm(self, now_ms: int | None) -> None:
        """Count silence from `now_ms` on (None: from the next look)."""
        self.armed_ms, self.base_ms, self.idle = now_ms, self.marks.watermark_ms, False

    def grow_old(self, now_ms: int) -> None:
        """Move the watermark with wall time once the silence is long enough."""
        if self.armed_ms is None:
            self.arm(now_ms)
            return
        over_ms = now_ms - self.armed_ms - self.timing.idle_ms
        if over_ms >= 0:
            self.idle = True
            reached_ms = max(self.marks.watermark_ms, self.base_ms + over_ms)
            self.marks = self.marks._replace(watermark_ms=reached_ms)


class Sequencer(Generic[B]):
    """Event time of one partition of one topic.

    Args:
        timing: Of each source that has its own.
        default: Of every other source.
        batch_type: The `NamedTuple` of columns; needs `source`, `subject`,
            `event_time_ms`, `ingest_time_ms`, `offset` and `row`.
    """

    def __init__(self, timing: Mapping[str, Timing], default: Timing, batch_type: type[B]) -> None:
        self._timing = timing
        self._default = default
        self._batch_type = batch_type
        self._least_future_ms = min(t.future_ms for t in (default, *timing.values()))
        self._sources: dict[str, _Source[B]] = {}
        self._next_offset = 0
        self._low_ms = BEGINNING_MS

    @property
    def next_offset(self) -> int:
        """The first offset that was not yet pushed; rows before it are redeliveries."""
        return self._next_offset

    @property
    def low_watermark_ms(self) -> int:
        """The least watermark of the sources that are not idle; never moves back."""
        return self._low_ms

    @property
    def held(self) -> int:
        """How many rows wait for the watermark."""
        return sum(len(source.held) for source in self._sources.values())

    def watermark_ms(self, source: str) -> int:
        """Return the watermark of `source`, with its advance while idle."""
        known = self._sources.get(source)
        return BEGINNING_MS if known is None else known.marks.watermark_ms

    def data_watermark_ms(self, source: str) -> int:
        """Return the watermark that the rows of `source` alone account for.

        It stands still when the source is silent: rules about silence use it,
        so that a feed that ends does not make everybody in it silent.
        """
        known = self._sources.get(source)
        if known is None or known.marks.max_event_ms == BEGINNING_MS:
            return BEGINNING_MS
        return known.marks.max_event_ms - known.timing.out_of_orderness_ms

    def watermarks_ms(self) -> dict[str, int]:
        """Return the watermark of every source seen."""
        return {name: source.marks.watermark_ms for name, source in self._sources.items()}

    def idle_sources(self) -> list[str]:
        """Return the sources that were idle at the last `advance`, by name."""
        return sorted(name for name, source in self._sources.items() if source.idle)

    def push(self, batch: B, now_ms: int, next_offset: int | None = None) -> Released[B]:
        """Take rows in, and release those that the watermark has passed.

        Args:
            batch: Rows in the order of their offsets. Records are whole: a
                pack's readings come in one push.
            now_ms: Wall time.
            next_offset: The offset after the last record that was read, also
                when none of its rows is left in `batch`. None: the one after
                the largest in `batch`.

        Returns:
            Rows in the order of their release: by event time, subject and
            offset for each source, but for late ones that are still allowed,
            which come where they arrived.
        """
        rows: Any = batch
        size = columns.length(batch)
        if next_offset is None:
            next_offset = int(rows.offset.max()) + 1 if size else 0
        fresh: B = batch
        if size and int(rows.offset.min()) < self._next_offset:
            fresh = columns.take(batch, rows.offset >= self._next_offset)
        redelivered = size - columns.length(fresh)
        self._next_offset = max(self._next_offset, next_offset)
        fresh, future = self._part_future(fresh)
        released, late = self._sequence(fresh, now_ms)
        self._lift_low()
        accepted = columns.length(fresh) - len(late)
        return Released(released, late, future, redelivered, accepted)

    def advance(self, now_ms: int) -> Released[B]:
        """Let wall time pass: idle sources' watermarks move on.

        Call it only when the partition is read to its end. While rows wait to
        be read, nothing seen is not silence: call `rearm` instead.
        """
        parts: list[B] = []
        for name in sorted(self._sources):
            source = self._sources[name]
            source.grow_old(now_ms)
            if len(source.held):
                parts += source.held.release(source.marks.watermark_ms)
        self._lift_low()
        parts = [part for part in parts if columns.length(part)]
        if not parts:
            return Released(columns.empty(self._batch_type), [], [])
        return Released(in_order(columns.concat(parts), None), [], [])

    def rearm(self) -> None:
        """Forget the silence counted so far: the partition was not being read."""
        for source in self._sources.values():
            source.arm(None)

    def snapshot(self) -> bytes:
        """Return the whole state as bytes; equal states give equal bytes."""
        sources = [
            (name, _SavedSource(s.marks, s.held.pack()))
            for name, s in sorted(self._sources.items())
        ]
        return msgspec.msgpack.encode(
            _Saved(_SNAPSHOT_VERSION, self._next_offset, self._low_ms, sources)
        )

    def restore(self, raw: bytes) -> None:
        """Become what `snapshot` wrote; silence counts anew from the next look.

        Raises:
            ValueError: When another version wrote it, or for another batch.
        """
        saved = msgspec.msgpack.decode(raw, type=_Saved)
        if saved.version != _SNAPSHOT_VERSION:
            raise ValueError(f"snapshot version {saved.version}, not {_SNAPSHOT_VERSION}")
        self._next_offset, self._low_ms = saved.next_offset, saved.low_ms
        self._sources = {}
        for name, kept in saved.sources:
            source = self._source(name)
            source.marks = kept.marks
            source.held.unpack(kept.held)
            source.arm(None)

    def _source(self, name: str) -> _Source[B]:
        known = self._sources.get(name)
        if known is None:
            known = _Source(self._timing.get(name, self._default), self._batch_type)
            self._sources[name] = known
        return known

    def _lift_low(self) -> None:
        running = [s.marks.watermark_ms for s in self._sources.values() if not s.idle]
        if not running:
            running = [s.marks.watermark_ms for s in self._sources.values()]
        self._low_ms = max(self._low_ms, min(running, default=BEGINNING_MS))

    def _timing_of(self, name: str) -> Timing:
        return self._timing.get(name, self._default)

    def _part_future(self, batch: B) -> tuple[B, list[int]]:
        """Return the rows that are not in the future, and the raw rows of the others."""
        rows: Any = batch
        ahead_ms = rows.event_time_ms - rows.ingest_time_ms
        if not len(ahead_ms):
            return batch, []
        if int(ahead_ms.max()) <= self._least_future_ms:
            return batch, []
        bound_ms = np.fromiter(
            (self._timing_of(name).future_ms for name in rows.source), np.int64, len(ahead_ms)
        )
        future = ahead_ms > bound_ms
        return columns.take(batch, ~future), rows.row[future].tolist()

    def _sequence(self, batch: B, now_ms: int) -> tuple[B, list[LateRow]]:
        """Return the rows that are released, in their order, and the late ones."""
        rows: Any = batch
        size = columns.length(batch)
        if not size:
            return batch, []
        at_once: list[NDArray[np.int64]] = []
        freed: list[tuple[B, NDArray[np.int64]]] = []
        late: list[LateRow] = []
        for name, index in by_source(rows.source):
            source = self._source(name)
            judged = judge(
                rows.event_time_ms[index],
                rows.ingest_time_ms[index],
                source.marks,
                source.timing,
            )
            source.marks = judged.marks
            at_once.append(index[judged.at_once])
            late += _late_rows(name, rows.row[index[judged.lost]], judged.late_by_ms)
            parts = source.held.release(judged.marks.watermark_ms)
            if len(judged.hold):
                hold = index[judged.hold]
                waits = rows.event_time_ms[hold] >= judged.marks.watermark_ms
                if len(hold) == size and waits.all():
                    source.held.add(batch)
                else:
                    source.held.add(columns.take(batch, hold[waits]))
                    parts.append(columns.take(batch, hold[~waits]))
            freed += [(part, index[_step_of(part, judged)]) for part in parts if part[0]]
            source.arm(now_ms)
        late.sort(key=lambda late_row: late_row.row)
        go = at_once[0] if len(at_once) == 1 else np.sort(np.concatenate(at_once))
        if not freed:
            return (batch if len(go) == size else columns.take(batch, go)), late
        if len(go):
            freed.append((columns.take(batch, go), go))
        steps = np.concatenate([step for _, step in freed])
        return in_order(columns.concat([part for part, _ in freed]), steps), late


def _late_rows(source: str, rows: NDArray[np.int64], by_ms: NDArray[np.int64]) -> list[LateRow]:
    return [
        LateRow(row, source, late_by_ms)
        for row, late_by_ms in zip(rows.tolist(), by_ms.tolist(), strict=True)
    ]


def _step_of(freed: tuple[Any, ...], judged: Judged) -> NDArray[np.intp]:
    """Return which row of the source, by its arrival, released each row of `freed`."""
    times_ms: NDArray[np.int64] = cast("Any", freed).event_time_ms
    return np.searchsorted(judged.frontier_ms, times_ms, side="right")
