"""The clock guard: event times that cannot be, their likely cause, and each device's skew."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import NamedTuple

from schemas.records import Reason
from streams.doors.verdict import Code, Verdict, rejected

OF_LAST = 50
"""A device's skew is the median of so many of its latest events."""

FLAGGED_S = 30.0
"""A device further ahead than this has a wrong clock (row 4)."""

_ZONE_TOLERANCE_MS = 300_000  # around the zone's offset: a wrong zone, and some delay


def future(event_time_ms: int, now_ms: int, zone_ms: int) -> Verdict:
    """Return the verdict on an event that lies ahead of `now_ms`.

    Args:
        event_time_ms: When it says that it happened.
        now_ms: When the door took it.
        zone_ms: The city's offset from UTC: so far ahead is local time named UTC.
    """
    ahead_ms = event_time_ms - now_ms
    hint = f"{ahead_ms / 1000:.0f} s ahead of the door's clock: set the device's clock (NTP)"
    if zone_ms and abs(ahead_ms - zone_ms) <= _ZONE_TOLERANCE_MS:
        hours = zone_ms / 3_600_000
        hint = (
            f"{hours:g} h ahead: local time sent as UTC; write the offset, "
            f"{_offset_text(zone_ms)} in place of Z"
        )
    return rejected(Reason.FUTURE, "event_time", hint)


def past(event_time_ms: int, now_ms: int, past_s: float, zone_ms: int) -> Verdict:
    """Return the verdict on an event that is older than its source allows."""
    behind_ms = now_ms - event_time_ms
    hint = f"{behind_ms / 1000:.0f} s old; this source takes events of up to {past_s:g} s"
    if zone_ms and abs(behind_ms - zone_ms) <= _ZONE_TOLERANCE_MS:
        hint += f"; {zone_ms / 3_600_000:g} h behind: UTC sent as local time?"
    return rejected(Code.PAST, "event_time", hint)


class DeviceSkew(NamedTuple):
    """How far one device's clock is ahead (below zero: behind, or its events wait)."""

    subject: str
    median_s: float
    of: int


class Skews:
    """The skew of the devices of one source, of the latest so many that were heard."""

    def __init__(self, most_devices: int = 20_000) -> None:
        self._most = most_devices
        self._ahead_ms: OrderedDict[str, deque[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ahead_ms)

    def note(self, subjects: Sequence[str], ahead_ms: Sequence[int]) -> None:
        """Take in event time less door time of some events."""
        known = self._ahead_ms
        for subject, ahead in zip(subjects, ahead_ms, strict=True):
            if subject in known:
                known[subject].append(ahead)
                known.move_to_end(subject)
                continue
            if len(known) >= self._most:
                known.popitem(last=False)
            known[subject] = deque((ahead,), OF_LAST)

    def of(self, subject: str) -> DeviceSkew | None:
        """Return the skew of one device; None when it was not heard."""
        said = self._ahead_ms.get(subject)
        return None if said is None else _median(subject, said)

    def worst(self, count: int) -> list[DeviceSkew]:
        """Return the devices that are furthest ahead, most first."""
        every = [_median(subject, said) for subject, said in self._ahead_ms.items()]
        return sorted(every, key=lambda one: -one.median_s)[:count]


def _median(subject: str, ahead_ms: deque[int]) -> DeviceSkew:
    ordered = sorted(ahead_ms)
    return DeviceSkew(subject, ordered[(len(ordered) - 1) // 2] / 1000, len(ordered))


def _offset_text(zone_ms: int) -> str:
    minutes = abs(zone_ms) // 60_000
    return f"{'+' if zone_ms > 0 else '-'}{minutes // 60:02}:{minutes % 60:02}"
