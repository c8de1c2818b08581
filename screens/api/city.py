"""The city itself: who it is, and its boundaries to draw a map of."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import shapely
from aiohttp import web
from shapely.geometry.base import BaseGeometry

from screens.basemap import OWN_ADDRESS
from screens.web import KNOWLEDGE, SETTINGS, json_answer, not_found
from streams.city.model import City
from streams.geo.areas import AreaIndex
from streams.geo.fences import FencePurpose

routes = web.RouteTableDef()
DRAWN = web.AppKey("drawn_layers", dict[str, bytes])
_DIGITS = 6


@routes.get("/api/v1/city")
async def city(request: web.Request) -> web.Response:
    """Return names, bounds, venues, harbours, modes, and where the map's layers are."""
    known = request.app[KNOWLEDGE].city
    style = request.app[SETTINGS].basemap
    incidents: Any = known.params.get("incidents")
    bounds = shapely.total_bounds(known.areas.geometry).round(_DIGITS).tolist()
    return json_answer(
        {
            "code": known.code,
            "names": {"zh": known.name_zh, "en": known.name_en},
            "version": known.version,
            "bbox": bounds,
            "basemap": {name: f"/api/v1/city/{name}.geojson" for name in LAYERS},
            "style": None if style is None else style.address,
            "modes": sorted(incidents.modes) if incidents is not None else [],
            "communities": sorted(request.app[KNOWLEDGE].atlas.communities),
            "venues": [
                {"code": v.code, "name": v.name, "lon_deg": v.lon_deg, "lat_deg": v.lat_deg}
                for v in known.venues.values()
            ],
            "harbours": [
                {"id": fence.id, "name": fence.name}
                for fence in known.fences.fences
                if fence.purpose is FencePurpose.HARBOUR
            ],
        }
    )


@routes.get(OWN_ADDRESS)
async def foreign_basemap(request: web.Request) -> web.Response:
    """Return the style of another basemap, where this gateway was started with one in a file."""
    style = request.app[SETTINGS].basemap
    if style is None or not style.body:
        raise not_found("style", "basemap")
    return web.Response(body=style.body, content_type="application/json")


@routes.get("/api/v1/city/{layer}.geojson")
async def basemap(request: web.Request) -> web.Response:
    """Return one layer of the map as GeoJSON; it changes only with the city's version."""
    name, drawn = request.match_info["layer"], request.app[DRAWN]
    known = request.app[KNOWLEDGE].city
    if name not in LAYERS:
        raise not_found("layer", name)
    if name not in drawn:  # some seconds of geometry: not in the loop
        drawn[name] = await asyncio.to_thread(_drawn, known, LAYERS[name])
    tag = f'"{known.version}-{name}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    answer = web.Response(body=drawn[name], content_type="application/geo+json", headers=headers)
    answer.enable_compression()
    return answer


def _drawn(city: City, draw: "Callable[[City], list[dict[str, Any]]]") -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": draw(city)})


def _feature(name: str, geometry: BaseGeometry, facts: Mapping[str, Any]) -> dict[str, Any]:
    rounded = shapely.set_precision(geometry, 10**-_DIGITS)
    return {
        "type": "Feature",
        "id": name,
        "properties": {"id": name, **facts},
        "geometry": orjson.loads(shapely.to_geojson(rounded)),
    }


def _outline(city: City) -> list[dict[str, Any]]:
    whole = shapely.union_all(city.areas.geometry)
    return [_feature(city.code, whole, {"name": city.name_zh, "name_en": city.name_en})]


def _grouped(areas: AreaIndex, level: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, code in enumerate(areas.codes):
        chain = areas.chain_of(code)
        if chain is not None and (name := getattr(chain, level)):
            found.setdefault(name, []).append(index)
    return found


def _communities(city: City) -> list[dict[str, Any]]:
    names = {unit.area: unit.name for unit in city.roster.units.values() if unit.area}
    groups = _grouped(city.areas, "community")
    return [
        _feature(
            code, shapely.union_all(city.areas.geometry[rows]), {"name": names.get(code, code)}
        )
        for code, rows in sorted(groups.items())
    ]


def _grids(city: City) -> list[dict[str, Any]]:
    found = []
    for code, rows in sorted(_grouped(city.areas, "grid").items()):
        chain = city.areas.chain_of(code)
        community = chain.community if chain else ""
        whole = shapely.union_all(city.areas.geometry[rows])
        found.append(_feature(code, whole, {"community": community}))
    return found


def _micro_grids(city: City) -> list[dict[str, Any]]:
    found = []
    for code, geometry in zip(city.areas.codes, city.areas.geometry, strict=True):
        chain = city.areas.chain_of(code)
        facts = {"grid": chain.grid, "community": chain.community} if chain else {}
        found.append(_feature(code, geometry, facts))
    return found


def _fences(city: City) -> list[dict[str, Any]]:
    return [
        _feature(fence.id, fence.geometry, {"name": fence.name, "purpose": fence.purpose})
        for fence in city.fences.fences
    ]


def _venues(city: City) -> list[dict[str, Any]]:
    return [
        _feature(venue.code, shapely.Point(venue.lon_deg, venue.lat_deg), {"name": venue.name})
        for venue in city.venues.values()
    ]


def _harbours(city: City) -> list[dict[str, Any]]:
    return [
        _feature(fence.id, fence.geometry, {"name": fence.name})
        for fence in city.fences.fences
        if fence.purpose is FencePurpose.HARBOUR
    ]


LAYERS: Mapping[str, Callable[[City], list[dict[str, Any]]]] = {
    "outline": _outline,
    "communities": _communities,
    "grids": _grids,
    "micro_grids": _micro_grids,
    "fences": _fences,
    "venues": _venues,
    "harbours": _harbours,
}
