"""Never more than 5,000 items a view, and every entity is counted somewhere."""

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from screens.hub.density import MOST_CLUSTERS, MOST_ITEMS, Clusters, too_many
from screens.hub.items import Item, ItemTable
from screens.hub.subscription import Layer
from screens.hub.table import Place

COUNTS = st.dictionaries(st.sampled_from(list(Layer)), st.integers(0, 12_000))


@given(COUNTS, st.sets(st.sampled_from(list(Layer))))
def test_a_view_never_has_more_than_its_share(shown: dict[Layer, int], before: set[Layer]) -> None:
    clustered = too_many(shown, frozenset(before))

    sent = sum(MOST_CLUSTERS + 1 if layer in clustered else count for layer, count in shown.items())
    assert sent <= MOST_ITEMS


@given(COUNTS)
def test_a_view_at_the_edge_does_not_flap(shown: dict[Layer, int]) -> None:
    clustered = too_many(shown, frozenset())

    assert too_many(shown, clustered) == clustered


def test_the_most_urgent_layers_keep_their_items() -> None:
    shown = {Layer.ALERTS: 300, Layer.SENSORS: 9_400, Layer.CAMERAS: 9_700}

    assert too_many(shown, frozenset()) == {Layer.SENSORS, Layer.CAMERAS}


@given(
    st.lists(
        st.tuples(st.floats(120.4, 120.7), st.floats(27.4, 27.6), st.integers(0, 3)),
        min_size=1,
        max_size=300,
    ),
    st.integers(0, 3),
    st.floats(0, 24),
)
def test_clusters_count_every_entity_once_by_level(
    places: list[tuple[float, float, int]], unplaced: int, zoom: float
) -> None:
    table = ItemTable(Layer.SENSORS, {})
    for i, (lon, lat, level) in enumerate(places):
        table.put(Item(f"s{i}", {"id": f"s{i}"}, Place(lon, lat), level=level))
    for i in range(unplaced):
        table.put(Item(f"u{i}", {"id": f"u{i}"}))
    table.publish(1, 10_000)

    found = orjson.loads(Clusters(table, np.arange(table.size), zoom).said())

    levels = [level for *_, level in places]
    assert sum(one["count"] for one in found) == len(places) + unplaced
    assert sum(one["over"] for one in found) == levels.count(2)
    assert len({one["id"] for one in found}) == len(found) <= MOST_CLUSTERS + 1
    assert sum(one["count"] for one in found if one["id"] == "nowhere") == unplaced
