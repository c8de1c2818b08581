"""Many entities as few clusters: what a view shows when its items would be too many."""

import numpy as np
from numpy.typing import NDArray

from screens.hub.subscription import Layer
from screens.hub.table import Rows, Table

MOST_ITEMS = 5_000
"""Of all layers of one view together, clusters counted too."""
MOST_CLUSTERS = 400
"""Of one layer."""
_CELL_AT_ZOOM_0_DEG = 45.0  # 64 px of the 512 px that show 360 degrees
_LEVELS = 4
_RANK = {layer: rank for rank, layer in enumerate(Layer)}


class Clusters:
    """How the rows of one view fall into clusters, for as long as they stay where they are.

    Cells are 64 px of the map at `zoom`, and larger where that makes more than
    `MOST_CLUSTERS`. What is said of a cell but for its levels is made once.
    """

    def __init__(self, table: Table, rows: Rows, zoom: float) -> None:
        self._table = table
        placed = ~np.isnan(table.lon_deg[rows])
        self._placed, self._nowhere = rows[placed], rows[~placed]
        lon, lat = table.lon_deg[self._placed], table.lat_deg[self._placed]
        codes, self._cell = _cells(lon, lat, zoom)
        count = np.bincount(self._cell, minlength=len(codes))
        east = np.bincount(self._cell, lon, len(codes)) / count
        north = np.bincount(self._cell, lat, len(codes)) / count
        columns = (codes.tolist(), east.tolist(), north.tolist(), count.tolist())
        self._heads = [
            f'{{"id":"{code & 0xFFFFFFFFFFFFFFFF:x}","lon_deg":{lon_deg:.5f},'
            f'"lat_deg":{lat_deg:.5f},"count":{number}'
            for code, lon_deg, lat_deg, number in zip(*columns, strict=True)
        ]

    def said(self) -> bytes:
        """Return them as a JSON array.

        Each has `id`, `count`, the mean place (none for what has no place) and how
        many are `warn`, `over` and `stale` now.
        """
        level, size = self._table.level, len(self._heads) * _LEVELS
        levels = np.bincount(self._cell * _LEVELS + level[self._placed], minlength=size)
        said = [
            f'{head},"warn":{warn},"over":{over},"stale":{stale}}}'
            for head, (_, warn, over, stale) in zip(
                self._heads, levels.reshape(-1, _LEVELS).tolist(), strict=True
            )
        ]
        if self._nowhere.size:
            fine, warn, over, stale = np.bincount(level[self._nowhere], minlength=_LEVELS).tolist()
            count = fine + warn + over + stale
            said.append(
                f'{{"id":"nowhere","count":{count},"warn":{warn},"over":{over},"stale":{stale}}}'
            )
        return f"[{','.join(said)}]".encode()


def _cells(
    lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], zoom: float
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the codes of the cells in which there is anything, and of each point its cell."""
    side = _CELL_AT_ZOOM_0_DEG / 2**zoom
    while True:
        x, y = np.floor(lon_deg / side).astype(np.int64), np.floor(lat_deg / side).astype(np.int64)
        codes, cell = np.unique(x * (1 << 32) + y, return_inverse=True)
        if len(codes) <= MOST_CLUSTERS:
            return codes, cell
        side *= 2


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
