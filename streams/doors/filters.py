"""A source's own filters: events left out on purpose, each with a named reason.

After Traccar's filter chain. What a city file does not ask for is not done.
State is one last event a device, bounded, and lost with the process: filters
thin out, they decide nothing. An event no newer than a device's last one is
judged alone, so that a repeated request is never refused by its first attempt.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from streams.doors.verdict import Code, Verdict, rejected
from streams.geo.gcj02 import distance_m

_KN_A_MPS = 1.943844


class Filters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Table `[source.filters]` of sources.toml; what is absent is not filtered.

    Attributes:
        past_s: Older than this on arrival.
        accuracy_m: A fix less accurate than this (`accuracy_m` of the event).
        max_speed_kn: Faster than this from the device's last place.
        min_period_s: Sooner than this after the device's last event.
        static: The device says that it does not move (`sog_kn` 0).
        distance_m: Nearer than this to the device's last place.
        skip_limit_s: After so long since the last one, `static` and `distance_m`
            let an event pass.
        skip_attributes: So does a change in one of these fields.
    """

    past_s: float | None = None
    accuracy_m: float | None = None
    max_speed_kn: float | None = None
    min_period_s: float | None = None
    static: bool = False
    distance_m: float | None = None
    skip_limit_s: float | None = None
    skip_attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        limits = (
            self.past_s,
            self.accuracy_m,
            self.max_speed_kn,
            self.min_period_s,
            self.distance_m,
            self.skip_limit_s,
        )
        if any(limit is not None and not limit > 0 for limit in limits):
            raise ValueError("a filter's limit is above 0; leave the filter out instead")

    @property
    def any(self) -> bool:
        """Whether anything is filtered at all."""
        return self.look_back or self.past_s is not None or self.accuracy_m is not None

    @property
    def look_back(self) -> bool:
        """Whether anything needs the device's last event."""
        return self.static or any((self.max_speed_kn, self.min_period_s, self.distance_m))


NO_FILTERS = Filters()


class _Last(NamedTuple):
    at_ms: int
    lon_deg: float | None
    lat_deg: float | None
    attributes: tuple[Any, ...]


class Chain:
    """The filters of one source with each device's last event.

    Args:
        filters: What is left out.
        most_devices: Of more than so many, the one not heard for longest is forgotten.
    """

    def __init__(self, filters: Filters, most_devices: int = 50_000) -> None:
        self.filters = filters
        self._most = most_devices
        self._last: OrderedDict[str, _Last] = OrderedDict()

    def look(self, subject: str, event: Mapping[str, Any], at_ms: int) -> Verdict | None:
        """Return why an event is left out; None lets it pass, and remembers it.

        Args:
            subject: The device.
            event: The event as the wire says it, valid.
            at_ms: Its event time.
        """
        filters = self.filters
        accuracy_m = event.get("accuracy_m")
        if filters.accuracy_m is not None and _number(accuracy_m) > filters.accuracy_m:
            hint = f"accurate to {accuracy_m:g} m; this source takes {filters.accuracy_m:g} m"
            return rejected(Code.ACCURACY, "accuracy_m", hint)
        if not filters.look_back:
            return None
        attributes = tuple(event.get(name) for name in filters.skip_attributes)
        here = _Last(at_ms, event.get("lon_deg"), event.get("lat_deg"), attributes)
        last = self._last.get(subject)
        if last is not None and at_ms <= last.at_ms:
            return None
        found = None if last is None else self._compare(event, last, here)
        if found is None:
            self._remember(subject, here)
        return found

    def _compare(self, event: Mapping[str, Any], last: _Last, here: _Last) -> Verdict | None:
        filters = self.filters
        since_s = (here.at_ms - last.at_ms) / 1000
        moved_m = _moved_m(last, here)
        limit_s = filters.skip_limit_s
        skipped = here.attributes != last.attributes or (limit_s is not None and since_s >= limit_s)
        if not skipped:
            if filters.static and event.get("sog_kn") == 0:
                return rejected(Code.STATIC, "sog_kn", "the device says that it does not move")
            near_m = filters.distance_m
            if near_m is not None and moved_m is not None and moved_m < near_m:
                hint = f"{moved_m:.0f} m from its last place; this source takes {near_m:g} m"
                return rejected(Code.DISTANCE, "lon_deg", hint)
        if filters.max_speed_kn is not None and moved_m is not None:
            speed_kn = moved_m / since_s * _KN_A_MPS
            if speed_kn > filters.max_speed_kn:
                hint = (
                    f"{speed_kn:.0f} kn from its last place; the most is {filters.max_speed_kn:g}"
                )
                return rejected(Code.MAX_SPEED, "lon_deg", hint)
        if filters.min_period_s is not None and since_s < filters.min_period_s:
            hint = (
                f"{since_s:g} s after its last; this source takes one in {filters.min_period_s:g} s"
            )
            return rejected(Code.MIN_PERIOD, "event_time", hint)
        return None

    def _remember(self, subject: str, here: _Last) -> None:
        self._last[subject] = here
        self._last.move_to_end(subject)
        if len(self._last) > self._most:
            self._last.popitem(last=False)


def _number(said: Any) -> float:
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else 0.0


def _moved_m(last: _Last, here: _Last) -> float | None:
    if None in (last.lon_deg, last.lat_deg, here.lon_deg, here.lat_deg):
        return None
    return distance_m(
        float(here.lon_deg or 0),
        float(here.lat_deg or 0),
        float(last.lon_deg or 0),
        float(last.lat_deg or 0),
    )
