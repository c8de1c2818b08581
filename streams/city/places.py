"""A city's places: areas with their parents, venues and sensors in them, limits at them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.city.geometry import (
    GCJ02_SHIFT_DEG,
    AreaFacts,
    Box,
    check_coverage,
    outline_of,
    outside_words,
    read_area,
)
from streams.city.limits import VENUES, read_limits
from streams.city.model import ApprovedText, SensorRecord
from streams.city.rows import CommunityRow, GridRow, VenueRow
from streams.city.text import CityText, Row
from streams.geo.areas import AreaIndex, NamedArea
from streams.local_time import UtcOffsets
from streams.matters.casework import Speaker
from streams.matters.routing import AreaChain
from streams.noise.limits import NoiseLimits, Venue
from streams.noise.posts import NoiseSensor

OUTLINE, MICRO = "outline.geojson", "areas/micro_grids.geojson"
GRIDS, COMMUNITIES = "areas/grids.csv", "areas/communities.csv"
SENSORS = ("sensors.csv", "venue_sensors.csv")


class Places(NamedTuple):
    """The areas of a city, and everything that stands in them."""

    areas: AreaIndex
    venues: Mapping[str, Venue]
    speakers: Mapping[str, Speaker]
    sensors: Mapping[str, SensorRecord]
    noise_sensors: Mapping[str, NoiseSensor]
    limits: NoiseLimits


def by_code(text: CityText, file: str, rows: Iterable[Row]) -> dict[str, Row]:
    """Return rows by their `code`; a code used twice is a finding."""
    found: dict[str, Row] = {}
    for row in rows:
        code = row.record.code
        if code in found:
            cure = f"choose another: line {found[code].line} has it already"
            text.find(file, row.line, code, f"the code {code!r} is used twice", cure)
        else:
            found[code] = row
    return found


def read_places(
    text: CityText,
    city: str,
    box: Box,
    texts: Mapping[str, ApprovedText],
    offsets: UtcOffsets,
) -> Places | None:
    """Return the places; None when the boundaries or limits are too broken to go on."""
    micro, chains = _areas(text, city, box)
    outline = outline_of(text, OUTLINE, box)
    if micro and outline is not None:
        check_coverage(text, MICRO, micro, outline)
    venue_file = text.toml(VENUES)
    text.no_others(VENUES, venue_file, ("venues",))
    venue_rows = by_code(text, VENUES, text.array(VENUES, venue_file, "venues", VenueRow))
    sensors = _sensors(text)
    _check_venues(text, venue_rows, sensors, texts)
    limits = read_limits(text, venue_rows, offsets)
    noise_sensors = _noise_sensors(text, venue_rows, sensors)
    if not micro:
        return None
    areas = AreaIndex([area for area, _ in micro], chains)
    _check_places(text, areas, box, [(VENUES, row) for row in venue_rows.values()])
    _check_places(text, areas, box, sensors.values())
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


def _sensors(text: CityText) -> dict[str, tuple[str, Row]]:
    """Return the sensors of all registers by code, each with its file."""
    found: dict[str, tuple[str, Row]] = {}
    for file in SENSORS:
        if file == SENSORS[0] or file in text.files:
            for code, row in by_code(text, file, text.csv(file, SensorRecord)).items():
                if code in found:
                    what = f"the sensor {code!r} is in {found[code][0]} too"
                    text.find(file, row.line, code, what, "keep one of the two")
                found[code] = (file, row)
    return found


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


def _noise_sensors(
    text: CityText, venues: Mapping[str, Row], sensors: Mapping[str, tuple[str, Row]]
) -> dict[str, NoiseSensor]:
    """Return where each noise sensor listens."""
    venue_of = {sensor: code for code, row in venues.items() for sensor in row.record.sensors}
    placed: dict[str, NoiseSensor] = {}
    for code, (file, row) in sensors.items():
        sensor: SensorRecord = row.record
        if not sensor.kind.startswith("noise."):
            continue
        venue = venue_of.get(code, "")
        if not venue and not sensor.area_class:
            what = f"the noise sensor {code!r} has neither venue nor class of area"
            cure = "name it in a venue's `sensors`, or fill in area_class"
            text.find(file, row.line, code, what, cure)
            continue
        placed[code] = NoiseSensor(
            venue=venue,
            area_class="" if venue else sensor.area_class,
            sample_s=sensor.sample_s,
        )
    return placed


def _check_places(
    text: CityText, areas: AreaIndex, box: Box, rows: Iterable[tuple[str, Row]]
) -> None:
    """Note what stands outside every area, and what that looks like."""
    for file, row in rows:
        lon, lat, code = row.record.lon_deg, row.record.lat_deg, row.record.code
        if areas.chain_at(lon, lat) is not None:
            continue
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
