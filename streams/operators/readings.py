"""From sensor readings to alerts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from schemas.codec import decode_readings, encode
from schemas.readings import Reading, ReadingBatch
from schemas.records import RawBatch, Reject
from schemas.units import KINDS
from streams import skew
from streams.city.model import City
from streams.event_time import Sequencer
from streams.lateness import Timing
from streams.operators.events import EventOperator
from streams.operators.lanes import Lanes
from streams.operators.placing import place_of, placed
from streams.pulse import Pulse
from streams.registry import RuleEntry
from streams.skew import Clocks

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
    datums = city.datums
    places = {code: (s.lon_deg, s.lat_deg) for code, s in city.sensors.items()}

    def decode(raw: RawBatch, unknown: Counter[str]) -> tuple[ReadingBatch, list[Reject]]:
        batch, rejects = decode_readings(raw, datums, unknown)
        return placed(batch, places), rejects

    return EventOperator(
        city.code,
        decode,
        Sequencer(city.timings, UNDECLARED, ReadingBatch),
        Lanes(rules, settings),
        again=_again,
        clocks=Clocks(city.params[skew.NAME]),
        pulse=Pulse(city.code),
        areas=city.areas,
    )


def _again(batch: ReadingBatch, row: int) -> bytes:
    kind = batch.kind[row]
    lon_deg, lat_deg, datum = place_of(batch, row)
    return encode(
        Reading(
            source=batch.source[row],
            kind=kind,
            subject=batch.subject[row],
            event_time_ms=int(batch.event_time_ms[row]),
            ingest_time_ms=int(batch.ingest_time_ms[row]),
            value=float(batch.value[row]),
            unit=KINDS[kind].unit,
            datum=datum,
            lon_deg=lon_deg,
            lat_deg=lat_deg,
        )
    )
