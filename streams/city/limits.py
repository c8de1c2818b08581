"""A city's noise limits: the classes of limits.toml and the conventions of the venues."""

from collections.abc import Mapping
from typing import Any

from streams.city.rows import CalendarRow, LimitFileRow
from streams.city.text import CityText, Row
from streams.city.time import day_number
from streams.local_time import UtcOffsets
from streams.noise.limits import LimitGap, LimitRow, LimitsError, NoiseLimits, Venue, compile_limits

LIMITS, VENUES = "limits.toml", "venues.toml"


def read_limits(
    text: CityText, venues: Mapping[str, Row], offsets: UtcOffsets
) -> NoiseLimits | None:
    """Return the compiled limits; None with findings when some minute has none."""
    data = text.toml(LIMITS)
    text.no_others(LIMITS, data, ("night", "limits", "calendar"))
    rows = [
        _limit_row(row.record, area_class=row.record.area_class)
        for row in text.array(LIMITS, data, "limits", LimitFileRow)
    ]
    rows += [
        _limit_row(one, venue=code) for code, row in venues.items() for one in row.record.convention
    ]
    calendar = {
        day_number(row.record.date): row.record.day_type
        for row in text.array(LIMITS, data, "calendar", CalendarRow)
    }
    places = [
        Venue(code=code, name="", area_class=row.record.area_class, lon_deg=0, lat_deg=0)
        for code, row in venues.items()
    ]
    try:
        night = _span_minutes(str(data.get("night", "22:00-06:00")))
    except ValueError:
        text.at(LIMITS, ("night",), "the night is no span of hours", 'write "22:00-06:00"')
        return None
    try:
        return compile_limits(rows, places, calendar, offsets, night)
    except LimitsError as error:
        for gap in error.gaps:
            file = VENUES if gap.place in venues else LIMITS
            line = (
                venues[gap.place].line if gap.place in venues else _line_of_class(text, data, gap)
            )
            text.find(file, line, gap.place, str(gap), "add a row for those hours")
        if not error.gaps:
            text.find(LIMITS, 1, "limits", str(error), "mend the row")
        return None


def _line_of_class(text: CityText, data: Mapping[str, Any], gap: LimitGap) -> int:
    named = gap.place.removeprefix("class:")
    for at, row in enumerate(data.get("limits", ())):
        if row.get("area_class") == named:
            return text.line(LIMITS, ("limits", at))
    return 1


def _limit_row(row: Any, area_class: str = "", venue: str = "") -> LimitRow:
    from_minute, until_minute = _span_minutes(row.hours)
    return LimitRow(
        limit_db=row.limit_db,
        area_class=area_class,
        venue=venue,
        day_type=row.day_type,
        from_minute=from_minute,
        until_minute=until_minute,
        source=row.source,
    )


def _span_minutes(hours: str) -> tuple[int, int]:
    """Return the minutes of the day of "22:00-06:00"; raises `ValueError`."""
    begin, end = (_minute(clock) for clock in hours.split("-"))
    return begin, end


def _minute(clock: str) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    return hour * 60 + minute
