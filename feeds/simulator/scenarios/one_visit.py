"""综合查一次: two departments plan an inspection of one place; it becomes one visit."""

from typing import Final

from feeds.simulator.desk import Step, of_the_desk
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction
from schemas.topics import CASE_EVENTS, CASE_REPLIES, CASES, DISPATCH_ORDERS

_ALL: Final = (CaseAction.RECEIPT, CaseAction.HANDLE, CaseAction.VERIFY, CaseAction.CLOSE)
_PLANS: Final = (
    ("fire", "LG-fire", "yearly inspection"),
    ("market", "LG-market", "food stalls"),
)


def _play(stage: Stage) -> Promise:
    if not stage.city.venues:
        raise ValueError("the city has no venue; this scenario needs one")
    place = min(stage.city.venues)
    desk = stage.desk
    plans: list[str] = []
    for department, _, text in _PLANS:
        plan = of_the_desk(
            CaseAction.VISIT,
            to_city=True,
            by=f"planner of {department}",
            areas=(place,),
            departments=(department,),
            text=text,
        )
        plans.append(desk.tells(Step(f"plan of {department}", plan, after=plans[-1:])))
    key = {"subject": desk.id_of(plans[0])}
    for _, unit, _ in _PLANS:
        desk.works(unit, {**key, "unit": unit, "change": "issued"}, *_ALL, after=plans)
    return Promise(
        comes=(
            *(
                Expectation(
                    f"order to {unit} in the one case",
                    DISPATCH_ORDERS,
                    {**key, "unit": unit, "change": "issued"},
                )
                for _, unit, _ in _PLANS
            ),
            *(
                Expectation(
                    f"step of the visit: {text}",
                    CASE_EVENTS,
                    {"command_id": desk.key_of(plan), "action": "visit", "reason": text},
                )
                for plan, (_, _, text) in zip(plans, _PLANS, strict=True)
            ),
            Expectation(
                "second plan accepted",
                CASE_REPLIES,
                {"command_id": desk.id_of(plans[1]), "accepted": True},
            ),
            Expectation(
                "visit closed by both",
                CASES,
                {
                    **key,
                    "function": "visit",
                    "state": "closed",
                    "answered": [unit for _, unit, _ in _PLANS],
                },
            ),
        ),
        stays_away=(Expectation("a visit of its own", CASES, {"subject": desk.id_of(plans[1])}),),
    )


ONE_VISIT: Final = Scenario(
    "one-visit",
    "综合查一次: fire and market plan to inspect one square; it becomes one visit of both",
    60,
    _play,
)
