"""Words from the field: what an update does to its order, and to the clocks."""

from collections.abc import Mapping

from schemas.dispatch import Clock, DispatchUpdate, FieldAction, OrderChange
from schemas.ids import uuid5
from streams.matters.cases import ENDED, MOVES, Case, Order, refusal
from streams.matters.casework import Work, with_state
from streams.matters.orders import answer, arm, close, heir, reassign

_STOPS: Mapping[FieldAction, Clock] = {
    FieldAction.ACCEPT: Clock.RESPOND,
    FieldAction.DEPART: Clock.DEPART,
    FieldAction.HANDLE: Clock.ON_SITE,
}
_REMINDED = frozenset({FieldAction.REMINDER_PLAYED, FieldAction.REMINDER_FAILED})


def move(work: Work, update: DispatchUpdate) -> None:
    """Let one word from the field move its order, or refuse it with the reason."""
    word = word_of(update)
    at_ms = min(update.ingest_time_ms or work.now_ms, work.now_ms)
    order = _order_of(work.case, update)
    if update.action in _REMINDED:
        _reminded(work, update, at_ms)
        return
    if order is None:
        why: str | None = "unknown-order: the case has no such order"
        order = work.case.current
    else:
        why = refusal(order.state, update.action, update.reason)
    to = heir(work, order) if update.action is FieldAction.RETURN else None
    if why is None and update.action is FieldAction.RETURN and to is None:
        why = "nobody-left: every unit has handed it back, this one decides"
    if why is not None:
        work.say(order, OrderChange.REFUSED, word, reason=why, by=update.by)
        return
    state = MOVES[order.state, update.action]
    if update.action in _STOPS:
        work.stop_clock(_STOPS[update.action], at_ms)
        # A breach that was told just now has changed the order of that name.
        order = next(one for one in work.case.orders if one.order_id == order.order_id)
    if state in ENDED:
        close(work, state, at_ms, update.reason, update.by)
        return
    work.say(with_state(order, state), OrderChange.MOVED, word, reason=update.reason, by=update.by)
    if to is not None:
        work.put(returns=work.case.returns + 1)
    if to is not None and not work.case.live:
        reassign(work, order, to)
    elif to is not None or update.action is FieldAction.ACCEPT:
        arm(work, work.now_ms + work.respond_ms)


def _reminded(work: Work, update: DispatchUpdate, at_ms: int) -> None:
    """Note how a loudspeaker call went; a failed one asks the next rung at once."""
    call, word = work.case.speaker, word_of(update)
    if call is None or update.order_id not in {"", call.order_id}:
        why = "unknown-reminder: the case waits for no such call"
        work.say(work.case.current, OrderChange.REFUSED, word, reason=why, by=update.by)
        return
    work.say(call, OrderChange.NOTED, word, reason=update.action.value, by=update.by)
    waits = not work.case.is_ended and not work.case.orders
    if update.action is FieldAction.REMINDER_FAILED and waits:
        answer(work, work.case.served_rung + 1, at_ms, "loudspeaker-failed")


def _order_of(case: Case, update: DispatchUpdate) -> Order | None:
    """Return the order that an update answers; None when it names one that is not there."""
    if not update.order_id:
        named = (order for order in case.live if order.unit == update.by)
        return next(named, case.current)
    calls = (case.speaker,) if case.speaker else ()
    answered = (one for one in (*case.orders, *calls) if one.order_id == update.order_id)
    return next(answered, None)


def word_of(update: DispatchUpdate) -> str:
    """Return what makes an update unlike any other of its source."""
    name = update.id or uuid5(update.subject, update.action, update.by, update.event_time_ms)
    return f"{update.source}/{name}"
