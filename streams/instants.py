"""Instants in text and on the calendar, without `datetime`, which rules may not import."""

import re

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(?:([Zz])|([+-])(\d\d):(\d\d))"
)


def epoch_ms(year: int, month: int, day: int, second_of_day: int = 0) -> int:
    """Return milliseconds since 1970 UTC of a Gregorian date (UTC).

    Days after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

    Raises:
        ValueError: No such month or day.
    """
    if not (1 <= month <= 12 and 1 <= day <= days_in_month(year, month)):  # noqa: PLR2004 - a calendar
        raise ValueError(f"{year}-{month}-{day} is not a date")
    shifted = year - (month <= 2)  # noqa: PLR2004 - this year begins in March
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return ((era * 146_097 + day_of_era - 719_468) * 86_400 + second_of_day) * 1000


def days_in_month(year: int, month: int) -> int:
    """Return how many days a Gregorian month has."""
    if month == 2:  # noqa: PLR2004 - February
        return 28 + (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    return 30 if month in {4, 6, 9, 11} else 31


def instant_ms(text: str) -> int:
    """Return the instant that an RFC 3339 text with offset says.

    Raises:
        ValueError: Not such a text, or one without an offset.
    """
    said = _RFC3339.fullmatch(text)
    if said is None:
        raise ValueError(f"{text!r} is no instant like 2025-05-01T12:00:00+08:00")
    year, month, day, hour, minute, second = (int(said[at] or 0) for at in range(1, 7))
    offset_s = 0
    if said[9]:
        offset_s = int(f"{said[9]}1") * (int(said[10]) * 3600 + int(said[11]) * 60)
    second_of_day = hour * 3600 + minute * 60 + second - offset_s
    fraction_ms = int((said[7] or "0").ljust(3, "0")[:3])
    return epoch_ms(year, month, day, second_of_day) + fraction_ms
