"""A city's polygons: read from GeoJSON, refused with the place named when they are broken."""

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.validation import explain_validity

from streams.city.box import Box
from streams.city.text import CityText, Feature
from streams.city.time import instant_ms
from streams.geo.areas import NamedArea
from streams.geo.coverage import coverage_flaws
from streams.geo.fences import Area, Fence, FencePurpose

_MIN_CORNERS = 4
# GCJ-02 minus WGS-84 at Longgang, computed.
GCJ02_SHIFT_DEG = (0.00395, -0.00333)


class WindowRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time in which a fence is in force, half-open; without an offset it is local."""

    from_: datetime = msgspec.field(name="from")
    until: datetime


class FenceFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The properties of a fence's feature."""

    name: str
    purpose: FencePurpose
    buffer_m: float | None = None
    enter_fixes: int = 2
    enter_s: float = 60.0
    exit_s: float = 60.0
    dwell_s: float | None = None
    speed_limit_kn: float | None = None
    windows: tuple[WindowRow, ...] | None = None

    def __post_init__(self) -> None:
        if self.enter_fixes < 1 or min(self.enter_s, self.exit_s) < 0:
            raise ValueError("enter_fixes is at least 1, enter_s and exit_s are not below zero")
        if self.purpose is FencePurpose.SPEED_LIMIT and self.speed_limit_kn is None:
            raise ValueError("a speed-limit fence needs speed_limit_kn")
        if self.purpose is FencePurpose.DWELL_WATCH and self.dwell_s is None:
            raise ValueError("a dwell-watch fence needs dwell_s")


class AreaFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The properties of a micro-grid: its grid, or, without one, its community."""

    grid: str = ""
    community: str = ""


def read_area(text: CityText, file: str, feature: Feature, box: Box) -> Area | None:
    """Return the polygon of a feature; None, with findings, when it is broken."""

    def find(what: str, cure: str) -> None:
        text.find(file, feature.line, feature.id, what, cure)

    geometry = feature.geometry if isinstance(feature.geometry, dict) else {}
    polygons = geometry.get("coordinates")
    if geometry.get("type") == "Polygon":
        polygons = [polygons]
    elif geometry.get("type") != "MultiPolygon":
        find(f"no area but {geometry.get('type')!r}", "draw a Polygon or a MultiPolygon")
        return None
    try:
        rings = [
            [[(float(lon), float(lat)) for lon, lat, *_ in ring] for ring in polygon]
            for polygon in polygons or ()
        ]
    except (TypeError, ValueError):
        find("coordinates that are no lists of [longitude, latitude]", "write them as numbers")
        return None
    faults = list(_ring_faults(rings, box))
    for what, cure in faults:
        find(what, cure)
    if faults:
        return None
    parts = [Polygon(outer, inner) for outer, *inner in rings]
    area: Area = parts[0] if len(parts) == 1 else MultiPolygon(parts)
    if not area.is_valid:
        what = explain_validity(area).replace("[", " at [")
        find(f"not a valid area: {what}", "let no ring touch or cross itself or another")
        return None
    return area


def _ring_faults(
    rings: list[list[list[tuple[float, float]]]], box: Box
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with rings before they can be made a polygon."""
    if not rings or not all(rings):
        yield "an area without a ring", "give it a closed ring of coordinates"
        return
    for ring in (ring for polygon in rings for ring in polygon):
        if len(ring) < _MIN_CORNERS:
            yield f"a ring of {len(ring)} points", "give a ring at least three corners"
        elif ring[0] != ring[-1]:
            yield f"a ring that is not closed at {list(ring[0])}", "end it with its first point"
        for lon, lat in ring:
            if not (math.isfinite(lon) and math.isfinite(lat) and box.holds(lon, lat)):
                yield outside_words(lon, lat, box)
                break


def outside_words(lon_deg: float, lat_deg: float, box: Box) -> tuple[str, str]:
    """Return what is wrong with a point outside the box, and the cure."""
    if box.holds(lat_deg, lon_deg):
        return (
            f"[{lon_deg}, {lat_deg}] looks like latitude before longitude",
            "write longitude first",
        )
    return f"[{lon_deg}, {lat_deg}] lies outside city and sea", "mend it, or widen city.toml's box"


def read_fences(text: CityText, box: Box, zone: ZoneInfo) -> list[Fence]:
    """Return the fences of all `fences/*.geojson`; their windows are in `zone`."""
    fences: list[Fence] = []
    owner: dict[str, str] = {}
    for file in sorted(text.files):
        if not (file.startswith("fences/") and file.endswith(".geojson")):
            continue
        for feature in text.geojson(file):
            area = read_area(text, file, feature, box)
            facts = text.feature_facts(file, feature, FenceFacts)
            if feature.id in owner:
                what = f"the id {feature.id!r} is in {owner[feature.id]} too"
                text.find(file, feature.line, feature.id, what, "choose another")
            elif area is not None and facts is not None:
                owner[feature.id] = file
                values: dict[str, Any] = msgspec.structs.asdict(facts)
                del values["windows"]
                windows_ms = _windows(text, file, feature, facts, zone)
                fences.append(Fence(id=feature.id, geometry=area, windows_ms=windows_ms, **values))
    return fences


def _windows(
    text: CityText, file: str, feature: Feature, facts: FenceFacts, zone: ZoneInfo
) -> tuple[tuple[int, int], ...] | None:
    """Return a fence's windows as instants; None is always."""
    if facts.windows is None:
        return None
    spans = [(instant_ms(one.from_, zone), instant_ms(one.until, zone)) for one in facts.windows]
    edges = [edge for span in spans for edge in span]
    if any(later <= earlier for earlier, later in pairwise(edges)):
        path = f"{feature.id}.properties.windows"
        what = "windows that end before they begin, or follow out of order"
        text.find(file, feature.line, path, what, "put them in order, apart from each other")
    return tuple(spans)


def check_coverage(
    text: CityText, file: str, micro_grids: list[tuple[NamedArea, int]], outline: Area
) -> None:
    """Note every overlap, hole and overhang of more than a square metre."""
    line_of = {area.code: line for area, line in micro_grids}
    for flaw in coverage_flaws([area for area, _ in micro_grids], outline):
        place = f"[{flaw.lon_deg:.7f}, {flaw.lat_deg:.7f}]"
        codes = " and ".join(flaw.codes)
        what = f"{flaw.what} of {flaw.area_m2:.1f} m2 at {place}"
        cure = "give neighbouring areas the same corners"
        text.find(file, line_of.get(flaw.codes[0], 1) if flaw.codes else 1, codes, what, cure)


def outline_of(text: CityText, file: str, box: Box) -> Area | None:
    """Return the city's outline, the one feature of its file."""
    features = text.geojson(file)
    areas = [read_area(text, file, feature, box) for feature in features]
    if not features and file in text.files:
        text.find(file, 1, "", "no outline", "draw the city as one feature")
    known = [area for area in areas if area is not None]
    if not known or len(known) != len(areas):
        return None
    whole = known[0] if len(known) == 1 else shapely.union_all(known)
    return whole if isinstance(whole, Polygon | MultiPolygon) else None
