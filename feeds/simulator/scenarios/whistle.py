"""社区"吹哨": a community calls two departments; one reports in, the other is late."""

from typing import Final

from feeds.simulator.casting import crews
from feeds.simulator.desk import Step, of_the_desk
from feeds.simulator.scenarios.city_task import communities
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction
from schemas.topics import CASE_EVENTS, CASE_REPLIES, CASES, DISPATCH_ORDERS

_WITHIN_S: Final = 20
_ALL: Final = (CaseAction.REPORT_IN, CaseAction.HANDLE, CaseAction.VERIFY, CaseAction.CLOSE)


def _play(stage: Stage) -> Promise:
    ((caller, area),) = communities(stage, 1)
    desk = stage.desk
    prompt, late = crews(stage.city, "police"), crews(stage.city, "flood")

    def whistles(unit: str) -> Step:
        says = of_the_desk(
            CaseAction.WHISTLE,
            to_city=True,
            by=f"head of {unit}",
            role="field",
            unit=unit,
            departments=("flood", "police"),
            text="a flooded cellar",
            within_s=_WITHIN_S,
        )
        return Step(f"{unit} whistles", says)

    strange = desk.tells(whistles("LG-market"))
    whistle = desk.tells(whistles(caller))
    key = {"subject": desk.id_of(whistle)}
    came = {**key, "unit": prompt, "change": "issued"}
    named = {**key, "unit": late, "reason": "unanswered"}
    done = desk.works("police", came, *_ALL)
    desk.works("flood control", named, *_ALL, after=(done,))
    return Promise(
        comes=(
            Expectation(
                "refusal of a department that whistles",
                CASE_REPLIES,
                {"command_id": desk.id_of(strange), "reason": "role-required"},
            ),
            Expectation("order to the police", DISPATCH_ORDERS, came),
            Expectation(
                "order to flood control",
                DISPATCH_ORDERS,
                {**key, "unit": late, "change": "issued"},
            ),
            Expectation("word to who is late", DISPATCH_ORDERS, named),
            Expectation(
                "step that names who is late", CASE_EVENTS, {"action": "unanswered", "unit": late}
            ),
            Expectation(
                "case of the community, closed by the last",
                CASES,
                {**key, "function": "whistle", "state": "closed", "community": area},
            ),
        ),
        stays_away=(
            Expectation(
                "an order to who was not called",
                DISPATCH_ORDERS,
                {**key, "unit": crews(stage.city, "fire") | crews(stage.city, "market")},
            ),
        ),
    )


WHISTLE: Final = Scenario(
    "whistle",
    "吹哨: a community calls police and flood control; flood control is late, and is named",
    90,
    _play,
)
