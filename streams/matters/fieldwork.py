"""Words from the field: what they do to an order, and to the clocks."""

from collections.abc import Mapping

from schemas.commands import CaseAction
from schemas.dispatch import Clock, FieldAction, OrderChange
from streams.matters import proof
from streams.matters.cases import ENDED, HELPER, LEAD, Case, Order, refusal
from streams.matters.casework import Work, with_state
from streams.matters.orders import answer, arm, close, heir, reassign
from streams.matters.routing import Assignment
from streams.matters.words import REMINDED, Word

_STOPS: Mapping[CaseAction, tuple[Clock, ...]] = {
    CaseAction.ACCEPT: (Clock.RESPOND,),
    CaseAction.RECEIPT: (Clock.RESPOND,),
    CaseAction.DEPART: (Clock.DEPART,),
    CaseAction.REPORT_IN: (Clock.RESPOND, Clock.DEPART),
    CaseAction.HANDLE: (Clock.ON_SITE,),
}


def move(work: Work, word: Word) -> str | None:
    """Let one word from the field move its order.

    Returns:
        Why it is refused, as `name: hint`; nothing has changed then.
    """
    if word.action in REMINDED:
        return _reminded(work, word)
    action = CaseAction(word.action)
    order = order_of(work.case, word)
    if order is None:
        return _no_order(work.case, word)
    to = heir(work, order) if action is CaseAction.RETURN else None
    if why := _refused(work.case, order, word, to):
        return why
    work.resume(word.at_ms)  # whoever works on is not held up any more
    for clock in _STOPS.get(action, ()):
        work.stop_clock(clock, word.at_ms)
    # A breach that was told just now has changed the order of that name.
    order = next((one for one in work.case.orders if one.order_id == order.order_id), order)
    state = order.moves[order.state, action]
    others = [one for one in work.case.live if one.order_id != order.order_id]
    if state in ENDED and not (order.part and others and action is CaseAction.CLOSE):
        close(work, state, word.at_ms, word.reason, word=word, action=action.value)
        return None
    work.say(with_state(order, state), OrderChange.MOVED, word.key, reason=word.reason, by=word.by)
    work.step(action.value, word, order_id=order.order_id, unit=order.unit)
    _after(work, action, word, order)
    if action is CaseAction.RETURN:
        work.put(
            returns=work.case.returns + 1,
            review_by_ms=word.at_ms + work.params.review_s * 1000,
        )
    if to is not None and (not work.case.live or order.part):
        reassign(work, order, to)
    elif action in {CaseAction.RETURN, CaseAction.ACCEPT}:
        arm(work, work.now_ms + work.respond_ms)
    return None


def _refused(case: Case, order: Order, word: Word, to: Assignment | None) -> str | None:
    """Return why a word does not move its order; `to` is the heir of a return."""
    action = CaseAction(word.action)
    if why := refusal(order, action, word.reason, word.photo):
        return why
    is_last = all(one.order_id == order.order_id for one in case.live)
    if action is CaseAction.RETURN and to is None and is_last:
        return "nobody-left: every unit has handed it back, this one decides"
    return _still_at_work(case, order) if action is CaseAction.CLOSE else None


def order_of(case: Case, word: Word) -> Order | None:
    """Return the order that a word is about; None when it names one that is not there."""
    if not word.order_id:
        unit = word.unit or word.by
        named = (order for order in case.live if order.unit == unit)
        has_people = bool(case.orders)
        return next(named, None if word.unit and has_people else case.current)
    calls = (case.speaker,) if case.speaker else ()
    answered = (one for one in (*case.orders, *calls) if one.order_id == word.order_id)
    return next(answered, None)


def _no_order(case: Case, word: Word) -> str:
    if word.order_id:
        return "unknown-order: the case has no such order"
    units = ", ".join(order.unit for order in case.live) or "nobody"
    return f"not-your-order: {word.unit} has no live order here; at work: {units}"


def _after(work: Work, action: CaseAction, word: Word, order: Order) -> None:
    """Set what follows a move: the time to depart, the proof."""
    if action is CaseAction.ACCEPT and not work.case.function:
        work.put(depart_by_ms=word.at_ms + work.params.depart_s * 1000)
    elif action is CaseAction.DEPART:
        work.put(depart_by_ms=None)
    elif action is CaseAction.HANDLE:
        proof.on_handled(work, word, order.order_id)
    elif action is CaseAction.VERIFY:
        work.put(proof="photo" if word.photo else "word")


def _still_at_work(case: Case, order: Order) -> str | None:
    """Return why the lead of a shared case does not close it yet."""
    if order.part != LEAD:
        return None
    open_ = [one.unit for one in case.live if one.part == HELPER]
    if not open_:
        return None
    return f"helpers-open: the lead closes last; still at work: {', '.join(open_)}"


def _reminded(work: Work, word: Word) -> str | None:
    """Note how a loudspeaker call went; a failed one asks the next rung at once."""
    call = work.case.speaker
    if call is None or word.order_id not in {"", call.order_id}:
        return "unknown-reminder: the case waits for no such call"
    work.put(report_by_ms=None)
    work.say(call, OrderChange.NOTED, word.key, reason=word.action.value, by=word.by)
    work.step(word.action.value, word, order_id=call.order_id, unit=call.unit)
    waits = not work.case.is_ended and not work.case.orders
    if word.action is FieldAction.REMINDER_FAILED and waits:
        answer(work, work.case.served_rung + 1, word.at_ms, "loudspeaker-failed")
    return None
