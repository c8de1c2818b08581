"""社区自治"一键督": what is overdue is supervised: reminder, supervisor, notice."""

from typing import Final

from feeds.simulator.desk import Step, of_the_desk
from feeds.simulator.scenarios.city_task import communities
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.commands import CaseAction
from schemas.topics import CASE_EVENTS, CASE_REPLIES, CASES, DISPATCH_ORDERS

_WITHIN_S: Final = 10
_THIRD: Final = 3  # the communities before it have tasks of other stories
_ALL: Final = (CaseAction.RECEIPT, CaseAction.HANDLE, CaseAction.VERIFY, CaseAction.CLOSE)


def _play(stage: Stage) -> Promise:
    ((unit, area),) = communities(stage, 1, skip=_THIRD)
    desk = stage.desk
    task = desk.tells(
        Step(
            "task",
            of_the_desk(
                CaseAction.CITY_TASK,
                to_city=True,
                areas=(area,),
                text="report the emergency stocks",
                within_s=_WITHIN_S,
            ),
        )
    )
    key = {"subject": desk.id_of(task)}
    overdue = {**key, "unit": unit, "reason": "unanswered"}
    worker = of_the_desk(CaseAction.SUPERVISE, to_city=True, by="worker", role="field")
    refused = desk.tells(Step("a worker supervises", worker, DISPATCH_ORDERS, overdue))
    everything = of_the_desk(CaseAction.SUPERVISE, to_city=True)
    before = desk.tells(Step("all overdue", everything, DISPATCH_ORDERS, overdue, (refused,)))
    one = of_the_desk(CaseAction.SUPERVISE, role="supervisor", by="supervisor-1")
    steps = [before]
    for again in ("second time", "third time"):
        steps.append(desk.tells(Step(again, one, DISPATCH_ORDERS, overdue, (steps[-1],))))
    done = desk.works(unit, overdue, *_ALL, after=(steps[-1],))
    over = desk.tells(Step("nothing overdue", one, DISPATCH_ORDERS, overdue, (done,)))
    return Promise(
        comes=(
            Expectation(
                "refusal of a worker who supervises",
                CASE_REPLIES,
                {"command_id": desk.id_of(refused), "reason": "role-required"},
            ),
            *(
                Expectation(
                    f"step of supervision: {how}",
                    CASE_EVENTS,
                    {
                        "command_id": desk.key_of(step),
                        "action": "supervise",
                        "unit": unit,
                        "reason": how,
                    },
                )
                for step, how in zip(steps, ("reminder", "supervisor", "notice"), strict=True)
            ),
            Expectation(
                "word to the unit that owes",
                DISPATCH_ORDERS,
                {**key, "unit": unit, "reason": "supervised: notice"},
            ),
            Expectation(
                "refusal where nothing is overdue any more",
                CASE_REPLIES,
                {"command_id": desk.id_of(over), "reason": "nothing-overdue"},
            ),
            Expectation("task closed", CASES, {**key, "state": "closed", "answered": [unit]}),
        ),
    )


SUPERVISION: Final = Scenario(
    "supervision",
    "一键督: an answer is overdue; reminder, supervisor, notice, until it comes",
    100,
    _play,
)
