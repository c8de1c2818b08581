"""Commands of the command side: who owns a case, whether it stands still, what it joins."""

from collections.abc import Callable, Mapping

from schemas.commands import CaseAction
from schemas.dispatch import CaseState, Clock, OrderChange
from streams.matters import sla
from streams.matters.casework import Work, with_state
from streams.matters.fieldwork import order_of
from streams.matters.life import revive
from streams.matters.orders import answer, arm, close, issue
from streams.matters.routing import Assignment, Level
from streams.matters.words import SUPERVISORS, Word

_FOR_SUPERVISORS = frozenset(
    {
        CaseAction.REASSIGN,
        CaseAction.MERGE,
        CaseAction.REOPEN,
        CaseAction.PAUSE,
        CaseAction.RESUME,
        CaseAction.REVIEW,
    }
)
_SAY_WHY = frozenset(
    {
        CaseAction.REASSIGN,
        CaseAction.TAKE_OVER,
        CaseAction.MERGE,
        CaseAction.REOPEN,
        CaseAction.PAUSE,
        CaseAction.REVIEW,
        CaseAction.NOTE,
    }
)


def act(work: Work, word: Word, into: Work | None) -> str | None:
    """Carry out one command.

    Args:
        work: The case that it is about.
        word: The command; its action is one of `ACTIONS`.
        into: With `merge`, the case that takes it in; None when it is not known.

    Returns:
        Why it is refused, as `name: hint`; nothing has changed then.
    """
    action = CaseAction(word.action)
    if action in _FOR_SUPERVISORS and word.role not in SUPERVISORS:
        return f"role-required: {action} takes one of {', '.join(sorted(SUPERVISORS))}"
    if action in _SAY_WHY and not word.reason.strip():
        return f"reason-required: {action} says why"
    if work.case.is_ended and action not in {CaseAction.REOPEN, CaseAction.NOTE}:
        possible = "note" if work.case.function else "reopen, note"
        return f"illegal-move: {action} while {work.case.state}; possible: {possible}"
    if action is CaseAction.MERGE:
        return _merge(work, word, into)
    return ACTIONS[action](work, word)


def _hand_over(work: Work, word: Word, code: str, state: CaseState) -> str | None:
    """Give the case to a unit in one step: the owner's order ends where the new one begins."""
    unit = work.directory.roster.units.get(code)
    if unit is None:
        return f"unknown-unit: no unit {code!r} in the city's units.toml"
    if any(order.unit == code for order in work.case.live):
        return f"already-yours: {code} is at work on it"
    order = order_of(work.case, word._replace(unit="", by=""))
    if order is None:
        return "unknown-order: the case has no such order"
    work.resume(word.at_ms)
    part = order.part
    if order.is_live and order.level is not Level.LOUDSPEAKER:
        reason = f"{word.action}:{code}"
        back = with_state(order, CaseState.RETURNED)
        work.say(back, OrderChange.MOVED, word.key, reason=reason, by=word.by)
    work.step(word.action.value, word, order_id=order.order_id, unit=code)
    change = OrderChange.ISSUED
    chosen = Assignment(unit, unit.level, ())
    issue(work, chosen, change, word.at_ms, word.reason, state=state, part=part)
    work.put(review_by_ms=None, depart_by_ms=None, prove_by_ms=None)
    return None


def _reassign(work: Work, word: Word) -> str | None:
    return _hand_over(work, word, word.to_unit, CaseState.DISPATCHED)


def _take_over(work: Work, word: Word) -> str | None:
    why = _hand_over(work, word, word.unit or word.by, CaseState.ACCEPTED)
    if why is None:
        work.stop_clock(Clock.RESPOND, word.at_ms)
        work.put(depart_by_ms=word.at_ms + work.params.depart_s * 1000)
        arm(work, work.now_ms + work.respond_ms)
    return why


def _review(work: Work, word: Word) -> str | None:
    if work.case.review_by_ms is None:
        return "nothing-to-review: no return of this case waits for a supervisor"
    returned = [one.unit for one in work.case.orders if one.state is CaseState.RETURNED]
    if word.unit and word.unit in returned:
        return f"own-review: {word.unit} handed it back itself; somebody else reviews that"
    work.put(review_by_ms=None)
    work.step(word.action.value, word)
    return None


def _merge(work: Work, word: Word, into: Work | None) -> str | None:
    if into is None:
        return "unknown-case: `into` names no case"
    if into.case.case_id == work.case.case_id or into.case.is_ended:
        return "bad-target: `into` is to be another case that has not ended"
    work.resume(word.at_ms)
    work.put(into=into.case.case_id)
    close(work, CaseState.MERGED, word.at_ms, word.reason, word=word, action=word.action.value)
    into.step("joined", word, reason=f"case:{work.case.case_id}")
    return None


def _reopen(work: Work, word: Word) -> str | None:
    if not work.case.is_ended:
        return f"illegal-move: reopen while {work.case.state}; it has not ended"
    if function := work.case.function:
        return f"illegal-move: reopen of a {function}; give it anew: it is a case of its own"
    work.put(into="")
    revive(work, "reopen", word.at_ms, word)
    route, rung = work.call.route, work.incident.rung
    while 0 < rung <= len(route.rungs) and route.rungs[rung - 1] is Level.LOUDSPEAKER:
        rung += 1  # somebody is to look at it
    answer(work, rung, word.at_ms, "reopened")
    return None


def _pause(work: Work, word: Word) -> str | None:
    case, params = work.case, work.params
    if case.pause is not None:
        return f"already-paused: by {case.pause.reason}"
    if word.reason not in params.pause_reasons:
        return f"unlisted-reason: one of {', '.join(params.pause_reasons)}"
    if work.incident.life_safety:
        return "life-safety: its clocks never stand still"
    left_ms = params.pause_max_s * 1000 - case.paused_ms
    if left_ms <= 0:
        return f"pause-used-up: {params.pause_max_s} s in all"
    notes, clocks = sla.due_notes(case.clocks, word.at_ms, params.sla)
    work.put(clocks=clocks)
    work.tell(notes)  # what is broken is broken
    work.pause(word.reason, word.at_ms, word.at_ms + left_ms)
    work.step(word.action.value, word)
    return None


def _resume(work: Work, word: Word) -> str | None:
    if work.case.pause is None:
        return "not-paused: its clocks run"
    work.step(word.action.value, word)
    work.resume(word.at_ms)
    return None


def _note(work: Work, word: Word) -> str | None:
    work.step(word.action.value, word)
    return None


ACTIONS: Mapping[CaseAction, Callable[[Work, Word], str | None]] = {
    CaseAction.REASSIGN: _reassign,
    CaseAction.TAKE_OVER: _take_over,
    CaseAction.REVIEW: _review,
    CaseAction.REOPEN: _reopen,
    CaseAction.PAUSE: _pause,
    CaseAction.RESUME: _resume,
    CaseAction.NOTE: _note,
}
