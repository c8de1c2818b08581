"""From raw records to alerts: what the operators of event topics have in common."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np

from schemas.alerts import Alert
from schemas.codec import dead_letter, encode
from schemas.records import RawBatch, Reason, Reject, Stage
from schemas.topics import ALERTS, DEADLETTER
from streams import columns
from streams.event_time import Released, Sequencer
from streams.geo.areas import AreaIndex
from streams.lateness import BEGINNING_MS, by_source
from streams.ledger import Counts
from streams.operator import NOTHING, Outcome, Row, Send
from streams.operators.lanes import Lanes, Times
from streams.pulse import Pulse
from streams.rule import RowNote
from streams.skew import Clocks

LETTERS_A_RECORD = 16
"""Dead letters of one record at the most."""

_NO_MORE = "what else is refused of this record is counted without a letter"
_REASONS = frozenset(Reason)
_CLOCKS_KEY = b"\x01clocks"
_ORIGIN_KEY = b"\x01origin"
_SEQUENCE_KEY = b"\x01sequence"  # written after every rule's rows


Decode = Callable[[RawBatch, Counter[str]], tuple[Any, list[Reject]]]
"""Turns raw records into columns and rejects, counting the fields that nobody knows."""


class Tally:
    """Gathers one outcome: what to send, and the counts."""

    def __init__(self, city: str, now_ms: int) -> None:
        self._city = city.encode()
        self._now_ms = now_ms
        self.sends: list[Send] = []
        self.refused: Counter[tuple[Stage, Reason]] = Counter()
        self._letters: Counter[tuple[str, int]] = Counter()
        self.alerts: Counter[tuple[str, str]] = Counter()
        self.ages_ms: list[int] = []
        self.set_aside: Counter[str] = Counter()

    def send(self, topic: str, value: bytes, key: str = "") -> None:
        """Send a record, keyed by the city where no key is given."""
        self.sends.append(Send(topic, key.encode() or self._city, value))

    def alert(self, alerts: Iterable[Alert]) -> None:
        """Send alerts."""
        for alert in alerts:
            self.sends.append(Send(ALERTS, self._city, encode(alert)))
            self.alerts[alert.rule, alert.transition] += 1
            self.ages_ms.append(self._now_ms - alert.event_time_ms)

    def refuse(self, raw: RawBatch, reject: Reject, late_by_ms: int | None = None) -> None:
        """Send a dead letter, which holds the whole record.

        A pack of a megabyte may hold a hundred thousand items that are refused: of
        one record only the first few have letters, all are counted.
        """
        self.refused[reject.stage, reject.reason] += 1
        record = (raw.topic, int(raw.offsets[reject.row]))
        self._letters[record] += 1
        if self._letters[record] > LETTERS_A_RECORD:
            return
        if self._letters[record] == LETTERS_A_RECORD:
            reject = reject._replace(hint=f"{reject.hint}; {_NO_MORE}")
        letter = dead_letter(raw, reject, self._now_ms, late_by_ms)
        self.sends.append(Send(DEADLETTER, raw.topic.encode(), encode(letter)))


class EventOperator:
    """One partition of a topic of events: decode, order, ask every rule.

    Args:
        city: The city's code, the key of its alerts.
        decode: Turns raw records into columns.
        sequencer: Event time.
        lanes: The rules and their state.
        again: Writes row n of a batch as a record's value again: for a row that
            is refused after its raw record is gone.
        clocks: Where given, devices whose clocks are ahead are told of.
        areas: Where given, events are counted by the community that they lie in.
        pulse: Where given, tells how much was heard on each feed, and from whom.
    """

    def __init__(
        self,
        city: str,
        decode: Decode,
        sequencer: Sequencer[Any],
        lanes: Lanes,
        *,
        again: Callable[[Any, int], bytes],
        clocks: Clocks | None = None,
        areas: AreaIndex | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self._city = city
        self._decode = decode
        self._sequencer = sequencer
        self._lanes = lanes
        self._again = again
        self._clocks = clocks
        self._pulse = pulse
        self._communities = None if areas is None else _Communities(areas)
        self._origin = ("", 0)
        self._origin_moved = False
        self._moved = False

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Decide on `raw`; what was taken before changes nothing.

        Raises:
            ValueError: An event was lost on the way: a fault of ours.
        """
        tally = Tally(self._city, now_ms)
        self._read(raw.topic, raw.partition)
        first_new = self._sequencer.next_offset
        unknown_fields: Counter[str] = Counter()
        batch, rejects = self._decode(raw, unknown_fields)
        rejected = [one for one in rejects if raw.offsets[one.row] >= first_new]
        for reject in rejected:
            tally.refuse(raw, reject)
        if self._clocks is not None:
            # Before the future is refused: the worst clocks are found there.
            tally.alert(self._clocks.look(batch, first_new))
        if self._pulse is not None:
            self._pulse.note(batch, first_new)
        next_offset = int(raw.offsets[-1]) + 1
        released = self._sequencer.push(batch, now_ms, next_offset)
        self._moved = True
        Counts(
            read=columns.length(batch) + len(rejects),
            used=released.accepted,
            late=len(released.late),
            future=len(released.future),
            rejected=len(rejected),
            redelivered=released.redelivered + len(rejects) - len(rejected),
        ).check()
        self._refuse_untimely(raw, released, tally)
        self._decide(released.batch, raw, tally)
        self._beat(tally, now_ms)
        return Outcome(
            tally.sends,
            len(raw.values),
            released.accepted,
            tally.refused,
            unknown_fields,
            tally.alerts,
            tally.ages_ms,
            tally.set_aside,
            {} if self._communities is None else self._communities.count(batch),
        )

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        """Let the time of silent sources go on, and see what that makes due."""
        if not caught_up:
            self._sequencer.rearm()
            return NOTHING
        tally = Tally(self._city, now_ms)
        released = self._sequencer.advance(now_ms)
        self._moved = self._moved or bool(self._sequencer.idle_sources())
        if columns.length(released.batch):
            self._decide(released.batch, None, tally)
        for source in self._lanes.sources():
            self._close(source, tally)
        self._beat(tally, now_ms)
        return Outcome(
            tally.sends,
            refused=tally.refused,
            alerts=tally.alerts,
            ages_ms=tally.ages_ms,
            set_aside=tally.set_aside,
        )

    def next_due_ms(self) -> None:
        """Nothing here is due by wall time alone."""
        return

    def changes(self) -> list[Row]:
        """Return the rules' rows first, the sequencer's last: the order of `Operator.changes`."""
        rows = self._lanes.changes()
        clocks = None if self._clocks is None else self._clocks.changes()
        if clocks is not None:
            rows.append((_CLOCKS_KEY, clocks))
        if self._origin_moved:
            rows.append((_ORIGIN_KEY, msgspec.msgpack.encode(self._origin)))
            self._origin_moved = False
        if self._moved:
            rows.append((_SEQUENCE_KEY, self._sequencer.snapshot()))
            self._moved = False
        return rows

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the state of a partition."""
        for key, value in sorted(rows):
            if key == _SEQUENCE_KEY:
                self._sequencer.restore(value)
            elif key == _ORIGIN_KEY:
                self._origin = msgspec.msgpack.decode(value, type=tuple[str, int])
            elif key == _CLOCKS_KEY:
                if self._clocks is not None:
                    self._clocks.restore(value)
            else:
                self._lanes.restore(key, value)

    def watermark_ms(self) -> int | None:
        """Return the least watermark of the sources that are not idle."""
        low_ms = self._sequencer.low_watermark_ms
        return None if low_ms == BEGINNING_MS else low_ms

    def _beat(self, tally: Tally, now_ms: int) -> None:
        if self._pulse is not None:
            tally.sends += self._pulse.beat(*self._origin, now_ms)

    def _read(self, topic: str, partition: int) -> None:
        """Remember where rows come from: they may be refused after a restart."""
        if self._origin != (topic, partition):
            self._origin, self._origin_moved = (topic, partition), True

    def _decide(self, batch: Any, raw: RawBatch | None, tally: Tally) -> None:
        if not columns.length(batch):
            return
        lanes = by_source(batch.source)
        for source, index in lanes:
            rows = batch if len(lanes) == 1 else columns.take(batch, index)
            times = self._times(source)
            for runner in self._lanes.lane(source).values():
                said = runner.run(rows, times)
                tally.alert(said.alerts)
                for note in said.notes:
                    self._note(note, rows, raw, tally)
                if said.keep is not None:
                    rows = columns.take(rows, said.keep)

    def _close(self, source: str, tally: Tally) -> None:
        times = self._times(source)
        for runner in self._lanes.lane(source).values():
            tally.alert(runner.close(times).alerts)

    def _times(self, source: str) -> Times:
        sequencer = self._sequencer
        return Times(sequencer.watermark_ms(source), sequencer.data_watermark_ms(source))

    def _note(self, note: RowNote, batch: Any, raw: RawBatch | None, tally: Tally) -> None:
        """Refuse a row that a rule could not use, or count it when it is set aside."""
        if note.reason not in _REASONS:
            tally.set_aside[note.reason] += 1
            return
        row = int(batch.row[note.row])
        if raw is None or row < 0:
            # It waited for the watermark, and its raw record is gone.
            row, raw = 0, self._raw_again(batch, note.row)
        reject = Reject(row, Stage.RULE, Reason(note.reason), hint=note.hint)
        tally.refuse(raw, reject)

    def _raw_again(self, batch: Any, row: int) -> RawBatch:
        """Return one row as the record that it came from, as far as it is known."""
        topic, partition = self._origin
        return RawBatch(
            topic,
            partition,
            batch.offset[row : row + 1],
            batch.ingest_time_ms[row : row + 1],
            [batch.subject[row].encode()],
            [self._again(batch, row)],
        )

    @staticmethod
    def _refuse_untimely(raw: RawBatch, released: Released[Any], tally: Tally) -> None:
        for late in released.late:
            hint = f"{late.late_by_ms} ms behind the watermark of {late.source}"
            reject = Reject(late.row, Stage.EVENT_TIME, Reason.LATE, "event_time", hint)
            tally.refuse(raw, reject, late.late_by_ms)
        for row in released.future:
            hint = "event time is ahead of ingest time: is the clock right, and its zone?"
            tally.refuse(raw, Reject(row, Stage.CLOCK, Reason.FUTURE, "event_time", hint))


class _Communities:
    """Counts placed events by community, so that it shows where nothing is sensed."""

    def __init__(self, areas: AreaIndex) -> None:
        self._areas = areas
        chains = [areas.chain(index) for index in range(len(areas.codes))]
        names = [chain.community if chain else "" for chain in chains]
        self._names = sorted({*names, ""})
        number = {name: place for place, name in enumerate(self._names)}
        # The last entry answers for OUTSIDE, which is -1.
        self._number = np.array([number[name] for name in [*names, ""]], np.int64)

    def count(self, batch: Any) -> dict[str, int]:
        """Return how many events of `batch` lie in each community; "" is outside all."""
        if not columns.length(batch):
            return {}
        where = self._areas.locate(batch.lon_deg, batch.lat_deg)
        counts = np.bincount(self._number[where], minlength=len(self._names))
        return {self._names[place]: int(counts[place]) for place in np.flatnonzero(counts)}
