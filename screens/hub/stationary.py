"""A layer of things that stand where they are and say a few changing words: sensors, cameras."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from screens.hub.subscription import Layer
from screens.hub.table import REST_MS, Place, Rows, Table


class Fixed(NamedTuple):
    """A thing of the register: what never changes of it, but for `facts`, which rarely do."""

    id: str
    kind: str
    place: Place
    facts: Mapping[str, Any]


class StationaryTable(Table):
    """Things that stay: what changes of them is told alone, the rest only once.

    Whoever fills it writes `words`, by row the members that change as JSON
    (`"value":3,"level":"ok"`), for the rows that `due` names.
    """

    def __init__(self, layer: Layer, communities: Mapping[str, int]) -> None:
        super().__init__(layer, communities, departures=0)  # they stay
        self.dirty = np.zeros(len(self.version), np.bool_)
        self.words: list[bytes] = []
        self._names: list[bytes] = []
        self._facts: list[bytes] = []
        self._renewed: dict[int, bytes] = {}  # facts that screens have not been told

    def stand(self, thing: Fixed) -> int:
        """Put up a thing, or renew its facts; return its row."""
        row = self.row_of.get(thing.id)
        if row is None:
            row = self._add(thing.id)
            if len(self.dirty) < len(self.version):
                more = np.zeros(len(self.version) - len(self.dirty), np.bool_)
                self.dirty = np.concatenate((self.dirty, more))
            self.lon_deg[row], self.lat_deg[row], self.community[row] = thing.place[:3]
            self.kinds[row] = thing.kind
            self._names.append(b'{"id":' + orjson.dumps(thing.id) + b",")
            self._facts.append(b"")
            self.words.append(b"")
        facts = orjson.dumps({"kind": thing.kind, **_where(thing.place), **thing.facts})[1:-1]
        self._renewed[row] = facts + b","
        self.dirty[row] = True
        return row

    def due(self, now_ms: int) -> Rows:
        """Return the rows that changed and were not told within `REST_MS`."""
        rested = now_ms - self.told_ms[: self.size] >= REST_MS
        return np.flatnonzero(self.dirty[: self.size] & rested)

    def publish(self, cursor: int, now_ms: int) -> None:
        rows = self.due(now_ms)
        if not rows.size:
            return
        self.say(rows, now_ms)
        if self._renewed:
            self.layout += 1  # some of them may be shown for the first time
            for row in self._renewed.keys() & set(rows.tolist()):
                self._facts[row] = self._renewed.pop(row)
                self.born[row] = cursor
        self.version[rows] = cursor
        self.told_ms[rows] = now_ms
        self.dirty[rows] = False

    def say(self, rows: Rows, now_ms: int) -> None:
        """Write `words` for rows that are about to be told."""
        raise NotImplementedError

    def whole(self, rows: Sequence[int]) -> list[bytes]:
        names, facts, words = self._names, self._facts, self.words
        return [names[row] + facts[row] + words[row] + b"}" for row in rows]

    def as_of_now(self, row: int, words: bytes) -> bytes:
        """Return one thing with words and facts that screens may not have been told yet."""
        facts = self._renewed.get(row, self._facts[row])
        return self._names[row] + facts + words + b"}"

    def changed(self, rows: Sequence[int]) -> list[bytes]:
        names, words = self._names, self.words
        return [names[row] + words[row] + b"}" for row in rows]


def _where(place: Place) -> dict[str, float]:
    if place.lon_deg != place.lon_deg:
        return {}
    return {"lon_deg": place.lon_deg, "lat_deg": place.lat_deg}
