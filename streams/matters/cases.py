"""The case's state machine: one table, and the states that an order may stand in.

Each order of a case moves by this table on its own (the grid worker may be on
site while the police have only accepted); the case stands where its furthest
order stands. A move that is not in the table is refused with the moves that are.
"""

from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from schemas.cases import CaseStage
from schemas.commands import CaseAction
from schemas.dispatch import CaseState, Clock
from schemas.incidents import Incident
from streams.matters.enforcement import Competence
from streams.matters.responders import Task
from streams.matters.routing import AreaChain, Level
from streams.matters.sla import Running
from streams.matters.spent import NO_TIME, Spent

MOVES: Mapping[tuple[CaseState, CaseAction], CaseState] = {
    (CaseState.DISPATCHED, CaseAction.ACCEPT): CaseState.ACCEPTED,
    (CaseState.ACCEPTED, CaseAction.DEPART): CaseState.DEPARTED,
    (CaseState.DEPARTED, CaseAction.ARRIVE): CaseState.ON_SITE,
    (CaseState.ON_SITE, CaseAction.HANDLE): CaseState.HANDLED,
    (CaseState.HANDLED, CaseAction.VERIFY): CaseState.VERIFIED,
    (CaseState.HANDLED_UNVERIFIED, CaseAction.VERIFY): CaseState.VERIFIED,
    (CaseState.VERIFIED, CaseAction.CLOSE): CaseState.CLOSED,
    (CaseState.DISPATCHED, CaseAction.RETURN): CaseState.RETURNED,
    (CaseState.ACCEPTED, CaseAction.RETURN): CaseState.RETURNED,
    (CaseState.DEPARTED, CaseAction.RETURN): CaseState.RETURNED,
    (CaseState.ON_SITE, CaseAction.RETURN): CaseState.RETURNED,
    (CaseState.DETECTED, CaseAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.DISPATCHED, CaseAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.ACCEPTED, CaseAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.DEPARTED, CaseAction.FALSE_ALARM): CaseState.FALSE_ALARM,
    (CaseState.ON_SITE, CaseAction.FALSE_ALARM): CaseState.FALSE_ALARM,
}
"""What the field may do, by where its order stands.

The city's own moves are not in it: it issues (DETECTED or RETURNED to
DISPATCHED), closes what corrected itself (DETECTED to CLOSED), marks what
nothing proved (HANDLED to HANDLED_UNVERIFIED), and takes up an ended case again
when its incident re-opens (to DETECTED).
"""

MOVES_OF_ASKED: Mapping[tuple[CaseState, CaseAction], CaseState] = {
    **MOVES,
    (CaseState.DISPATCHED, CaseAction.RECEIPT): CaseState.ACCEPTED,
    (CaseState.DISPATCHED, CaseAction.REPORT_IN): CaseState.ON_SITE,
    (CaseState.ACCEPTED, CaseAction.REPORT_IN): CaseState.ON_SITE,
    (CaseState.DEPARTED, CaseAction.REPORT_IN): CaseState.ON_SITE,
    (CaseState.ACCEPTED, CaseAction.HANDLE): CaseState.HANDLED,
}
"""What a unit may do that a function of the city asked: it answers, and a task needs no trip."""

