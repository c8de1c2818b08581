"""Judging: what a door answers to each event, and what is published of it.

The contract's validation is the codec's own, the very one of the consuming
edge; what is added here only a door can know: who sends, and what time it is.
A batch is judged in columns. One bad event never harms its neighbours.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec
import numpy as np

from schemas.claims import decode_complaints, decode_detections
from schemas.columns import decode_positions, decode_readings
from schemas.complaints import Complaint
from schemas.detections import Detection
from schemas.envelope import Envelope
from schemas.positions import Position
from schemas.readings import Reading
from schemas.records import RawBatch, Reason
from schemas.refused import Refusal
from streams.city.model import City, SourceClass
from streams.doors import clock_guard, place_guard
from streams.doors.filters import Chain
from streams.doors.personal import without_caller
from streams.doors.sender import Sender
from streams.doors.sorting import Lane, key_of, lane_of
from streams.doors.verdict import ACCEPTED, Code, Verdict, of_refusal, rejected

_DECODERS: Final[Mapping[type[Envelope], Any]] = {
    Reading: decode_readings,
    Detection: decode_detections,
    Position: decode_positions,
    Complaint: decode_complaints,
}
_NESTED: Final = rejected(
    Reason.NOT_JSON, hint="an item is one object; send a pack as the whole body"
)
_NO_KIND: Final = rejected(Reason.MISSING_FIELD, "kind", "kind is mandatory")
_WIRE: Final = msgspec.json.Decoder(dict[str, Any])


class _Head(msgspec.Struct, gc=False):
    """What must be known of an event before it is decoded whole."""

    source: str = ""
    kind: str = ""
    subject: str = ""
    id: str | None = None


_NOTHING: Final = _Head()
_HEAD: Final = msgspec.json.Decoder(_Head)


class Taken(NamedTuple):
    """An event that is to be published.

    Attributes:
        number: Its place among the items.
        topic, key, value: The record; the value is what was sent, byte for byte, but for
            tickets with personal data (see `personal`).
        source, kind, subject, event_time_ms, id: What it says of itself.
    """

    number: int
    topic: str
    key: bytes
    value: bytes
    source: str
    kind: str
    subject: str
    event_time_ms: int
    id: str

    @property
    def timestamp_ms(self) -> None:
        """The record's time is that of its publication: the broker's time of intake."""
        return


class Judgement(NamedTuple):
    """What is answered to some items, one verdict each, and what goes on.

    Attributes:
        verdicts: In the order of the items.
        taken: The accepted ones, in the same order.
        sources: To whose account each item goes: the source that it says, if the
            sender speaks for it, else the sender's own; "" where it has several.
        unknown_fields: Names that the contract does not know, counted.
    """

    verdicts: list[Verdict]
    taken: list[Taken]
    sources: list[str]
    unknown_fields: Counter[str]


class Judge:
    """The judge of one city's doors; remembers only what its filters need."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._datums = city.datums
        self._registered = {
            code: (one.source, one.lon_deg, one.lat_deg)
            for register in (city.sensors, city.cameras)
            for code, one in register.items()
        }
        self._chains = {name: Chain(one.filters) for name, one in city.sources.items()}
        self.zone_ms = int(city.utc_offsets.offset_ms[-1])

    def judge(
        self,
        items: Sequence[bytes | Refusal],
        sender: Sender,
        now_ms: int,
        record: type[Envelope] | None = None,
    ) -> Judgement:
        """Return what is answered to `items`.

        Args:
            items: One JSON object each, as it was sent; or why it could not even
                be parted from the others, which is its verdict.
            sender: Who sent them.
            now_ms: When they came in.
            record: What they are said to be; None where each one's kind decides.
        """
        verdicts: list[Verdict] = [ACCEPTED] * len(items)
        heads = _heads(items)
        lanes: dict[str, Lane | Refusal] = {}
        groups: dict[Lane, list[int]] = {}
        for number, (item, head) in enumerate(zip(items, heads, strict=True)):
            if isinstance(item, Refusal):
                verdicts[number] = of_refusal(item)
                continue
            found = lanes.get(head.kind)
            if found is None:
                found = lanes[head.kind] = _lane(head.kind, record)
            if isinstance(found, Refusal):
                verdicts[number] = of_refusal(found)
            else:
                groups.setdefault(found, []).append(number)
        unknown: Counter[str] = Counter()
        taken: list[Taken] = []
        for lane, numbers in groups.items():
            values = [cast("bytes", items[i]) for i in numbers]  # refusals are in no group
            group = _Group(lane, numbers, values, [heads[i] for i in numbers])
            taken += self._judge_group(group, sender, now_ms, verdicts, unknown)
        if len(groups) > 1:
            taken.sort(key=lambda one: one.number)
        names = {head.source for head in heads}
        told = {name: name if sender.speaks_for(name) else sender.only_source for name in names}
        return Judgement(verdicts, taken, [told[head.source] for head in heads], unknown)

    def _judge_group(
        self,
        group: "_Group",
        sender: Sender,
        now_ms: int,
        verdicts: list[Verdict],
        unknown: Counter[str],
    ) -> list[Taken]:
        count = len(group.numbers)
        raw = RawBatch(
            group.lane.topic,
            -1,
            np.arange(count),
            np.full(count, now_ms, np.int64),
            [None] * count,
            group.values,
        )
        batch, rejects = _DECODERS[group.lane.record](raw, self._datums, unknown)
        found: dict[int, Verdict] = {
            one.row: rejected(one.reason, one.field, one.hint) for one in reversed(rejects)
        }
        found |= group.unreadable(found)
        found = self._untimely(group, batch, now_ms) | found | self._out_of_scope(group, sender)
        warned = self._misplaced(group, batch, found)
        self._filter(group, batch, now_ms, found)
        if group.lane.record is Complaint:
            warned |= group.clean(found)
        for row, verdict in (warned | found).items():
            verdicts[group.numbers[row]] = verdict
        return self._taken(group, batch, found)

    def _taken(self, group: "_Group", batch: Any, found: Mapping[int, Verdict]) -> list[Taken]:
        """Return the events of a group that go on, in their order."""
        topic, city = group.lane.topic, self._city.code
        return [
            Taken(
                group.numbers[row],
                topic,
                key_of(topic, (head := group.heads[row]).subject, city),
                group.values[row],
                head.source,
                head.kind,
                head.subject,
                at_ms,
                head.id or "",
            )
            for row, at_ms in zip(batch.row.tolist(), batch.event_time_ms.tolist(), strict=True)
            if row not in found
        ]

    def _out_of_scope(self, group: "_Group", sender: Sender) -> dict[int, Verdict]:
        """Return what the sender may not publish, by row."""
        found: dict[int, Verdict] = {}
        heads = group.heads
        bad_kinds = {
            kind: rejected(
                Code.KIND_OUT_OF_SCOPE, "kind", f"this key publishes {', '.join(sender.kinds)}"
            )
            for kind in {head.kind for head in heads}
            if kind and not sender.may_send(kind)
        }
        bad_sources = {
            source: verdict
            for source in {head.source for head in heads}
            if source and (verdict := self._foreign_source(source, sender)) is not None
        }
        registered, prefix = self._registered, sender.subject_prefix
        for row, head in enumerate(heads):
            known = registered.get(head.subject)
            if head.source in bad_sources:
                found[row] = bad_sources[head.source]
            elif head.kind in bad_kinds:
                found[row] = bad_kinds[head.kind]
            elif not head.subject.startswith(prefix):
                hint = f"this key publishes subjects that begin with {prefix!r}"
                found[row] = rejected(Code.SUBJECT_OUT_OF_SCOPE, "subject", hint)
            elif known is not None and known[0] != head.source:
                hint = "the city's register gives this device to another source"
                found[row] = rejected(Code.FOREIGN_DEVICE, "subject", hint)
        return found

    def _foreign_source(self, source: str, sender: Sender) -> Verdict | None:
        if not sender.speaks_for(source):
            hint = f"this key publishes as {', '.join(sender.sources)}, not as {source[:64]!r}"
            return rejected(Code.FOREIGN_SOURCE, "source", hint)
        if source not in self._city.sources:
            hint = f"no source {source[:64]!r} in the city's sources.toml: have it declared"
            return rejected(Code.UNKNOWN_SOURCE, "source", hint)
        return None

    def _untimely(self, group: "_Group", batch: Any, now_ms: int) -> dict[int, Verdict]:
        """Return the events whose time, or time of intake, is ahead of the door's clock."""
        found: dict[int, Verdict] = {}
        least_ms = min((one.timing.future_ms for one in self._city.sources.values()), default=0)
        ahead = (batch.event_time_ms > now_ms + least_ms) | (
            batch.ingest_time_ms > now_ms + least_ms
        )
        for place in np.flatnonzero(ahead).tolist():
            row = int(batch.row[place])
            source = self._city.sources.get(group.heads[row].source)
            if source is None:
                continue
            at_ms = int(batch.event_time_ms[place])
            if at_ms > now_ms + source.timing.future_ms:
                found[row] = clock_guard.future(at_ms, now_ms, self.zone_ms)
            elif int(batch.ingest_time_ms[place]) > now_ms + source.timing.future_ms:
                # Else a sender could make its own future events pass the consuming edge.
                hint = "leave ingest_time out: it is the door's to say"
                found[row] = rejected(Reason.FUTURE, "ingest_time", hint)
        return found

    def _misplaced(
        self, group: "_Group", batch: Any, found: dict[int, Verdict]
    ) -> dict[int, Verdict]:
        """Refuse places outside the city into `found`; return the doubtful ones, by row."""
        warned: dict[int, Verdict] = {}
        for place in np.flatnonzero(~np.isnan(batch.lon_deg)).tolist():
            row = int(batch.row[place])
            if row in found:
                continue
            lon_deg, lat_deg = float(batch.lon_deg[place]), float(batch.lat_deg[place])
            head = group.heads[row]
            # Boats leave the city's waters, and a distress call counts wherever it is.
            at_sea = self._city.sources[head.source].source_class is SourceClass.VESSEL
            verdict = None if at_sea else place_guard.outside(lon_deg, lat_deg, self._city.box)
            if verdict is not None:
                found[row] = verdict
            elif (known := self._registered.get(head.subject)) is not None:
                doubt = place_guard.suspect(lon_deg, lat_deg, known[1], known[2])
                if doubt is not None:
                    warned[row] = doubt
        return warned

    def _filter(self, group: "_Group", batch: Any, now_ms: int, found: dict[int, Verdict]) -> None:
        """Put what a source's own filters leave out into `found`."""
        sources = {head.source for head in group.heads}
        busy = {name for name in sources if name in self._chains and self._chains[name].filters.any}
        if not busy:
            return
        for place, row in enumerate(batch.row.tolist()):
            head = group.heads[row]
            if row in found or head.source not in busy:
                continue
            chain = self._chains[head.source]
            at_ms = int(batch.event_time_ms[place])
            past_s = chain.filters.past_s
            if past_s is not None and now_ms - at_ms > past_s * 1000:
                found[row] = clock_guard.past(at_ms, now_ms, past_s, self.zone_ms)
                continue
            verdict = chain.look(head.subject, _WIRE.decode(group.values[row]), at_ms)
            if verdict is not None:
                found[row] = verdict


