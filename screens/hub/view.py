"""What one subscription sees, and how any screen of it catches up."""

import hashlib
from collections.abc import Mapping

import numpy as np
import orjson

from screens.hub import frames
from screens.hub.density import Clusters, too_many
from screens.hub.frames import Frame
from screens.hub.subscription import Layer, Subscription
from screens.hub.table import Mask, Rows, Table

_CLUSTERS_EVERY_MS = 1000


class View:
    """A subscription at work; screens with equal subscriptions share one.

    `delta` is a function of where the screen stands, so the same code serves one
    that keeps up, one that reads slowly, and one that comes back after an hour:
    each gets the newest state of what changed since, once. A cursor is
    `number-mark`: the mark changes with subscription, process and what is shown
    as clusters, and a screen whose mark is another's is told to start over.
    """

    def __init__(self, seen: Subscription, tables: Mapping[Layer, Table], epoch: str) -> None:
        self.seen = seen
        self._tables = {layer: tables[layer] for layer in seen.layers}
        self._epoch = epoch
        self._masks: dict[Layer, tuple[int, Mask]] = {}
        self._clustered: frozenset[Layer] = frozenset()
        self._mark = ""
        self._cursor = -1
        self._groups: dict[Layer, tuple[int, Clusters]] = {}
        self._clusters: dict[Layer, bytes] = {}
        self._clusters_since: dict[Layer, int] = {}
        self._clusters_at_ms = 0
        self._made: dict[str, Frame | None] = {}

    def look(self, cursor: int, now_ms: int) -> None:
        """Take in what the tables show at `cursor`."""
        if cursor == self._cursor:
            return
        self._cursor = cursor
        self._made.clear()
        shown = {layer: int(self._mask(layer).sum()) for layer in self._tables}
        chosen = too_many(shown, self._clustered)
        if chosen != self._clustered or not self._mark:
            self._clustered = chosen
            self._mark = _mark(self.seen, chosen, self._epoch)
            self._clusters.clear()
            self._groups.clear()
            self._clusters_at_ms = 0
        if now_ms - self._clusters_at_ms >= _CLUSTERS_EVERY_MS:
            self._clusters_at_ms = now_ms
            for layer in chosen:
                said = self._grouped(layer).said()
                if said != self._clusters.get(layer):
                    self._clusters[layer] = said
                    self._clusters_since[layer] = cursor

    @property
    def cursor(self) -> str:
        """Where a screen stands that has all of this view."""
        return f"{self._cursor}-{self._mark}"

    def snapshot(self) -> Frame:
        """Return all that is seen."""
        found = self._made.get("")
        if found is None:
            items = {
                layer: table.whole(np.flatnonzero(self._mask(layer)).tolist())
                for layer, table in self._tables.items()
                if layer not in self._clustered
            }
            found = frames.snapshot(self.cursor, items, self._clusters)
            self._made[""] = found
        return found

    def delta(self, since: str) -> Frame | None:
        """Return what changed for a screen that stands at `since`; None for nothing.

        A frame of kind `resync` says that it cannot be told: send the snapshot.
        """
        if since == self.cursor:
            return None
        if since not in self._made:
            self._made[since] = self._delta(since)
        return self._made[since]

    def _delta(self, since: str) -> Frame | None:
        number, _, mark = since.partition("-")
        if mark != self._mark or not number.isdecimal() or int(number) > self._cursor:
            reason = "density" if self._is_earlier_mark(mark) else "unknown-cursor"
            return frames.resync(self.cursor, reason)
        cursor = int(number)
        if any(cursor < table.left.floor for table in self._tables.values()):
            return frames.resync(self.cursor, "too-old")
        upserts, changes, removes = {}, {}, {}
        for layer, table in self._tables.items():
            if layer in self._clustered:
                continue
            mask = self._mask(layer)
            rows = np.flatnonzero((table.version[: table.size] > cursor) & mask)
            if rows.size:
                fresh = table.born[rows] > cursor
                if fresh.any():
                    upserts[layer] = table.whole(rows[fresh].tolist())
                if not fresh.all():
                    changes[layer] = table.changed(rows[~fresh].tolist())
            if gone := table.gone_since(self.seen, cursor, mask):
                removes[layer] = orjson.dumps(gone)
        told = {
            layer: said
            for layer, said in self._clusters.items()
            if self._clusters_since[layer] > cursor
        }
        if not (upserts or changes or removes or told):
            return None
        return frames.delta(self.cursor, upserts, changes, removes, told)

    def _is_earlier_mark(self, mark: str) -> bool:
        """Whether `mark` is this subscription's, in this process, at another density."""
        same = mark.partition(".")[0] == self._mark.partition(".")[0]
        return same and mark != self._mark

    def _mask(self, layer: Layer) -> Mask:
        table = self._tables[layer]
        known = self._masks.get(layer)
        if known is None or known[0] != table.layout:
            known = self._masks[layer] = (table.layout, table.mask(self.seen))
        return known[1]

    def _grouped(self, layer: Layer) -> Clusters:
        """Return how a layer's rows fall into clusters; found anew when any of them moved."""
        table = self._tables[layer]
        known = self._groups.get(layer)
        if known is None or known[0] != table.layout:
            found = Clusters(table, self.rows(layer), self.seen.zoom)
            known = self._groups[layer] = (table.layout, found)
        return known[1]

    def rows(self, layer: Layer) -> Rows:
        """Return the rows of a layer that are seen, clustered or not."""
        return np.flatnonzero(self._mask(layer))


def _mark(seen: Subscription, clustered: frozenset[Layer], epoch: str) -> str:
    asked = repr((seen.layers, seen.box, seen.zoom, sorted(seen.kinds), _sorted(seen.scope), epoch))
    density = repr(sorted(clustered))
    return f"{_short(asked)}.{_short(density)}"


def _sorted(scope: frozenset[str] | None) -> list[str] | None:
    return None if scope is None else sorted(scope)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