ENDED = frozenset({CaseState.CLOSED, CaseState.FALSE_ALARM, CaseState.MERGED})
DONE = frozenset({CaseState.HANDLED, CaseState.HANDLED_UNVERIFIED, CaseState.VERIFIED})
NEEDS_REASON = frozenset({CaseAction.RETURN, CaseAction.FALSE_ALARM})
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
            CaseState.HANDLED_UNVERIFIED,
            CaseState.HANDLED,
            CaseState.VERIFIED,
        )
    )
}
_STAGES: Mapping[CaseState, CaseStage] = {
    CaseState.DETECTED: CaseStage.REGISTER,
    CaseState.RETURNED: CaseStage.REGISTER,
    CaseState.DISPATCHED: CaseStage.ASSIGN,
    CaseState.ACCEPTED: CaseStage.HANDLE,
    CaseState.DEPARTED: CaseStage.HANDLE,
    CaseState.ON_SITE: CaseStage.HANDLE,
    CaseState.HANDLED: CaseStage.FEED_BACK,
    CaseState.HANDLED_UNVERIFIED: CaseStage.FEED_BACK,
    CaseState.VERIFIED: CaseStage.VERIFY,
    CaseState.CLOSED: CaseStage.EVALUATE,
    CaseState.FALSE_ALARM: CaseStage.EVALUATE,
    CaseState.MERGED: CaseStage.EVALUATE,
}

