"""Telling people again: what has grown, and what nobody has answered.

As Alertmanager has it: who is at work hears that the matter has grown, at most once
in `group_interval_s`; who was asked and has not answered hears of it again every
`repeat_s`, for as long as it lasts. Matters of life wait for nothing.
"""

from schemas.dispatch import OrderChange
from schemas.incidents import Incident, IncidentState
from streams.matters.casework import Work
from streams.matters.merge import severity_rank


def size_of(incident: Incident) -> tuple[int, ...]:
    """Return what grows: severity, matters that joined, children of an area incident."""
    return severity_rank(incident.severity), len(incident.links), incident.child_count


def told(work: Work) -> None:
    """Note that people hear now how the matter stands."""
    again_ms = None if work.case.function else work.now_ms + work.params.repeat_s * 1000
    work.put(
        told_size=size_of(work.incident),
        news_ms=work.now_ms,
        news_at_ms=None,
        repeat_at_ms=again_ms,
    )


def follow(work: Work) -> None:
    """Tell that a matter has grown, now or when it may be told again."""
    case = work.case
    if case.news_ms is None or not _has_grown(work):
        return
    due_ms = case.news_ms + work.params.group_interval_s * 1000
    if work.incident.life_safety or due_ms <= work.now_ms:
        _tell_growth(work)
    else:
        work.put(news_at_ms=due_ms)


def look(work: Work) -> None:
    """Tell what was to wait, and again what nobody has answered."""
    case, now_ms = work.case, work.now_ms
    if case.news_at_ms is not None and case.news_at_ms <= now_ms:
        work.put(news_at_ms=None)
        if _has_grown(work):
            _tell_growth(work)
    if case.repeat_at_ms is not None and case.repeat_at_ms <= now_ms:
        work.put(repeat_at_ms=None)
        if case.live and not case.is_answered and work.may_escalate:
            _tell(work, "repeated", "nobody-has-answered", case.repeat_at_ms)
            work.put(repeat_at_ms=now_ms + work.params.repeat_s * 1000)


def _has_grown(work: Work) -> bool:
    """Say whether those at work do not know yet how great it is; what is held is told nobody."""
    incident = work.incident
    if not (work.case.live and incident.actionable and incident.state is IncidentState.OPEN):
        return False
    pairs = zip(size_of(work.incident), work.case.told_size, strict=True)
    return any(now > before for now, before in pairs)


def _tell_growth(work: Work) -> None:
    incident = work.incident
    matters = incident.child_count or 1 + len(incident.links)
    size = size_of(incident)
    work.put(told_size=size, news_ms=work.now_ms, news_at_ms=None)
    _tell(work, "grew", f"{matters} matters, {incident.severity}", *size)


def _tell(work: Work, action: str, reason: str, *facts: int) -> None:
    for order in work.case.live:
        words = f"{action}: {reason}"
        work.say(order, OrderChange.NOTED, action, order.revision, *facts, reason=words)
    current = work.case.current
    work.step(action, order_id=current.order_id, unit=current.unit, reason=reason)
