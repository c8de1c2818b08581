"""Civil time in the city's zone, over columns of UTC instants.

Rules may not import `datetime`, so the zone comes in as a table of offsets
that the city's files were compiled to; here is only integer arithmetic.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MINUTES_A_DAY = 1440
_MINUTE_MS = 60_000
_DAY_MS = MINUTES_A_DAY * _MINUTE_MS
_DAYS_A_WEEK = 7
# 1970-01-01, day number 0, was a Thursday; Monday is day 0 of the week.
_DAY_OF_WEEK_OF_EPOCH = 3


class UtcOffsets(NamedTuple):
    """The offsets of one zone: `offset_ms[i]` holds from `from_utc_ms[i]` on.

    `from_utc_ms` rises strictly; instants before its first entry take the
    first offset. Local time is UTC + offset.
    """

    from_utc_ms: NDArray[np.int64]
    offset_ms: NDArray[np.int64]


class LocalTime(NamedTuple):
    """Civil time of a column of instants, one entry an instant.

    Attributes:
        day_number: Civil days since 1970-01-01.
        day_of_week: 0 Monday to 6 Sunday.
        minute_of_day: 0 to 1439; a minute belongs to the whole of its 60 s.
    """

    day_number: NDArray[np.int64]
    day_of_week: NDArray[np.int64]
    minute_of_day: NDArray[np.int64]


def utc_offsets(pairs: Iterable[tuple[int, int]]) -> UtcOffsets:
    """Return the table of (from_utc_ms, offset_ms) `pairs`.

    Raises:
        ValueError: No pair, or instants that do not rise strictly.
    """
    table = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    if not len(table):
        raise ValueError("a zone needs at least one (from_utc_ms, offset_ms) pair")
    if not (np.diff(table[:, 0]) > 0).all():
        raise ValueError("two offsets of a zone begin at the same instant")
    columns = np.ascontiguousarray(table.T)
    columns.setflags(write=False)
    return UtcOffsets(columns[0], columns[1])


def local_time(utc_ms: NDArray[np.int64], offsets: UtcOffsets) -> LocalTime:
    """Return the civil time of each instant of `utc_ms`.

    Args:
        utc_ms: Instants in milliseconds since 1970 UTC, any order.
        offsets: The zone's table.
    """
    local_ms = utc_ms + _offset_ms(utc_ms, offsets)
    day_number, ms_of_day = np.divmod(local_ms, _DAY_MS)
    return LocalTime(
        day_number,
        (day_number + _DAY_OF_WEEK_OF_EPOCH) % _DAYS_A_WEEK,
        ms_of_day // _MINUTE_MS,
    )


def clock_text(utc_ms: int, offsets: UtcOffsets) -> str:
    """Return the wall clock at `utc_ms` as people read it: `20:14`."""
    minute = int(local_time(np.array([utc_ms]), offsets).minute_of_day[0])
    return minute_text(minute)


def minute_text(minute_of_day: int) -> str:
    """Return a minute of the day as `HH:MM`; 1440 is `24:00`."""
    return f"{minute_of_day // 60:02d}:{minute_of_day % 60:02d}"


def _offset_ms(utc_ms: NDArray[np.int64], offsets: UtcOffsets) -> NDArray[np.int64] | np.int64:
    if len(offsets.offset_ms) == 1:
        return np.int64(offsets.offset_ms[0])
    index = np.searchsorted(offsets.from_utc_ms, utc_ms, side="right") - 1
    return offsets.offset_ms[np.maximum(index, 0)]
