"""Batches to columns: readings and positions, checked and converted.

Detections and complaints are in `schemas.claims`.

In columns a value is in its kind's own unit, an instant in milliseconds, a
place in WGS-84. What cannot be so is a reject that names the field and a cure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.envelope import Datum
from schemas.instants import parse_instants
from schemas.items import Items, read_items
from schemas.places import check_datums, check_places
from schemas.positions import POSITION_KINDS, Position, PositionBatch
from schemas.readings import Reading, ReadingBatch
from schemas.records import RawBatch, Reason, Reject
from schemas.refused import Refusal
from schemas.units import convert
from schemas.wire import check_schema, from_wire


def take_place(wires: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the columns that the door guard for places needs."""
    # Spelt out: a named attribute in a comprehension costs half an attrgetter.
    return {
        "source": [wire.source for wire in wires],
        "datum": [wire.datum for wire in wires],
        "lon_deg": [wire.lon_deg for wire in wires],
        "lat_deg": [wire.lat_deg for wire in wires],
    }


def take_common(wires: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the columns of the envelope and the place."""
    return take_place(wires) | {
        "kind": [wire.kind for wire in wires],
        "subject": [wire.subject for wire in wires],
        "event_time": [wire.event_time for wire in wires],
        "ingest_time": [wire.ingest_time for wire in wires],
        "schema": [wire.schema for wire in wires],
    }


def _take_reading(wires: Sequence[Any]) -> dict[str, list[Any]]:
    return take_common(wires) | {
        "value": [wire.value for wire in wires],
        "unit": [wire.unit for wire in wires],
    }


def _take_position(wires: Sequence[Any]) -> dict[str, list[Any]]:
    return take_common(wires) | {
        "sog_kn": [wire.sog_kn for wire in wires],
        "cog_deg": [wire.cog_deg for wire in wires],
        "heading_deg": [wire.heading_deg for wire in wires],
        "nav_status": [wire.nav_status for wire in wires],
    }


class Common(NamedTuple):
    """The columns that every batch has."""

    source: Sequence[str]
    kind: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]


def decode_readings(
    raw: RawBatch, datums: Mapping[str, Datum], unknown: Counter[str] | None = None
) -> tuple[ReadingBatch, list[Reject]]:
    """Return the readings of `raw` as columns, and what is refused.

    Every record yields at least one reading or reject. Packs (arrays of
    readings, SenML) are expanded; their rows share row and offset, and the
    field of a reject names the item: `[3].value`.

    Args:
        raw: The records.
        datums: Datum declared for each source whose readings carry a place.
        unknown: Counts fields that the contract does not know, by name.
    """
    items = read_items(raw, Reading, _take_reading, unknown)
    common, refusals = decode_common(raw, items, datums)
    values = np.fromiter(items.column("value"), np.float64, len(items))
    values, refused = convert(common.kind, items.column("unit"), values)
    refusals = refused | refusals
    batch = ReadingBatch(
        source=common.source,
        kind=common.kind,
        subject=common.subject,
        event_time_ms=common.event_time_ms,
        ingest_time_ms=common.ingest_time_ms,
        value=values,
        lon_deg=common.lon_deg,
        lat_deg=common.lat_deg,
        offset=raw.offsets[items.row],
        row=items.row,
    )
    return ReadingBatch(*keep(batch, refusals)), items.rejects(refusals)


_WITH_EXTRA = frozenset({"vessel.static", "vessel.safety-text"})
# What AIS sends when it does not know (ITU-R M.1371), and the range of what it knows.
_ABSENT = {
    "lon_deg": 181.0,
    "lat_deg": 91.0,
    "sog_kn": 102.3,
    "cog_deg": 360.0,
    "heading_deg": 511.0,
}
_MOTION = {"sog_kn": 102.2, "cog_deg": 360.0, "heading_deg": 359.0}


def decode_positions(
    raw: RawBatch, datums: Mapping[str, Datum], unknown: Counter[str] | None = None
) -> tuple[PositionBatch, list[Reject]]:
    """Return the positions of `raw` as columns, and what is refused.

    As `decode_readings`. Values by which AIS says "not available" count as
    absent.
    """
    items = read_items(raw, Position, _take_position, unknown, keep=True)
    common, refusals = decode_common(raw, items, datums)
    motion = {name: float_column(items, name) for name in _MOTION}
    for name, most in _MOTION.items():
        refusals = _check_range(name, motion[name], most) | refusals
    if not POSITION_KINDS.issuperset(common.kind):
        refusals = _check_kinds(common.kind) | refusals
    batch = PositionBatch(
        source=common.source,
        kind=common.kind,
        subject=common.subject,
        event_time_ms=common.event_time_ms,
        ingest_time_ms=common.ingest_time_ms,
        lon_deg=common.lon_deg,
        lat_deg=common.lat_deg,
        sog_kn=motion["sog_kn"],
        cog_deg=motion["cog_deg"],
        heading_deg=motion["heading_deg"],
        nav_status=_nav_status(items),
        offset=raw.offsets[items.row],
        row=items.row,
        extra=_extras(items, common.kind, refusals),
    )
    return PositionBatch(*keep(batch, refusals)), items.rejects(refusals)


def decode_common(
    raw: RawBatch, items: Items, datums: Mapping[str, Datum]
) -> tuple[Common, dict[int, Refusal]]:
    """Return the envelope's columns and places, and refusals by item.

    Of several faults the first is told: contract version, times, place.
    """
    event_time_ms, bad_times = parse_instants(items.column("event_time"))
    refusals = {i: bad._replace(field="event_time") for i, bad in bad_times.items()}
    versions = items.optional("schema")
    if versions is not None:
        checked = ((i, check_schema(version)) for i, version in enumerate(versions))
        refusals |= {i: refusal for i, refusal in checked if refusal is not None}
    ingest_time_ms, bad_ingest = _ingest_times(raw, items)
    lon_deg, lat_deg = float_column(items, "lon_deg"), float_column(items, "lat_deg")
    bad_places = check_place_columns(items, lon_deg, lat_deg, datums)
    common = Common(
        source=items.column("source"),
        kind=items.column("kind"),
        subject=items.column("subject"),
        event_time_ms=event_time_ms,
        ingest_time_ms=ingest_time_ms,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
    )
    return common, bad_places | bad_ingest | refusals


def _ingest_times(raw: RawBatch, items: Items) -> tuple[NDArray[np.int64], dict[int, Refusal]]:
    """Return when intake took each item: as it says, else the broker's time."""
    instants_ms = raw.ingest_time_ms[items.row]
    said = items.optional("ingest_time")
    if said is None:
        return instants_ms, {}
    index = [i for i, text in enumerate(said) if text is not None]
    parsed_ms, bad = parse_instants([said[i] for i in index])
    instants_ms[index] = parsed_ms
    return instants_ms, {index[i]: b._replace(field="ingest_time") for i, b in bad.items()}


def float_column(items: Items, name: str) -> NDArray[np.float64]:
    """Return an optional column of numbers, NaN where nothing is said."""
    column = items.optional(name)
    if column is None:
        return np.full(len(items), np.nan)
    values = np.array(column, np.float64)
    if items.kind.cls is Position:
        values[values == _ABSENT[name]] = np.nan
    return values


def check_place_columns(
    items: Items,
    lon_deg: NDArray[np.float64],
    lat_deg: NDArray[np.float64],
    datums: Mapping[str, Datum],
) -> dict[int, Refusal]:
    """Return, by item, why a place is not taken."""
    placed = ~(np.isnan(lon_deg) & np.isnan(lat_deg))
    bad = check_datums(items.column("source"), items.optional("datum"), placed, datums)
    return check_places(lon_deg, lat_deg) | bad


def _check_range(name: str, values: NDArray[np.float64], most: float) -> dict[int, Refusal]:
    bad = np.flatnonzero((values < 0) | (values > most)).tolist()
    return {
        i: Refusal(Reason.OUT_OF_RANGE, name, f"{values[i]:g} is not within 0 to {most:g}")
        for i in bad
    }


def _check_kinds(kinds: Sequence[str]) -> dict[int, Refusal]:
    hint = f"a position is one of {', '.join(sorted(POSITION_KINDS))}"
    refusal = Refusal(Reason.UNKNOWN_KIND, "kind", hint)
    return {i: refusal for i, kind in enumerate(kinds) if kind not in POSITION_KINDS}


def _nav_status(items: Items) -> NDArray[np.int64]:
    column = items.optional("nav_status")
    if column is None:
        return np.full(len(items), -1, np.int64)
    return np.array([-1 if status is None else status for status in column], np.int64)


def _extras(
    items: Items, kinds: Sequence[str], refusals: Mapping[int, Refusal]
) -> list[Position | None]:
    extras: list[Position | None] = [None] * len(kinds)
    if _WITH_EXTRA.isdisjoint(kinds):
        return extras
    for i, kind in enumerate(kinds):
        if kind in _WITH_EXTRA and i not in refusals:
            extras[i] = from_wire(Position, items.wires[i])
    return extras


def keep(batch: tuple[Any, ...], refusals: Mapping[int, Refusal]) -> list[Any]:
    """Return the columns without the refused entries, arrays read-only."""
    if refusals:
        kept = np.ones(len(batch[0]), np.bool_)
        kept[list(refusals)] = False
        columns = [
            column[kept]
            if isinstance(column, np.ndarray)
            else list(compress(column, kept.tolist()))
            for column in batch
        ]
    else:
        columns = list(batch)
    for column in columns:
        if isinstance(column, np.ndarray):
            column.setflags(write=False)
    return columns
