"""From vessels' positions to alerts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from schemas.codec import decode_positions, encode
from schemas.envelope import Datum
from schemas.positions import Position, PositionBatch
from schemas.records import RawBatch, Reject
from streams import skew
from streams.city.model import City
from streams.event_time import Sequencer
from streams.lateness import Timing
from streams.operators.events import EventOperator
from streams.operators.lanes import Lanes
from streams.pulse import Pulse
from streams.registry import RuleEntry
from streams.skew import Clocks

UNDECLARED = Timing(out_of_orderness_ms=5_000, allowed_lateness_ms=600_000)
"""Of a source that the city's files do not name: stations hear one message at
slightly different times."""


def positions_operator(
    city: City, rules: Mapping[str, RuleEntry], settings: Mapping[str, Any]
) -> EventOperator:
    """Return the operator of one partition of `vessel.positions`.

    Args:
        city: Its sources, boundaries and code.
        rules: The rules to run, by name.
        settings: What each is told (`registry.settings`).
    """
    datums = city.datums

    def decode(raw: RawBatch, unknown: Counter[str]) -> tuple[PositionBatch, list[Reject]]:
        return decode_positions(raw, datums, unknown)

    return EventOperator(
        city.code,
        decode,
        Sequencer(city.timings, UNDECLARED, PositionBatch),
        Lanes(rules, settings),
        again=_again,
        clocks=Clocks(city.params[skew.NAME]),
        pulse=Pulse(city.code),
    )


def _again(batch: PositionBatch, row: int) -> bytes:
    said = batch.extra[row]
    if said is not None:
        return encode(said)

    def number(values: Any) -> float | None:
        value = float(values[row])
        return None if value != value else value  # noqa: PLR0124 - NaN

    status = int(batch.nav_status[row])
    return encode(
        Position(
            source=batch.source[row],
            kind=batch.kind[row],
            subject=batch.subject[row],
            event_time_ms=int(batch.event_time_ms[row]),
            ingest_time_ms=int(batch.ingest_time_ms[row]),
            datum=Datum.WGS84,
            lon_deg=number(batch.lon_deg),
            lat_deg=number(batch.lat_deg),
            sog_kn=number(batch.sog_kn),
            cog_deg=number(batch.cog_deg),
            heading_deg=number(batch.heading_deg),
            nav_status=None if status < 0 else status,
        )
    )
