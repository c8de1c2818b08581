"""Fences: areas with a purpose, and the index that says which ones cover a point.

Geometry is WGS-84 in degrees, longitude first. A point on the boundary is
inside. Distances are metres on a plane laid at the fence's own latitude.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

Area: TypeAlias = Polygon | MultiPolygon

# WGS-84 ellipsoid (NIMA TR8350.2): semi-major axis and first eccentricity squared.
_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_2 = 6.694_379_990_14e-3

MIN_BUFFER_M = 20.0
BUFFER_SHARE = 0.1
MAX_BUFFER_M = 500.0


class FencePurpose(StrEnum):
    """What a fence is for; rules choose their fences by it."""

    HARBOUR = "harbour"
    NO_GO = "no-go"
    MORATORIUM = "moratorium"
    SPEED_LIMIT = "speed-limit"
    COVERAGE = "coverage"
    DWELL_WATCH = "dwell-watch"


def metres_per_degree(lat_deg: float) -> tuple[float, float]:
    """Return the length of one degree of longitude and of latitude, in metres.

    Radii of curvature of the WGS-84 ellipsoid at `lat_deg`: prime vertical
    a/sqrt(1-e2 sin2) and meridian a(1-e2)/(1-e2 sin2)^1.5.
    """
    lat = math.radians(lat_deg)
    root = 1.0 - _ECCENTRICITY_2 * math.sin(lat) ** 2
    east_m = _SEMI_MAJOR_M / math.sqrt(root) * math.cos(lat)
    north_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_2) / root**1.5
    return math.radians(east_m), math.radians(north_m)


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the metres between two near places (longitude, latitude).

    On a plane at the middle latitude: 0.1 % off over 100 km here.
    """
    east_m, north_m = metres_per_degree((one[1] + other[1]) / 2)
    return math.hypot((other[0] - one[0]) * east_m, (other[1] - one[1]) * north_m)


