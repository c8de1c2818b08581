"""A city as the rules see it: boundaries, fences, venues, limits, registers, tables.

Only types: `streams.city.files` makes a `City` of files.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from schemas.envelope import Datum
from streams.city.box import Box
from streams.city.platforms import Platform
from streams.doors.filters import NO_FILTERS, Filters
from streams.geo.areas import AreaIndex
from streams.geo.fences import FenceIndex
from streams.lateness import Timing
from streams.local_time import UtcOffsets
from streams.matters.casework import Speaker
from streams.matters.enforcement import Competences
from streams.matters.routing import Roster, Routing
from streams.noise.limits import NoiseLimits, Venue
from streams.noise.posts import NoiseSensor
from streams.vessels.register import VesselRecord


class Gear(StrEnum):
    """Fishing gear, as the moratorium notices part it; NET_MARKER is a beacon on a net."""

    TRAWL = "trawl"
    PURSE_SEINE = "purse-seine"
    LIGHT_PURSE_SEINE = "light-purse-seine"
    GILLNET = "gillnet"
    STOW_NET = "stow-net"
    SMALL_STOW_NET = "small-stow-net"
    SHRIMP_BEAM_TRAWL = "shrimp-beam-trawl"
    POTS = "pots"
    HOOK_AND_LINE = "hook-and-line"
    SUPPORT = "support"
    NET_MARKER = "net-marker"
    OTHER = "other"


class SensorRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sensor of the register; `kind` is what it measures, a kind of `schemas.units`."""

    code: str
    kind: str
    lon_deg: float
    lat_deg: float
    source: str
    area_class: str = ""
    sample_s: int | None = None


class View(StrEnum):
    """What a camera looks at."""

    STREET = "street"
    MARKET = "market"
    SQUARE = "square"
    ESTATE = "estate"
    RIVERSIDE = "riverside"
    HARBOUR = "harbour"


class CameraRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera of the register, where it stands (WGS-84); never what it recorded."""

    code: str
    name: str
    lon_deg: float
    lat_deg: float
    view: View
    source: str


class HeightDatum(StrEnum):
    """From where heights are counted."""

    CN1985 = "cn-1985"
    YELLOW_SEA_1956 = "yellow-sea-1956"
    WUSONG = "wusong"
    STATION = "station"


class StageRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stages of a gauge, as the flood authority fixed them.

    Attributes:
        code: The sensor.
        warning_m: Patrols of the dykes begin (警戒水位).
        guarantee_m: The highest that the dykes are safe for (保证水位).
        datum: From where both, and its readings, are counted.
        source: Where they are published, or that they are synthetic.
    """

    code: str
    warning_m: float
    guarantee_m: float
    datum: HeightDatum
    source: str

    def __post_init__(self) -> None:
        if self.warning_m >= self.guarantee_m:
            raise ValueError("the warning stage lies below the guarantee stage")


class SourceClass(StrEnum):
    """What a source publishes."""

    SENSOR = "sensor"
    CAMERA = "camera"
    VESSEL = "vessel"
    COMPLAINT = "complaint"


class SourceDecl(msgspec.Struct, frozen=True, kw_only=True):
    """What a source declared: its datum, what it promises about times, what it leaves out."""

    name: str
    source_class: SourceClass
    datum: Datum
    timing: Timing
    filters: Filters = NO_FILTERS


class ApprovedText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that a loudspeaker may say."""

    zh: str
    en: str


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """A season in which some gears may not fish in a band of latitude.

    Attributes:
        code, name: Which it is.
        fence: Id of the fence of purpose `moratorium` that has its band and seasons.
        gears: Those that it closes.
        unless_permit: Holders of this permit are free of it; "" frees nobody.
        seasons_ms: Half-open instants [start, end), ascending.
        assumed_ms: Starts of the seasons whose dates are assumed, not read.
    """

    code: str
    name: str
    fence: str
    gears: frozenset[str]
    unless_permit: str = ""
    seasons_ms: tuple[tuple[int, int], ...] = ()
    assumed_ms: frozenset[int] = frozenset()

    def closes(self, gear: str, permits: Collection[str]) -> bool:
        """Return whether it concerns a vessel of this gear with these permits."""
        return gear in self.gears and self.unless_permit not in permits


@dataclass(frozen=True, kw_only=True, slots=True)
class City:
    """All that a city's files say.

    Attributes:
        code, name_zh, name_en: Which city.
        version: Twelve hex digits over all files.
        box: Of city and sea; every place of the city lies within it.
        areas, fences: Boundaries at land, fences at sea and land.
        venues: By code; `speakers` their loudspeakers, by venue.
        limits: Compiled noise limits; `noise_sensors` where each one listens.
        sensors, cameras: By code; `stages` of gauges, warning and guarantee, in metres.
        platforms: What camera platforms call our cameras and findings, by name.
        vessels: The register by subject (`vessels.register`).
        closures: Moratorium seasons, by the id of their fence.
        sources: By name.
        routing, roster: Who answers; `enforcement` who is competent, by kind.
        rules: Raw parameter tables by rule; `params` those with a type, converted.
        texts: What loudspeakers may say, by id.
        utc_offsets: The time zone as a table.
    """

    code: str
    name_zh: str
    name_en: str
    version: str
    box: Box
    areas: AreaIndex
    fences: FenceIndex
    venues: Mapping[str, Venue]
    speakers: Mapping[str, Speaker]
    limits: NoiseLimits
    noise_sensors: Mapping[str, NoiseSensor]
    sensors: Mapping[str, SensorRecord]
    cameras: Mapping[str, CameraRecord]
    stages: Mapping[str, tuple[float, float]]
    platforms: Mapping[str, Platform]
    vessels: Mapping[str, VesselRecord]
    closures: Mapping[str, Closure]
    sources: Mapping[str, SourceDecl]
    routing: Routing
    roster: Roster
    rules: Mapping[str, Mapping[str, Any]]
    params: Mapping[str, Any]
    texts: Mapping[str, ApprovedText]
    utc_offsets: UtcOffsets
    enforcement: Competences = field(default_factory=Competences)

    @property
    def datums(self) -> Mapping[str, Datum]:
        """The declared datum of each source, as the codec takes it."""
        return {name: source.datum for name, source in self.sources.items()}

    @property
    def timings(self) -> Mapping[str, Timing]:
        """The timing of each source, as the sequencer takes it."""
        return {name: source.timing for name, source in self.sources.items()}
