"""Areas: which micro-grid holds a point, and whom that micro-grid belongs to.

Exact: every answer is that of the polygons themselves (holes and several
parts allowed), and a point on a border belongs to exactly one area, the one of
the lowest code. Fast: a raster of owners answers wherever no border cuts the
cell, and only the few points in the other cells are put to the polygons.
"""

import copy
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from streams.geo.fences import Area
from streams.matters.routing import AreaChain

OUTSIDE = -1
_BORDER = -2
# Cells that a border comes this near to (in cells) count as cut, so that rounding
# in a look-up can never put a point past a border. Doubles err by about 1e-12 here.
_MARGIN = 1e-6
# Flatter segments mark their whole width: their slope is not worth dividing by.
_FLAT = 1e-3
# Measured: 2,048 cells a side (16 MB) over 3,311 micro-grids leave 5 % of the points to
# the polygons and cost 0.25 CPU s per million; 1,024 cells leave 10 % and cost 0.5.
_MOST_CELLS, _CELLS_AN_AREA = 2048, 128


class NamedArea(NamedTuple):
    """An area: its code, and its polygon in WGS-84 degrees."""

    code: str
    geometry: Area


class AreaIndex:
    """The areas of a city, found by point and by code.

    Attributes:
        codes: Codes of the areas, ascending; answers of `locate` point here.
        geometry: Their polygons, in the same order.
        boundary_version: Twelve hex digits of a SHA-256 of boundaries and chains.
    """

    def __init__(
        self,
        areas: Sequence[NamedArea],
        chains: Mapping[str, AreaChain],
        cells: int | None = None,
    ) -> None:
        """Index `areas`.

        Args:
            areas: The smallest areas (micro-grids), at least one, codes distinct.
            chains: For each area its chain; for each venue or larger area too, if
                `chain_of` is to know it.
            cells: Cells of the raster along each side, at least 8; None takes enough
                for a border to cut only some per cent of them, at most 2,048.

        Raises:
            ValueError: No area, a code twice, or an area without a chain.
        """
        cells = cells or min(_MOST_CELLS, _CELLS_AN_AREA * math.isqrt(len(areas) + 1))
        ordered = sorted(areas, key=lambda area: area.code)
        self.codes = tuple(area.code for area in ordered)
        if not ordered or len(set(self.codes)) != len(ordered):
            raise ValueError("areas need distinct codes, and there must be one")
        if missing := [code for code in self.codes if code not in chains]:
            raise ValueError(f"no chain for the area {missing[0]!r}")
        self._named = dict(chains)
        self._chains = tuple(chains[code] for code in self.codes)
        self.geometry = np.array([area.geometry for area in ordered], dtype=object)
        shapely.prepare(self.geometry)
        self._tree = shapely.STRtree(self.geometry)
        self.boundary_version = _version(self.geometry, self._named)
        west, south, east, north = shapely.total_bounds(self.geometry)
        # The outermost ring of cells is free of borders: it answers for all the world.
        inner = cells - 4
        self._per_degree = (inner / (east - west), inner / (north - south))
        self._origin = (west - 2 / self._per_degree[0], south - 2 / self._per_degree[1])
        self._cells = cells
        self._owner = self._rasterise()

    def locate(
        self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
    ) -> NDArray[np.int32]:
        """Return, for each point, the index of its area in `codes`, or `OUTSIDE`.

        Args:
            lon_deg: Longitudes, shape (n,); NaN is outside.
            lat_deg: Latitudes, shape (n,).
        """
        column = self._cell(lon_deg, 0)
        column += self._cell(lat_deg, 1) * np.int32(self._cells)
        owner: NDArray[np.int32] = self._owner.take(column)
        cut = np.flatnonzero(owner == _BORDER)
        if cut.size:
            owner[cut] = self._locate_exactly(lon_deg[cut], lat_deg[cut])
        return owner

    def chain(self, index: int) -> AreaChain | None:
        """Return the chain of the area at `index`; None for `OUTSIDE`."""
        return None if index == OUTSIDE else self._chains[index]

    def chain_at(self, lon_deg: float, lat_deg: float) -> AreaChain | None:
        """Return the chain of the areas at a place, None outside every area."""
        return self.chain(int(self.locate(np.array([lon_deg]), np.array([lat_deg]))[0]))

    def chain_of(self, area: str) -> AreaChain | None:
        """Return the chain of a named area or venue, None when it is not known."""
        return self._named.get(area)

    def within(self, ring_deg: Sequence[float]) -> list[AreaChain]:
        """Return the chains of the areas whose inner point lies in a drawn ring.

        Args:
            ring_deg: Longitude and latitude of each corner in turn, at least three.
        """
        corners = np.asarray(ring_deg, np.float64).reshape(-1, 2)
        drawn = shapely.buffer(shapely.polygons(corners), 0)  # a ring may cross itself
        inside = shapely.covers(drawn, shapely.point_on_surface(self.geometry))
        return [self._chains[index] for index in np.flatnonzero(inside)]

    def with_names(self, more: Mapping[str, AreaChain]) -> "AreaIndex":
        """Return an index of the same areas that also knows the chains in `more` (venues)."""
        other = copy.copy(self)
        other._named = {**self._named, **more}  # noqa: SLF001 - our own copy
        return other

    def _cell(self, degrees: NDArray[np.float64], axis: int) -> NDArray[np.int32]:
        """Return the raster's column (axis 0) or row (axis 1) of each coordinate."""
        place = (degrees - self._origin[axis]) * self._per_degree[axis]
        # fmin and fmax turn NaN into the outermost cell, which is outside.
        np.fmax(np.fmin(place, self._cells - 1, out=place), 0, out=place)
        cell: NDArray[np.int32] = place.astype(np.int32)
        return cell

    def _locate_exactly(
        self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
    ) -> NDArray[np.int32]:
        points, areas = self._tree.query(shapely.points(lon_deg, lat_deg))
        covered = shapely.intersects_xy(self.geometry[areas], lon_deg[points], lat_deg[points])
        points, areas = points[covered], areas[covered]
        # Written from the highest code down, so that the lowest one stays.
        down = np.argsort(-areas, kind="stable")
        owner = np.full(len(lon_deg), OUTSIDE, dtype=np.int32)
        owner[points[down]] = areas[down]
        return owner

    def _rasterise(self) -> NDArray[np.int32]:
        """Return the owner of each cell, row by row; `_BORDER` where a border cuts it."""
        cut = self._cut_cells()
        # Between two cut cells of a row no border passes, so one point answers for the run.
        starts = ~cut
        starts[:, 1:] &= cut[:, :-1]
        rows, columns = np.nonzero(starts)
        owners = self._locate_exactly(
            self._origin[0] + (columns + 0.5) / self._per_degree[0],
            self._origin[1] + (rows + 0.5) / self._per_degree[1],
        )
        run = np.cumsum(starts.ravel()) - 1
        owner = np.where(cut.ravel(), np.int32(_BORDER), owners[np.maximum(run, 0)])
        return owner.astype(np.int32)

    def _cut_cells(self) -> NDArray[np.bool_]:
        """Return which cells a border touches, at least: shape (rows, columns)."""
        rings = shapely.get_parts(shapely.boundary(self.geometry))
        degrees, ring = shapely.get_coordinates(rings, return_index=True)
        corner = (degrees - self._origin) * self._per_degree
        joined = np.flatnonzero(ring[1:] == ring[:-1])
        start, end = corner[joined], corner[joined + 1]
        low, high = np.minimum(start, end), np.maximum(start, end)
        first = np.floor(low[:, 1] - _MARGIN).astype(np.int64)
        count = np.floor(high[:, 1] + _MARGIN).astype(np.int64) - first + 1
        # One entry for each row of cells that each segment passes through.
        which = np.repeat(np.arange(len(start)), count)
        row = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + first[which]
        reach = _reach(start[which], end[which], row)
        left = np.floor(np.maximum(reach[0], low[which, 0]) - _MARGIN).astype(np.int64)
        right = np.floor(np.minimum(reach[1], high[which, 0]) + _MARGIN).astype(np.int64)
        steps = np.zeros((self._cells, self._cells + 1), dtype=np.int64)
        np.add.at(steps, (row, left), 1)
        np.add.at(steps, (row, right + 1), -1)
        return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0)


def _reach(
    start: NDArray[np.float64], end: NDArray[np.float64], row: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far left and right each segment goes within its row of cells."""
    rise = end[:, 1] - start[:, 1]
    flat = np.abs(rise) < _FLAT
    slope = (end[:, 0] - start[:, 0]) / np.where(flat, 1.0, rise)
    below = start[:, 0] + (row - _MARGIN - start[:, 1]) * slope
    above = start[:, 0] + (row + 1 + _MARGIN - start[:, 1]) * slope
    left = np.where(flat, -np.inf, np.minimum(below, above))
    right = np.where(flat, np.inf, np.maximum(below, above))
    return left, right


def _version(geometry: NDArray[np.object_], chains: Mapping[str, AreaChain]) -> str:
    digest = hashlib.sha256()
    for wkb in shapely.to_wkb(geometry):
        digest.update(wkb)
    digest.update(repr(sorted(chains.items())).encode())
    return digest.hexdigest()[:12]
