"""AIS: raw NMEA records to positions, every sentence accounted for.

A message may come in several sentences, in several records, in any order. What
waits for its other parts is a value, `Pending`, so a worker that dies between
two parts goes on where it was: keep it in the same row as the sequencer's
state, because both say how far the partition has been applied.

Law: `sentences == used + sum(skipped) + len(rejects) + growth of waiting parts`.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from schemas.positions import Position, PositionBatch
from schemas.records import RawBatch, Reason, Reject, Stage
from streams.vessels.messages import (
    POSITION,
    USED_TYPES,
    UndecodableError,
    decode_message,
    message_type,
)
from streams.vessels.nmea import Part, Piece, Token, ais_part, checksum_agrees, pieces, stamp_ms

PART_TIMEOUT_MS = 2_000
"""Parts of one message arrive within 2 s, by receive time."""

WAITING_LIMIT = 64
"""Messages that may wait on one feed; sequence ids are 0 to 9 on two channels."""

_RECORD_LIMIT = 65_536
_SKIPPED_TOKENS = frozenset({Token.BLANK, Token.COMMENT, Token.OTHER_SENTENCE})


class Skipped:
    """Names of what is left on purpose."""

    STAMP = "stamp"
    OTHER_TYPE = "other-type"
    JOINED = "joined"
    DUPLICATE_PART = "duplicate-part"
    REDELIVERED = "redelivered"


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A message of which some sentences are there: (number, sentence) pairs."""

    total: int
    sentences: tuple[tuple[int, bytes], ...]
    station: str
    received_ms: int | None
    ingest_ms: int


class Feed(msgspec.Struct, frozen=True, array_like=True):
    """What one feed (one record key) has said that later sentences need.

    Attributes:
        stamp_ms: Of the last `$PGHP`, for the next message.
        station: Of the last tag block that stood alone, for the next message.
        waiting: Messages with parts missing, by what ties the parts together.
    """

    stamp_ms: int | None = None
    station: str = ""
    waiting: dict[str, Waiting] = {}


class Pending(msgspec.Struct, frozen=True, array_like=True):
    """What is carried from batch to batch of one partition."""

    next_offset: int = 0
    feeds: dict[str, Feed] = {}


class Decoded(NamedTuple):
    """What some raw records say.

    Attributes:
        positions: With the row of the record that completed them, in order.
        rejects: Sentences that are broken. One whose other parts never came is
            told at the row that ended its waiting, the sentence in `hint`.
        skipped: Pieces left on purpose, by name.
        suspect: Used all the same, with a flaw: a tag block's checksum.
        sentences: How many pieces the records held.
        used: How many messages became positions.
        pending: To be handed in with the next batch.
    """

    positions: list[tuple[int, Position]]
    rejects: list[Reject]
    skipped: Counter[str]
    suspect: Counter[str]
    sentences: int
    used: int
    pending: Pending


def decode_nmea(raw: RawBatch, pending: Pending, source: str = "") -> Decoded:
    """Decode NMEA records.

    The receive time of a message is its tag block's `c:`, else the receiver's
    field behind the checksum, else the `$PGHP` before it, else the record's
    ingest time. Records before `pending.next_offset` were applied already.

    Args:
        raw: Records of topic `vessel.nmea`, keyed by station.
        pending: What the batch before left.
        source: Source of the positions; empty makes it `ais:<station>`, or
            `ais:<record key>` where no station is told.
    """
    run = _Run(source, pending)
    for row, value in enumerate(raw.values):
        offset = int(raw.offsets[row])
        if offset < run.next_offset:
            run.count(Skipped.REDELIVERED)
            continue
        key = (raw.keys[row] or b"").decode("utf-8", "replace")
        run.record(row, key, value, int(raw.ingest_time_ms[row]))
        run.next_offset = offset + 1
    return run.result()


