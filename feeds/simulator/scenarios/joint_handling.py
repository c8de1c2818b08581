"""联勤处置"一件办": a crowd at a bonfire; one case, a lead and two departments that help."""

from typing import Final

from feeds.simulator.acting import Caller, Seen, complains, detects
from feeds.simulator.casting import cameras, crews, sensors
from feeds.simulator.desk import Step, of_the_desk, of_the_field
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction
from schemas.complaints import Channel
from schemas.topics import CASE_EVENTS, CASE_REPLIES, CASES, DISPATCH_ORDERS, INCIDENTS, KPI

_SEEN_S, _CALLED_S, _GONE_S, _EVERY_S = 20, 40, 150, 30
_WITHIN_S: Final = 180
_WORK: Final = (CaseAction.DEPART, CaseAction.ARRIVE, CaseAction.HANDLE, CaseAction.VERIFY)
_TOO_EARLY: Final = "the lead closes before the helpers"
_HELPERS: Final = ("police", "fire")


def _play(stage: Stage) -> Promise:
    # Any camera will do; the story has one that no other story looks through.
    camera = cameras(stage.city, stage.pick(sensors(stage.city, "noise.laeq"), purpose=4), 2)[1]
    stage.claim(camera.code, 0, JOINT_HANDLING.duration_s)
    detects(stage, camera, Seen("crowd.gathering", 0.95, 40), range(_SEEN_S, _GONE_S, _EVERY_S))
    # A crowd alone sends nobody: somebody calls as well.
    caller = Caller("crowd", Channel.POLICE_110, "complaint.noise", "噪音扰民", "篝火旁有人打架")
    ticket = complains(stage, caller, (camera.lon_deg, camera.lat_deg), _CALLED_S)
    desk = stage.desk
    desk.about(camera.code, ticket)
    matter = frozenset({camera.code, ticket})  # whose word arrives first names it
    lead = {"subject": matter, "change": "issued"}
    ready = desk.works("lead", lead, CaseAction.ACCEPT)
    asks = of_the_desk(
        CaseAction.HELPERS,
        departments=_HELPERS,
        reason="a fight at a bonfire",
        within_s=_WITHIN_S,
    )
    helpers = desk.tells(Step("helpers", asks, DISPATCH_ORDERS, lead, (ready,)))
    done = desk.works("lead", lead, *_WORK, after=(helpers,))
    closing = of_the_field(CaseAction.CLOSE)
    early = desk.tells(Step(_TOO_EARLY, closing, DISPATCH_ORDERS, lead, (done,)))
    closed = []
    units = {one: crews(stage.city, one) for one in _HELPERS}
    for who, unit in units.items():
        order = {**lead, "unit": unit}
        helped = desk.works(who, order, CaseAction.ACCEPT, *_WORK, after=(helpers,))
        closed.append(desk.works(who, order, CaseAction.CLOSE, after=(helped, early)))
    last = desk.tells(Step("the lead closes", closing, DISPATCH_ORDERS, lead, closed))
    return Promise(
        comes=(
            Expectation("incident", INCIDENTS, {"subject": matter, "change": "opened"}),
            *(
                Expectation(f"order to {who}", DISPATCH_ORDERS, {**lead, "unit": unit})
                for who, unit in units.items()
            ),
            Expectation(
                "step that asks for helpers",
                CASE_EVENTS,
                {"command_id": desk.key_of(helpers), "action": "helpers"},
            ),
            Expectation(
                "refusal of the lead while helpers are at work",
                CASE_REPLIES,
                {"command_id": desk.id_of(early), "reason": "helpers-open"},
            ),
            Expectation(
                "close by the lead as the last",
                CASE_REPLIES,
                {"command_id": desk.id_of(last), "accepted": True},
            ),
            Expectation("case closed", CASES, {"subject": matter, "state": "closed"}),
            *(
                Expectation(f"figures of {who}", KPI, {"subject": unit}, at_least={"ended": 1})
                for who, unit in units.items()
            ),
        ),
        stays_away=(
            Expectation(
                "an order to a department that nobody asked for",
                DISPATCH_ORDERS,
                {"subject": matter, "unit": crews(stage.city, "market")},
            ),
        ),
    )


JOINT_HANDLING: Final = Scenario(
    "joint-handling",
    "一件办: a fight at a bonfire; the grid leads, police and fire help, closed when all are",
    200,
    _play,
)
