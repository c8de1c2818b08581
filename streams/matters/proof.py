"""Verify before close: what proves that a matter is over.

A sensor that has been below its clear level for some minutes, a photo, or a word
of those who were there. Without any of them a handled order is
`handled-unverified`, and is not closed until somebody says what proves it.
"""

from schemas.dispatch import CaseState, OrderChange
from schemas.incidents import Incident
from streams.matters.cases import DONE, Order
from streams.matters.casework import Work, with_state
from streams.matters.merge import NOTICE_REASON
from streams.matters.orders import close
from streams.matters.storms import RULE as STORM
from streams.matters.words import Word

SENSOR = "sensor"
_UNMEASURED = frozenset(
    {
        NOTICE_REASON,
        STORM,  # its children tell how each of them ended
        "no-data",  # a meter fell silent
        "not-seen",  # a sensor did, or a camera sees it no more
        "not-heard",  # a boat did
        "lost",
        "no-burst",
        "no-more-calls",
    }
)
"""How reasons begin that say nothing of how it stands there: nobody measured it."""


def on_handled(work: Work, word: Word, order_id: str) -> None:
    """Begin to wait for the proof of what was just handled; a photo is one."""
    case = work.case
    work.put(handled_ms=case.handled_ms if case.handled_ms is not None else word.at_ms)
    if word.photo:
        order = next(one for one in case.orders if one.order_id == order_id)
        _verify(work, (order,), "photo")
    else:
        wait_until(work, word.at_ms + work.params.prove_s * 1000)


def wait_until(work: Work, at_ms: int) -> None:
    """Look for a proof at `at_ms`, or when the sensor has been quiet for long enough."""
    if any(order.state in DONE for order in work.case.live):
        quiet_ms = _quiet_at_ms(work)
        work.put(prove_by_ms=at_ms if quiet_ms is None else max(quiet_ms, work.now_ms))


def look(work: Work) -> None:
    """Take the sensor's word that it is over, or mark what nothing proves."""
    quiet_ms = _quiet_at_ms(work)
    if quiet_ms is not None and quiet_ms > work.now_ms:
        work.put(prove_by_ms=quiet_ms)
        return
    work.put(prove_by_ms=None)
    unproved = CaseState.HANDLED, CaseState.HANDLED_UNVERIFIED
    if quiet_ms is None:
        for order in work.case.live:
            if order.state is CaseState.HANDLED:
                _mark(work, order, CaseState.HANDLED_UNVERIFIED, "unverified", "nothing-proves-it")
        return
    _verify(work, tuple(one for one in work.case.live if one.state in unproved), SENSOR)
    if all(order.state is CaseState.VERIFIED for order in work.case.live):
        close(work, CaseState.CLOSED, work.now_ms, "sensor-clear")


def is_measured(incident: Incident) -> bool:
    """Say whether the end of an incident is what a sensor read, and not that nothing was heard."""
    return not incident.merged_into and is_reading(incident.reason)


def is_reading(reason: str) -> bool:
    """Say whether the reason of an end is what a sensor read."""
    return reason.partition(" ")[0] not in _UNMEASURED


def _quiet_at_ms(work: Work) -> int | None:
    """Return when the sensor will have been quiet for long enough; None while it is not."""
    resolved_ms = work.case.resolved_ms
    if resolved_ms is None or not is_measured(work.incident):
        return None
    return resolved_ms + work.params.clear_s * 1000


def _verify(work: Work, orders: tuple[Order, ...], by: str) -> None:
    if orders:
        work.put(proof=by)
    for order in orders:
        _mark(work, order, CaseState.VERIFIED, "verified", by)


def _mark(work: Work, order: Order, state: CaseState, action: str, reason: str) -> None:
    work.say(with_state(order, state), OrderChange.MOVED, action, order.revision, reason=reason)
    work.step(action, order_id=order.order_id, unit=order.unit, reason=reason)
