"""Which noise limit holds at a place and an instant, and why.

The limits are rows of a table: for an area class or for one venue (its own
published convention), for all day types or one, for the whole day or a span
of minutes. Compiled once, every minute of every place and day type points at
the one row that holds, so a look-up is one indexing.

Which row holds: the most specific, counted in named things (a class is one, a
venue two since it implies its class, a day type one, a span of the day one);
among equals the strictest. So a venue's convention without hours does not
soften the night limit of its class, and one with hours does what it says.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.local_time import MINUTES_A_DAY, UtcOffsets, local_time, minute_text

# Noise Pollution Law of 2021, Art. 88(2): night is 22:00 to 06:00 unless the
# city sets other hours of the same length.
NIGHT = (22 * 60, 6 * 60)
_FIRST_WEEKEND_DAY = 5


class DayType(StrEnum):
    """What kind of day a civil day is; each day is exactly one of them."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    EXAM_DAY = "exam-day"


DAY_TYPES = tuple(DayType)
_DAY_TYPE_WORDS = {
    DayType.WORKDAY: "工作日",
    DayType.WEEKEND: "周末",
    DayType.HOLIDAY: "节假日",
    DayType.EXAM_DAY: "考试日",
}


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """A place where people gather and sound is measured.

    Attributes:
        code: Its name to machines; `name` to people.
        area_class: GB 3096-2008 class of the area: "0", "1", "2", "3", "4a", "4b".
        use: What it is: "square", "park", "market", "hospital", ...
        lon_deg: Longitude, WGS-84.
        lat_deg: Latitude, WGS-84.
        area: Code of its micro-grid, "" when not known.
    """

    code: str
    name: str
    area_class: str
    lon_deg: float
    lat_deg: float
    use: str = "square"
    area: str = ""


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of limits.

    Attributes:
        limit_db: Highest allowed Leq, dB(A); equal to it still complies.
        area_class: The class it is for, or "" .
        venue: The venue it is for, or ""; class and venue exclude each other.
        day_type: The day type it is for; None for all.
        from_minute: First minute of the day in which it holds.
        until_minute: First minute in which it no longer holds; at or below
            `from_minute` the span crosses midnight. 0 to 1440 is the whole day.
        source: The standard and clause, or the publication, that it comes from.
    """

    limit_db: float
    area_class: str = ""
    venue: str = ""
    day_type: DayType | None = None
    from_minute: int = 0
    until_minute: int = MINUTES_A_DAY
    source: str = ""

    @property
    def spans_all_day(self) -> bool:
        """Whether the row names no span of the day."""
        return self.from_minute == 0 and self.until_minute == MINUTES_A_DAY

    @property
    def specificity(self) -> int:
        """How many things the row names; a venue counts as two."""
        place = 2 if self.venue else 1 if self.area_class else 0
        return place + (self.day_type is not None) + (not self.spans_all_day)

    def minutes(self) -> NDArray[np.bool_]:
        """Return which minutes of the day the row covers, of shape (1440,)."""
        minute = np.arange(MINUTES_A_DAY)
        after, before = minute >= self.from_minute, minute < self.until_minute
        within: NDArray[np.bool_] = (
            after & before if self.from_minute < self.until_minute else after | before
        )
        return within


class NoiseLimits(NamedTuple):
    """The compiled table. Build it with `compile_limits`.

    Attributes:
        rows: The rows, as given.
        places: Venue code, or area class as "class:2", to index in `holds`.
        holds: Index of the row that holds, by (place, day type, minute of day).
        limit_db: Limit of each row, dB(A).
        special_days: Civil day numbers with a day type of their own, sorted.
        special_types: Index in `DAY_TYPES` of each of them.
        night: First minute of the night, first minute after it.
        offsets: The city's zone.
    """

    rows: tuple[LimitRow, ...]
    places: Mapping[str, int]
    holds: NDArray[np.int16]
    limit_db: NDArray[np.float64]
    special_days: NDArray[np.int64]
    special_types: NDArray[np.int64]
    night: tuple[int, int]
    offsets: UtcOffsets

    def place(self, venue: str = "", area_class: str = "") -> int | None:
        """Return the index of a venue, or of a class, None when there is none."""
        return self.places.get(venue or f"class:{area_class}")

    def holding(self, place: NDArray[np.intp], at_ms: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return the index of the row that holds at each place and instant."""
        civil = local_time(at_ms, self.offsets)
        day_type = (civil.day_of_week >= _FIRST_WEEKEND_DAY).astype(np.int64)
        if len(self.special_days):
            at = np.searchsorted(self.special_days, civil.day_number)
            at = np.minimum(at, len(self.special_days) - 1)
            special = self.special_days[at] == civil.day_number
            day_type = np.where(special, self.special_types[at], day_type)
        return self.holds[place, day_type, civil.minute_of_day]

    def is_night(self, at_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each instant lies in the night; 22:00:00 does, 06:00:00 not."""
        minute = local_time(at_ms, self.offsets).minute_of_day
        begins, ends = self.night
        within: NDArray[np.bool_] = (
            (minute >= begins) | (minute < ends)
            if begins > ends
            else (minute >= begins) & (minute < ends)
        )
        return within

    def reason(self, row: int) -> str:
        """Return the named reason of a row: `class-2/all-days/22:00-06:00`."""
        limit = self.rows[row]
        place = (
            f"venue-{limit.venue}"
            if limit.venue
            else f"class-{limit.area_class}"
            if limit.area_class
            else "city"
        )
        return f"{place}/{limit.day_type or 'all-days'}/{self._span(limit, 'all-day', '-')}"

    def words(self, row: int) -> str:
        """Return the limit as people read it: `夜间限值 50 dB(A)（2类区）`."""
        limit = self.rows[row]
        day_type = _DAY_TYPE_WORDS[limit.day_type] if limit.day_type else ""
        span = (limit.from_minute, limit.until_minute)
        if span == self.night:
            hours = "夜间"
        elif span == self.night[::-1]:
            hours = "昼间"
        else:
            hours = self._span(limit, "全天" if not day_type else "", "至")
        place = (
            "本场所公约"
            if limit.venue
            else f"{limit.area_class}类区"
            if limit.area_class
            else "全市"
        )
        return f"{day_type}{hours}限值 {limit.limit_db:g} dB(A)（{place}）"

    @staticmethod
    def _span(limit: LimitRow, all_day: str, dash: str) -> str:
        if limit.spans_all_day:
            return all_day
        return f"{minute_text(limit.from_minute)}{dash}{minute_text(limit.until_minute)}"


class LimitGap(NamedTuple):
    """A span of the day in which no row holds."""

    place: str
    day_type: DayType
    from_minute: int
    until_minute: int

    def __str__(self) -> str:
        span = f"{minute_text(self.from_minute)}-{minute_text(self.until_minute)}"
        return f"no limit for {self.place} on {self.day_type} {span}"


class LimitsError(ValueError):
    """A table that must not be loaded.

    Attributes:
        gaps: The spans without a limit; empty when a row itself is wrong.
    """

    def __init__(self, message: str, gaps: tuple[LimitGap, ...] = ()) -> None:
        super().__init__(message)
        self.gaps = gaps


def compile_limits(
    rows: Iterable[LimitRow],
    venues: Iterable[Venue],
    calendar: Mapping[int, DayType],
    offsets: UtcOffsets,
    night: tuple[int, int] = NIGHT,
) -> NoiseLimits:
    """Compile a city's limits.

    Args:
        rows: The table; every class it names and every venue becomes a place.
        venues: The venues; each inherits the rows of its class.
        calendar: Day types by civil day number (days since 1970-01-01) where
            they are not plain workday or weekend: holidays, exam days, and the
            weekend days that are worked instead.
        offsets: The city's zone.
        night: First minute of the night and first minute after it.

    Raises:
        LimitsError: A row out of range or for an unknown venue, or a place
            with a minute of some day type that no row covers.
    """
    table = tuple(rows)
    class_of = {venue.code: venue.area_class for venue in venues}
    for row in table:
        _check(row, class_of)
    named = {row.area_class: f"class:{row.area_class}" for row in table if row.area_class}
    place_class = {place: area_class for area_class, place in sorted(named.items())} | class_of
    holds, gaps = [], []
    for place, area_class in place_class.items():
        mine = [
            index
            for index, row in enumerate(table)
            if row.venue in {"", place} and row.area_class in {"", area_class}
        ]
        chosen = _chosen(table, mine)
        gaps += _gaps(place, chosen)
        holds.append(chosen)
    if gaps:
        raise LimitsError("; ".join(map(str, gaps)), tuple(gaps))
    days = sorted(calendar)
    return NoiseLimits(
        rows=table,
        places={place: index for index, place in enumerate(place_class)},
        holds=np.array(holds, dtype=np.int16).reshape(-1, len(DAY_TYPES), MINUTES_A_DAY),
        limit_db=np.array([row.limit_db for row in table], dtype=np.float64),
        special_days=np.array(days, dtype=np.int64),
        special_types=np.array([DAY_TYPES.index(calendar[day]) for day in days], dtype=np.int64),
        night=night,
        offsets=offsets,
    )


def _check(row: LimitRow, class_of: Mapping[str, str]) -> None:
    if row.venue and row.area_class:
        raise LimitsError(f"a row is for a venue or for a class, not both: {row}")
    if row.venue and row.venue not in class_of:
        raise LimitsError(f"a limit names the unknown venue {row.venue!r}")
    if not 0 <= row.from_minute < MINUTES_A_DAY or not 0 < row.until_minute <= MINUTES_A_DAY:
        raise LimitsError(f"minutes of the day run from 0 to {MINUTES_A_DAY}: {row}")
    if not 0 < row.limit_db <= 140:  # noqa: PLR2004 - the range of noise.laeq
        raise LimitsError(f"a limit lies between 0 and 140 dB(A): {row}")


def _chosen(table: tuple[LimitRow, ...], mine: list[int]) -> NDArray[np.int16]:
    """Return the row that holds by (day type, minute), -1 where none does."""
    chosen = np.full((len(DAY_TYPES), MINUTES_A_DAY), -1, dtype=np.int16)
    # Weakest first, so that each later row may simply overwrite.
    for index in sorted(mine, key=lambda i: (table[i].specificity, -table[i].limit_db, -i)):
        row = table[index]
        types = slice(None) if row.day_type is None else DAY_TYPES.index(row.day_type)
        chosen[types, row.minutes()] = index
    return chosen


def _gaps(place: str, chosen: NDArray[np.int16]) -> list[LimitGap]:
    gaps = []
    for day_type, holds in zip(DAY_TYPES, chosen, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], holds < 0, [0]))))
        spans = edges.reshape(-1, 2).tolist()
        gaps += [LimitGap(place, day_type, begins, ends) for begins, ends in spans]
    return gaps
