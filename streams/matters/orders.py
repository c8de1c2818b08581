"""What dispatch does with a case: answer a rung, ask the next level, take back, close."""

from collections.abc import Sequence

from schemas.dispatch import CaseState, Clock, OrderChange, Reminder
from schemas.ids import uuid5
from streams.matters import news, sla
from streams.matters.cases import CITY_TASK, Order
from streams.matters.casework import Speaker, Work, with_state
from streams.matters.routing import RANK, Assignment, Level, assign, last_resort, steps
from streams.matters.story import SOURCE
from streams.matters.words import Word


def answer(work: Work, rung: int, started_ms: int, reason: str = "") -> None:
    """Answer a rung of the incident's ladder; rung 0 is a kind without one.

    Args:
        work: The case.
        rung: The rung that the incident has reached.
        started_ms: Wall instant from which people's clocks run, if they do not yet:
            a loudspeaker is nobody, so they start with the first rung that needs people.
        reason: Why, beyond the routing's own words.
    """
    route = work.call.route
    level = route.rungs[rung - 1] if 0 < rung <= len(route.rungs) else route.start
    work.put(served_rung=max(rung, work.case.served_rung))
    if level is Level.LOUDSPEAKER:
        speaker = work.directory.speaker_at(work.incident.area)
        if speaker is None:
            answer(work, rung + 1, started_ms, "no-loudspeaker")
        else:
            _remind(work, speaker, rung)
        return
    if work.case.orders and not route.rungs:
        return  # a kind without rungs: who was sent already answers whatever rises
    chosen = _choose(work, steps(level, work.directory.routing))
    if all(order.unit != chosen.unit.code for order in work.case.live):
        issue(work, chosen, OrderChange.ISSUED, started_ms, reason)


def escalate(work: Work, reason: str) -> None:
    """Send an order to the next level above all that were asked in this life of the case."""
    chosen = _above(work)
    if chosen is None:
        current = work.case.current
        facts = ("top-of-ladder", current.revision)
        words = f"{reason}; top-of-ladder"
        work.say(current, OrderChange.ESCALATED, *facts, reason=words)
        work.put(escalate_at_ms=None)
        work.step("escalated", reason=words, order_id=current.order_id, unit=current.unit)
        return
    issue(work, chosen, OrderChange.ESCALATED, work.now_ms, reason)


def heir(work: Work, order: Order) -> Assignment | None:
    """Return who takes over what `order` hands back; None means that nobody is left.

    No unit but the city desk is asked twice. The return that reaches the limit goes
    to the desk, whose word is the last; so does what is of no place, a task of the city.
    """
    case, routing, roster = work.case, work.directory.routing, work.directory.roster
    tried = frozenset(one.unit for one in case.orders)
    if case.returns + 1 < work.params.return_limit and case.function != CITY_TASK:
        levels = steps(order.level, routing)
        if chosen := assign(levels, work.call, routing, roster, tried, pick=work.pick):
            return chosen
    has_it = any(one.unit == routing.desk for one in case.live)
    return None if has_it else last_resort(routing, roster)


def reassign(work: Work, order: Order, to: Assignment) -> None:
    """Send an order to the heir of a returned one; no clock restarts."""
    issue(work, to, OrderChange.ISSUED, work.now_ms, f"returned-by:{order.unit}", part=order.part)


def close(
    work: Work,
    state: CaseState,
    at_ms: int,
    reason: str,
    *,
    word: Word | None = None,
    action: str = "closed",
) -> None:
    """End the case: every unit still at work stands down, every clock stops at `at_ms`."""
    work.resume(at_ms)
    for clock in Clock:
        work.stop_clock(clock, at_ms)
    ending = work.case.live or ((work.case.speaker,) if work.case.speaker else ())
    by = word.by if word else ""
    for order in ending:
        work.say(with_state(order, state), OrderChange.CLOSED, order.revision, reason=reason, by=by)
    work.put(
        state=state,
        ended_ms=work.now_ms,
        escalate_at_ms=None,
        prove_by_ms=None,
        review_by_ms=None,
        depart_by_ms=None,
        answer_by_ms=None,
        report_by_ms=None,
        news_at_ms=None,
        repeat_at_ms=None,
        pause=None,
    )
    work.step(action, word, at_ms, reason=reason)


