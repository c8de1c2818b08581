"""Many entities as few clusters: what a view shows when its items would be too many."""

import numpy as np
import orjson
from numpy.typing import NDArray

from screens.hub.subscription import Layer
from screens.hub.table import Rows, Table

MOST_ITEMS = 5_000
"""Of all layers of one view together, clusters counted too (FEATURES row 68)."""
MOST_CLUSTERS = 400
"""Of one layer."""
_CELL_AT_ZOOM_0_DEG = 45.0  # 64 px of the 512 px that show 360 degrees
_LEVELS = 4
_RANK = {layer: rank for rank, layer in enumerate(Layer)}


def clusters(table: Table, rows: Rows, zoom: float) -> bytes:
    """Return the clusters of `rows` as a JSON array.

    Each has `id`, `count`, the mean place (none for what has no place) and how
    many are `warn`, `over` and `stale`. Cells are 64 px of the map at `zoom`,
    and larger where that makes more than `MOST_CLUSTERS`.
    """
    lon, lat, level = table.lon_deg[rows], table.lat_deg[rows], table.level[rows]
    placed = ~np.isnan(lon)
    said = _placed(lon[placed], lat[placed], level[placed], zoom)
    if not placed.all():
        counts = np.bincount(level[~placed], minlength=_LEVELS)
        said.append({"id": "nowhere", **_counts(counts)})
    return orjson.dumps(said)


def _placed(
    lon: NDArray[np.float64], lat: NDArray[np.float64], level: NDArray[np.int8], zoom: float
) -> list[dict[str, object]]:
    side = _CELL_AT_ZOOM_0_DEG / 2**zoom
    while True:
        x, y = np.floor(lon / side).astype(np.int64), np.floor(lat / side).astype(np.int64)
        code = x * (1 << 32) + y
        cells, cell = np.unique(code, return_inverse=True)
        if len(cells) <= MOST_CLUSTERS:
            break
        side *= 2
    count = np.bincount(cell, minlength=len(cells))
    east = np.bincount(cell, lon, len(cells)) / np.maximum(count, 1)
    north = np.bincount(cell, lat, len(cells)) / np.maximum(count, 1)
    levels = np.bincount(cell * _LEVELS + level, minlength=len(cells) * _LEVELS)
    return [
        {
            "id": f"{code & 0xFFFFFFFFFFFFFFFF:x}",
            "lon_deg": round(lon_deg, 5),
            "lat_deg": round(lat_deg, 5),
            **_counts(counts),
        }
        for code, lon_deg, lat_deg, counts in zip(
            cells.tolist(),
            east.tolist(),
            north.tolist(),
            levels.reshape(-1, _LEVELS),
            strict=True,
        )
    ]


def _counts(counts: NDArray[np.intp]) -> dict[str, int]:
    fine, warn, over, stale = counts.tolist()
    return {"count": fine + warn + over + stale, "warn": warn, "over": over, "stale": stale}


def too_many(shown: dict[Layer, int], clustered: frozenset[Layer]) -> frozenset[Layer]:
    """Return the layers to show as clusters, so that a view stays within `MOST_ITEMS`.

    The most urgent layers keep their items. A layer that is clustered stays so
    until its items would fill less than four fifths of what is free: a view at
    the edge does not flap.
    """
    free = MOST_ITEMS
    chosen = set()
    ranked = sorted(shown.items(), key=lambda pair: _RANK[pair[0]])
    for place, (layer, count) in enumerate(ranked, start=1):
        after = MOST_CLUSTERS * (len(ranked) - place)
        most = max(0, free - after)
        if count > (most * 4 // 5 if layer in clustered else most):
            chosen.add(layer)
            free -= MOST_CLUSTERS + 1
        else:
            free -= count
    return frozenset(chosen)
