"""The limit of each sensor now, and why: the city's noise table and threshold ladders."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from streams.city.model import City
from streams.threshold_kinds import Direction, Params

_NOISE = "noise."
_WARN_SHARE = 0.9


class Limit(NamedTuple):
    """A limit that holds.

    Attributes:
        level: Beyond which it is over, in the kind's own unit.
        warn: Beyond which it is near.
        falls: The bad side is below.
        reason: Named, `class-2/all-days/22:00-06:00` or the rule's kind.
        words: As people read it; "" where the city has none.
    """

    level: float
    warn: float
    falls: bool
    reason: str
    words: str = ""

    def level_of(self, value: float) -> int:
        """Return how a value stands to it, as in `hub.table`: 0 fine, 1 near, 2 over."""
        sign = -1.0 if self.falls else 1.0
        return int(sign * value > sign * self.warn) + int(sign * value > sign * self.level)


class Limits:
    """Looks limits up; those of noise depend on the minute."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._now_ms = 0
        self._held: dict[str, Limit | None] = {}
        self._places: dict[tuple[str, str], Limit | None] = {}
        noise: Any = city.params.get("noise")
        self._warn_db = float(getattr(noise, "warn_margin_db", 3.0))
        params = city.params.get("threshold")
        self._kinds = params.kinds if isinstance(params, Params) else {}

    def of(self, code: str, kind: str) -> Limit | None:
        """Return the limit at a sensor; None where there is none."""
        if code not in self._held:
            self._held[code] = self._find(code, kind, self._now_ms)
        return self._held[code]

    def renew(self, now_ms: int, codes: Sequence[str], kinds: Sequence[str]) -> list[int]:
        """Take the limits of `now_ms`; return the indices of the sensors whose limit changed."""
        first, self._now_ms = not self._now_ms, now_ms
        self._places.clear()
        changed = []
        for i, (code, kind) in enumerate(zip(codes, kinds, strict=True)):
            if not first and not kind.startswith(_NOISE):
                continue
            found = self._find(code, kind, now_ms)
            if found != self._held.get(code) or (first and found is not None):
                changed.append(i)
            self._held[code] = found
        return changed

    def at_place(self, venue: str, area_class: str, at_ms: int) -> Limit | None:
        """Return the noise limit at a venue, or in a class of area, at an instant."""
        table = self._city.limits
        place = table.place(venue, area_class)
        if place is None:
            return None
        row = int(table.holding(np.array([place]), np.array([at_ms]))[0])
        level = float(table.limit_db[row])
        return Limit(level, level - self._warn_db, False, table.reason(row), table.words(row))

    def _find(self, code: str, kind: str, at_ms: int) -> Limit | None:
        if kind.startswith(_NOISE):
            post = self._city.noise_sensors.get(code)
            if post is None:
                return None
            place = (post.venue, post.area_class)
            if place not in self._places:
                self._places[place] = self.at_place(*place, at_ms)
            return self._places[place]
        ladder = self._kinds.get(kind)
        if ladder is not None and ladder.by_station:
            own = self._city.stages.get(code)
            ladder = None if own is None else ladder.at_station(own)
        if ladder is None:
            return None
        falls = ladder.direction is Direction.BELOW
        level = ladder.levels[0]
        clear = ladder.clear[0] if ladder.clear else level
        warn = clear if clear != level else level * (2 - _WARN_SHARE if falls else _WARN_SHARE)
        return Limit(level, warn, falls, ladder.finding or f"{kind}.exceeded")
