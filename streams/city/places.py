"""A city's places: areas with their parents, venues and sensors in them, limits at them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.city.box import Box
from streams.city.geometry import (
    GCJ02_SHIFT_DEG,
    AreaFacts,
    check_coverage,
    outline_of,
    outside_words,
    read_area,
)
from streams.city.limits import VENUES, read_limits
from streams.city.model import ApprovedText, CameraRecord, SensorRecord, SourceClass, SourceDecl
from streams.city.registers import (
    by_code,
    check_sources,
    read_cameras,
    read_noise_sensors,
    read_sensors,
    read_stages,
)
from streams.city.rows import CommunityRow, GridRow, HeadRow, VenueRow
from streams.city.text import CityText, Row
from streams.geo.areas import OUTSIDE, AreaIndex, NamedArea
from streams.local_time import UtcOffsets
from streams.matters.casework import Speaker
from streams.matters.routing import AreaChain
from streams.noise.limits import NoiseLimits, Venue
from streams.noise.posts import NoiseSensor

OUTLINE, MICRO = "outline.geojson", "areas/micro_grids.geojson"
GRIDS, COMMUNITIES = "areas/grids.csv", "areas/communities.csv"


class Places(NamedTuple):
    """The areas of a city, and everything that stands in them."""

    areas: AreaIndex
    venues: Mapping[str, Venue]
    speakers: Mapping[str, Speaker]
    sensors: Mapping[str, SensorRecord]
    cameras: Mapping[str, CameraRecord]
    stages: Mapping[str, tuple[float, float]]
    noise_sensors: Mapping[str, NoiseSensor]
    limits: NoiseLimits


def read_places(
    text: CityText,
    head: HeadRow,
    texts: Mapping[str, ApprovedText],
    sources: Mapping[str, SourceDecl],
    offsets: UtcOffsets,
) -> Places | None:
    """Return the places; None when the boundaries or limits are too broken to go on."""
    box = head.box
    micro, chains = _areas(text, head.code, box)
    outline = outline_of(text, OUTLINE, box)
    if micro and outline is not None:
        check_coverage(text, MICRO, micro, outline)
    venue_file = text.toml(VENUES)
    text.no_others(VENUES, venue_file, ("venues",))
    venue_rows = by_code(text, VENUES, text.array(VENUES, venue_file, "venues", VenueRow))
    sensors, cameras = read_sensors(text), read_cameras(text)
    check_sources(text, sensors.values(), SourceClass.SENSOR, sources)
    check_sources(text, cameras.values(), SourceClass.CAMERA, sources)
    stages = read_stages(text, sensors)
    _check_venues(text, venue_rows, sensors, texts)
    limits = read_limits(text, venue_rows, offsets)
    noise_sensors = read_noise_sensors(text, venue_rows, sensors)
    if not micro:
        return None
    areas = AreaIndex([area for area, _ in micro], chains)
    _check_places(text, areas, box, [(VENUES, row) for row in venue_rows.values()])
    _check_places(text, areas, box, [*sensors.values(), *cameras.values()])
    if limits is None:
        return None
    venues = {code: _venue(row.record, areas) for code, row in venue_rows.items()}
    at_venues = {
        code: found
        for code, venue in venues.items()
        if (found := areas.chain_at(venue.lon_deg, venue.lat_deg)) is not None
    }
    return Places(
        areas=areas.with_names(at_venues),
        venues=venues,
        speakers={
            code: Speaker(row.record.loudspeaker, code, row.record.text, texts[row.record.text].zh)
            for code, row in venue_rows.items()
            if row.record.loudspeaker and row.record.text in texts
        },
        sensors={code: row.record for code, (_, row) in sensors.items()},
        cameras={code: row.record for code, (_, row) in cameras.items()},
        stages=stages,
        noise_sensors=noise_sensors,
        limits=limits,
    )


def _areas(
    text: CityText, city: str, box: Box
) -> tuple[list[tuple[NamedArea, int]], dict[str, AreaChain]]:
    """Return the micro-grids with their lines, and the chain of every area."""
    communities = by_code(text, COMMUNITIES, text.csv(COMMUNITIES, CommunityRow))
    grids = by_code(text, GRIDS, text.csv(GRIDS, GridRow))
    chains = {city: AreaChain("", "", "", city)}
    for code in communities:
        chains[code] = AreaChain("", "", code, city)
    for code, row in grids.items():
        parent = row.record.community
        if parent not in communities:
            what = f"the grid {code!r} belongs to the unknown community {parent!r}"
            text.find(GRIDS, row.line, code, what, f"name a community of {COMMUNITIES}")
        chains[code] = AreaChain("", code, parent, city)
    micro: list[tuple[NamedArea, int]] = []
    for feature in text.geojson(MICRO):
        area = read_area(text, MICRO, feature, box)
        facts = text.feature_facts(MICRO, feature, AreaFacts)
        if facts is None:
            continue
        for parent, known, file in (
            (facts.grid, grids, GRIDS),
            (facts.community, communities, COMMUNITIES),
        ):
            if parent and parent not in known:
                what = f"it belongs to {parent!r}, which is not in {file}"
                text.find(MICRO, feature.line, feature.id, what, "mend the one or the other")
        # A level that is missing leaves its place empty: routing goes on to the next one up.
        above = chains.get(facts.grid, AreaChain("", "", facts.community, city))
        chains[feature.id] = above._replace(micro_grid=feature.id)
        if area is not None:
            micro.append((NamedArea(feature.id, area), feature.line))
    return micro, chains


def _check_venues(
    text: CityText,
    venues: Mapping[str, Row],
    sensors: Mapping[str, tuple[str, Row]],
    texts: Mapping[str, ApprovedText],
) -> None:
    heard: dict[str, str] = {}
    for at, (code, row) in enumerate(venues.items()):
        venue: VenueRow = row.record
        path = ("venues", at)
        for sensor in venue.sensors:
            if sensor not in sensors:
                what = f"{code} names the unknown sensor {sensor!r}"
                text.at(VENUES, (*path, "sensors"), what, "add it to sensors.csv, or mend the name")
            if sensor in heard:
                what = f"the sensor {sensor!r} listens at {heard[sensor]!r} too"
                text.at(VENUES, (*path, "sensors"), what, "leave it to one venue")
            heard[sensor] = code
        if bool(venue.loudspeaker) != bool(venue.text):
            what = f"{code} has a loudspeaker or a text without the other"
            text.at(VENUES, path, what, "name both, or neither")
        if venue.text and venue.text not in texts:
            what = f"{code} names the unknown text {venue.text!r}"
            text.at(VENUES, (*path, "text"), what, "name a text of texts.toml")


def _check_places(
    text: CityText, areas: AreaIndex, box: Box, rows: Sequence[tuple[str, Row]]
) -> None:
    """Note what stands outside every area, and what that looks like."""
    lon_deg = np.array([row.record.lon_deg for _, row in rows], np.float64)
    lat_deg = np.array([row.record.lat_deg for _, row in rows], np.float64)
    for at in np.flatnonzero(areas.locate(lon_deg, lat_deg) == OUTSIDE).tolist():
        file, row = rows[at]
        lon, lat, code = row.record.lon_deg, row.record.lat_deg, row.record.code
        what, cure = outside_words(lon, lat, box)
        if box.holds(lon, lat):
            what, cure = f"[{lon}, {lat}] lies in no micro-grid", "mend the place"
            east, north = GCJ02_SHIFT_DEG
            if areas.chain_at(lon - east, lat - north) is not None:
                cure = "it would as GCJ-02: if so, convert it to WGS-84"
        text.find(file, row.line, code, what, cure)


def _venue(row: VenueRow, areas: AreaIndex) -> Venue:
    chain = areas.chain_at(row.lon_deg, row.lat_deg)
    return Venue(
        code=row.code,
        name=row.name,
        area_class=row.area_class,
        use=row.use,
        lon_deg=row.lon_deg,
        lat_deg=row.lat_deg,
        area=chain.micro_grid if chain else "",
    )
