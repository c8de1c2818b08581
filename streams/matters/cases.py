"""The case's state machine: one table, and the states that an order may stand in.

Each order of a case moves by this table on its own (the grid worker may be on
site while the police have only accepted); the case stands where its furthest
order stands. A move that is not in the table is refused with the moves that are.
"""

from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from schemas.dispatch import CaseState, FieldAction
from schemas.incidents import Incident
from streams.matters.routing import AreaChain, Level
from streams.matters.sla import Running

MOVES: Mapping[tuple[CaseState, FieldAction], CaseState] = {
    (CaseState.DISPATCHED, FieldAction.ACCEPT): CaseState.ACCEPTED,
    (CaseState.ACCEPTED, FieldAction.DEPART): CaseState.DEPARTED,
    (CaseState.DEPARTED, FieldAction.ARRIVE): CaseState.ON_SITE,
    (CaseState.ON_SITE, FieldAction.HANDLE): CaseState.HANDLED,
    (CaseState.HANDLED, FieldAction.VERIFY): CaseState.VERIFIED,
    (CaseState.VERIFIED, FieldAction.CLOSE): CaseState.CLOSED,
    (CaseState.DISPATCHED, FieldAction.RETURN): CaseState.RETURNED,
    (CaseState.ACCEPTED, FieldAction.RETURN): CaseState.RETURNED,
    (CaseState.DEPARTED, FieldAction.RETURN): CaseState.RETURNED,
    (CaseState.ON_SITE, FieldAction.RETURN): CaseState.RETURNED,
    (CaseState.DETECTED, FieldAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.DISPATCHED, FieldAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.ACCEPTED, FieldAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.DEPARTED, FieldAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.ON_SITE, FieldAction.FALSE_ALARM): CaseState.FALSE_ALARM,
}
"""What the field may do, by where its order stands (FEATURES row 54).

The city's own moves are not in it: it issues (DETECTED or RETURNED to
DISPATCHED), closes what corrected itself (DETECTED to CLOSED), and takes up an
ended case again when its incident re-opens (to DETECTED).
"""

ENDED = frozenset({CaseState.CLOSED, CaseState.FALSE_ALARM})
NEEDS_REASON = frozenset({FieldAction.RETURN, FieldAction.FALSE_ALARM})
_PROGRESS = {
    state: rank
    for rank, state in enumerate(
        (
            CaseState.RETURNED,
            CaseState.DETECTED,
            CaseState.DISPATCHED,
            CaseState.ACCEPTED,
            CaseState.DEPARTED,
            CaseState.ON_SITE,
            CaseState.HANDLED,
            CaseState.VERIFIED,
        )
    )
}


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order of a case: who was sent, and where they stand."""

    order_id: str
    unit: str
    unit_name: str
    level: Level
    state: CaseState
    revision: int = 0

    @property
    def is_live(self) -> bool:
        """Whether its unit still works on the case."""
        return self.state not in ENDED and self.state is not CaseState.RETURNED


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """The work on one incident; instants in wall ms.

    Attributes:
        incident: As last heard.
        state: Where it stands: ended, or as its furthest live order.
        chain: Areas of its place, by `boundary_version`; None outside.
        orders: Of this life of the case, oldest first.
        issued: Orders ever issued, over all lives: makes order ids unique.
        served_rung: The highest rung that was answered.
        returns: Orders handed back in this life.
        clocks: The promises; empty as long as only a loudspeaker is asked.
        escalate_at_ms: When the next level is asked unless somebody accepts.
        reminders: Loudspeaker calls ever made; `reminded_ms` of the newest.
        speaker: The newest call, as an order to nobody: its id is the reminder's.
        seen: Keys of the newest field updates.
        ended_ms: When it was closed.
        due_ms: When `on_due` must look at it.
    """

    case_id: str
    incident: Incident
    state: CaseState = CaseState.DETECTED
    chain: AreaChain | None = None
    boundary_version: str = ""
    orders: tuple[Order, ...] = ()
    issued: int = 0
    served_rung: int = 0
    returns: int = 0
    clocks: tuple[Running, ...] = ()
    escalate_at_ms: int | None = None
    reminders: int = 0
    reminded_ms: int | None = None
    speaker: Order | None = None
    seen: tuple[str, ...] = ()
    ended_ms: int | None = None
    due_ms: int | None = None

    @property
    def live(self) -> tuple[Order, ...]:
        """The orders whose units still work on it."""
        return tuple(order for order in self.orders if order.is_live)

    @property
    def current(self) -> Order:
        """The order that speaks for the case: the furthest live one, or the last of all."""
        if live := self.live:
            return max(reversed(live), key=lambda order: _PROGRESS[order.state])
        return self.orders[-1] if self.orders else cast("Order", self.speaker)

    @property
    def is_answered(self) -> bool:
        """Whether somebody has accepted and still works on it."""
        return any(order.state is not CaseState.DISPATCHED for order in self.live)

    @property
    def is_ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in ENDED


def refusal(state: CaseState, action: FieldAction, reason: str) -> str | None:
    """Return why `action` is refused in `state`, with what would be right; None allows it."""
    if (state, action) not in MOVES:
        possible = ", ".join(one for from_state, one in MOVES if from_state is state)
        return f"illegal-move: {action} while {state}; possible: {possible or 'nothing'}"
    if action in NEEDS_REASON and not reason.strip():
        return f"reason-required: {action} says why"
    return None


def furthest(orders: Iterable[Order]) -> CaseState:
    """Return the state of a case that has not ended."""
    return max(
        (order.state for order in orders if order.state not in ENDED),
        key=_PROGRESS.__getitem__,
        default=CaseState.DETECTED,
    )
