"""应急"一张网": the typhoon switch, signed by two; the surge; the roll-call of the boats.

While it is on, a stall is nobody's business and the water is, and a boat that leaves
its harbour against the recall is called by the coast desk; when it is switched off,
what was held is listed for review, and is then worked on.
"""

from collections.abc import Callable
from typing import Any, Final

import shapely

from feeds.simulator.acting import Leg, reports
from feeds.simulator.casting import fishing_boat
from feeds.simulator.desk import SOURCE as PEOPLE
from feeds.simulator.desk import Message, Step
from feeds.simulator.scenarios import typhoon
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction
from schemas.complaints import Channel, Complaint
from schemas.envelope import Datum
from schemas.incidents import IncidentAction, IncidentCommand
from schemas.positions import Position
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENT_REPLIES, INCIDENTS
from streams.geo.fences import FencePurpose
from streams.matters.recall import KIND

MODE: Final = "typhoon"
SOURCE: Final = "typhoon-drill"  # of its own: it must not come late among those that report now
BOATS_SOURCE: Final = "recall-drill"  # nor early
_EPIRB: Final = "974330384"
_EVERY_S: Final = 60
_PUTS_OUT_KN, _PUTS_OUT_EVERY_S = 8.0, 10
_GEAR: Final = "trawl"
_OUTWARD: Final = 0.9
_AWAY_S: Final = 300
_PROMPT_S: Final = 120
_EAST_DEG: Final = 90.0
_BOATS_DEG: Final = ((121.4, 26.6), (121.2, 27.1), (121.1, 27.4))


def _play(stage: Stage) -> Promise:
    if not stage.city.venues:
        raise ValueError("the city has no venue; this scenario needs one")
    surge = typhoon.storm(stage, _EPIRB, purpose=6)
    at_sea, stubborn = boats(stage), fishing_boat(stage.city, _GEAR, number=3)
    for boat, (lon_deg, lat_deg) in zip(at_sea, _BOATS_DEG, strict=True):
        stage.claim(boat, 0, TYPHOON_SWITCH.duration_s)
        leg = Leg(lon_deg, lat_deg, 6.0, 300.0)
        reports(stage, boat, SOURCE, leg, range(0, TYPHOON_SWITCH.duration_s, _EVERY_S))
    stage.claim(stubborn, 0, TYPHOON_SWITCH.duration_s)
    desk = stage.desk
    ticket = f"{Channel.HOTLINE_12345}-{stage.start_ms // 1000}-stall"
    desk.about(ticket, stubborn)
    alone = desk.tells(Step("one signs alone", _switches(IncidentAction.MODE_ON, second="")))
    on = desk.tells(Step("two switch on", _switches(IncidentAction.MODE_ON), after=(alone,)))
    venue = min(stage.city.venues.values(), key=lambda one: one.code)

    def calls(_: Message) -> Complaint:
        return Complaint(
            source=SOURCE,
            kind="complaint.stall",
            subject=ticket,
            event_time_ms=0,
            datum=Datum.WGS84,
            channel=Channel.HOTLINE_12345,
            category="占道经营",
            text="路边摆摊",
            place_confidence=0.9,
            lon_deg=venue.lon_deg,
            lat_deg=venue.lat_deg,
        )

    desk.tells(Step("a citizen calls about a stall", calls, after=(on,)))
    held = {"subject": ticket, "held": [f"mode:{MODE}"], "actionable": False}
    for step in _puts_out(stage, stubborn, on):
        desk.tells(step)
    recalled = {"subject": stubborn, "incident_kind": KIND}
    called = desk.works("coast desk", {**recalled, "change": "issued"}, CaseAction.ACCEPT)
    code = stage.city.vessels[stubborn].code
    skipper = desk.tells(Step("its skipper is called", _calls_skipper(code), after=(called,)))
    off_says = _switches(IncidentAction.MODE_OFF)
    off = desk.tells(Step("two switch off", off_says, INCIDENTS, held, (on, called), delay_s=300))
    order = {"subject": ticket, "change": "issued"}
    return Promise(
        comes=(
            *surge.comes,
            Expectation(
                "refusal of one person alone",
                INCIDENT_REPLIES,
                {"command_id": desk.id_of(alone), "reason": "second-person-required"},
            ),
            Expectation(
                "switch on by two",
                INCIDENT_REPLIES,
                {"command_id": desk.id_of(on), "accepted": True},
            ),
            Expectation("alert about the stall all the same", ALERTS, {"kind": "complaint.stall"}),
            Expectation("incident that nobody is sent for", INCIDENTS, held),
            Expectation(
                "switch off by two",
                INCIDENT_REPLIES,
                {"command_id": desk.id_of(off), "accepted": True},
            ),
            Expectation(
                "incident listed for review",
                INCIDENTS,
                {"subject": ticket, "released": f"mode:{MODE}"},
            ),
            Expectation("order about the stall afterwards", DISPATCH_ORDERS, order),
            Expectation(
                "alert about the boat that leaves against the recall",
                ALERTS,
                {"subject": stubborn, "kind": KIND, "transition": "notice", "life_safety": True},
            ),
            Expectation(
                "order to the coast desk, whose case it is",
                DISPATCH_ORDERS,
                {**recalled, "unit": "LG-coast-desk"},
                after_created_s=_PROMPT_S,
            ),
            Expectation(
                "what the skipper said, for the roll-call",
                INCIDENT_REPLIES,
                {"command_id": desk.id_of(skipper), "action": "roll-call", "accepted": True},
            ),
        ),
        stays_away=(
            *surge.stays_away,
            Expectation(
                "an alert about boats that were at sea already",
                ALERTS,
                {"subject": frozenset(at_sea), "kind": KIND},
            ),
        ),
    )


