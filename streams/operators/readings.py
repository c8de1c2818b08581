"""From sensor readings to alerts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.codec import decode_readings, encode
from schemas.envelope import Datum
from schemas.readings import Reading, ReadingBatch
from schemas.records import RawBatch, Reject
from schemas.units import KINDS
from streams import skew
from streams.city.model import City
from streams.event_time import Sequencer
from streams.lateness import Timing
from streams.operators.events import EventOperator
from streams.operators.lanes import Lanes
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
        return _placed(batch, places), rejects

    return EventOperator(
        city.code,
        decode,
        Sequencer(city.timings, UNDECLARED, ReadingBatch),
        Lanes(rules, settings),
        again=_again,
        clocks=Clocks(city.params[skew.NAME]),
        areas=city.areas,
    )


def _placed(batch: ReadingBatch, places: Mapping[str, tuple[float, float]]) -> ReadingBatch:
    """Give readings that say no place that of their sensor in the register."""
    unplaced = np.flatnonzero(np.isnan(batch.lon_deg))
    if not len(unplaced):
        return batch
    nowhere = (np.nan, np.nan)
    found = np.array(
        [places.get(batch.subject[row], nowhere) for row in unplaced.tolist()], np.float64
    )
    lon_deg, lat_deg = batch.lon_deg.copy(), batch.lat_deg.copy()
    lon_deg[unplaced], lat_deg[unplaced] = found[:, 0], found[:, 1]
    return batch._replace(lon_deg=lon_deg, lat_deg=lat_deg)


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
