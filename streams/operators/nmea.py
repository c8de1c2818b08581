"""From NMEA lines to positions: one partition of `vessel.nmea`."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from schemas.codec import encode
from schemas.records import RawBatch
from schemas.topics import VESSEL_POSITIONS
from streams.operator import NOTHING, Outcome, Row, Send
from streams.operators.events import Tally
from streams.vessels.ais import Pending, decode_nmea

SOURCE = "ais"
"""All stations are one feed: a vessel that passes from one to the next stays in
order, and its silence is measured against all that is heard."""

_PENDING_KEY = b"pending"


class NmeaOperator:
    """Joins and decodes sentences; remembers the parts that wait for others."""

    def __init__(self, city: str) -> None:
        self._city = city
        self._pending = Pending()
        self._moved = False

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Decode `raw` and send each position under its vessel's key."""
        tally = Tally(self._city, now_ms)
        decoded = decode_nmea(raw, self._pending, SOURCE)
        self._pending = decoded.pending
        self._moved = True
        tally.sends += [
            Send(VESSEL_POSITIONS, position.subject.encode(), encode(position))
            for _, position in decoded.positions
        ]
        for reject in decoded.rejects:
            tally.refuse(raw, reject)
        return Outcome(
            tally.sends,
            read=len(raw.values),
            used=decoded.used,
            refused=tally.refused,
            set_aside=Counter(decoded.skipped) + decoded.suspect,
        )

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:  # noqa: ARG002
        """Nothing here is due by time alone: parts expire as later ones arrive."""
        return NOTHING

    def next_due_ms(self) -> None:
        """Nothing here is due by time alone."""
        return

    def changes(self) -> list[Row]:
        """Return the one row: the parts that wait, and how far was read."""
        if not self._moved:
            return []
        self._moved = False
        return [(_PENDING_KEY, msgspec.msgpack.encode(self._pending))]

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the parts that waited."""
        for _, value in rows:
            self._pending = msgspec.msgpack.decode(value, type=Pending)

    def watermark_ms(self) -> None:
        """Lines have no event time of their own."""
        return
