"""The hub's promise: whatever a screen missed, it ends with what there is, and nothing comes twice.

A screen is played as a vendor would write it (snapshot, upserts, changes, removes)
against random lives of entities and random absences, and compared with a plain list.
"""

import math
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from screens.hub.hub import Hub, Look
from screens.hub.items import Item, ItemTable
from screens.hub.stationary import Fixed, StationaryTable
from screens.hub.subscription import Box, Layer, Subscription, widened
from screens.hub.table import NOWHERE, Place, Rows

COMMUNITIES = {"C1": 0, "C2": 1}
TICK_MS = 400  # an entity is told at most each third tick


class Lamps(StationaryTable):
    """Things that stand and have one word that changes."""

    def __init__(self) -> None:
        super().__init__(Layer.SENSORS, COMMUNITIES)
        self.lit: dict[int, int] = {}

    def say(self, rows: Rows, now_ms: int) -> None:
        for row in rows.tolist():
            self.words[row] = b'"value":%d' % self.lit.get(row, 0)


class Client:
    """A screen as a vendor writes it, and every frame that it got."""

    def __init__(self, seen: Subscription) -> None:
        self.seen = seen
        self.cursor = ""
        self.held: dict[str, dict[str, dict[str, Any]]] = {}
        self.repeats: list[tuple[str, dict[str, Any]]] = []

    def catch_up(self, look: Look) -> None:
        view = look.view
        frame = view.delta(self.cursor) if self.cursor else view.snapshot()
        if frame is None:
            return
        if frame.kind == "resync":
            self.held, frame = {}, view.snapshot()
        said = orjson.loads(frame.body)
        self.cursor = said["cursor"]
        for layer, items in said.get("layers", {}).items():
            self.held[layer] = {item["id"]: item for item in items}
        for layer, items in said.get("upserts", {}).items():
            for item in items:
                self._note_repeat(layer, item)
                self.held.setdefault(layer, {})[item["id"]] = item
        for layer, items in said.get("changes", {}).items():
            for item in items:
                self._note_repeat(layer, item)
                self.held[layer][item["id"]] |= item
        for layer, names in said.get("removes", {}).items():
            for name in names:
                self.held[layer].pop(name, None)

    def _note_repeat(self, layer: str, item: dict[str, Any]) -> None:
        before = self.held.get(layer, {}).get(item["id"])
        if before is not None and before | item == before:
            self.repeats.append((layer, item))


EDGES = [120.0, 120.005, 120.01, 120.019, 120.02, 120.1]
SUBSCRIPTIONS = st.builds(
    Subscription,
    st.just((Layer.VESSELS, Layer.SENSORS)),
    st.sampled_from(
        [None, widened(Box(120, 27, 120.02, 27.02)), widened(Box(120.007, 27, 120.2, 28))]
    ),
    kinds=st.sampled_from([frozenset[str](), frozenset({"a"})]),
    scope=st.sampled_from([None, None, frozenset({"C1"}), frozenset({"C1", "C2"})]),
)
PLACES = st.builds(
    Place,
    st.one_of(st.sampled_from(EDGES), st.floats(119.9, 120.3)),
    st.sampled_from([27.0, 27.01, 27.5]),
    st.sampled_from([0, 0, 1, NOWHERE]),
    st.sampled_from([frozenset[int](), frozenset[int](), frozenset({0}), frozenset({0, 1})]),
)
BOATS, LAMPS = st.integers(0, 2), st.integers(0, 3)
LOOKERS = st.sets(st.integers(0, 2), min_size=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            BOATS,
            st.one_of(st.just(Place()), PLACES, PLACES, PLACES),
            st.sampled_from("aab"),
        ),
        st.tuples(st.just("drop"), BOATS),
        st.tuples(st.just("light"), LAMPS),
        st.tuples(st.just("stand"), LAMPS),
        st.tuples(st.just("tick"), st.integers(1, 4)),
        st.tuples(st.just("look"), LOOKERS),
        st.tuples(st.just("settle"), LOOKERS),
    ),
    min_size=8,
    max_size=60,
)
STANDS = [Place(120.0 + i / 100, 27.0, i % 2) for i in range(4)]


class City:
    """Boats and lamps, and the steps of their lives."""

    def __init__(self) -> None:
        self.boats, self.lamps = ItemTable(Layer.VESSELS, COMMUNITIES, departures=9), Lamps()
        self.hub = Hub({Layer.VESSELS: self.boats, Layer.SENSORS: self.lamps}, "epoch")
        self.now_ms, self.told = 1_000_000, 0

    def put(self, number: int, place: Place, kind: str) -> None:
        self.told += 1
        body = {"id": f"b{number}", "said": self.told}
        self.boats.put(Item(f"b{number}", body, place, kind))

    def drop(self, number: int) -> None:
        self.boats.drop(f"b{number}")

    def stand(self, number: int) -> None:
        self.told += 1
        facts = {"limit": self.told}
        self.lamps.stand(Fixed(f"l{number}", "ab"[number % 2], STANDS[number], facts))

    def light(self, number: int) -> None:
        row = self.lamps.row_of.get(f"l{number}")
        if row is not None:
            self.told += 1
            self.lamps.lit[row] = self.told
            self.lamps.dirty[row] = True

    def tick(self, count: int) -> None:
        for _ in range(count):
            self.now_ms += TICK_MS
            self.hub.tick(self.now_ms)

    def seen_by(self, seen: Subscription) -> dict[str, dict[str, Any]]:
        """Return what a screen must hold, as one would write it without columns."""
        boats = {i.id: dict(i.body) for i in self.boats.items() if _sees(seen, i.place, i.kind)}
        lamps = {
            name: orjson.loads(self.lamps.whole([row])[0]) | {"value": self.lamps.lit.get(row, 0)}
            for name, row in self.lamps.row_of.items()
            if _sees(seen, STANDS[int(name[1:])], "ab"[int(name[1:]) % 2])
        }
        return {"vessels": boats, "sensors": lamps}


@settings(max_examples=300)
@given(SUBSCRIPTIONS, STEPS)
def test_any_screen_ends_with_what_there_is_and_hears_nothing_twice(
    seen: Subscription, steps: list[Any]
) -> None:
    city = City()
    clients = [Client(seen) for _ in range(3)]
    look = city.hub.open(seen)

    for name, *given_ in steps:
        if name == "settle":
            city.tick(3)
        if name in {"look", "settle"}:
            for number in given_[0]:
                clients[number].catch_up(look)
        else:
            getattr(city, name)(*given_)
    city.tick(4)  # all that is due gets told

    for client in clients:
        client.catch_up(look)
        held = {layer: client.held.get(layer, {}) for layer in ("vessels", "sensors")}
        assert held == city.seen_by(seen)
        assert client.repeats == []


def _sees(seen: Subscription, place: Place, kind: str) -> bool:
    if seen.kinds and kind not in seen.kinds:
        return False
    own = None if seen.scope is None else {COMMUNITIES[code] for code in seen.scope}
    if own is not None and place.community not in own and not place.others & own:
        return False
    if seen.box is None or math.isnan(place.lon_deg):
        return True
    west, south, east, north = (round(edge * 100) for edge in seen.box)
    x, y = place.lon_deg * 100 // 1, place.lat_deg * 100 // 1
    return west <= x < east and south <= y < north
