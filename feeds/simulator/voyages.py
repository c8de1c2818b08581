"""Where the city's boats are: in harbour, going out, fishing in circles, coming home.

A boat's day is a function of the time of day; boats differ in ground, hour and
speed. A boat whose gear is closed that day stays in its harbour. Grounds and ways
keep clear of the waters that a calm boat has no business in.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point

from feeds.simulator.dice import bell, players, share, throw
from streams.city.model import City
from streams.geo.fences import Area, FencePurpose, metres_per_degree
from streams.vessels.register import VesselRecord

Floats = NDArray[np.float64]

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_LONGEST_MS: Final = 22 * _HOUR_MS
_LONGEST_OUT_MS: Final = 8 * _HOUR_MS
_KNOT_M_PER_MS: Final = 1852 / _HOUR_MS
_GROUNDS: Final = (120.72, 27.20, 121.25, 27.62)  # west, south, east, north: off Longgang
_NEAR_DEG: Final = 0.01
_TRIES: Final = 60
_CIRCLE_M: Final = 700.0
_FISHING_KN, _TRANSIT_KN, _CAREFUL_KN = 2.6, 8.0, 4.5
_GPS_M: Final = 4.0
_GROUND, _LEAVES, _STAYS, _SWING, _BERTH = range(51, 56)  # purposes of throws


class Fixes(NamedTuple):
    """Where boats are at an instant, by index of the fleet: degrees, knots."""

    lon_deg: Floats
    lat_deg: Floats
    sog_kn: Floats
    cog_deg: Floats


class _Way(NamedTuple):
    home_deg: tuple[float, float]
    ground_deg: tuple[float, float]
    transit_kn: float


class Voyages:
    """The days of some boats of a city.

    Args:
        city: Fences and seasons.
        boats: With the subject under which each reports.
        seed: Of the dice.
    """

    def __init__(self, city: City, boats: Sequence[tuple[str, VesselRecord]], seed: int) -> None:
        self._who = players(seed, [f"voyage/{subject}" for subject, _ in boats])
        self._city, self._boats = city, [record for _, record in boats]
        self._free: dict[int, NDArray[np.bool_]] = {}
        chart = _Chart(city)
        ways = [chart.way(record, who) for (_, record), who in zip(boats, self._who, strict=True)]
        self._home = np.array([way.home_deg for way in ways]).reshape(-1, 2)
        self._ground = np.array([way.ground_deg for way in ways]).reshape(-1, 2)
        self._transit_kn = np.array([way.transit_kn for way in ways])
        self._goes = (self._home != self._ground).any(axis=1)
        self._metres = np.array(metres_per_degree(27.4))
        length_m = np.hypot(*((self._ground - self._home) * self._metres).T)
        self._out_ms = length_m / (self._transit_kn * _KNOT_M_PER_MS)
        self._goes &= self._out_ms < _LONGEST_OUT_MS
        self._round_ms = 2 * np.pi * _CIRCLE_M / (_FISHING_KN * _KNOT_M_PER_MS)
        # Whole circles, four to ten hours of them, so that a boat leaves where it came.
        hours = 4 + 6 * share(throw(self._who, 0, _STAYS))
        stay_ms = np.minimum(hours * _HOUR_MS, _LONGEST_MS - 2 * self._out_ms)
        self._stay_ms = np.rint(stay_ms / self._round_ms) * self._round_ms
        self._leaves_ms = (share(throw(self._who, 0, _LEAVES)) * _DAY_MS).astype(np.int64)

    def at(self, which: NDArray[np.int64], at_ms: NDArray[np.int64]) -> Fixes:
        """Return where the boats `which` (by index) are, each at its own instant."""
        home, ground = self._home[which], self._ground[which]
        out_ms, stay_ms = self._out_ms[which], self._stay_ms[which]
        number, since = np.divmod(at_ms - self._leaves_ms[which], _DAY_MS)
        since_ms = since.astype(np.float64)
        goes = self._goes[which] & self._allowed(which, number)
        fishing_ms = since_ms - out_ms
        back_ms = fishing_ms - stay_ms
        out, fishing = goes & (fishing_ms < 0), goes & (fishing_ms >= 0) & (back_ms < 0)
        back = goes & (back_ms >= 0) & (back_ms < out_ms)
        done_ms = np.where(out, since_ms, np.where(back, out_ms - back_ms, out_ms))
        part = np.where(out | fishing | back, done_ms / np.maximum(out_ms, 1), 0)
        turn = 2 * np.pi * np.where(fishing, fishing_ms, 0) / self._round_ms
        circle_m = _CIRCLE_M * np.column_stack([np.sin(turn), 1 - np.cos(turn)])
        swing = [bell(throw(self._who[which], at_ms, _SWING + axis)) for axis in (0, 2)]
        beside_m = np.where(fishing[:, None], circle_m, 0) + _GPS_M * np.column_stack(swing)
        place = home + (ground - home) * part[:, None] + beside_m / self._metres
        east_m, north_m = ((ground - home) * self._metres).T
        course_deg = np.degrees(np.arctan2(east_m, north_m)) + np.where(back, 180, 0)
        course_deg = np.where(fishing, 90 - np.degrees(turn), course_deg)
        speed_kn = np.where(fishing, _FISHING_KN, self._transit_kn[which])
        under_way = out | fishing | back
        return Fixes(
            place[:, 0].round(6),
            place[:, 1].round(6),
            np.where(under_way, speed_kn, 0.0).round(1),
            np.where(under_way, course_deg % 360, 0.0).round(1) % 360,
        )

    def _allowed(self, which: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each boat may go on its voyage of that number."""
        allowed = np.zeros(len(which), np.bool_)
        for one in np.unique(number).tolist():
            if one not in self._free:
                leaves_ms = (one * _DAY_MS + self._leaves_ms).tolist()
                self._free[one] = np.array(
                    [
                        self._is_free(boat, at_ms)
                        for boat, at_ms in zip(self._boats, leaves_ms, strict=True)
                    ],
                    np.bool_,
                )
            mine = number == one
            allowed[mine] = self._free[one][which[mine]]
        return allowed

    def _is_free(self, boat: VesselRecord, leaves_ms: int) -> bool:
        """Return whether no season of its gear touches the day of a voyage."""
        return not any(
            from_ms < leaves_ms + _DAY_MS and leaves_ms < until_ms
            for closure in self._city.closures.values()
            if closure.closes(boat.gear, boat.permits)
            for from_ms, until_ms in closure.seasons_ms
        )


