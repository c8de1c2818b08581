"""市级任务"一键达": a task to three communities in one step; one is late, and is named."""

from typing import Final

from feeds.simulator.desk import Step, of_the_desk
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction
from schemas.topics import CASE_EVENTS, CASE_REPLIES, CASES, DISPATCH_ORDERS
from streams.matters.routing import Level

_WITHIN_S: Final = 20
_COMMUNITIES: Final = 3
_ALL: Final = (CaseAction.RECEIPT, CaseAction.HANDLE, CaseAction.VERIFY, CaseAction.CLOSE)


def _play(stage: Stage) -> Promise:
    units = communities(stage, _COMMUNITIES)
    *prompt, late = units
    desk = stage.desk
    task = desk.tells(
        Step(
            "task",
            of_the_desk(
                CaseAction.CITY_TASK,
                to_city=True,
                by="mayor",
                areas=tuple(area for _, area in units),
                text="check all fire doors",
                within_s=_WITHIN_S,
            ),
        )
    )
    key = {"subject": desk.id_of(task)}
    done = [
        desk.works(unit, {**key, "unit": unit, "change": "issued"}, *_ALL) for unit, _ in prompt
    ]
    named = {**key, "unit": late[0], "reason": "unanswered"}
    closing = of_the_desk(CaseAction.CLOSE)
    early = desk.tells(Step("closes too early", closing, DISPATCH_ORDERS, named, done))
    last = desk.works(late[0], named, *_ALL, after=(early,))
    return Promise(
        comes=(
            *(
                Expectation(
                    f"order to {unit}", DISPATCH_ORDERS, {**key, "unit": unit, "change": "issued"}
                )
                for unit, _ in units
            ),
            Expectation(
                "list of who has not answered",
                CASES,
                {
                    **key,
                    "answered": [unit for unit, _ in prompt],
                    "unanswered": [late[0]],
                },
            ),
            Expectation(
                "step that names who is late",
                CASE_EVENTS,
                {"action": "unanswered", "unit": late[0]},
            ),
            Expectation(
                "refusal to close what is not answered",
                CASE_REPLIES,
                {"command_id": desk.id_of(early), "reason": "unanswered"},
            ),
            Expectation(
                "end by the last of them",
                CASE_REPLIES,
                {"command_id": desk.id_of(last), "accepted": True},
            ),
            Expectation("task closed", CASES, {**key, "function": "city-task", "state": "closed"}),
        ),
        stays_away=(
            Expectation("one of the four clocks", DISPATCH_ORDERS, {**key, "change": "clock"}),
        ),
    )


def communities(stage: Stage, count: int, skip: int = 0) -> list[tuple[str, str]]:
    """Return unit and area of so many communities, by code, after the first `skip`.

    Raises:
        ValueError: The city has not so many.
    """
    found = sorted(
        (unit.code, unit.area)
        for unit in stage.city.roster.units.values()
        if unit.level is Level.COMMUNITY
    )[skip : skip + count]
    if len(found) < count:
        raise ValueError(f"the city has fewer than {skip + count} units of communities")
    return found


CITY_TASK: Final = Scenario(
    "city-task",
    "一键达: a task to three communities; one is late, is named, and answers",
    100,
    _play,
)