class _Run:
    """One call of `decode_nmea`: gathers results, owns copies of the state."""

    def __init__(self, source: str, pending: Pending) -> None:
        self._source = source
        self._feeds = dict(pending.feeds)
        self.next_offset = pending.next_offset
        self._positions: list[tuple[int, Position]] = []
        self._rejects: list[Reject] = []
        self._of_row = 0
        self._skipped: Counter[str] = Counter()
        self._suspect: Counter[str] = Counter()
        self._sentences = self._used = 0

    def result(self) -> Decoded:
        pending = Pending(self.next_offset, self._feeds)
        return Decoded(
            self._positions,
            self._rejects,
            self._skipped,
            self._suspect,
            self._sentences,
            self._used,
            pending,
        )

    def count(self, name: str) -> None:
        self._sentences += 1
        self._skipped[name] += 1

    def _reject(self, row: int, reason: Reason, hint: str, field: str = "") -> None:
        if not field:
            # A record may hold several sentences: each letter has an id of its own.
            self._of_row = self._of_row + 1 if self._rejects and self._rejects[-1].row == row else 0
            field = f"[{self._of_row}]" if self._of_row else ""
        self._rejects.append(Reject(row, Stage.DECODE, reason, field, hint))

    def record(self, row: int, key: str, value: bytes | None, ingest_ms: int) -> None:
        if value is None or len(value) > _RECORD_LIMIT:
            self._sentences += 1
            reason = Reason.TOMBSTONE if value is None else Reason.TOO_LARGE
            self._reject(row, reason, f"NMEA lines of 1 to {_RECORD_LIMIT} bytes")
            return
        feed = _Feed(self._feeds.get(key, Feed()))
        for piece in pieces(value):
            self._piece(row, key, feed, piece, ingest_ms)
        self._feeds[key] = feed.frozen()

    def _piece(self, row: int, key: str, feed: "_Feed", piece: Piece, ingest_ms: int) -> None:
        if piece.token in _SKIPPED_TOKENS:
            self.count(piece.token)
        elif piece.token is Token.CONNECTION_BEGINS:
            self.count(piece.token)
            for there in feed.begin():
                self._give_up(row, there, "the connection was cut")
        elif piece.token is Token.TAG_BLOCK:
            self.count(piece.token)
            feed.station = piece.tag.station
        elif piece.token is Token.STAMP:
            self.count(Skipped.STAMP)
            feed.stamp_ms = stamp_ms(piece.text)
        else:
            self._sentences += 1
            self._suspect.update([] if piece.tag.sound else ["tag-block-checksum"])
            self._sentence(row, key, feed, piece, ingest_ms)

    def _sentence(self, row: int, key: str, feed: "_Feed", piece: Piece, ingest_ms: int) -> None:
        text = piece.text.decode("ascii", "replace")
        if piece.token is not Token.AIS:
            reason = Reason.TOO_LARGE if piece.token is Token.TOO_LONG else Reason.NOT_NMEA
            self._reject(row, reason, f"no NMEA sentence: {text[:80]}")
            return
        if not checksum_agrees(piece.text):
            self._reject(row, Reason.CHECKSUM, f"checksum disagrees: {text}")
            return
        part = ais_part(piece.text)
        if part is None:
            self._reject(row, Reason.NOT_NMEA, f"fields of an AIS sentence expected: {text}")
            return
        arrived = feed.arrived(piece, part, ingest_ms)
        self._expire(row, feed, arrived)
        if part.total > 1:
            arrived = self._join(row, feed, piece, part, arrived)
        if len(arrived.sentences) == arrived.total:
            self._message(row, key, arrived)

    def _join(self, row: int, feed: "_Feed", piece: Piece, part: Part, arrived: Waiting) -> Waiting:
        """Put a part to its fellows; a whole message leaves the waiting ones."""
        tie = _Tie(piece.tag.group, arrived.station, part.sequence, part.channel)
        tie = feed.tie_of(tie, part)
        there = feed.waiting.pop(tie.name, None)
        numbers = dict(there.sentences) if there else {}
        if there and numbers.get(part.number) == piece.text:
            self._skipped[Skipped.DUPLICATE_PART] += 1
            feed.waiting[tie.name] = there
            return there
        if there and (there.total != part.total or part.number in numbers):
            self._give_up(row, there, "its sequence id was taken again")
            there = None
        if there:
            arrived = _together(there, arrived)
        if len(arrived.sentences) < arrived.total:
            feed.waiting[tie.name] = arrived
            if len(feed.waiting) > WAITING_LIMIT:
                oldest = feed.waiting.pop(next(iter(feed.waiting)))
                self._give_up(row, oldest, "too many messages wait")
        return arrived

    def _expire(self, row: int, feed: "_Feed", now: Waiting) -> None:
        for tie, there in list(feed.waiting.items()):
            if _age_ms(there, now) > PART_TIMEOUT_MS:
                del feed.waiting[tie]
                self._give_up(row, there, f"{PART_TIMEOUT_MS / 1000:.0f} s passed")

    def _give_up(self, row: int, there: Waiting, why: str) -> None:
        for number, sentence in there.sentences:
            words = f"part {number} of {there.total}: {why}: {sentence.decode('ascii', 'replace')}"
            self._reject(row, Reason.INCOMPLETE, words, "part")

    def _message(self, row: int, key: str, whole: Waiting) -> None:
        sentences = [sentence for _, sentence in sorted(whole.sentences)]
        self._skipped.update({Skipped.JOINED: len(sentences) - 1} if len(sentences) > 1 else {})
        payload = sentences[0].split(b",", 6)[5]
        if payload and message_type(payload) not in USED_TYPES:
            self._skipped[Skipped.OTHER_TYPE] += 1
            return
        received_ms = whole.ingest_ms if whole.received_ms is None else whole.received_ms
        source = self._source or f"ais:{whole.station or key}"
        try:
            found = decode_message(sentences, source, whole.station or key, received_ms)
        except UndecodableError as fault:
            words = b" ".join(sentences).decode("ascii", "replace")
            self._reject(row, Reason.UNDECODABLE, f"{fault}: {words}")
            return
        self._used += 1
        self._positions += [(row, position) for position in found]


