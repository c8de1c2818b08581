"""What is told of a case: its steps, each chained to the one before, and its record."""

from typing import Any

from schemas.cases import CaseClock, CaseEvent, CaseOrder, CaseRecord, sealed
from schemas.ids import uuid5
from streams.matters import spent
from streams.matters.cases import Case
from streams.matters.spent import Spent
from streams.matters.words import Word

SOURCE = "citybrain.dispatch"


def event_of(
    case: Case,
    action: str,
    count: Spent,
    *,
    now_ms: int,
    word: Word | None,
    fields: dict[str, Any],
) -> CaseEvent:
    """Return the next step of `case`, sealed to the chain.

    Args:
        case: As it stands after the step, with the story before it.
        action: What was done.
        count: The time spent up to the step.
        now_ms: When it was done (wall); of a word, when intake took it.
        word: Who asked for it; None is the city itself.
        fields: More of the event; they win over the word's.
    """
    said: dict[str, Any] = {}
    if word is not None:
        said = {
            "by": word.by,
            "role": word.role,
            "unit": word.unit,
            "reason": word.reason,
            "command_id": word.key,
            "photo": word.photo,
            "at_lon_deg": word.at_lon_deg,
            "at_lat_deg": word.at_lat_deg,
        }
    said |= fields
    return sealed(
        CaseEvent(
            source=SOURCE,
            kind="case.event",
            subject=case.case_id,
            event_time_ms=now_ms if word is None else word.at_ms,
            id=uuid5(case.case_id, "step", case.steps, action, said.get("command_id", "")),
            trace=case.incident.trace,
            case_id=case.case_id,
            seq=case.steps,
            action=action,
            from_state=case.told,
            to_state=case.stands,
            since_event_ms=count.total_ms,
            since_created_ms=max(0, count.until_ms - case.known_ms),
            machine_ms=count.machine_ms,
            queue_ms=count.queue_ms,
            person_ms=count.person_ms,
            travel_ms=count.travel_ms,
            prev_hash=case.last_hash,
            **said,
        )
    )


def record_of(case: Case, now_ms: int) -> CaseRecord:
    """Return `case` as it stands, as screens and people read it."""
    incident, owner = case.incident, case.current if case.was_ordered else None
    count = spent.counted(case.spent, case.told, now_ms) if case.ended_ms is None else case.spent
    waiting = case.unanswered
    return CaseRecord(
        source=SOURCE,
        kind="case",
        subject=incident.subject,
        event_time_ms=now_ms,
        id=uuid5(case.case_id, "record", case.revision),
        trace=incident.trace,
        case_id=case.case_id,
        incident_id=incident.incident_id,
        incident_kind=incident.kind,
        state=case.stands,
        stage=case.stage,
        revision=case.revision,
        events=case.steps,
        last_hash=case.last_hash,
        unit=owner.unit if owner else "",
        unit_name=owner.unit_name if owner else "",
        level=owner.level if owner else "",
        orders=tuple(
            CaseOrder(
                order_id=one.order_id,
                unit=one.unit,
                unit_name=one.unit_name,
                level=one.level,
                state=one.state,
                part=one.part,
            )
            for one in case.orders
        ),
        clocks=tuple(
            CaseClock(
                clock=one.clock,
                started_time_ms=one.started_ms,
                deadline_time_ms=one.deadline_ms,
                stopped_time_ms=one.stopped_ms,
                note=one.told,
                paused_ms=one.paused_ms,
            )
            for one in case.clocks
        ),
        breaches=case.breaches,
        opened_time_ms=case.felt_ms,
        created_time_ms=case.known_ms,
        machine_ms=count.machine_ms,
        queue_ms=count.queue_ms,
        person_ms=count.person_ms,
        travel_ms=count.travel_ms,
        paused_ms=case.paused_ms,
        paused_for=case.pause.reason if case.pause else "",
        returns=case.returns,
        review_by_time_ms=case.review_by_ms,
        verified=case.proof,
        handled_time_ms=case.handled_ms,
        ended_time_ms=case.ended_ms,
        into=case.into,
        lives=case.lives,
        function=case.function,
        due_time_ms=case.answer_by_ms,
        answered=tuple(one.unit for one in case.orders if case.function and one not in waiting),
        unanswered=tuple(one.unit for one in waiting),
        department=case.competence.department if case.competence else "",
        field=case.competence.field if case.competence else "",
        matter=case.competence.matter if case.competence else "",
        law_version=case.law_version if case.competence else "",
        area=incident.area,
        community=case.chain.community if case.chain else "",
        lon_deg=incident.lon_deg,
        lat_deg=incident.lat_deg,
        rung=incident.rung,
        sentence=incident.sentence,
        life_safety=incident.life_safety,
    )