class _Group(NamedTuple):
    """The items of one lane."""

    lane: Lane
    numbers: list[int]
    values: list[bytes]
    heads: list[_Head]

    def clean(self, refused: Mapping[int, Verdict]) -> dict[int, Verdict]:
        """Take personal data out of the tickets that go on; return the warnings, by row."""
        warned: dict[int, Verdict] = {}
        for row, value in enumerate(self.values):
            if row not in refused:
                self.values[row], warning = without_caller(value)
                if warning is not None:
                    warned[row] = warning
        return warned

    def unreadable(self, refused: Mapping[int, Verdict]) -> dict[int, Verdict]:
        """Return the items that say no kind: packs, and what the codec let pass besides."""
        if self.lane.topic:
            return {}
        packs = [value.lstrip(b" \t\r\n")[:1] == b"[" for value in self.values]
        return {
            row: _NESTED if is_pack else _NO_KIND
            for row, is_pack in enumerate(packs)
            if is_pack or row not in refused
        }


def _heads(items: Sequence[bytes | Refusal]) -> list[_Head]:
    try:
        return list(map(_HEAD.decode, items))  # type: ignore[arg-type]  # a refusal raises, as it shall
    except (ValueError, TypeError, RecursionError):
        return [_head(item) for item in items]


def _head(item: bytes | Refusal) -> _Head:
    """Return what an item says of itself; nothing, where it cannot be read."""
    if isinstance(item, Refusal):
        return _NOTHING
    try:
        return _HEAD.decode(item)
    except (ValueError, RecursionError):
        return _NOTHING


def _lane(kind: str, record: type[Envelope] | None) -> Lane | Refusal:
    """Return the lane of a kind; of an item without a readable one, that of its type.

    There the codec says what is wrong with it.
    """
    if kind:
        return lane_of(kind, record)
    return Lane(record or Reading, "")
