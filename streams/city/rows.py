"""The records of a city's files, as their owners write them."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.envelope import Datum
from streams.city.box import Box
from streams.city.model import Gear, SourceClass
from streams.doors.filters import NO_FILTERS, Filters
from streams.matters.routing import Hours
from streams.noise.limits import DayType

Seconds = Annotated[float, Meta(ge=0)]


class HeadRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """city.toml."""

    code: str
    name_zh: str
    name_en: str
    timezone: str
    box: Box


class CommunityRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of areas/communities.csv; `office` is the governance unit."""

    code: str
    name: str
    office: str = ""


class GridRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of areas/grids.csv; `kind` is full or dedicated."""

    code: str
    name: str
    community: str
    kind: str = "full"


class ConventionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A limit of a venue's own published convention."""

    hours: Hours
    limit_db: float
    source: str
    day_type: DayType | None = None


class VenueRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A venue of venues.toml."""

    code: str
    name: str
    area_class: str
    lon_deg: float
    lat_deg: float
    use: str = "square"
    sensors: tuple[str, ...] = ()
    loudspeaker: str = ""
    text: str = ""
    convention: tuple[ConventionRow, ...] = ()


class LimitFileRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A limit of limits.toml; without hours for the whole day."""

    area_class: str
    limit_db: float
    source: str
    hours: Hours = "00:00-24:00"
    day_type: DayType | None = None


class CalendarRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day of limits.toml that is no plain workday or weekend."""

    date: dt.date
    day_type: DayType
    note: str = ""


class SourceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source of sources.toml."""

    source_class: SourceClass = msgspec.field(name="class")
    datum: Datum
    out_of_orderness_s: Seconds
    allowed_lateness_s: Seconds
    idle_s: Seconds = 30
    future_s: Seconds = 60
    filters: Filters = NO_FILTERS


class SeasonRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A season of a closure, local time; a source or the word that it is assumed."""

    from_: dt.datetime = msgspec.field(name="from")
    until: dt.datetime
    source: str = ""
    assumed: bool = False

    def __post_init__(self) -> None:
        if bool(self.source) == self.assumed:
            raise ValueError("a season has either a source or assumed = true")


class ClosureRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A closure of moratorium.toml."""

    code: str
    name: str
    band: Box
    gears: tuple[Gear, ...]
    seasons: tuple[SeasonRow, ...]
    unless_permit: str = ""
