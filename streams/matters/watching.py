"""What time alone makes due in a case: its clocks, and what waits for people's word."""

from schemas.dispatch import Clock, ClockNote, OrderChange
from streams.matters import functions, news, proof, sla
from streams.matters.casework import Work
from streams.matters.orders import escalate, take_back


def watch(work: Work) -> None:
    """Tell what is due, and ask the next level where nobody has answered."""
    case, now_ms = work.case, work.now_ms
    if case.pause is not None:
        if case.pause.until_ms <= now_ms:
            work.resume(case.pause.until_ms)
        if work.case.pause is not None:
            _look_at_people(work)
            return
    notes, clocks = sla.due_notes(work.case.clocks, now_ms, work.params.sla)
    work.put(clocks=clocks)
    work.tell(notes)
    broken = [
        note.clock
        for note in notes
        if note.note is ClockNote.BREACH
        and note.clock is not Clock.RESPOND
        and note.clock in work.params.escalate_on
    ]
    escalate_at_ms, depart_by_ms = work.case.escalate_at_ms, work.case.depart_by_ms
    if escalate_at_ms is not None and escalate_at_ms <= now_ms:
        escalate(work, "nobody-accepted")
    elif broken and work.may_escalate:
        escalate(work, f"{broken[0]}-breached")
    if depart_by_ms is not None and depart_by_ms <= now_ms:
        take_back(work)
    news.look(work)
    _look_at_people(work)


def _look_at_people(work: Work) -> None:
    """Look at what waits for people's word, whether clocks stand still or not."""
    for due_ms, look in (
        (work.case.review_by_ms, _review_overdue),
        (work.case.prove_by_ms, proof.look),
        (work.case.report_by_ms, _not_reported),
        (None if work.case.answer_told else work.case.answer_by_ms, functions.look),
    ):
        if due_ms is not None and due_ms <= work.now_ms and work.case.ended_ms is None:
            look(work)


def _review_overdue(work: Work) -> None:
    """Tell that no supervisor looked at a return in time."""
    work.put(review_by_ms=None)
    order = work.case.current
    work.say(order, OrderChange.NOTED, "review-overdue", order.revision, reason="review-overdue")
    work.step("review-overdue", order_id=order.order_id, unit=order.unit)


def _not_reported(work: Work) -> None:
    """Tell that a loudspeaker has not said how it went; who listens will hear whether it spoke."""
    work.put(report_by_ms=None)
    if (call := work.case.speaker) is not None:
        words = "reminder-timed-out"
        work.say(call, OrderChange.NOTED, words, call.revision, reason=words)
        work.step(words, order_id=call.order_id, unit=call.unit)
