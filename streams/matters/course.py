"""The course of a case, read from its story: which promises it kept, how long each stage took.

Everything is told by the log alone but for three facts of the case's record: since
when its clocks run, of what kind and where it is, and on which step its story ends.
What stands in the log after that step, or beside the path that it hangs on, is not
looked at, so neither cuts nor order nor doubles of the log change anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from schemas.cases import CaseEvent, CaseRecord, hash_of
from schemas.codec import decode
from schemas.commands import CaseAction
from schemas.dispatch import CaseState, Clock
from schemas.refused import Refused
from streams.matters.cases import ENDED
from streams.matters.spent import Spent

OVER = frozenset({CaseState.CLOSED, CaseState.FALSE_ALARM})
"""Ended for good: what was merged goes on in another case."""


class Stage(StrEnum):
    """What is timed.

    RESPOND to HANDLED run from the start of people's clocks, less the time for which
    they stood still: to the first acceptance, order, departure, arrival, and word that
    it is handled. WHOLE runs from what the citizen felt to the end of the case.
    """

    RESPOND = "respond"
    ORDER = "order"
    DEPART = "depart"
    ON_SITE = "on-site"
    HANDLED = "handled"
    WHOLE = "whole"


_ISSUED = ("issued", "escalated")
_ENDS: Mapping[Stage, tuple[str, ...]] = {
    Stage.RESPOND: (CaseAction.ACCEPT, CaseAction.TAKE_OVER),
    Stage.ORDER: _ISSUED,
    Stage.DEPART: (CaseAction.DEPART,),
    Stage.ON_SITE: (CaseAction.ARRIVE,),
    Stage.HANDLED: (CaseAction.HANDLE,),
}
_STOPS: Mapping[Clock, Stage] = {
    Clock.RESPOND: Stage.RESPOND,
    Clock.ORDER: Stage.ORDER,
    Clock.DEPART: Stage.DEPART,
    Clock.ON_SITE: Stage.HANDLED,
}
"""Which stage's end keeps a promise; the end of the case stops what still runs."""


class Course(NamedTuple):
    """How a case went; promises and times are those of its newest life.

    Attributes:
        ended: It is over, and went into no other case.
        kept: Each promise that is decided, and whether it was kept; broken in any life
            is broken.
        took_ms: How long each stage took that has come to its end.
        spent: What the time from felt to end was spent on, once it is over.
        returns, reopens: How often it was handed back, and taken up again.
    """

    ended: bool
    kept: Mapping[Clock, bool]
    took_ms: Mapping[Stage, int]
    spent: Spent | None
    returns: int
    reopens: int


class _Whose(msgspec.Struct):
    case_id: str = ""


_WHOSE = msgspec.json.Decoder(_Whose)
_WIRE = msgspec.json.Decoder(dict[str, Any])


class Stories:
    """The steps of chosen cases, taken from the log in pieces of any size.

    Args:
        records: The cases whose courses are asked for, each as its newest record says.
    """

    def __init__(self, records: Mapping[str, CaseRecord]) -> None:
        self._records = records
        self._steps: dict[str, dict[str, CaseEvent]] = {key: {} for key in records}

    def take(self, values: Iterable[bytes]) -> None:
        """Take records of the log; what is no step of a chosen case, or changed, is not kept."""
        for value in values:
            try:
                steps = self._steps.get(_WHOSE.decode(value).case_id)
                if steps is None:
                    continue
                wire, step = _WIRE.decode(value), decode(CaseEvent, value)
            except (msgspec.MsgspecError, Refused):
                continue
            if hash_of(wire) == step.hash:
                steps.setdefault(step.hash, step)

    def course(self, case_id: str) -> Course | None:
        """Return how a case went; None where its story is not whole, as it was written."""
        record = self._records[case_id]
        steps = self._steps[case_id]
        path: list[CaseEvent] = []
        at = steps.get(record.last_hash)
        while at is not None and len(path) < record.events:
            path.append(at)
            at = steps.get(at.prev_hash)
        path.reverse()
        if not path or [step.seq for step in path] != list(range(record.events)):
            return None
        return course_of(record, path)


def course_of(record: CaseRecord, story: Sequence[CaseEvent]) -> Course:
    """Return how a case went.

    Args:
        record: For the start of its clocks, and whether it has any.
        story: All of its steps, oldest first.
    """
    begun = [row for row, step in enumerate(story) if _begins_life(step)]
    life = story[begun[-1] if begun else 0 :]
    end = life[-1].to_state
    took_ms = {} if record.function else _took_ms(record, life)
    closing = next((step for step in reversed(life) if step.from_state not in ENDED), life[-1])
    is_timed = end in OVER and not record.function
    if is_timed:
        took_ms[Stage.WHOLE] = closing.since_event_ms or 0
    return Course(
        ended=end in OVER,
        kept=_kept(record, story, life),
        took_ms=took_ms,
        spent=_spent(closing) if is_timed else None,
        returns=sum(step.action == CaseAction.RETURN for step in life),
        reopens=len(begun),
    )


def _begins_life(step: CaseEvent) -> bool:
    return step.from_state in ENDED and step.to_state not in ENDED


def _kept(
    record: CaseRecord, story: Sequence[CaseEvent], life: Sequence[CaseEvent]
) -> dict[Clock, bool]:
    if record.function or not any(step.action in _ISSUED for step in life):
        return {}  # nobody was sent: no clock runs
    broken = {step.clock for step in story if step.action == "breached"}
    done = {step.action for step in life}
    is_over = life[-1].to_state in ENDED
    return {
        clock: clock not in broken
        for clock, stage in _STOPS.items()
        if is_over or clock in broken or not done.isdisjoint(_ENDS[stage])
    }


def _took_ms(record: CaseRecord, life: Sequence[CaseEvent]) -> dict[Stage, int]:
    if not record.clocks:
        return {}
    started_ms = record.clocks[0].started_time_ms
    took_ms: dict[Stage, int] = {}
    stood_ms, stands_since_ms = 0, None
    for step in life:
        known_ms = step.since_created_ms or 0
        if step.action == CaseAction.PAUSE:
            stands_since_ms = known_ms
        elif step.action == "resumed" and stands_since_ms is not None:
            stood_ms, stands_since_ms = stood_ms + known_ms - stands_since_ms, None
        for stage, actions in _ENDS.items():
            if step.action in actions:
                took_ms.setdefault(stage, max(0, step.event_time_ms - started_ms - stood_ms))
    return took_ms


def _spent(step: CaseEvent) -> Spent:
    return Spent(0, step.machine_ms, step.queue_ms, step.person_ms, step.travel_ms)
