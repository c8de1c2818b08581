"""Make the synthetic part of the city Longgang: areas, and the registers of what is in them.

    python -m deploy.generate_city deploy/cities/longgang

No boundary of a community, grid or micro-grid of Longgang is public, so these
are made up inside an outline that we drew by eye, to the true counts: 102
communities, 484 grids (469 full, 15 dedicated) and 3,311 micro-grids. Every
file says that it is synthetic or approximate. The same seed gives the same
bytes (with the same GEOS: version 3.14 made the committed files).
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from deploy import generate_registers as registers
from streams.geo.fences import metres_per_degree

SEED = 330_383
COMMUNITIES, GRIDS, DEDICATED, MICRO_GRIDS, OFFICES = 102, 484, 15, 3_311, 26
# One step is 0.1 m: fine enough for a border, short enough for a file.
STEP_DEG = 1e-6

# Drawn by eye on WGS-84 for this project: approximate, no survey.
OUTLINE = (
    (120.675, 27.517), (120.660, 27.505), (120.666, 27.497), (120.654, 27.489),
    (120.650, 27.478), (120.640, 27.473), (120.624, 27.471), (120.614, 27.474),
    (120.603, 27.481), (120.596, 27.473), (120.583, 27.475), (120.587, 27.489),
    (120.584, 27.503), (120.586, 27.517), (120.573, 27.524), (120.557, 27.523),
    (120.541, 27.530), (120.527, 27.535), (120.524, 27.522), (120.513, 27.514),
    (120.512, 27.500), (120.497, 27.496), (120.482, 27.496), (120.464, 27.505),
    (120.474, 27.517), (120.475, 27.525), (120.483, 27.531), (120.486, 27.541),
    (120.482, 27.549), (120.485, 27.560), (120.488, 27.567), (120.476, 27.580),
    (120.493, 27.580), (120.503, 27.567), (120.511, 27.573), (120.510, 27.587),
    (120.532, 27.588), (120.543, 27.595), (120.553, 27.591), (120.561, 27.580),
    (120.571, 27.581), (120.587, 27.590), (120.604, 27.588), (120.618, 27.579),
    (120.632, 27.569), (120.644, 27.548), (120.657, 27.524),
)  # fmt: skip

# Shore stations: code, longitude, latitude, range in metres. Approximate.
STATIONS = (
    ("ais-bacao", 120.655, 27.490, 45_000.0),
    ("ais-xiaguan", 120.485, 27.170, 40_000.0),
    ("ais-nanji", 121.080, 27.465, 35_000.0),
)


def split(area: BaseGeometry, parts: int, dice: np.random.Generator) -> list[BaseGeometry]:
    """Return `area` cut by straight lines into `parts` areas of like size."""
    if parts == 1:
        return [area]
    few = parts // 2
    share = few / parts * (1 + 0.12 * (dice.random() - 0.5))
    box = shapely.minimum_rotated_rectangle(area)
    corner = shapely.get_coordinates(box)
    sides = corner[1:3] - corner[:2]
    along = max(sides, key=lambda side: float(np.hypot(*side)))
    angle = math.atan2(along[1], along[0]) + 0.3 * (dice.random() - 0.5)
    low, high = _cut(area, angle, share)
    return split(low, few, dice) + split(high, parts - few, dice)


def _cut(area: BaseGeometry, angle: float, share: float) -> tuple[BaseGeometry, BaseGeometry]:
    """Return the two sides of the line across `angle` that leaves `share` on the first."""
    way = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-way[1], way[0]]) * 999
    reach = shapely.get_coordinates(area) @ way
    lowest, highest = float(reach.min()), float(reach.max())

    def before(middle: float) -> BaseGeometry:
        near, far = way * (lowest - 1), way * middle
        return shapely.Polygon([near - across, far - across, far + across, near + across])

    begin, end = lowest, highest
    for _ in range(12):
        middle = (begin + end) / 2
        few = shapely.intersection(area, before(middle)).area < share * area.area
        begin, end = (middle, end) if few else (begin, middle)
    half = before((begin + end) / 2)
    return shapely.intersection(area, half), shapely.difference(area, half)


def tile(leaves: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Return the leaves with every corner on the grid and all edges shared exactly."""
    lines = shapely.get_parts(shapely.boundary(np.array(leaves, dtype=object)))
    noded = shapely.unary_union(shapely.set_precision(lines, STEP_DEG), grid_size=STEP_DEG)
    faces = shapely.get_parts(shapely.polygonize([noded]))
    tree = shapely.STRtree(leaves)
    owner = tree.nearest(shapely.point_on_surface(faces))
    tiles: list[BaseGeometry] = []
    for at in range(len(leaves)):
        mine = faces[owner == at]
        joined = mine[0] if len(mine) == 1 else shapely.coverage_union_all(mine)
        tiles.append(shapely.normalize(joined))
    return tiles


