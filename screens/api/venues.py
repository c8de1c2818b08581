"""A venue's card: its convention, the level against the limit now, what reminders did."""

import time
from typing import Any

from aiohttp import web

from schemas.instants import format_instant
from screens.api.seen import open_alerts, sees
from screens.hub.subscription import Layer
from screens.known.knowledge import Knowledge
from screens.web import KNOWLEDGE, json_answer, not_found
from streams.local_time import minute_text
from streams.matters.proof import is_reading
from streams.noise.limits import Venue

routes = web.RouteTableDef()
_FRESH_MS = 60_000
_LADDER_OVER_REMINDER = 2


@routes.get("/api/v1/venues")
async def venues(request: web.Request) -> web.Response:
    """Return every venue that this person may see, with its level and limit now."""
    knowledge, now_ms = request.app[KNOWLEDGE], time.time_ns() // 1_000_000
    seen = [venue for venue in knowledge.city.venues.values() if _may_see(request, venue)]
    return json_answer({"venues": [_now(knowledge, venue, now_ms) for venue in seen]})


@routes.get("/api/v1/venues/{id}")
async def venue(request: web.Request) -> web.Response:
    """Return one venue's card."""
    name, knowledge = request.match_info["id"], request.app[KNOWLEDGE]
    found = knowledge.city.venues.get(name)
    if found is None or not _may_see(request, found):
        raise not_found("venue", name)
    now_ms = time.time_ns() // 1_000_000
    reminders = [
        _reminder(knowledge, item.body)
        for item in knowledge.matters[Layer.REMINDERS].items()
        if item.body.get("venue") == name
    ]
    sensors = [code for code, post in knowledge.city.noise_sensors.items() if post.venue == name]
    alerts = [alert for code in (name, *sensors) for alert in open_alerts(request, knowledge, code)]
    card = _now(knowledge, found, now_ms) | {
        "use": found.use,
        "area_class": found.area_class,
        "convention": _convention(knowledge, name),
        "sensors": [knowledge.sensors.card(code) for code in sensors],
        "reminders": reminders[::-1],
        "reminders_that_worked": sum(one["outcome"] == "worked" for one in reminders),
        "alerts": alerts,
        "loudspeaker": name in knowledge.city.speakers,
    }
    return json_answer(card)


def _may_see(request: web.Request, venue: Venue) -> bool:
    place = request.app[KNOWLEDGE].atlas.place(venue.lon_deg, venue.lat_deg)
    return sees(request, place.community)


def _now(knowledge: Knowledge, venue: Venue, now_ms: int) -> dict[str, Any]:
    """Return the level and limit of this instant.

    The level is the loudest that its sensors said within the last minute: one
    reading each, not yet the Leq of a minute that the rule judges by.
    """
    posts = knowledge.city.noise_sensors
    heard = knowledge.sensors.newest([c for c, post in posts.items() if post.venue == venue.code])
    fresh = [(value, at_ms) for value, at_ms in heard.values() if now_ms - at_ms <= _FRESH_MS]
    loudest = max(fresh, default=None)
    limit = knowledge.limits.at_place(venue.code, venue.area_class, now_ms)
    return {
        "id": venue.code,
        "name": venue.name,
        "lon_deg": venue.lon_deg,
        "lat_deg": venue.lat_deg,
        "level": None if loudest is None else round(loudest[0], 1),
        "level_at": None if loudest is None else format_instant(loudest[1]),
        "unit": "dB(A)",
        "limit": None if limit is None else limit.level,
        "limit_reason": None if limit is None else limit.reason,
        "limit_words": None if limit is None else limit.words,
        "over": loudest is not None and limit is not None and loudest[0] > limit.level,
    }


def _convention(knowledge: Knowledge, name: str) -> list[dict[str, Any]]:
    return [
        {
            "hours": f"{minute_text(row.from_minute)}-{minute_text(row.until_minute)}",
            "limit": row.limit_db,
            "unit": "dB(A)",
            "day_type": row.day_type,
            "source": row.source,
        }
        for row in knowledge.city.limits.rows
        if row.venue == name
    ]


def _reminder(knowledge: Knowledge, said: Any) -> dict[str, Any]:
    """Return a reminder and what came of it.

    `worked`: the meter said that it ended, without anybody being sent; `not-enough`:
    somebody was; `failed`: the loudspeaker did not play it; `unheard`: the meter fell
    silent; `listening`: not decided yet.
    """
    incident = knowledge.matters[Layer.INCIDENTS].get(str(said.get("incident_id")))
    delivery = knowledge.deliveries.get(str(said["id"]), "unknown")
    if incident is not None and int(incident.get("rung") or 0) >= _LADDER_OVER_REMINDER:
        outcome = "not-enough"
    elif delivery == "reminder-failed":
        outcome = "failed"
    elif incident is not None and not incident["open"]:
        outcome = "worked" if is_reading(str(incident.get("reason") or "")) else "unheard"
    else:
        outcome = "listening"
    return {
        "id": said["id"],
        "at": said.get("event_time"),
        "text": said.get("text"),
        "incident_id": said.get("incident_id"),
        "delivery": delivery,
        "outcome": outcome,
    }