class _Tie(NamedTuple):
    """What ties the parts of one message together."""

    group: str
    station: str
    sequence: str
    channel: str

    @property
    def name(self) -> str:
        return "\n".join(self)


class _Feed:
    """A feed's state, thawed while one record is read."""

    def __init__(self, feed: Feed) -> None:
        self.stamp_ms = feed.stamp_ms
        self.station = feed.station
        self.waiting = dict(feed.waiting)

    def frozen(self) -> Feed:
        return Feed(self.stamp_ms, self.station, self.waiting)

    def begin(self) -> list[Waiting]:
        """Forget what an earlier connection left half said; return the messages."""
        left = list(self.waiting.values())
        self.stamp_ms, self.station, self.waiting = None, "", {}
        return left

    def arrived(self, piece: Piece, part: Part, ingest_ms: int) -> Waiting:
        """Make of one sentence a message with one part, using up stamp and station."""
        tag = piece.tag
        told = (tag.received_ms, part.received_ms, self.stamp_ms)
        received_ms = next((at_ms for at_ms in told if at_ms is not None), None)
        station = tag.station or part.station or self.station
        self.stamp_ms, self.station = None, ""
        return Waiting(part.total, ((part.number, piece.text),), station, received_ms, ingest_ms)

    def tie_of(self, tie: _Tie, part: Part) -> _Tie:
        """Return the tie under which fellows of this part wait already, or its own.

        Receivers often name the station before the first part only; so a part
        without a station, or one that finds a fellow without, goes to the newest
        message of the same sequence id and channel that lacks it.
        """
        if tie.name in self.waiting:
            return tie
        for name, there in reversed(self.waiting.items()):
            fellow = _Tie(*name.split("\n"))
            if (
                fellow[2:] == tie[2:]
                and "" in (tie.station, fellow.station)
                and there.total == part.total
                and part.number not in dict(there.sentences)
            ):
                return fellow
        return tie


def _age_ms(there: Waiting, now: Waiting) -> int:
    """Return how long a part has waited, on the clock that both sentences show."""
    same_clock = there.station == now.station
    if same_clock and there.received_ms is not None and now.received_ms is not None:
        return abs(now.received_ms - there.received_ms)
    return now.ingest_ms - there.ingest_ms


def _together(there: Waiting, new: Waiting) -> Waiting:
    """Join parts; the lowest number that tells a time or a station tells it for all."""
    first, second = sorted((there, new), key=lambda some: min(some.sentences)[0])
    return Waiting(
        there.total,
        tuple(sorted(there.sentences + new.sentences)),
        first.station or second.station,
        first.received_ms if first.received_ms is not None else second.received_ms,
        max(there.ingest_ms, new.ingest_ms),
    )


def to_batch(raw: RawBatch, positions: Sequence[tuple[int, Position]]) -> PositionBatch:
    """Lay decoded positions out as columns, NaN (or -1) where not said.

    AIS says all places in WGS-84 (M.1371-5), so no datum is to be converted.
    """

    def numbers(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        said = [getattr(position, name) for _, position in positions]
        return np.array([np.nan if x is None else x for x in said], dtype=np.float64)

    rows = np.array([row for row, _ in positions], dtype=np.int64)
    status = [p.nav_status for _, p in positions]
    return PositionBatch(
        source=[p.source for _, p in positions],
        kind=[p.kind for _, p in positions],
        subject=[p.subject for _, p in positions],
        event_time_ms=np.array([p.event_time_ms for _, p in positions], dtype=np.int64),
        ingest_time_ms=np.asarray(raw.ingest_time_ms, dtype=np.int64)[rows],
        lon_deg=numbers("lon_deg"),
        lat_deg=numbers("lat_deg"),
        sog_kn=numbers("sog_kn"),
        cog_deg=numbers("cog_deg"),
        heading_deg=numbers("heading_deg"),
        nav_status=np.array([-1 if s is None else s for s in status], dtype=np.int64),
        offset=np.asarray(raw.offsets, dtype=np.int64)[rows],
        row=rows,
        extra=[None if p.kind == POSITION else p for _, p in positions],
    )
