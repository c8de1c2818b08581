"""A vessel's card, its track, and its telephone number for a reason that is kept."""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from schemas.instants import format_instant
from screens.access.people import Role
from screens.api.seen import number, open_alerts, sees
from screens.known.fleet import Vessel
from screens.web import (
    AUDIT,
    KNOWLEDGE,
    Refused,
    json_answer,
    json_of,
    not_found,
    person_of,
    remote_of,
)
from streams.vessels.register import VesselRecord

routes = web.RouteTableDef()
_LEAST_REASON = 4
_MOST_REASON = 500
_DAY_H = 24.0


@routes.get("/api/v1/vessels/{id}")
async def card(request: web.Request) -> web.Response:
    """Return all that is known of one vessel; the telephone number only masked."""
    knowledge = request.app[KNOWLEDGE]
    vessel, record = _find(request)
    now_ms = time.time_ns() // 1_000_000
    said = knowledge.fleet.said(vessel.subject)
    body: dict[str, Any] = {"id": vessel.subject, "kind": knowledge.fleet.kind(vessel)}
    if vessel.time_ms:
        body = knowledge.fleet.body(vessel)
        body["last_fix"] = format_instant(vessel.time_ms)
        body["age_s"] = round((now_ms - vessel.time_ms) / 1000, 1)
    body |= {
        "said": said,
        "registered": record is not None,
        "registry_mismatch": _mismatch(record, said),
        "alerts": open_alerts(request, knowledge, vessel.subject),
    }
    if record is not None:
        body |= _registered(request, record)
    return json_answer(body)


def _registered(request: web.Request, record: VesselRecord) -> dict[str, Any]:
    viewer = person_of(request).role is Role.VIEWER
    fences = request.app[KNOWLEDGE].city.fences.fences
    harbour = next((fence.name for fence in fences if fence.id == record.home_harbour), "")
    return {
        "code": record.code,
        "name": record.name,
        "mmsi": record.mmsi,
        "beidou": record.beidou,
        "call_sign": record.call_sign,
        "gear": record.gear,
        "length_m": record.length_m,
        "permits": record.permits,
        "harbour": {"id": record.home_harbour, "name": harbour},
        "skipper": masked_name(record.skipper) if viewer else record.skipper,
        "phone_masked": masked_phone(record.phone),
    }


def masked_phone(phone: str) -> str:
    """Return a number with all but its first three and last two digits hidden."""
    digits = [i for i, char in enumerate(phone) if char.isdigit()]
    hidden = set(digits[3:-2] if len(digits) > 5 else digits)  # noqa: PLR2004 - else all
    return "".join("*" if i in hidden else char for i, char in enumerate(phone))


def masked_name(name: str) -> str:
    """Return a name's first letter and as many stars as follow it."""
    return name[:1] + "*" * (len(name) - 1)


def _mismatch(record: VesselRecord | None, said: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return where a vessel says otherwise than the register; only what both say."""
    if record is None:
        return []
    pairs = {"name": record.name, "call_sign": record.call_sign, "gear": record.gear}
    return [
        {"field": field, "registered": registered, "said": str(said[field])}
        for field, registered in pairs.items()
        if registered and said.get(field) and str(said[field]).strip() != registered
    ]


@routes.get("/api/v1/vessels/{id}/track")
async def track(request: web.Request) -> web.Response:
    """Return the fixes of the last `hours`, one a minute, as a GeoJSON LineString with times."""
    vessel, _ = _find(request)
    hours = number(request, "hours", _DAY_H, _DAY_H)
    since_ms = time.time_ns() // 1_000_000 - round(hours * 3_600_000)
    points = vessel.track.points(since_ms)
    return json_answer(
        {
            "type": "Feature",
            "id": vessel.subject,
            "geometry": {"type": "LineString", "coordinates": [fix[:2] for _, fix in points]},
            "properties": {
                "times": [format_instant(at_ms) for at_ms, _ in points],
                "sog_kn": [_said(fix[2]) for _, fix in points],
                "cog_deg": [_said(fix[3]) for _, fix in points],
            },
        }
    )


def _said(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 - NaN: not said


@routes.post("/api/v1/vessels/{id}/reveal")
async def reveal(request: web.Request) -> web.Response:
    """Return the telephone number, for a `reason` that is written to the audit log first."""
    person = person_of(request)
    reason = str((await json_of(request)).get("reason") or "").strip()
    vessel, record = _find(request)
    if not person.sees_personal:
        raise Refused(403, "role", f"a {person.role} may not see telephone numbers")
    if not _LEAST_REASON <= len(reason) <= _MOST_REASON:
        raise Refused(400, "reason-required", "say why you need it, in a few words")
    if record is None or not record.phone:
        raise not_found("telephone number of vessel", vessel.subject)
    request.app[AUDIT].write(
        {
            "at": format_instant(time.time_ns() // 1_000_000),
            "what": "reveal-phone",
            "user": person.user,
            "role": person.role,
            "subject": vessel.subject,
            "vessel": record.code,
            "reason": reason,
            "from": remote_of(request),
        }
    )
    return json_answer({"phone": record.phone})


def _find(request: web.Request) -> tuple[Vessel, VesselRecord | None]:
    """Return the vessel of the path; one of the register that was never heard is one too."""
    name = request.match_info["id"]
    fleet, atlas = request.app[KNOWLEDGE].fleet, request.app[KNOWLEDGE].atlas
    vessel, record = fleet.vessels.get(name), fleet.record(name)
    if vessel is None and record is not None:
        vessel = Vessel(name)
    where = vessel.fix[:2] if vessel is not None and vessel.time_ms else (None, None)
    if vessel is None or not sees(request, atlas.place(*where).community):
        raise not_found("vessel", name)
    return vessel, record
