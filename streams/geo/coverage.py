"""Coverage: that areas leave no hole and do not overlap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

from streams.geo.areas import NamedArea
from streams.geo.fences import Area, metres_per_degree

TOLERANCE_M2 = 1.0


class Flaw(NamedTuple):
    """A place where areas do not fit together.

    Attributes:
        what: "overlap", "hole" (in the outline, in no area) or "overhang" (in
            an area, outside the outline).
        codes: The areas concerned.
        area_m2: How large it is.
        lon_deg, lat_deg: A point in it.
    """

    what: str
    codes: tuple[str, ...]
    area_m2: float
    lon_deg: float
    lat_deg: float


def coverage_flaws(areas: Sequence[NamedArea], outline: Area) -> list[Flaw]:
    """Return every overlap, hole and overhang larger than 1 m2, place by place.

    Cheap enough for every load: 0.05 s for 3,311 areas whose edges match.

    Args:
        areas: Valid polygons that should tile `outline`.
        outline: What they should tile.
    """
    geometry = np.array([area.geometry for area in areas], dtype=object)
    # Matched edges are the rule; proving them so is ten times faster than overlaying.
    matched = bool(shapely.coverage_is_valid(geometry))
    whole = shapely.coverage_union_all(geometry) if matched else shapely.union_all(geometry)
    found = [] if matched else _overlaps(areas, geometry)
    found += _pieces("hole", (), shapely.difference(outline, whole))
    for piece in _pieces("overhang", (), shapely.difference(whole, outline)):
        point = shapely.Point(piece.lon_deg, piece.lat_deg)
        owners = np.flatnonzero(shapely.intersects(geometry, point))
        found.append(piece._replace(codes=tuple(areas[at].code for at in owners.tolist())))
    return found


def _overlaps(areas: Sequence[NamedArea], geometry: np.ndarray) -> list[Flaw]:
    one, other = shapely.STRtree(geometry).query(geometry, predicate="intersects")
    once = one < other
    one, other = one[once], other[once]
    shared = shapely.intersection(geometry[one], geometry[other])
    found: list[Flaw] = []
    for at in np.flatnonzero(shapely.area(shared) > 0).tolist():
        codes = (areas[one[at]].code, areas[other[at]].code)
        found += _pieces("overlap", codes, shared[at])
    return found


def _pieces(what: str, codes: tuple[str, ...], shape: shapely.Geometry) -> list[Flaw]:
    """Return the polygons of `shape` that are larger than the tolerance."""
    found = []
    for part in shapely.get_parts(shape):
        if part.area > 0:
            point = shapely.point_on_surface(part)
            east_m, north_m = metres_per_degree(point.y)
            area_m2 = part.area * east_m * north_m
            if area_m2 > TOLERANCE_M2:
                found.append(Flaw(what, codes, area_m2, point.x, point.y))
    return found