CITY_TASK, WHISTLE, VISIT = "city-task", "whistle", "visit"
LEAD, HELPER, ASKED = "lead", "helper", "asked"
_ASKED = frozenset({HELPER, ASKED})
_PLANNED = frozenset({CITY_TASK, VISIT})
_UNREAD = frozenset({CaseState.DISPATCHED})
_BEFORE_ANSWER: Mapping[str, frozenset[CaseState]] = {
    WHISTLE: frozenset({CaseState.DISPATCHED, CaseState.ACCEPTED, CaseState.DEPARTED}),
}


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order of a case: who was sent, and where they stand.

    `part` is lead or helper where several departments share the case, asked where
    a function of the city asks many units. `from_ms` and `until_ms` (wall) tell since
    when its unit had it at hand, and until when: handled, handed back, or over.
    """

    order_id: str
    unit: str
    unit_name: str
    level: Level
    state: CaseState
    revision: int = 0
    part: str = ""
    from_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_at_hand(self) -> bool:
        """Whether its unit is yet to handle it."""
        return self.is_live and self.state not in DONE

    @property
    def moves(self) -> Mapping[tuple[CaseState, CaseAction], CaseState]:
        """What its unit may do, by where it stands."""
        return MOVES_OF_ASKED if self.part == ASKED else MOVES

    @property
    def is_live(self) -> bool:
        """Whether its unit still works on the case."""
        return self.state not in ENDED and self.state is not CaseState.RETURNED


class Pause(msgspec.Struct, frozen=True):
    """Clocks that stand still, by a listed reason; wall ms."""

    reason: str
    since_ms: int
    until_ms: int


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
        report_by_ms: Until when the loudspeaker is to report that it spoke.
        seen: Keys of the newest words: updates of the field, and commands.
        ended_ms: When it was closed.
        due_ms: When `on_due` must look at it.
        steps, last_hash, told: Steps ever told, the newest one's hash and state.
        revision: Records ever told.
        felt_ms, known_ms: Since when this life lasts: event time, and wall time.
        spent: What the time since `felt_ms` was spent on.
        breaches: Promises broken, ever, in the order told.
        handled_ms, resolved_ms: When it was handled, and when its incident ended.
        proof: What proves that it is done: sensor, photo, word.
        prove_by_ms: When that is looked at.
        review_by_ms: Until when a supervisor reviews the newest return.
        depart_by_ms: When an accepted order whose unit stays goes back.
        pause, paused_ms: Clocks that stand still now, and how long they have before.
        into: The case that it became part of, or that its incident is worked on in.
        lives: How often it was taken up.
        came_back: Its incident came back after its end, while nobody was to be told.
        function: The city's function that opened it, where no incident did.
        answer_by_ms, answer_told: Until when its units are to answer, and whether
            that was looked at.
        place: Where, for inspections that are folded by place.
        supervised: Steps of supervision taken in this life.
        told_size, news_ms: How great the matter was when people heard of it last, and
            when; `news_at_ms` when they are told that it has grown since,
            `repeat_at_ms` when it is told again to those who have not answered.
        competence: Who leads by law, as the table said when it was opened;
            `law_version` is that table's.
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
    report_by_ms: int | None = None
    seen: tuple[str, ...] = ()
    ended_ms: int | None = None
    due_ms: int | None = None
    steps: int = 0
    last_hash: str = ""
    told: CaseState = CaseState.DETECTED
    revision: int = 0
    felt_ms: int = 0
    known_ms: int = 0
    spent: Spent = NO_TIME
    breaches: tuple[Clock, ...] = ()
    handled_ms: int | None = None
    resolved_ms: int | None = None
    proof: str = ""
    prove_by_ms: int | None = None
    review_by_ms: int | None = None
    depart_by_ms: int | None = None
    pause: Pause | None = None
    paused_ms: int = 0
    into: str = ""
    lives: int = 1
    came_back: bool = False
    function: str = ""
    answer_by_ms: int | None = None
    answer_told: bool = False
    place: str = ""
    supervised: int = 0
    competence: Competence | None = None
    law_version: str = ""
    told_size: tuple[int, ...] = ()
    news_ms: int | None = None
    news_at_ms: int | None = None
    repeat_at_ms: int | None = None

    @property
    def live(self) -> tuple[Order, ...]:
        """The orders whose units still work on it."""
        return tuple(order for order in self.orders if order.is_live)

    @property
    def was_ordered(self) -> bool:
        """Whether anybody was ever asked to work on it; a relapse's own case never was."""
        return bool(self.orders or self.speaker)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What keeps units busy; a task of the city, or a visit planned, is no trip of now."""
        if self.function in _PLANNED:
            return ()
        return tuple(
            Task(one.unit, one.from_ms, one.until_ms)
            for one in self.orders
            if one.from_ms is not None and one.level is not Level.LOUDSPEAKER
        )

    @property
    def current(self) -> Order:
        """The order that speaks for the case: the furthest live one, or the last of all.

        Only of a case that `was_ordered`.
        """
        if live := self.live:
            return max(reversed(live), key=lambda order: _PROGRESS[order.state])
        return self.orders[-1] if self.orders else cast("Order", self.speaker)

    @property
    def unanswered(self) -> tuple[Order, ...]:
        """The orders of a function of the city that wait for an answer."""
        before = _BEFORE_ANSWER.get(self.function, _UNREAD)
        return tuple(one for one in self.orders if one.part in _ASKED and one.state in before)

    @property
    def is_answered(self) -> bool:
        """Whether somebody has accepted and still works on it."""
        return any(order.state is not CaseState.DISPATCHED for order in self.live)

    @property
    def is_ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in ENDED

    @property
    def stands(self) -> CaseState:
        """Where it stands now: ended, or as its furthest live order."""
        return self.state if self.ended_ms is not None else furthest(self.live)

    @property
    def stage(self) -> CaseStage:
        """Its stage after GB/T 30428: heard by a device only is still the report."""
        if self.stands is CaseState.DETECTED and not self.orders:
            return CaseStage.REPORT
        return _STAGES[self.stands]


def refusal(order: Order, action: CaseAction, reason: str, photo: str = "") -> str | None:
    """Return why `action` is refused to `order`, with what would be right; None allows it."""
    state = order.state
    if (state, action) not in order.moves:
        possible = ", ".join(one for from_state, one in order.moves if from_state is state)
        return f"illegal-move: {action} while {state}; possible: {possible or 'nothing'}"
    if action in NEEDS_REASON and not reason.strip():
        return f"reason-required: {action} says why"
    if state is CaseState.HANDLED_UNVERIFIED and not (reason.strip() or photo):
        return "proof-required: no sensor proves it; say with a photo or in words what does"
    return None


def furthest(orders: Iterable[Order]) -> CaseState:
    """Return the state of a case that has not ended."""
    return max(
        (order.state for order in orders if order.state not in ENDED),
        key=_PROGRESS.__getitem__,
        default=CaseState.DETECTED,
    )
