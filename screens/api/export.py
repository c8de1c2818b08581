"""What a layer holds, as a file: CSV for tables, GeoJSON for maps."""

import asyncio
import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import orjson
from aiohttp import web

from schemas.instants import format_instant
from screens.hub.subscription import Layer, SubscriptionError, parse
from screens.web import AUDIT, KNOWLEDGE, Refused, json_answer, not_found, person_of, remote_of

routes = web.RouteTableDef()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FIRST = ("id", "updated", "kind", "lon_deg", "lat_deg")


@routes.get("/api/v1/export/{layer}.{form:csv|geojson}")
async def export(request: web.Request) -> web.StreamResponse:
    """Return all of a layer that this person may see, within `box` and of `kinds` if said."""
    name, form = request.match_info["layer"], request.match_info["form"]
    if name not in set(Layer):
        raise not_found("layer", name)
    items = list(_items(request, Layer(name)))
    person = person_of(request)
    request.app[AUDIT].write(
        {
            "at": format_instant(time.time_ns() // 1_000_000),
            "what": "export",
            "user": person.user,
            "role": person.role,
            "layer": name,
            "items": len(items),
            "from": remote_of(request),
        }
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "geojson":
        features = [_feature(item) for item in items]
        return json_answer({"type": "FeatureCollection", "features": features}, headers=headers)
    answer = web.Response(
        text=await asyncio.to_thread(_csv, items),
        content_type="text/csv",
        charset="utf-8",
        headers=headers,
    )
    answer.enable_compression()
    return answer


def _items(request: web.Request, layer: Layer) -> Iterator[dict[str, Any]]:
    said = {**request.query, "layers": layer}
    try:
        seen = parse(said, person_of(request).scope)
    except SubscriptionError as error:
        raise Refused(400, "bad-subscription", str(error)) from None
    look = request.app[KNOWLEDGE].hub.open(seen)
    try:
        rows = look.view.rows(layer).tolist()
    finally:
        look.close()
    for whole in request.app[KNOWLEDGE].hub.tables[layer].whole(rows):
        yield orjson.loads(whole)


def _feature(item: dict[str, Any]) -> dict[str, Any]:
    lon, lat = item.get("lon_deg"), item.get("lat_deg")
    place = None if lon is None or lat is None else {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "id": item["id"], "geometry": place, "properties": item}


def _csv(items: list[dict[str, Any]]) -> str:
    names = dict.fromkeys([*_FIRST, *(name for item in items for name in item)])
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(names)
    for item in items:
        table.writerow([_cell(item.get(name)) for name in names])
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a value for one cell; text from outside never becomes a spreadsheet's formula."""
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
