"""A seeded crew in the field: what units answer to their orders, and when."""

import random
import uuid
from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.dispatch import DispatchOrder, DispatchUpdate, FieldAction, OrderChange

SOURCE: Final = "field.crew"

# One unit in so many does not answer: its clocks run out, and the order climbs.
_SILENT_ONE_IN: Final = 4
# Seconds from the step before: least and most.
_STEPS: Final = (
    (FieldAction.ACCEPT, 8.0, 45.0),
    (FieldAction.DEPART, 10.0, 90.0),
    (FieldAction.ARRIVE, 30.0, 180.0),
    (FieldAction.HANDLE, 40.0, 240.0),
    (FieldAction.VERIFY, 10.0, 40.0),
    (FieldAction.CLOSE, 5.0, 20.0),
)


class Answer(NamedTuple):
    """What a unit does, and how long after its order."""

    delay_s: float
    action: FieldAction


def answers(
    seed: int, order: DispatchOrder, alike: Callable[[str], str] | None = None
) -> list[Answer]:
    """Return what the unit of a newly issued order does, in time order.

    The same level of a case gives the same answers, whichever unit of it was free;
    none for an order that only changed, and none from those who do not answer.

    Args:
        seed: Of the dice.
        order: What is asked.
        alike: The department of a unit: then all its units answer alike, and one without
            a department by itself, in every case.
    """
    if order.change is not OrderChange.ISSUED:
        return []
    about = order.case_id if alike is None else alike(order.unit) or order.unit
    dice = random.Random(f"{seed}/{about}/{order.level}")
    if dice.randrange(_SILENT_ONE_IN) == 0:
        return []
    done: list[Answer] = []
    delay_s = 0.0
    for action, least_s, most_s in _STEPS:
        delay_s += dice.uniform(least_s, most_s)
        done.append(Answer(delay_s, action))
    return done


def update(order: DispatchOrder, action: FieldAction, now_ms: int) -> DispatchUpdate:
    """Return the message with which the order's unit tells its action."""
    return DispatchUpdate(
        source=SOURCE,
        kind="dispatch.update",
        subject=order.case_id,
        event_time_ms=now_ms,
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{order.order_id}/{action}")),
        action=action,
        by=order.unit,
        order_id=order.order_id,
    )
