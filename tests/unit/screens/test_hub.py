"""The hub's manners: once a second an entity, encoded once, and `resync` where it must be said."""

import orjson

from screens.hub.density import MOST_ITEMS
from screens.hub.hub import Hub
from screens.hub.items import Item, ItemTable
from screens.hub.subscription import Layer, Subscription
from screens.hub.table import Place

ALERTS = Subscription((Layer.ALERTS,))
NOW_MS = 1_000_000


def make(epoch: str = "epoch") -> tuple[Hub, ItemTable]:
    table = ItemTable(Layer.ALERTS, {})
    return Hub({Layer.ALERTS: table}, epoch), table


def put(table: ItemTable, name: str, said: int) -> None:
    table.put(Item(name, {"id": name, "said": said}, Place(120.5, 27.5)))


def test_an_entity_is_told_at_once_then_at_most_once_a_second_and_then_as_it_is_by_then() -> None:
    hub, table = make()
    view = hub.open(ALERTS).view
    told = []
    for step in range(12):  # changes ten times a second, looked for four times a second
        put(table, "a", step)
        hub.tick(NOW_MS + step * 250)
        since = view.cursor
        view = hub.open(ALERTS).view
        frame = view.delta(since)
        if frame is not None:
            told.append((step, orjson.loads(frame.body)["upserts"]["alerts"][0]["said"]))

    assert told == [(0, 0), (4, 4), (8, 8)]


def test_a_clock_that_is_put_back_holds_nothing_up() -> None:
    hub, table = make()
    seen = []
    for now_ms in (NOW_MS, NOW_MS - 500_000, NOW_MS - 499_000, NOW_MS - 600_000, NOW_MS - 599_000):
        put(table, "a", now_ms)
        hub.tick(now_ms)
        (whole,) = table.whole([table.row_of["a"]])
        seen.append(orjson.loads(whole)["said"])

    assert seen == [NOW_MS, NOW_MS, NOW_MS - 499_000, NOW_MS - 499_000, NOW_MS - 599_000]


def test_screens_that_see_the_same_share_the_frame_and_its_bytes() -> None:
    hub, table = make()
    one, other = hub.open(ALERTS), hub.open(Subscription((Layer.ALERTS,)))
    since = one.view.cursor
    put(table, "a", 1)
    hub.tick(NOW_MS)

    frame = one.view.delta(since)

    assert frame is not None
    assert other.view.delta(since) is frame
    assert frame.as_sse is frame.as_sse
    assert hub.view_count == 1
    one.close()
    other.close()
    other.close()
    assert hub.view_count == 0


def test_a_cursor_of_another_process_or_subscription_is_told_to_start_over() -> None:
    hub, table = make()
    put(table, "a", 1)
    hub.tick(NOW_MS)
    view = hub.open(ALERTS).view
    others = (
        make("another")[0].open(ALERTS).view.cursor,
        hub.open(Subscription((Layer.ALERTS,), zoom=3)).view.cursor,
        "",
        "nonsense",
        "99-" + view.cursor.partition("-")[2],  # of the future
    )

    for cursor in others:
        frame = view.delta(cursor)
        assert frame is not None
        assert orjson.loads(frame.body)["reason"] == "unknown-cursor", cursor


def test_whoever_is_away_longer_than_departures_are_remembered_starts_over() -> None:
    table = ItemTable(Layer.ALERTS, {}, departures=2)
    hub = Hub({Layer.ALERTS: table}, "epoch")
    stood = []
    for name in "abcd":
        put(table, name, 1)
    for step, name in enumerate("abc"):
        hub.tick(NOW_MS + step * 1_000)
        stood.append(hub.open(ALERTS).view.cursor)
        table.drop(name)
    hub.tick(NOW_MS + 3_000)
    view = hub.open(ALERTS).view

    late, early = view.delta(stood[0]), view.delta(stood[1])

    assert late is not None
    assert early is not None
    assert orjson.loads(late.body)["reason"] == "too-old"
    assert orjson.loads(early.body)["removes"] == {"alerts": ["b", "c"]}


def test_when_a_view_becomes_too_dense_its_screens_get_clusters_instead() -> None:
    hub, table = make()
    put(table, "first", 0)
    hub.tick(NOW_MS)
    look = hub.open(ALERTS)
    since = look.view.cursor
    for number in range(MOST_ITEMS):
        put(table, f"a{number}", number)
    hub.tick(NOW_MS + 1_000)

    frame, whole = look.view.delta(since), orjson.loads(look.view.snapshot().body)

    assert frame is not None
    assert orjson.loads(frame.body)["reason"] == "density"
    assert whole["layers"] == {}
    assert sum(one["count"] for one in whole["clusters"]["alerts"]) == MOST_ITEMS + 1
