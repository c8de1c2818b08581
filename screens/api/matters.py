"""An incident or a case with its whole story, and search over all that is known."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web

from screens.api.seen import item_of, sees
from screens.hub.subscription import Layer
from screens.known.knowledge import Knowledge
from screens.web import KNOWLEDGE, Refused, json_answer

routes = web.RouteTableDef()
_MOST_FOUND = 40
_MOST_QUERY = 100


@routes.get("/api/v1/alerts/{id}")
async def alert(request: web.Request) -> web.Response:
    """Return an alert and all its messages."""
    item = item_of(request, Layer.ALERTS, "alert")
    return json_answer({**item.body, "story": _told(request.app[KNOWLEDGE], "alert", [item.id])})


@routes.get("/api/v1/incidents/{id}")
async def incident(request: web.Request) -> web.Response:
    """Return an incident with its story: alerts, orders, reminders, steps of its case."""
    item, knowledge = item_of(request, Layer.INCIDENTS, "incident"), request.app[KNOWLEDGE]
    cases = [
        found.id
        for found in knowledge.matters[Layer.CASES].items()
        if found.body.get("incident_id") == item.id
    ]
    return json_answer({**item.body, "cases": cases, "story": _story(knowledge, item.body, cases)})


@routes.get("/api/v1/cases/{id}")
async def case(request: web.Request) -> web.Response:
    """Return a case with its story, and the incident that it is for."""
    item, knowledge = item_of(request, Layer.CASES, "case"), request.app[KNOWLEDGE]
    about = knowledge.matters[Layer.INCIDENTS].get(str(item.body.get("incident_id") or ""))
    story = _story(knowledge, about or {}, [item.id])
    return json_answer({**item.body, "incident": about, "story": story})


def _story(
    knowledge: Knowledge, incident: Mapping[str, Any], cases: list[str]
) -> list[dict[str, Any]]:
    """Return what happened, oldest first; each entry has `what`, `at` and the message."""
    name = str(incident.get("incident_id") or "")
    told = _told(knowledge, "alert", incident.get("alert_ids") or ())
    told += _told(knowledge, "incident", [name] if name else [])
    told += _told(knowledge, "case-step", cases)
    for layer, what in ((Layer.ORDERS, "order"), (Layer.REMINDERS, "reminder")):
        for item in knowledge.matters[layer].items():
            if name and item.body.get("incident_id") == name:
                told += _told(knowledge, what, [item.id]) or [_entry(what, item.body)]
    return sorted(told, key=lambda entry: str(entry["at"]))


def _told(knowledge: Knowledge, what: str, names: Iterable[str]) -> list[dict[str, Any]]:
    return [
        _entry(what, message)
        for name in names
        for message in knowledge.stories.of(f"{what} {name}")
    ]


def _entry(what: str, message: Mapping[str, Any]) -> dict[str, Any]:
    return {"what": what, "at": message.get("event_time"), "message": message}


@routes.get("/api/v1/search")
async def search(request: web.Request) -> web.Response:
    """Return what `q` is part of: vessels, sensors, cameras, venues, areas, open matters."""
    text = request.query.get("q", "").strip().casefold()
    if not text or len(text) > _MOST_QUERY:
        raise Refused(400, "bad-query", f"q: 1 to {_MOST_QUERY} characters")
    found = []
    for hit in _hits(request, text):
        found.append(hit)
        if len(found) == _MOST_FOUND:
            break
    return json_answer({"q": text, "found": found, "more": len(found) == _MOST_FOUND})


def _hits(request: web.Request, text: str) -> Iterator[dict[str, Any]]:
    knowledge = request.app[KNOWLEDGE]
    yield from _vessels(request, knowledge, text)
    yield from _venues(request, knowledge, text)
    yield from _matters(request, knowledge, text)
    for code, community in knowledge.atlas.communities.items():
        if text in code.casefold() and sees(request, community):
            yield _hit("community", code, code)
    for layer in (Layer.SENSORS, Layer.CAMERAS):
        table = knowledge.hub.tables[layer]
        for code, row in table.row_of.items():
            if text in code.casefold() and sees(request, int(table.community[row])):
                place_deg = (float(table.lon_deg[row]), float(table.lat_deg[row]))
                yield _hit(layer.removesuffix("s"), code, table.kinds[row], *place_deg)


def _venues(request: web.Request, knowledge: Knowledge, text: str) -> Iterator[dict[str, Any]]:
    for venue in knowledge.city.venues.values():
        place = knowledge.atlas.place(venue.lon_deg, venue.lat_deg)
        if text in f"{venue.code} {venue.name}".casefold() and sees(request, place.community):
            yield _hit("venue", venue.code, venue.name, venue.lon_deg, venue.lat_deg)


def _matters(request: web.Request, knowledge: Knowledge, text: str) -> Iterator[dict[str, Any]]:
    for layer in (Layer.INCIDENTS, Layer.CASES, Layer.ALERTS):
        for item in reversed(knowledge.matters[layer].items()):
            said = (item.body.get(name) for name in ("id", "kind", "subject", "sentence"))
            words = " ".join(str(word or "") for word in said)
            if text in words.casefold() and sees(request, *item.place.communities):
                title = str(item.body.get("sentence") or item.body.get("subject"))
                yield _hit(layer.removesuffix("s"), item.id, title, *item.place[:2])


def _vessels(request: web.Request, knowledge: Knowledge, text: str) -> Iterator[dict[str, Any]]:
    names = {**knowledge.city.vessels, **dict.fromkeys(knowledge.fleet.vessels)}
    for subject in names:
        record = knowledge.fleet.record(subject)
        item = knowledge.fleet.item(subject)
        name = record.name if record else str(item.body["name"]) if item else ""
        code = record.code if record else ""
        place = item.place if item else knowledge.atlas.place(None, None)
        if text in f"{subject} {name} {code}".casefold() and sees(request, place.community):
            yield _hit("vessel", subject, name or subject, *place[:2])


def _hit(
    what: str,
    name: str,
    title: str,
    lon_deg: float = float("nan"),
    lat_deg: float = float("nan"),
) -> dict[str, Any]:
    hit: dict[str, Any] = {"what": what, "id": name, "title": title}
    if lon_deg == lon_deg:  # noqa: PLR0124 - NaN: it has no place
        hit |= {"lon_deg": lon_deg, "lat_deg": lat_deg}
    return hit
