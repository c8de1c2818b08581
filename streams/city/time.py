"""The city's time zone and seasons, turned into plain instants once, at load.

Rules may not read `datetime`; they get these numbers.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

# Events before or after these years take the first or the last offset.
_FROM, _UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
_STRIDE = timedelta(days=7)
_EPOCH = date(1970, 1, 1)


def offset_pairs(zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return (from_utc_ms, offset_ms) for each change of a zone's offset, 2000 to 2060.

    Looked for weekly, then narrowed to the second: no zone goes there and back
    within a week.
    """
    pairs = [(_ms(_FROM), _offset_ms(_FROM, zone))]
    at = _FROM
    while at < _UNTIL:
        later = at + _STRIDE
        if _offset_ms(later, zone) != pairs[-1][1]:
            low, high = at, later
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if middle == low:
                    break
                changed = _offset_ms(middle, zone) != pairs[-1][1]
                low, high = (low, middle) if changed else (middle, high)
            pairs.append((_ms(high), _offset_ms(high, zone)))
        at = later
    return pairs


def instant_ms(local: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a local wall time; one that has an offset keeps its own."""
    return _ms(local if local.tzinfo else local.replace(tzinfo=zone))


def day_number(day: date) -> int:
    """Return the civil days since 1970-01-01."""
    return (day - _EPOCH).days


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _offset_ms(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)
