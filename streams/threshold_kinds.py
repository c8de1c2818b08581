"""What the threshold rule watches: for each kind of reading a ladder of levels.

Levels are the kind's, or, where each place has its own (the stages of a gauge),
the sensor's.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import msgspec

from schemas.alerts import Severity
from schemas.units import KINDS, check_kind
from streams.hysteresis import MAX_OF_LAST, Ladder

_MS = 1_000


class Direction(StrEnum):
    """Which side of a level is the bad one."""

    ABOVE = "above"
    BELOW = "below"


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is watched of one kind of reading; a rung per entry of `levels`.

    Attributes:
        unit: Of the levels; the kind's own in `schemas.units`.
        levels: Beyond which it is bad, mild first; none with `by_station`.
        by_station: The levels are each sensor's own, from the city's files; a
            sensor that has none there is not watched.
        station_margin: With `by_station`: clear so far on the good side of a level.
        clear: At which it is good again, one a level; empty means `levels`.
        severity: One a level.
        direction: The bad side.
        for_s: Event time beyond a level before it counts.
        keep_for_s: Event time back on the good side before it counts.
        at_least: With `of_last` in place of `for_s`: so many of the latest
            `of_last` readings.
        of_last: As above; 1 does without.
        unseen_s: The alert ends when nothing was read for so long; 0 never.
        label: The kind in words, for the sentence; empty means its name.
        finding: The alerts' kind; empty means `<kind>.exceeded`.
        life_safety: Whether its alerts take the priority lane.
    """

    unit: str
    severity: tuple[Severity, ...]
    levels: tuple[float, ...] = ()
    by_station: bool = False
    station_margin: float = 0.0
    clear: tuple[float, ...] = ()
    direction: Direction = Direction.ABOVE
    for_s: int = 0
    keep_for_s: int = 0
    at_least: int = 1
    of_last: int = 1
    unseen_s: int = 0
    label: str = ""
    finding: str = ""
    life_safety: bool = False

    def __post_init__(self) -> None:
        clear = self.clear or self.levels
        if self.by_station and (clear or self.station_margin < 0 or not self.severity):
            raise ValueError(
                "by_station: no levels here, severity a rung, station_margin from 0 up"
            )
        if not self.by_station and (
            not self.levels or len({len(self.levels), len(clear), len(self.severity)}) > 1
        ):
            raise ValueError("levels, clear and severity: one entry a rung, at least one")
        sign = -1 if self.direction is Direction.BELOW else 1
        for what, levels in (("levels", self.levels), ("clear", clear)):
            if any(sign * nxt < sign * one for one, nxt in pairwise(levels)):
                raise ValueError(f"{what} {levels}: put the mildest first")
        if any(sign * good > sign * bad for bad, good in zip(self.levels, clear, strict=True)):
            raise ValueError(f"clear {clear} lies beyond levels {self.levels}")
        if min(self.for_s, self.keep_for_s, self.unseen_s) < 0:
            raise ValueError("for_s, keep_for_s and unseen_s must not be negative")
        if not 1 <= self.at_least <= self.of_last <= MAX_OF_LAST:
            raise ValueError(f"at_least 1..of_last, of_last up to {MAX_OF_LAST}")
        if self.of_last > 1 and self.for_s:
            raise ValueError("either for_s or at_least of_last, not both")

    def ladder(self) -> Ladder:
        """Return the levels and times as a ladder."""
        return Ladder(
            raise_at=self.levels,
            clear_at=self.clear or self.levels,
            falls=self.direction is Direction.BELOW,
            for_ms=self.for_s * _MS,
            keep_for_ms=self.keep_for_s * _MS,
            at_least=self.at_least,
            of_last=self.of_last,
            unseen_ms=self.unseen_s * _MS,
        )

    def at_station(self, levels: tuple[float, ...]) -> "Kind":
        """Return the kind with a station's own levels."""
        sign = -1 if self.direction is Direction.BELOW else 1
        clear = tuple(level - sign * self.station_margin for level in levels)
        return msgspec.structs.replace(self, by_station=False, levels=levels, clear=clear)


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The watched kinds by name, and the version of these parameters."""

    kinds: dict[str, Kind]
    version: str = ""

    def __post_init__(self) -> None:
        for name, kind in self.kinds.items():
            refusal = check_kind(name, kind.unit)
            if refusal is not None:
                raise ValueError(refusal.hint)
            if kind.unit != KINDS[name].unit:
                raise ValueError(f"levels of {name} are in {KINDS[name].unit}, not {kind.unit}")


class Setting(NamedTuple):
    """All that the threshold rule is told.

    Attributes:
        version: Of the parameters.
        watched: Every ladder that there is: of a kind, or of one station.
        of_kind: Index in `watched` by kind.
        of_sensor: Index by kind and sensor, for kinds with levels by station.
    """

    version: str
    watched: tuple[Kind, ...]
    of_kind: Mapping[str, int]
    of_sensor: Mapping[str, Mapping[str, int]]

    def ladder_of(self, kind: str, sensor: str) -> int:
        """Return which ladder a sensor is on; -1 where it is not watched."""
        stations = self.of_sensor.get(kind)
        return self.of_kind.get(kind, -1) if stations is None else stations.get(sensor, -1)


def setting_of(
    params: Params, stages: Mapping[str, Mapping[str, Sequence[float]]] | None = None
) -> Setting:
    """Return the setting of `params`, with the levels of stations by kind and sensor."""
    watched: list[Kind] = []
    of_kind: dict[str, int] = {}
    of_sensor: dict[str, dict[str, int]] = {}
    for name, kind in params.kinds.items():
        if not kind.by_station:
            of_kind[name] = len(watched)
            watched.append(kind)
            continue
        of_sensor[name] = {}
        for sensor, levels in ((stages or {}).get(name) or {}).items():
            of_sensor[name][sensor] = len(watched)
            watched.append(kind.at_station(tuple(levels)))
    return Setting(params.version, tuple(watched), of_kind, of_sensor)
