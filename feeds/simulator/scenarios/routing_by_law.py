"""大综合一体化执法: a stall on the road; the table says who leads, and the desk hands it over."""

from typing import Final

from feeds.simulator.acting import Seen, detects
from feeds.simulator.casting import cameras, sensors
from feeds.simulator.desk import Message, Step
from feeds.simulator.desk import of_the_desk as commands
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction, CaseCommand
from schemas.topics import CASE_EVENTS, CASES, DISPATCH_ORDERS, INCIDENTS
from streams.matters.routing import Level

_KIND: Final = "stall.outside"
_SEEN_S, _GONE_S, _EVERY_S = 20, 100, 30
_ALL: Final = (
    CaseAction.ACCEPT,
    CaseAction.DEPART,
    CaseAction.ARRIVE,
    CaseAction.HANDLE,
    CaseAction.VERIFY,
    CaseAction.CLOSE,
)


def _play(stage: Stage) -> Promise:
    competent = stage.city.enforcement.of(_KIND)
    if competent is None:
        raise ValueError(f"nobody leads {_KIND} in the city's enforcement.csv")
    units = {
        unit.department: unit.code
        for unit in stage.city.roster.units.values()
        if unit.level is Level.DEPARTMENT
    }
    camera = cameras(stage.city, stage.pick(sensors(stage.city, "noise.laeq"), purpose=5), 2)[1]
    stage.claim(camera.code, 0, ROUTING_BY_LAW.duration_s)
    detects(stage, camera, Seen(_KIND, 0.95, 2), range(_SEEN_S, _GONE_S, _EVERY_S))
    desk = stage.desk
    desk.about(camera.code)
    key = {"subject": camera.code}
    by_law = {
        **key,
        "department": competent.department,
        "field": competent.field,
        "matter": competent.matter,
    }

    def hands_over(case: Message) -> CaseCommand:
        """Hand the case over to the department that its record names."""
        return commands(
            CaseAction.REASSIGN,
            to_unit=units[case["department"]],
            reason=f"{case['field']}: {case['matter']}",
        )(case)

    accepted = desk.works("grid", {**key, "change": "issued"}, CaseAction.ACCEPT)
    handed = desk.tells(Step("hands over", hands_over, CASES, by_law, (accepted,)))
    unit = units[competent.department]
    order = {**key, "unit": unit, "change": "issued"}
    desk.works(unit, order, *_ALL, after=(handed,))
    return Promise(
        comes=(
            Expectation("incident", INCIDENTS, {**key, "kind": _KIND, "change": "opened"}),
            Expectation("case with department, field and matter", CASES, by_law),
            Expectation(
                "step that hands it over, with field and matter as its reason",
                CASE_EVENTS,
                {
                    "command_id": desk.key_of(handed),
                    "action": "reassign",
                    "unit": unit,
                    "reason": f"{competent.field}: {competent.matter}",
                },
            ),
            Expectation("order to the department that leads", DISPATCH_ORDERS, order),
            Expectation("case closed by it", CASES, {**by_law, "state": "closed", "unit": unit}),
        ),
        stays_away=(
            Expectation(
                "an order to another department",
                DISPATCH_ORDERS,
                {**key, "unit": frozenset(units.values()) - {unit}},
            ),
        ),
    )


ROUTING_BY_LAW: Final = Scenario(
    "routing-by-law",
    "大综合一体化: a stall on the road; the table names who leads, and it is handed over",
    150,
    _play,
)
