"""A station's sentences on their way to the broker, in order, and none passed over."""

import asyncio
import time
from collections.abc import Sequence

from feeds.intake.publisher import BrokerDownError, Outgoing, Publisher
from feeds.nmea.groups import Groups
from feeds.nmea.lines import Lines, may_be_nmea
from schemas.topics import VESSEL_NMEA
from streams.vessels.nmea import CONNECTION_BEGINS

PEER = "{peer}"
MOST_STRANGE_LINES = 100
"""After so many lines in a row that hold no sentence it is not NMEA that comes in."""


class Connection:
    """What one connection says, as records; the first one says that it begins.

    Args:
        station: Key of its records.

    Attributes:
        lines: Cuts what comes in.
        is_strange: Too many lines in a row held no sentence: what follows is not taken.
    """

    def __init__(self, station: str) -> None:
        self.lines = Lines()
        self._key = station.encode()
        self._groups = Groups()
        self._begun = False
        self._strange = 0
        self.is_strange = False

    def take(self, data: bytes) -> list[Outgoing]:
        """Return the records that `data` completes."""
        return self._records(self.lines.take(data))

    def rest(self) -> list[Outgoing]:
        """Return what the end of the connection leaves: half a line, stamps without a sentence."""
        last = self.lines.rest()
        found = self._records([last] if last is not None else [])
        group = self._groups.rest()
        return found if group is None else [*found, self._record(group)]

    def _records(self, lines: Sequence[bytes]) -> list[Outgoing]:
        found = []
        for line in lines:
            self._strange = 0 if may_be_nmea(line) else self._strange + 1
            self.is_strange = self.is_strange or self._strange > MOST_STRANGE_LINES
            if self.is_strange:
                break
            group = self._groups.take(line)
            if group is not None:
                found.append(self._record(group))
        return found

    def _record(self, group: bytes) -> Outgoing:
        if not self._begun:
            self._begun = True
            group = CONNECTION_BEGINS + b"\r\n" + group
        return Outgoing(VESSEL_NMEA, self._key, group, now_ms())


def datagram(station: str, data: bytes) -> list[Outgoing]:
    """Return the records of one UDP datagram, which holds whole lines."""
    lines, groups = Lines(), Groups()
    found = lines.take(data)
    rest = lines.rest()
    whole = [group for line in (*found, rest) if line and (group := groups.take(line)) is not None]
    left = groups.rest()
    said = whole if left is None else [*whole, left]
    return [Outgoing(VESSEL_NMEA, station.encode(), group, now_ms()) for group in said]


async def deliver(publisher: Publisher, records: Sequence[Outgoing]) -> None:
    """Publish `records`, however long the broker is away."""
    while records:
        try:
            await publisher.publish_many(records)
        except BrokerDownError as down:
            await asyncio.sleep(down.retry_after_s)
        else:
            return


def now_ms() -> int:
    """Return the wall time."""
    return time.time_ns() // 1_000_000