def spread(total: int, among: int, dice: np.random.Generator) -> list[int]:
    """Return `among` counts, as equal as can be, that sum to `total`."""
    counts = [total // among + (at < total % among) for at in range(among)]
    return [counts[at] for at in dice.permutation(among)]


def coordinates(area: BaseGeometry) -> Any:
    """Return GeoJSON coordinates on the grid."""
    raw = json.loads(shapely.to_geojson(area))["coordinates"]

    def rounded(value: Any) -> Any:
        return [rounded(one) for one in value] if isinstance(value, list) else round(value, 6)

    return rounded(raw)


def collection(notes: dict[str, Any], features: Iterable[dict[str, Any]]) -> bytes:
    """Return a GeoJSON collection, one feature a line, so that a line names a feature."""
    head = json.dumps({"type": "FeatureCollection", "datum": "wgs84", **notes}, ensure_ascii=False)
    lines = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in features)
    return (head[:-1] + ', "features": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def feature(code: str, area: BaseGeometry, **properties: Any) -> dict[str, Any]:
    """Return one GeoJSON feature."""
    geometry = {"type": area.geom_type, "coordinates": coordinates(area)}
    return {"type": "Feature", "id": code, "properties": properties, "geometry": geometry}


def areas(dice: np.random.Generator) -> tuple[dict[str, bytes], list[BaseGeometry]]:
    """Return the files of the areas, and the micro-grids for those who place things."""
    communities = split(Polygon(OUTLINE), COMMUNITIES, dice)
    grid_rows, leaves, parents = [], [], []
    grids = [
        (grid, at)
        for at, (area, parts) in enumerate(
            zip(communities, spread(GRIDS, COMMUNITIES, dice), strict=True)
        )
        for grid in split(area, parts, dice)
    ]
    dedicated = set(dice.choice(GRIDS, DEDICATED, replace=False).tolist())
    for at, ((grid, community), parts) in enumerate(
        zip(grids, spread(MICRO_GRIDS, GRIDS, dice), strict=True)
    ):
        code, kind = f"LG-G{at + 1:03d}", "dedicated" if at in dedicated else "full"
        name = f"示例{'专属' if kind == 'dedicated' else ''}网格{at + 1:03d}"
        grid_rows.append((code, name, kind, f"LG-C{community + 1:03d}"))
        for leaf in split(grid, parts, dice):
            leaves.append(leaf)
            parents.append(code)
    tiles = tile(leaves)
    outline = shapely.coverage_union_all(np.array(tiles, dtype=object))
    offices = [at * OFFICES // COMMUNITIES + 1 for at in range(COMMUNITIES)]
    notes = {"synthetic": True, "seed": SEED}
    drawn = {"approximate": True, "source": "drawn by eye for this project, WGS-84"}
    files = {
        "outline.geojson": collection(drawn, [feature("longgang", outline, name="龙港市")]),
        "areas/micro_grids.geojson": collection(
            notes,
            (
                feature(f"LG-M{at + 1:04d}", area, grid=parent)
                for at, (area, parent) in enumerate(zip(tiles, parents, strict=True))
            ),
        ),
        "areas/grids.csv": registers.table("code,name,kind,community", grid_rows),
        "areas/communities.csv": registers.table(
            "code,name,office",
            (
                (f"LG-C{at + 1:03d}", f"示例社区{at + 1:03d}", f"示例治理单元{office:02d}")
                for at, office in enumerate(offices)
            ),
        ),
    }
    return files, tiles


def disc(lon_deg: float, lat_deg: float, radius_m: float, corners: int = 48) -> Polygon:
    """Return a circle on the ground as a polygon."""
    east_m, north_m = metres_per_degree(lat_deg)
    turn = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    return Polygon(
        np.column_stack(
            [
                lon_deg + radius_m * np.cos(turn) / east_m,
                lat_deg + radius_m * np.sin(turn) / north_m,
            ]
        )
    )


def coverage() -> bytes:
    """Return the fences of the shore stations' coverage."""
    notes = {"approximate": True, "synthetic": True, "source": "assumed places and ranges"}
    return collection(
        notes,
        (
            feature(code, disc(lon, lat, reach), name=f"{code} coverage", purpose="coverage")
            for code, lon, lat, reach in STATIONS
        ),
    )


def generate(seed: int = SEED) -> dict[str, bytes]:
    """Return all generated files by their path in the city's folder."""
    files, tiles = areas(np.random.default_rng(seed))
    return {
        **files,
        **registers.generate(seed, tiles, communities=COMMUNITIES, grids=GRIDS),
        "fences/coverage.geojson": coverage(),
    }


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", default=SEED, show_default=True)
def main(folder: Path, seed: int) -> None:
    """Write the synthetic files of Longgang into FOLDER."""
    for path, content in generate(seed).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        click.echo(f"{len(content):>9,} {target}")


if __name__ == "__main__":
    main()
