"""Instants: RFC 3339 text on the wire, milliseconds since 1970 UTC in code.

Written out over integers because rules read these modules and may not import
`datetime`, which also deals in clocks. Calendar arithmetic is Howard Hinnant's
`days_from_civil` (proleptic Gregorian), the same for one instant and for columns.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from schemas.records import Reason
from schemas.refused import Refusal

_TEXT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?"
    r"([Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)
_EXAMPLE = "write it as 2026-05-01T20:30:00+08:00 or 2026-05-01T12:30:00Z"
_DAY_MS = 86_400_000
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
_DAYS_TO_1970 = 719_162
_NO_FRACTION = 20  # len("2026-05-01T12:30:00Z")
_COLUMNS_FROM = 16  # below this many texts of one length, numpy costs more than it saves
_MIN_MS, _MAX_MS = -62_167_219_200_000, 253_402_300_799_999  # years 0000 to 9999


def format_instant(instant_ms: int) -> str:
    """Return `instant_ms` as RFC 3339 in UTC with milliseconds and `Z`.

    Raises:
        ValueError: The instant lies outside the years 0000 to 9999.
    """
    if not _MIN_MS <= instant_ms <= _MAX_MS:
        raise ValueError(f"{instant_ms} ms is outside the years 0000 to 9999")
    day, of_day = divmod(instant_ms, _DAY_MS)
    seconds, milli = divmod(of_day, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date_of(day)}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"


@lru_cache(maxsize=64)
def _date_of(day: int) -> str:
    """Return the date of a day since 1970; a record's instants lie in few days."""
    era, day_of_era = divmod(day + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153  # months counted from March
    month = shifted + 3 if shifted < 10 else shifted - 9  # noqa: PLR2004 - March = 0
    year += era * 400 + (month <= 2)  # noqa: PLR2004 - January and February
    return f"{year:04}-{month:02}-{day_of_year - (153 * shifted + 2) // 5 + 1:02}"


def parse_instant(text: str) -> int | Refusal:
    """Return the instant that `text` names, in milliseconds, or why it names none.

    Offsets and one to nine digits of a second are taken (cut to milliseconds).
    A leap second (23:59:60 UTC) has no place in Unix time and is taken as the
    last millisecond before it, so that no alarm is lost to it.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        return Refusal(Reason.BAD_TIME, hint=f"{text[:40]!r} is not RFC 3339; {_EXAMPLE}")
    if found[8] is None:
        return Refusal(Reason.NAIVE_TIME, hint=f"{text!r} has no offset; {_EXAMPLE}")
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    offset = _offset_minutes(found[8])
    leap = second == 60  # noqa: PLR2004 - RFC 3339, 5.7
    if offset is None or hour > 23 or minute > 59 or second > 60:  # noqa: PLR2004 - a clock's
        return Refusal(Reason.BAD_TIME, hint=f"{text!r}: no such time of day; {_EXAMPLE}")
    if not 1 <= month <= 12 or not 1 <= day <= _days_in(year, month):  # noqa: PLR2004 - a year's
        return Refusal(Reason.BAD_TIME, hint=f"{text!r}: no such day")
    of_day = ((hour * 60 + minute - offset) * 60 + min(second, 59)) * 1000
    if leap and of_day % _DAY_MS != _DAY_MS - 1000:
        return Refusal(Reason.BAD_TIME, hint=f"{text!r}: a leap second is 23:59:60 in UTC")
    milli = 999 if leap else int((found[7] or "0").ljust(3, "0")[:3])
    return _days(year, month, day) * _DAY_MS + of_day + milli


def instant_of(text: str) -> int:
    """Return the instant, in milliseconds, of a text of our own, which names one.

    Raises:
        TypeError: It names none.
    """
    told = parse_instant(text)
    if not isinstance(told, int):
        raise TypeError(f"no instant: {text!r}")
    return told


def parse_instants(texts: Sequence[str]) -> tuple[NDArray[np.int64], dict[int, Refusal]]:
    """Return the instants of `texts` in milliseconds, and refusals by index.

    Texts of one length are read as columns of digits, each character checked;
    whatever does not fit goes through `parse_instant`. A refused entry is 0.
    """
    count = len(texts)
    lengths = np.fromiter(map(len, texts), np.int64, count)
    if count >= _COLUMNS_FROM and lengths.min() == lengths.max() >= _NO_FRACTION:
        instants_ms, readable = _parse_columns("".join(texts), int(lengths[0]))
        return instants_ms, _parse_odd(texts, instants_ms, readable)
    instants_ms = np.zeros(count, np.int64)
    readable = np.zeros(count, np.bool_)
    for length in np.unique(lengths).tolist():
        index = np.flatnonzero(lengths == length)
        if length < _NO_FRACTION or index.size < _COLUMNS_FROM:
            continue
        joined = "".join([texts[i] for i in index.tolist()])
        instants_ms[index], readable[index] = _parse_columns(joined, length)
    return instants_ms, _parse_odd(texts, instants_ms, readable)


def _parse_odd(
    texts: Sequence[str], instants_ms: NDArray[np.int64], readable: NDArray[np.bool_]
) -> dict[int, Refusal]:
    """Fill in, one by one, what the columns could not read; return refusals."""
    refusals: dict[int, Refusal] = {}
    for i in np.flatnonzero(~readable).tolist():
        instant = parse_instant(texts[i])
        if isinstance(instant, Refusal):
            refusals[i] = instant
            instants_ms[i] = 0
        else:
            instants_ms[i] = instant
    return refusals


def _parse_columns(joined: str, length: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return instants of equally long texts, and which of them are plainly right."""
    raw = np.frombuffer(joined.encode("ascii", "replace"), np.uint8)
    column = np.ascontiguousarray(raw.reshape(-1, length).T)
    zulu = int(raw[length - 1]) == ord("Z")
    fraction = length - (_NO_FRACTION if zulu else _NO_FRACTION + 5)  # its dot and digits
    right = np.ones(column.shape[1], np.bool_)
    marks = {4: "-", 7: "-", 10: "T", 13: ":", 16: ":"}
    marks |= {length - 1: "Z"} if zulu else {length - 3: ":"}
    marks |= {19: "."} if fraction > 1 else {}
    if fraction not in (0, *range(2, 11)):
        return np.zeros(right.size, np.int64), ~right
    for at, mark in marks.items():
        right &= column[at] == ord(mark)

    def digits(*at: int) -> NDArray[np.int64]:
        total = np.zeros(right.size, np.int64)
        for i in at:
            digit = column[i] - np.uint8(48)  # wraps round below "0"
            np.logical_and(right, digit <= 9, out=right)  # noqa: PLR2004 - a digit
            total = total * 10 + digit
        return total

    year, month, day = digits(0, 1, 2, 3), digits(5, 6), digits(8, 9)
    hour, minute, second = digits(11, 12), digits(14, 15), digits(17, 18)
    milli = np.zeros(right.size, np.int64)
    if fraction > 1:
        nanos = digits(*range(20, 19 + fraction))
        milli = nanos * 10 ** (10 - fraction) // 1_000_000
    minutes = hour * 60 + minute
    if not zulu:
        sign = column[length - 6]
        away_h, away_min = digits(length - 5, length - 4), digits(length - 2, length - 1)
        right &= ((sign == ord("+")) | (sign == ord("-"))) & (away_h <= 23) & (away_min <= 59)  # noqa: PLR2004 - a clock's
        minutes -= np.where(sign == ord("-"), -1, 1) * (away_h * 60 + away_min)
    leap_year = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    known = np.clip(month, 1, 12)
    right &= (hour <= 23) & (minute <= 59) & (second <= 59) & (month == known) & (day >= 1)  # noqa: PLR2004 - a clock's
    right &= day <= _MONTH_DAYS[known] + (leap_year & (known == 2))  # noqa: PLR2004 - February
    past = year - 1
    days = 365 * past + past // 4 - past // 100 + past // 400 - _DAYS_TO_1970
    days += _DAYS_BEFORE[known] + (leap_year & (known > 2)) + day - 1  # noqa: PLR2004 - February
    return (days * 1440 + minutes) * 60_000 + second * 1000 + milli, right


def _offset_minutes(text: str) -> int | None:
    if text in "Zz":
        return 0
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - a clock's
        return None
    return (-1 if text[0] == "-" else 1) * (hours * 60 + minutes)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_in(year: int, month: int) -> int:
    return int(_MONTH_DAYS[month]) + (month == 2 and _is_leap(year))  # noqa: PLR2004 - February


def _days(year: int, month: int, day: int) -> int:
    """Return days since 1970-01-01."""
    past = year - 1
    days = 365 * past + past // 4 - past // 100 + past // 400 - _DAYS_TO_1970
    return days + int(_DAYS_BEFORE[month]) + (month > 2 and _is_leap(year)) + day - 1  # noqa: PLR2004 - February
