"""From sensor readings to alerts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from schemas.codec import decode_readings, encode
from schemas.envelope import Datum
from schemas.readings import Reading, ReadingBatch
from schemas.records import RawBatch
from schemas.units import KINDS
from streams.city import City
from streams.event_time import Sequencer
from streams.lateness import Timing
from streams.operators.events import Decoded, EventOperator
from streams.operators.lanes import Lanes
from streams.registry import RuleEntry

UNDECLARED = Timing(out_of_orderness_ms=0, allowed_lateness_ms=60_000)
"""Of a source that the city's files do not name: taken in the order of arrival."""


def readings_operator(
    city: City, rules: Mapping[str, RuleEntry], settings: Mapping[str, Any]
) -> EventOperator:
    """Return the operator of one partition of `sensor.readings`.

    Args:
        city: Its sources, boundaries and code.
        rules: The rules to run, by name.
        settings: What each is told (`registry.settings`).
    """

    def decode(raw: RawBatch) -> Decoded:
        unknown: Counter[str] = Counter()
        batch, rejects = decode_readings(raw, city.datums, unknown)
        return Decoded(batch, rejects, unknown)

    return EventOperator(
        city.code,
        decode,
        Sequencer(city.timings, UNDECLARED, ReadingBatch),
        Lanes(rules, settings),
        again=_again,
        areas=city.areas,
    )


def _again(batch: ReadingBatch, row: int) -> bytes:
    kind = batch.kind[row]
    lon_deg, lat_deg = float(batch.lon_deg[row]), float(batch.lat_deg[row])
    placed = lon_deg == lon_deg  # noqa: PLR0124 - NaN is the only number unlike itself
    return encode(
        Reading(
            source=batch.source[row],
            kind=kind,
            subject=batch.subject[row],
            event_time_ms=int(batch.event_time_ms[row]),
            ingest_time_ms=int(batch.ingest_time_ms[row]),
            value=float(batch.value[row]),
            unit=KINDS[kind].unit,
            datum=Datum.WGS84 if placed else None,
            lon_deg=lon_deg if placed else None,
            lat_deg=lat_deg if placed else None,
        )
    )
