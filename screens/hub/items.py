"""A layer of whole items that come, change, move and end: alerts, incidents, vessels."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from screens.hub.subscription import Layer
from screens.hub.table import REST_MS, Place, Table


class Item(NamedTuple):
    """An entity as it stands.

    Attributes:
        id: Its own name within the layer.
        body: The JSON object that screens get; has `id` and `updated`.
        place: Where it counts.
        kind: For filters.
        level: For clusters, as in `Table`.
    """

    id: str
    body: Mapping[str, Any]
    place: Place = Place()
    kind: str = ""
    level: int = 0


class ItemTable(Table):
    """Items, each encoded once when it is published; past `most`, those put longest ago go.

    Args:
        layer, communities: As in `Table`.
        most: Items kept at most.
        departures: As in `Table`; as many as `most` where none are given: items that
            stay where they are leave once.
    """

    def __init__(
        self,
        layer: Layer,
        communities: Mapping[str, int],
        most: int = 20_000,
        departures: int | None = None,
    ) -> None:
        super().__init__(layer, communities, most if departures is None else departures)
        self._most = most
        self._pending: dict[str, Item | None] = {}
        self._bytes: list[bytes] = []
        self._items: dict[str, Item] = {}

    def put(self, item: Item) -> None:
        """Remember an entity as it stands; screens hear of it at the next publication."""
        self._items.pop(item.id, None)
        self._items[item.id] = item
        self._pending[item.id] = item
        if len(self._items) > self._most:
            self.drop(next(iter(self._items)))

    def drop(self, name: str) -> None:
        """Forget an entity; unknown ones are fine."""
        if self._items.pop(name, None) is not None:
            self._pending[name] = None

    def get(self, name: str) -> Mapping[str, Any] | None:
        """Return the newest body of an entity, told or not."""
        found = self._items.get(name)
        return None if found is None else found.body

    def item(self, name: str) -> Item | None:
        """Return an entity as it stands, told or not."""
        return self._items.get(name)

    def items(self) -> Sequence[Item]:
        """Return all entities as they stand, the one put longest ago first."""
        return list(self._items.values())

    def publish(self, cursor: int, now_ms: int) -> None:
        for name, item in list(self._pending.items()):
            row = self.row_of.get(name)
            if item is None:
                if row is not None:
                    self._remove(row, cursor)
                    self._bytes[row] = b""
                del self._pending[name]
            elif row is None or now_ms - int(self.told_ms[row]) >= REST_MS:
                self._show(item, self._add(name) if row is None else row, cursor, now_ms)
                del self._pending[name]

    def _show(self, item: Item, row: int, cursor: int, now_ms: int) -> None:
        self._place(row, cursor, item.place, item.kind)
        if row == len(self._bytes):
            self._bytes.append(b"")
        # A copy, because what orjson returns holds on to the 4 KiB that it was written in.
        self._bytes[row] = bytes(memoryview(orjson.dumps(item.body)))
        self.level[row] = item.level
        self.version[row] = cursor
        self.born[row] = cursor  # always whole: what it says may also be gone
        self.told_ms[row] = now_ms

    def whole(self, rows: Sequence[int]) -> list[bytes]:
        return [self._bytes[row] for row in rows]

    changed = whole