class _Chart:
    """Which waters are free."""

    def __init__(self, city: City) -> None:
        self._harbours: dict[str, Area] = {}
        closed, slow, heard = [], [], []
        for fence in city.fences.fences:
            if fence.purpose is FencePurpose.HARBOUR:
                self._harbours[fence.id] = fence.geometry
            elif fence.purpose in {FencePurpose.NO_GO, FencePurpose.DWELL_WATCH}:
                closed.append(fence.geometry.buffer(_NEAR_DEG))
            elif fence.purpose is FencePurpose.SPEED_LIMIT:
                slow.append(fence.geometry.buffer(_NEAR_DEG / 4))
            elif fence.purpose is FencePurpose.COVERAGE:
                heard.append(fence.geometry.buffer(-3 * _NEAR_DEG))
        self._land = shapely.union_all(city.areas.geometry)
        self._closed = shapely.union_all(closed)
        self._slow = shapely.union_all(slow)
        self._heard = shapely.union_all(heard)
        for area in (self._closed, self._slow, self._heard, self._land):
            shapely.prepare(area)

    def way(self, boat: VesselRecord, who: np.uint64) -> _Way:
        """Return a boat's berth, a ground that it can reach from there, and its pace."""
        home = self._berth(boat, who)
        west, south, east, north = _GROUNDS
        thrown = np.array([who])
        for number in range(_TRIES):
            lon, lat = (share(throw(thrown, 2 * number + axis, _GROUND))[0] for axis in (0, 1))
            ground = Point(west + (east - west) * lon, south + (north - south) * lat)
            line = LineString([home, ground])
            at_work = ground.buffer(2 * _NEAR_DEG)  # the circle that it fishes in, and more
            water = line.union(at_work)
            free = not self._closed.intersects(water) and not self._land.intersects(water)
            if free and self._heard.contains(at_work):
                careful = self._slow.intersects(line)
                return _Way(
                    (home.x, home.y),
                    (ground.x, ground.y),
                    _CAREFUL_KN if careful else _TRANSIT_KN,
                )
        return _Way((home.x, home.y), (home.x, home.y), _TRANSIT_KN)

    def _berth(self, boat: VesselRecord, who: np.uint64) -> Point:
        """Return a place well inside the boat's harbour."""
        harbour = self._harbours[boat.home_harbour]
        west, south, east, north = harbour.bounds
        inner = harbour.buffer(-0.1 * min(east - west, north - south))
        inside = inner if not inner.is_empty else harbour
        thrown = np.array([who])
        for number in range(_TRIES):
            lon, lat = (share(throw(thrown, 2 * number + axis, _BERTH))[0] for axis in (0, 1))
            berth = Point(west + (east - west) * lon, south + (north - south) * lat)
            if inside.contains(berth) and not self._land.contains(berth):
                return berth
        return inside.representative_point()
