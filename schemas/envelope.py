"""The envelope that every event wears, and the rule that ties code to wire.

In code an instant is `..._time_ms`, an `int` of milliseconds since 1970 UTC.
On the wire the same field is `..._time`, an RFC 3339 text with an offset
(`codec` turns one into the other; a text without an offset is refused).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import msgspec

SCHEMA_VERSION = 1


class Datum(StrEnum):
    """The coordinate system in which a source says its positions."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event says about itself, after CloudEvents.

    `KINDS` of a record names the only kinds that it may have; None takes any.

    Attributes:
        source: Who publishes it, as declared in the city's `sources.toml`.
        kind: What it is about, in dotted words: `noise.laeq`, `vessel.position`.
        subject: What it was observed at: a device, a camera, an MMSI, a ticket.
        event_time_ms: When it happened in the world.
        id: The source's own name for the event; empty means that the codec
            derives one from source, kind, subject and event time.
        ingest_time_ms: When intake took it; absent, the broker's record time.
        datum: The datum of its position; absent, the one its source declares.
        schema: Version of the contract that the sender wrote by.
        trace: Opaque id that ties one chain of events together.
    """

    KINDS: ClassVar[Mapping[str, str] | None] = None

    source: str
    kind: str
    subject: str
    event_time_ms: int
    id: str = ""
    ingest_time_ms: int | None = None
    datum: Datum | None = None
    schema: int = SCHEMA_VERSION
    trace: str | None = None
