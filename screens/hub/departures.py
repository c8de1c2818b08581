"""What left a layer, or a place within it, in memory that never grows."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Columns(NamedTuple):
    """Where entities are or were, and of what kind.

    Attributes:
        ids, kinds: Of the entities.
        lon_deg, lat_deg: NaN for what has no place.
        community: By which community they are owned, as in `Table`.
        others: By position, further communities; those without any are not in it.
    """

    ids: list[str]
    kinds: list[str]
    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    community: NDArray[np.int32]
    others: Mapping[int, frozenset[int]]


class Departures:
    """A ring of the newest departures of a layer, each with the cursor at which it was.

    All of it is written once at the start: memory that is first touched when a ring
    fills, hours later, would look like a leak until then.

    Attributes:
        most: How many are kept.
        floor: Who was last told at an older cursor missed some that are forgotten.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.floor = 0
        self._count = 0  # since the start
        self._cursor: NDArray[np.int64] = np.full(most, -1, np.int64)
        self._lon_deg: NDArray[np.float64] = np.full(most, np.nan)
        self._lat_deg: NDArray[np.float64] = np.full(most, np.nan)
        self._community: NDArray[np.int32] = np.full(most, -1, np.int32)
        self._ids = [""] * most
        self._kinds = [""] * most
        self._others: list[frozenset[int]] = [frozenset()] * most

    def __len__(self) -> int:
        return min(self._count, self.most)

    def add(
        self,
        cursor: int,
        name: str,
        kind: str,
        place: tuple[float, float],
        owners: tuple[int, frozenset[int]],
    ) -> None:
        """Note that an entity left `place` (or ended) at `cursor`, which never falls.

        Args:
            cursor: When.
            name: Which entity.
            kind: Of what kind it was.
            place: Where it was.
            owners: The community that owned it, and the others that had it in hand.
        """
        slot = self._count % self.most
        if self._count >= self.most:
            self.floor = int(self._cursor[slot])
        self._cursor[slot] = cursor
        self._lon_deg[slot], self._lat_deg[slot] = place
        self._community[slot], self._others[slot] = owners
        self._ids[slot], self._kinds[slot] = name, kind
        self._count += 1

    def since(self, cursor: int) -> Columns | None:
        """Return what left after `cursor`, the oldest first, as far as kept; None for none."""
        end = self._count % self.most if self.most else 0
        old = self._after(cursor, end, len(self))  # before the ring's seam
        new = self._after(cursor, 0, end)
        slots = [*range(old, len(self)), *range(new, end)]
        if not slots:
            return None
        rows = np.array(slots)
        return Columns(
            [self._ids[slot] for slot in slots],
            [self._kinds[slot] for slot in slots],
            self._lon_deg[rows],
            self._lat_deg[rows],
            self._community[rows],
            {at: self._others[slot] for at, slot in enumerate(slots) if self._others[slot]},
        )

    def _after(self, cursor: int, begin: int, end: int) -> int:
        """Return the first slot of a stretch whose cursor is younger than `cursor`."""
        return begin + int(np.searchsorted(self._cursor[begin:end], cursor, "right"))

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, without the texts of the ids."""
        columns = (self._cursor, self._lon_deg, self._lat_deg, self._community)
        return sum(column.nbytes for column in columns) + 24 * self.most
