"""The time machine: the city as it was at any minute of the last day."""

import asyncio
import time
from typing import Any

import numpy as np
import orjson
from aiohttp import web
from aiokafka.errors import KafkaError

from schemas.instants import format_instant, parse_instant
from schemas.refused import Refusal
from schemas.units import KINDS
from screens import past
from screens.hub.density import MOST_ITEMS, Clusters
from screens.hub.items import Item, ItemTable
from screens.hub.subscription import Layer, Subscription, SubscriptionError, parse
from screens.hub.table import Table
from screens.known.knowledge import Knowledge
from screens.known.limits import Limits
from screens.known.sensors import LEVEL_WORDS
from screens.web import KNOWLEDGE, SETTINGS, Refused, json_answer, person_of

routes = web.RouteTableDef()
ONE_AT_A_TIME = web.AppKey("one_past_at_a_time", asyncio.Semaphore)
_WITHIN_S = 20.0
_LAYERS = (*sorted(past.KEPT), Layer.VESSELS, Layer.SENSORS)


@routes.get("/api/v1/history")
async def history(request: web.Request) -> web.Response:
    """Return the snapshot of `at` (RFC 3339), for `layers`, `box`, `zoom` and `kinds`."""
    now_ms = time.time_ns() // 1_000_000
    at_ms = _instant(request, now_ms)
    seen = _seen(request)
    knowledge, settings = request.app[KNOWLEDGE], request.app[SETTINGS]
    kept = [layer for layer in seen.layers if layer in past.KEPT]
    tables: dict[Layer, Table] = {}
    if kept:
        try:
            async with asyncio.timeout(_WITHIN_S), request.app[ONE_AT_A_TIME]:
                tables |= await past.matters_at(
                    settings.broker, settings.prefix, knowledge.atlas, kept, at_ms
                )
        except (KafkaError, TimeoutError):
            raise Refused(503, "broker", "Kafka does not answer; try again", {}) from None
    if Layer.VESSELS in seen.layers:
        tables[Layer.VESSELS] = await asyncio.to_thread(_vessels, knowledge, at_ms)
    if Layer.SENSORS in seen.layers:
        tables[Layer.SENSORS] = await asyncio.to_thread(_sensors, knowledge, at_ms)
    layers: dict[str, Any] = {}
    crowded: dict[str, Any] = {}
    for layer, table in tables.items():
        table.publish(1, at_ms)
        rows = np.flatnonzero(table.mask(seen))
        if len(rows) > MOST_ITEMS:
            crowded[layer.value] = orjson.Fragment(Clusters(table, rows, seen.zoom).said())
        else:
            layers[layer.value] = [orjson.Fragment(item) for item in table.whole(rows.tolist())]
    since_ms = knowledge.sensors.series.since_ms
    body = {
        "type": "snapshot",
        "at": format_instant(at_ms),
        "layers": layers,
        "clusters": crowded,
        "sensors_since": None if since_ms is None else format_instant(since_ms),
    }
    return json_answer(body)


def _instant(request: web.Request, now_ms: int) -> int:
    at_ms = parse_instant(request.query.get("at", "").replace(" ", "+"))
    if isinstance(at_ms, Refusal):
        raise Refused(400, "bad-time", f"at: {at_ms.hint}")
    if not now_ms - past.DAY_MS <= at_ms <= now_ms:
        raise Refused(400, "bad-time", "at: an instant of the last 24 hours")
    return at_ms


def _seen(request: web.Request) -> Subscription:
    try:
        seen = parse(request.query, person_of(request).scope)
    except SubscriptionError as error:
        raise Refused(400, "bad-subscription", str(error)) from None
    return seen._replace(layers=tuple(layer for layer in seen.layers if layer in _LAYERS))


def _vessels(knowledge: Knowledge, at_ms: int) -> ItemTable:
    """Return the vessels where they were; what they are is as of now."""
    table = ItemTable(Layer.VESSELS, knowledge.atlas.communities)
    for vessel in list(knowledge.fleet.vessels.values()):
        found = vessel.track.at(at_ms)
        if found is None:
            continue
        minute_ms, fix = found
        now = knowledge.fleet.item(vessel.subject)
        body = {
            "id": vessel.subject,
            "updated": format_instant(minute_ms),
            "name": now.body["name"] if now else "",
            "kind": knowledge.fleet.kind(vessel),
            "lon_deg": fix[0],
            "lat_deg": fix[1],
            "sog_kn": None if np.isnan(fix[2]) else fix[2],
            "cog_deg": None if np.isnan(fix[3]) else fix[3],
        }
        place = knowledge.atlas.place(fix[0], fix[1])
        table.put(Item(vessel.subject, body, place, knowledge.fleet.kind(vessel)))
    return table


def _sensors(knowledge: Knowledge, at_ms: int) -> ItemTable:
    """Return the worst value of each sensor in that minute, and how it stood to its limit then."""
    sensors, size = knowledge.sensors, knowledge.sensors.size
    table = ItemTable(Layer.SENSORS, knowledge.atlas.communities)
    values = sensors.series.at(at_ms)[:size]
    limits = Limits(knowledge.city)
    limits.renew(at_ms, sensors.ids[:size], sensors.kinds[:size])
    for row in np.flatnonzero(~np.isnan(values)).tolist():
        place, code, kind = sensors.place(row), sensors.ids[row], sensors.kinds[row]
        value, limit = round(float(values[row]), 3), limits.of(code, kind)
        level = 0 if limit is None else limit.level_of(value)
        body: dict[str, Any] = {
            "id": code,
            "updated": format_instant(at_ms - at_ms % 60_000),
            "kind": kind,
            "unit": KINDS[kind].unit if kind in KINDS else "",
            "value": value,
            "level": LEVEL_WORDS[level],
            "stale": False,
        }
        if limit is not None:
            body["limit"] = limit.level
        if not np.isnan(place.lon_deg):
            body |= {"lon_deg": place.lon_deg, "lat_deg": place.lat_deg}
        table.put(Item(code, body, place, kind, level))
    return table
