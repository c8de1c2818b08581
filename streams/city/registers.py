"""A city's registers of devices: sensors, cameras, and where each noise sensor listens."""

from collections.abc import Iterable, Mapping

from schemas.refused import unknown_kind
from schemas.units import KINDS
from streams.city.model import CameraRecord, SensorRecord, SourceClass, SourceDecl, StageRecord
from streams.city.rows import VenueRow
from streams.city.text import CityText, Row
from streams.noise.posts import NoiseSensor

SENSORS = ("sensors.csv", "venue_sensors.csv")
CAMERAS = "cameras.csv"
STAGES = "water_stages.csv"
_GAUGE = "water.level"


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


def read_sensors(text: CityText) -> dict[str, tuple[str, Row]]:
    """Return the sensors of all registers by code, each with its file."""
    found: dict[str, tuple[str, Row]] = {}
    for file in SENSORS:
        if file == SENSORS[0] or file in text.files:
            for code, row in by_code(text, file, text.csv(file, SensorRecord)).items():
                if code in found:
                    what = f"the sensor {code!r} is in {found[code][0]} too"
                    text.find(file, row.line, code, what, "keep one of the two")
                if row.record.kind not in KINDS:
                    refusal = unknown_kind(row.record.kind, KINDS)
                    text.find(file, row.line, code, *refusal.hint.split("; ", maxsplit=1))
                found[code] = (file, row)
    return found


def read_cameras(text: CityText) -> dict[str, tuple[str, Row]]:
    """Return the cameras by code, each with its file; a city may have none."""
    if CAMERAS not in text.files:
        return {}
    rows = by_code(text, CAMERAS, text.csv(CAMERAS, CameraRecord))
    return {code: (CAMERAS, row) for code, row in rows.items()}


def read_stages(
    text: CityText, sensors: Mapping[str, tuple[str, Row]]
) -> dict[str, tuple[float, float]]:
    """Return warning and guarantee stage of each gauge, in metres.

    A gauge without is a finding where the city has the file at all: its water
    could rise unwatched.
    """
    if STAGES not in text.files:
        return {}
    rows = by_code(text, STAGES, text.csv(STAGES, StageRecord))
    gauges = {code for code, (_, row) in sensors.items() if row.record.kind == _GAUGE}
    for code, row in rows.items():
        if code not in gauges:
            what = f"{code!r} is no sensor of kind {_GAUGE}"
            text.find(STAGES, row.line, code, what, "mend the code, or add it to sensors.csv")
    for code in sorted(gauges - rows.keys()):
        file, row = sensors[code]
        text.find(file, row.line, code, "a gauge without stages", f"add its row to {STAGES}")
    return {code: (row.record.warning_m, row.record.guarantee_m) for code, row in rows.items()}


def check_sources(
    text: CityText,
    devices: Iterable[tuple[str, Row]],
    wanted: SourceClass,
    sources: Mapping[str, SourceDecl],
) -> None:
    """Note each device whose source is not declared, or publishes something else."""
    for file, row in devices:
        code, name = row.record.code, row.record.source
        source = sources.get(name)
        if source is None:
            what = f"{code} belongs to the undeclared source {name!r}"
            cure = f"declare it in sources.toml, or name one of {', '.join(sorted(sources))}"
            text.find(file, row.line, code, what, cure)
        elif source.source_class is not wanted:
            what = f"{code} belongs to {name!r}, a source of class {source.source_class}"
            text.find(file, row.line, code, what, f"name a source of class {wanted}")


def read_noise_sensors(
    text: CityText, venues: Mapping[str, Row], sensors: Mapping[str, tuple[str, Row]]
) -> dict[str, NoiseSensor]:
    """Return where each noise sensor listens."""
    venue_of: dict[str, str] = {}
    for code, venue in venues.items():
        listed: VenueRow = venue.record
        venue_of |= dict.fromkeys(listed.sensors, code)
    placed: dict[str, NoiseSensor] = {}
    for code, (file, row) in sensors.items():
        sensor: SensorRecord = row.record
        if not sensor.kind.startswith("noise."):
            continue
        at = venue_of.get(code, "")
        if not at and not sensor.area_class:
            what = f"the noise sensor {code!r} has neither venue nor class of area"
            cure = "name it in a venue's `sensors`, or fill in area_class"
            text.find(file, row.line, code, what, cure)
            continue
        placed[code] = NoiseSensor(
            venue=at,
            area_class="" if at else sensor.area_class,
            sample_s=sensor.sample_s,
        )
    return placed
