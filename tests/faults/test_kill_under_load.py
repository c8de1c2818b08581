"""Twenty times kill -9 under load: the same alerts, incidents and first orders."""

import asyncio
from pathlib import Path

import pytest

from deploy.faults.account import account, side
from deploy.faults.fleet import Place
from deploy.faults.kill import Plan, Result, run
from schemas.topics import ALERTS, DISPATCH_ORDERS

pytestmark = [pytest.mark.kafka, pytest.mark.faults]


def told(result: Result) -> str:
    return "\n".join([*map(str, result.lines), *map(str, result.recoveries)])


def test_twenty_kills_under_load_lose_nothing_and_double_nothing(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    plan = Plan(seed=7, times=20, minutes=20, rate=1_200)

    result = asyncio.run(run(plan, Place(broker, prefix, tmp_path), print))

    assert result.is_right, told(result)
    assert len(result.recoveries) == 20
    assert {recovery.agent for recovery in result.recoveries} == set(result.starts)
    found = {line.sort: line.found for line in result.lines}
    assert found["alerts"] > 50, told(result)
    assert found["first orders"] > 20, told(result)


AT = "2025-05-20T07:00:00.000Z"


def an_alert(name: str, severity: str = "Minor", alert: str = "a") -> tuple[str, bytes]:
    return ALERTS, (
        f'{{"id": "{name}", "alert_id": "{alert}", "transition": "onset", "event_time": "{AT}",'
        f' "kind": "k", "subject": "s", "severity": "{severity}"}}'
    ).encode()


def an_order(unit: str, change: str = "issued") -> tuple[str, bytes]:
    return DISPATCH_ORDERS, (
        f'{{"id": "{unit}-{change}", "incident_id": "i", "order_id": "o-{unit}", "level": "grid",'
        f' "unit": "{unit}", "change": "{change}", "event_time": "{AT}"}}'
    ).encode()


@pytest.mark.parametrize(
    ("messages", "figures"),
    [
        ([an_alert("1")], (0, 0, 0, 0)),
        ([an_alert("1"), an_alert("1")], (0, 0, 0, 1)),
        ([], (1, 0, 0, 0)),
        ([an_alert("1"), an_alert("2", alert="b")], (0, 1, 0, 0)),
        ([an_alert("1"), an_alert("2")], (0, 0, 1, 0)),
        ([an_alert("1"), an_alert("1", "Severe")], (0, 0, 1, 1)),
    ],
    ids=["same", "told twice", "lost", "strange", "two ids for one", "one id says two things"],
)
def test_the_account_tells_lost_strange_and_doubled_apart(messages, figures) -> None:
    line = account(side([an_alert("1")]), side(messages))[0]

    assert (line.lost, line.strange, line.doubled, line.raw_doubles) == figures
    assert line.is_right == (figures[:3] == (0, 0, 0))


def test_only_the_first_order_of_a_matter_is_compared() -> None:
    later = [an_order("a"), an_order("a", "clock"), an_order("b", "escalated"), an_order("c")]

    assert all(line.is_right for line in account(side([an_order("a")]), side(later)))

    other = account(side([an_order("a")]), side([an_order("c"), an_order("a")]))[2]
    assert (other.lost, other.strange) == (1, 1)