def take_back(work: Work) -> None:
    """Take accepted orders back whose units did not depart, and ask the next level.

    When there is no level left, who has accepted keeps it: somebody is to have it.
    """
    work.put(depart_by_ms=None)
    staying = [order for order in work.case.live if order.state is CaseState.ACCEPTED]
    if not (staying and work.may_escalate and _above(work)):
        return
    for order in staying:
        facts = ("ack-timeout", order.revision)
        back = with_state(order, CaseState.RETURNED)
        work.say(back, OrderChange.MOVED, *facts, reason="ack-timeout")
        work.step("ack-timeout", order_id=order.order_id, unit=order.unit, reason="did-not-depart")
    escalate(work, "ack-timeout")


def arm(work: Work, at_ms: int) -> None:
    """Set when the next level is asked, unless somebody has accepted or it is over."""
    waits = (
        Clock.RESPOND in work.params.escalate_on
        and work.may_escalate
        and bool(work.case.live)
        and not work.case.is_answered
    )
    work.put(escalate_at_ms=at_ms if waits else None)


def _choose(work: Work, levels: Sequence[Level]) -> Assignment:
    """Return the first unit on duty, or the desk when there is none up to the top."""
    routing, roster = work.directory.routing, work.directory.roster
    chosen = assign(levels, work.call, routing, roster, pick=work.pick)
    return chosen or last_resort(routing, roster)


def issue(
    work: Work,
    chosen: Assignment,
    change: OrderChange,
    started_ms: int,
    reason: str,
    *,
    state: CaseState = CaseState.DISPATCHED,
    part: str = "",
) -> Order:
    """Send an order; the first one of a case starts its clocks and stops `order`."""
    case, incident = work.case, work.incident
    unit = chosen.unit
    facts = (incident.incident_id, chosen.level, unit.code, incident.reopened_count, case.issued)
    order = Order(
        order_id=uuid5("order", *facts),
        unit=unit.code,
        unit_name=unit.name or unit.code,
        level=chosen.level,
        state=state,
        part=part,
        from_ms=work.at_ms,
    )
    if not case.function:
        clocks = case.clocks or sla.start(incident.kind, started_ms, work.params.sla)
        work.put(clocks=clocks)
    work.put(issued=case.issued + 1)
    words = "; ".join(word for word in (reason, *chosen.passed) if word)
    work.say(order, change, reason=words)
    action = "escalated" if change is OrderChange.ESCALATED else "issued"
    work.step(action, reason=words, order_id=order.order_id, unit=unit.code)
    work.stop_clock(Clock.ORDER, work.now_ms)
    arm(work, _accept_by_ms(work, change))
    news.told(work)
    return order


def _above(work: Work) -> Assignment | None:
    """Return who is above all that were asked in this life of the case; None at the top."""
    routing, roster = work.directory.routing, work.directory.roster
    top = max((order.level for order in work.case.orders), key=RANK.__getitem__)
    levels = [level for level in routing.ladder if RANK[level] > RANK[top]]
    return assign(levels, work.call, routing, roster, pick=work.pick)


def _accept_by_ms(work: Work, change: OrderChange) -> int:
    """Return until when a new order is to be accepted before the next level is asked.

    As long as the promise to respond stands, it is the measure. Once it is kept or
    broken, every further unit has as long as the first one had.
    """
    for one in work.case.clocks:
        stands = one.stopped_ms is None and work.now_ms < one.deadline_ms
        if one.clock is Clock.RESPOND and stands and change is OrderChange.ISSUED:
            return one.deadline_ms
    return work.now_ms + work.respond_ms


def _remind(work: Work, speaker: Speaker, rung: int) -> None:
    """Ask the loudspeaker to speak, unless it has spoken about this a moment ago."""
    case, gap_ms = work.case, work.params.reminder_gap_s * 1000
    if case.reminded_ms is not None and work.now_ms - case.reminded_ms < gap_ms:
        return
    reminder_id = uuid5("reminder", work.incident.incident_id, rung, case.reminders)
    work.reminders.append(
        Reminder(
            source=SOURCE,
            kind="dispatch.reminder",
            subject=speaker.device,
            event_time_ms=work.now_ms,
            id=reminder_id,
            trace=work.incident.trace,
            reminder_id=reminder_id,
            incident_id=work.incident.incident_id,
            venue=speaker.venue,
            text_id=speaker.text_id,
            text=speaker.text,
        )
    )
    call = Order(reminder_id, speaker.device, speaker.venue, Level.LOUDSPEAKER, CaseState.DETECTED)
    work.put(
        reminders=case.reminders + 1,
        reminded_ms=work.now_ms,
        speaker=call,
        report_by_ms=work.now_ms + work.params.report_s * 1000,
    )
    work.step("reminder", order_id=reminder_id, unit=speaker.device, reason=speaker.text_id)
