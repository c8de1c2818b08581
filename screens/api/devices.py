"""The cards of sensors and cameras, and a sensor's course against its limit."""

import asyncio
import time

from aiohttp import web

from schemas.units import KINDS
from screens.api.seen import number, open_alerts, sees
from screens.known import blind as blindness
from screens.known.knowledge import Knowledge
from screens.web import KNOWLEDGE, json_answer, not_found, person_of

routes = web.RouteTableDef()
_DAY_MIN = 24 * 60.0
_KEPT_S = 10.0


class BlindSpots:
    """Where the city is blind, worked out beside the loop and kept for some seconds."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._found: blindness.Found = {}
        self._until_s = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> blindness.Found:
        """Return what was found, at most ten seconds ago."""
        async with self._one_at_a_time:
            if time.monotonic() >= self._until_s:
                now_ms = time.time_ns() // 1_000_000
                self._found = await asyncio.to_thread(blindness.look, self._knowledge, now_ms)
                self._until_s = time.monotonic() + _KEPT_S
        return self._found


BLIND = web.AppKey("blind_spots", BlindSpots)


@routes.get("/api/v1/sensors/{id}")
async def sensor(request: web.Request) -> web.Response:
    """Return all that is known of one sensor, with its open alerts."""
    name, knowledge = request.match_info["id"], request.app[KNOWLEDGE]
    _check(request, name)
    card = knowledge.sensors.card(name) or {}
    status = knowledge.devices.get(name)
    return json_answer({**card, "device": status, "alerts": open_alerts(request, knowledge, name)})


@routes.get("/api/v1/sensors/{id}/series")
async def series(request: web.Request) -> web.Response:
    """Return the course of the last `minutes` (60, at most a day), the worst value of each step."""
    name, knowledge = request.match_info["id"], request.app[KNOWLEDGE]
    row = _check(request, name)
    minutes = number(request, "minutes", 60, _DAY_MIN)
    since_ms = time.time_ns() // 1_000_000 - round(minutes * 60_000)
    card = knowledge.sensors.card(name) or {}
    kind = knowledge.sensors.kinds[row]
    return json_answer(
        {
            "id": name,
            "kind": kind,
            "unit": KINDS[kind].unit if kind in KINDS else "",
            "limit": card.get("limit"),
            "limit_reason": card.get("limit_reason"),
            "points": knowledge.sensors.series.points(row, since_ms),
        }
    )


def _check(request: web.Request, name: str) -> int:
    sensors = request.app[KNOWLEDGE].sensors
    row = sensors.row_of.get(name)
    if row is None or not sees(request, int(sensors.community[row])):
        raise not_found("sensor", name)
    return row


@routes.get("/api/v1/cameras/{id}")
async def camera(request: web.Request) -> web.Response:
    """Return all that is known of one camera; a picture only as a reference."""
    name, knowledge = request.match_info["id"], request.app[KNOWLEDGE]
    row = knowledge.cameras.row_of.get(name)
    if row is None or not sees(request, int(knowledge.cameras.community[row])):
        raise not_found("camera", name)
    card = knowledge.cameras.card(name) or {}
    status = knowledge.devices.get(name)
    return json_answer({**card, "device": status, "alerts": open_alerts(request, knowledge, name)})


@routes.get("/api/v1/blind")
async def blind(request: web.Request) -> web.Response:
    """Return where the city is blind: counts by kind, or with `kind` each micro-grid and why."""
    found = await request.app[BLIND].look()
    scope, wanted = person_of(request).scope, request.query.get("kind", "")
    if wanted and wanted not in found:
        raise not_found("kind of sense", wanted)
    kinds = {}
    for kind, (working, there) in found.items():
        seen = [one for one in there if scope is None or one.community in scope]
        counts: dict[str, int] = {}
        for one in seen:
            counts[one.why.value] = counts.get(one.why.value, 0) + 1
        kinds[kind] = {"blind": len(seen), "reasons": counts}
        if scope is None:
            kinds[kind]["working"] = working
        if kind == wanted:
            kinds[kind]["micro_grids"] = [blindness.as_json(one) for one in seen]
    return json_answer({"kinds": {wanted: kinds[wanted]} if wanted else kinds})