def boats(stage: Stage) -> list[str]:
    """Return who is at sea in three bands of latitude, by code; the rest is not heard.

    Raises:
        ValueError: The city has not so many boats.
    """
    with_ais = sorted({(one.code, one.mmsi) for one in stage.city.vessels.values() if one.mmsi})
    if len(with_ais) < len(_BOATS_DEG):
        raise ValueError("the city has too few boats with AIS for this scenario")
    return [mmsi for _, mmsi in with_ais[-len(_BOATS_DEG) :]]


def _puts_out(stage: Stage, boat: str, order: str) -> list[Step]:
    """Return the fixes of a boat that leaves harbour once the order is out, sent at once."""
    out = Leg(*_quay(stage), _PUTS_OUT_KN, _EAST_DEG)

    def fix(after_s: int) -> Step:
        lon_deg, lat_deg = out.after(after_s)
        position = Position(
            source=BOATS_SOURCE,
            kind="vessel.position",
            subject=boat,
            event_time_ms=0,
            datum=Datum.WGS84,
            lon_deg=round(lon_deg, 6),
            lat_deg=round(lat_deg, 6),
            sog_kn=out.sog_kn,
            cog_deg=out.cog_deg,
        )
        age_s = _AWAY_S - after_s
        return Step(f"fix of {age_s} s ago", lambda _: position, after=(order,), age_s=age_s)

    return [fix(after_s) for after_s in range(0, _AWAY_S, _PUTS_OUT_EVERY_S)]


def _quay(stage: Stage) -> tuple[float, float]:
    """Return a place in a harbour, some hundreds of metres from its eastern end.

    Raises:
        ValueError: The city has no harbour.
    """
    harbours = [one for one in stage.city.fences.fences if one.purpose is FencePurpose.HARBOUR]
    if not harbours:
        raise ValueError("the city has no harbour; this scenario needs one")
    ground = min(harbours, key=lambda one: one.id).geometry
    east = max(shapely.get_coordinates(ground).tolist())
    middle = ground.representative_point()
    lon_deg = middle.x + _OUTWARD * (east[0] - middle.x)
    return lon_deg, middle.y + _OUTWARD * (east[1] - middle.y)


def _switches(
    action: IncidentAction, second: str = "duty-officer-2"
) -> Callable[[Message], IncidentCommand]:
    why = "typhoon 9: orange warning"
    return _says(action, ("duty-officer-1", "duty-officer"), why, second=second, mode=MODE)


def _calls_skipper(boat: str) -> Callable[[Message], IncidentCommand]:
    why = "turns back to harbour"
    who = "coast-desk-1", "desk"
    return _says(IncidentAction.ROLL_CALL, who, why, subjects=(boat,), answered=True)


def _says(
    action: IncidentAction, who: tuple[str, str], reason: str, **more: Any
) -> Callable[[Message], IncidentCommand]:
    """Return how somebody, by name and role, commands the city's incidents."""
    by, role = who

    def says(_: Message) -> IncidentCommand:
        return IncidentCommand(
            source=PEOPLE,
            kind="incident.command",
            subject="city",
            event_time_ms=0,
            action=action,
            by=by,
            role=role,
            reason=reason,
            **more,
        )

    return says


TYPHOON_SWITCH: Final = Scenario(
    "typhoon-switch",
    "一张网: the typhoon switch by two, what it holds back, the surge, boats and the recall",
    600,
    _play,
)
