"""The entities of one layer as columns, each row with the cursor at which it last changed.

What a screen needs to catch up from any cursor follows from the columns: the rows
that are younger, and from a short log those that left. So nobody keeps frames, and
one that reads slowly gets the newest state, not a queue of old ones.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screens.hub.departures import Columns, Departures
from screens.hub.subscription import Layer, Subscription, cell, cell_column, cells

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

NOWHERE, EVERYWHERE = -1, -2
"""Communities of what counts in none of them, and of what holds in each."""
REST_MS = 1000
"""An entity is told at most once in so long."""
_FIRST_ROWS = 64


class Place(NamedTuple):
    """Where an item counts.

    Attributes:
        lon_deg, lat_deg: NaN for none.
        community: Which one owns it.
        others: Those whose units have it in hand.
    """

    lon_deg: float = float("nan")
    lat_deg: float = float("nan")
    community: int = NOWHERE
    others: frozenset[int] = frozenset()

    @property
    def communities(self) -> tuple[int, ...]:
        """All whose people may see it."""
        return (self.community, *self.others)


class Table:
    """One layer.

    Args:
        layer: Which.
        communities: Code to number.
        departures: So many are remembered; who missed more starts over.

    Attributes:
        layer: Which.
        version: By row, the cursor of the last change; 0 where no entity is shown.
        born: By row, the cursor since when a change is enough for who has seen it.
        lon_deg, lat_deg: NaN for what has no place: it lies in every box.
        community: By row, an index of the city's communities, `NOWHERE` or `EVERYWHERE`.
        level: By row, 0 fine, 1 near the limit, 2 over it, 3 old; for clusters.
        layout: Rises whenever rows come, go, move or change their kind.
        others: By row, further communities; rows without any are not in it.
        left: What ended, or left a place (a cell, a community) or its kind.
    """

    def __init__(self, layer: Layer, communities: Mapping[str, int], departures: int) -> None:
        self.layer = layer
        self._communities = communities
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self.kinds: list[str] = []
        self.size = 0
        self.version = np.zeros(_FIRST_ROWS, np.int64)
        self.born = np.zeros(_FIRST_ROWS, np.int64)
        self.told_ms = np.zeros(_FIRST_ROWS, np.int64)
        self.lon_deg = np.full(_FIRST_ROWS, np.nan)
        self.lat_deg = np.full(_FIRST_ROWS, np.nan)
        self.community = np.full(_FIRST_ROWS, NOWHERE, np.int32)
        self.others: dict[int, frozenset[int]] = {}
        self.level = np.zeros(_FIRST_ROWS, np.int8)
        self.layout = 0
        self.left = Departures(departures)
        self._free: list[int] = []

    # -- rows -------------------------------------------------------------------------

    def place(self, row: int) -> Place:
        """Return where a row counts."""
        where = float(self.lon_deg[row]), float(self.lat_deg[row]), int(self.community[row])
        return Place(*where, self.others.get(row, frozenset()))

    def _add(self, name: str) -> int:
        """Return a row for a new entity; it is not shown before it is published."""
        if self._free:
            row = self._free.pop()
            self.ids[row] = name
        else:
            row = self.size
            self.size += 1
            if row == len(self.version):
                self._grow()
            self.ids.append(name)
            self.kinds.append("")
        self.row_of[name] = row
        self.told_ms[row] = 0
        self.layout += 1
        return row

    def _grow(self) -> None:
        for name in ("version", "born", "told_ms", "lon_deg", "lat_deg", "community", "level"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate((column, np.empty_like(column))))
            getattr(self, name)[len(column) :] = column[0] * 0 if name != "community" else NOWHERE

    def _remove(self, row: int, cursor: int) -> None:
        """Forget the entity in `row`, and log that it left."""
        self._log(row, cursor)
        del self.row_of[self.ids[row]]
        self.others.pop(row, None)
        self.version[row] = 0
        self.born[row] = 0
        self._free.append(row)
        self.layout += 1

    def _place(self, row: int, cursor: int, place: Place, kind: str) -> None:
        """Put a row somewhere; log it when it so leaves a cell, a community or a kind."""
        if self.version[row]:
            before = self.place(row)
            moved = _cells(before) != _cells(place)
            if moved or before[2:] != place[2:] or kind != self.kinds[row]:
                self._log(row, cursor)
                self.layout += 1
        else:
            self.layout += 1
        self.lon_deg[row], self.lat_deg[row], self.community[row] = place[:3]
        if place.others:
            self.others[row] = place.others
        else:
            self.others.pop(row, None)
        self.kinds[row] = sys.intern(kind)  # few kinds, kept also of what left

    def _log(self, row: int, cursor: int) -> None:
        if not self.version[row]:
            return
        was = self.place(row)
        self.left.add(cursor, self.ids[row], self.kinds[row], was[:2], was[2:])

    # -- what a subscription sees -----------------------------------------------------

    def mask(self, seen: Subscription) -> Mask:
        """Return which rows a subscription sees, shape (size,)."""
        size = self.size
        places = (self.lon_deg[:size], self.lat_deg[:size], self.community[:size], self.others)
        return (self.version[:size] > 0) & self._sees(seen, Columns(self.ids, self.kinds, *places))

    def _sees(self, seen: Subscription, there: Columns) -> Mask:
        """Return which of some places a subscription looks at, with what is there."""
        lon_deg, lat_deg, kinds = there.lon_deg, there.lat_deg, there.kinds
        sees = np.ones(len(lon_deg), np.bool_)
        if seen.box is not None:
            x, y = cell_column(lon_deg), cell_column(lat_deg)
            west, south, east, north = cells(seen.box)
            inside = (x >= west) & (x < east) & (y >= south) & (y < north)
            sees &= inside | np.isnan(lon_deg)
        if seen.scope is not None:
            own = {self._communities[code] for code in seen.scope if code in self._communities}
            is_theirs = np.isin(there.community, [*own, EVERYWHERE])
            is_theirs[[row for row, others in there.others.items() if others & own]] = True
            sees &= is_theirs
        if seen.kinds and self.has_kinds:
            sees &= np.fromiter((kind in seen.kinds for kind in kinds), np.bool_, len(kinds))
        return sees

    @property
    def has_kinds(self) -> bool:
        """Whether a filter of kinds means this layer."""
        return self.layer in _WITH_KINDS

    def gone_since(self, seen: Subscription, cursor: int, mask: Mask) -> list[str]:
        """Return the ids of what a subscription no longer sees but did after `cursor`."""
        left = self.left.since(cursor)
        if left is None:
            return []
        saw = self._sees(seen, left)
        gone: dict[str, None] = {}
        for at in np.flatnonzero(saw).tolist():
            row = self.row_of.get(left.ids[at])
            if row is None or not mask[row]:
                gone[left.ids[at]] = None
        return list(gone)

    # -- what the layers do -----------------------------------------------------------

    def publish(self, cursor: int, now_ms: int) -> None:
        """Show what is due at `cursor`: every change of who was not told within `REST_MS`."""
        raise NotImplementedError

    def whole(self, rows: Sequence[int]) -> list[bytes]:
        """Return the entities as JSON objects."""
        raise NotImplementedError

    def changed(self, rows: Sequence[int]) -> list[bytes]:
        """Return what may have changed of entities that a screen has, as JSON objects."""
        raise NotImplementedError


_WITH_KINDS = frozenset({Layer.ALERTS, Layer.INCIDENTS, Layer.VESSELS, Layer.SENSORS})


def _cells(place: Place) -> tuple[int, int] | None:
    return None if math.isnan(place.lon_deg) else (cell(place.lon_deg), cell(place.lat_deg))