def _start_ms(window: tuple[int, int]) -> int:
    return window[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One fence.

    Attributes:
        id, name, purpose: Which it is and what it is for.
        geometry: Polygon or MultiPolygon, holes allowed, WGS-84 degrees.
        buffer_m: How far beyond the edge a subject must be to be out; None
            takes `default_buffer_m`.
        enter_fixes, enter_s: Inside is believed after this many fixes in a
            row, or when nothing has denied it for this long.
        exit_s: Outside is believed when nothing has denied it for this long.
        dwell_s: A stay this long is told as `dwell`; None never.
        speed_limit_kn: For speed-limit fences, in knots.
        windows_ms: Half-open instants [start, end) in which the fence is in
            force, ascending and apart; None means always.
    """

    id: str
    name: str
    purpose: FencePurpose
    geometry: Area
    buffer_m: float | None = None
    enter_fixes: int = 2
    enter_s: float = 60.0
    exit_s: float = 60.0
    dwell_s: float | None = None
    speed_limit_kn: float | None = None
    windows_ms: tuple[tuple[int, int], ...] | None = None

    def in_force(self, at_ms: int) -> bool:
        """Return whether the fence counts at the instant `at_ms`."""
        if self.windows_ms is None:
            return True
        last = bisect_right(self.windows_ms, at_ms, key=_start_ms) - 1
        return last >= 0 and at_ms < self.windows_ms[last][1]

    def next_change_ms(self, after_ms: int) -> int | None:
        """Return the first instant later than `after_ms` at which a window opens or ends."""
        windows = self.windows_ms or ()
        following = bisect_right(windows, after_ms, key=_start_ms)
        if following and after_ms < windows[following - 1][1]:
            return windows[following - 1][1]
        return windows[following][0] if following < len(windows) else None


def default_buffer_m(geometry: Area) -> float:
    """Return max(20 m, 10 % of the square root of the area), at most 500 m.

    20 m covers the scatter of a GNSS fix. The share follows
    the area's square root, not a radius, because it means the same for a
    disc, a basin and a long thin channel. The cap is there because for a band
    of sea hundreds of kilometres wide ten per cent is no noise any more, but
    water where a boat really is outside.
    """
    flat = _flatten(geometry, *metres_per_degree(shapely.centroid(geometry).y))
    return min(MAX_BUFFER_M, max(MIN_BUFFER_M, BUFFER_SHARE * math.sqrt(flat.area)))


class FenceIndex:
    """Which of many fences cover which of many points.

    Attributes:
        fences: By id, ascending; the `fence index` of all answers points here.
        version: Changes with any fence; twelve hex digits of a SHA-256.
    """

    def __init__(self, fences: Sequence[Fence]) -> None:
        self.fences = tuple(sorted(fences, key=lambda fence: fence.id))
        self._at = {fence.id: at for at, fence in enumerate(self.fences)}
        if len(self._at) != len(self.fences):
            raise ValueError("two fences have one id")
        self._geometry = np.array([fence.geometry for fence in self.fences], dtype=object)
        shapely.prepare(self._geometry)
        self._tree = shapely.STRtree(self._geometry)
        self._bounds = np.ascontiguousarray(shapely.bounds(self._geometry).reshape(-1, 4).T)
        self._scale = [metres_per_degree(shapely.centroid(f.geometry).y) for f in self.fences]
        self._flat: list[Area] = [
            _flatten(fence.geometry, *scale)
            for fence, scale in zip(self.fences, self._scale, strict=True)
        ]
        shapely.prepare(self._flat)
        self.buffer_m = tuple(
            default_buffer_m(fence.geometry) if fence.buffer_m is None else fence.buffer_m
            for fence in self.fences
        )
        self.version = _version(self.fences)

    def index_of(self, fence_id: str) -> int | None:
        """Return the place of a fence in `fences`, None when there is no such fence."""
        return self._at.get(fence_id)

    def covering(
        self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (rows, fence indices): each pair says that the fence covers the point.

        Args:
            lon_deg: Longitudes, shape (n,); NaN is covered by nothing.
            lat_deg: Latitudes, shape (n,).

        Returns:
            Two arrays of equal length, ascending by row, then by fence.
            Windows in time are not regarded: see `Fence.in_force`.
        """
        known = np.flatnonzero(np.isfinite(lon_deg) & np.isfinite(lat_deg))
        found, fence = self._tree.query(shapely.points(lon_deg[known], lat_deg[known]))
        rows = known[found]
        # Prepared polygons answer many points much faster than the tree's own predicate,
        # which prepares the points. "intersects" of a point is "covers": the edge is in.
        inside = shapely.intersects_xy(self._geometry[fence], lon_deg[rows], lat_deg[rows])
        rows, fence = rows[inside], fence[inside]
        order = np.lexsort((fence, rows))
        return rows[order].astype(np.int64), fence[order].astype(np.int64)

    def covering_one(self, lon_deg: float, lat_deg: float) -> tuple[int, ...]:
        """Return the fence indices that cover one point, ascending."""
        return tuple(self.covering(np.array([lon_deg]), np.array([lat_deg]))[1].tolist())

    def beyond_buffer(self, fence: int, lon_deg: float, lat_deg: float) -> bool:
        """Return whether a point is farther outside the fence than its buffer.

        The plane is equirectangular at the fence's centre. East-west lengths
        are off by about tan(lat) times the distance in latitude from there:
        0.5 % of the buffer for a fence one degree high at 27.5 N (0.1 m of 20 m),
        5 % (25 m of 500 m) at the edge of the moratorium band, which is 8.5
        degrees high.
        """
        east_m, north_m = self._scale[fence]
        point = shapely.Point(lon_deg * east_m, lat_deg * north_m)
        return not shapely.dwithin(self._flat[fence], point, self.buffer_m[fence])

    def crossed(
        self,
        start_deg: tuple[float, float],
        end_deg: tuple[float, float],
        aside: Collection[str] = (),
    ) -> tuple[int, ...]:
        """Return the fence indices that the straight line between two points touches.

        Straight in degrees: the sag against a great circle over 10 km is under
        2 m here, well within any buffer. Points are (lon, lat); fences whose
        ids are `aside` are not looked at.
        """
        west, east = sorted((start_deg[0], end_deg[0]))
        south, north = sorted((start_deg[1], end_deg[1]))
        box = self._bounds
        near = [
            at
            for at in np.flatnonzero(
                (box[0] <= east) & (box[2] >= west) & (box[1] <= north) & (box[3] >= south)
            ).tolist()
            if self.fences[at].id not in aside
        ]
        if not near:
            return ()
        touched = shapely.intersects(self._geometry[near], shapely.LineString((start_deg, end_deg)))
        return tuple(at for at, hit in zip(near, touched.tolist(), strict=True) if hit)


def _flatten(geometry: Area, east_m: float, north_m: float) -> Area:
    """Return the geometry in metres on the local plane."""
    flat: Any = shapely.transform(geometry, lambda degrees: degrees * (east_m, north_m))
    return flat  # type: ignore[no-any-return]


def _version(fences: Sequence[Fence]) -> str:
    digest = hashlib.sha256()
    for fence in fences:
        facts = [getattr(fence, name) for name in Fence.__slots__ if name != "geometry"]
        digest.update(repr(facts).encode() + shapely.to_wkb(fence.geometry))
    return digest.hexdigest()[:12]
