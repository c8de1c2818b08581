"""A case: the steps that were taken, chained, and how it stands after each."""

import hashlib
from enum import StrEnum
from typing import Any

import msgspec

from schemas.dispatch import CaseState, Clock, ClockNote
from schemas.envelope import Envelope
from schemas.wire import to_wire


class CaseStage(StrEnum):
    """The seven stages of GB/T 30428, in their order.

    REPORT 信息收集, REGISTER 案卷建立, ASSIGN 任务派遣, HANDLE 任务处理,
    FEED_BACK 处理反馈, VERIFY 核查结案, EVALUATE 综合评价.
    """

    REPORT = "report"
    REGISTER = "register"
    ASSIGN = "assign"
    HANDLE = "handle"
    FEED_BACK = "feed-back"
    VERIFY = "verify-and-close"
    EVALUATE = "evaluate"


class CaseEvent(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """One accepted step of a case: append-only, each chained to the one before.

    `subject` is the case id; `event_time_ms` when the step was taken (wall time).
    After a crash a step may stand twice, with one id: the chain goes on from the
    later one, and a reader takes the path that the newest step hangs on.

    Attributes:
        case_id: Whose step it is.
        seq: 0, 1, 2 ... without a gap.
        action: What was done: a command's action, or the city's own step: opened,
            issued, escalated, breached, reminder, reminder-timed-out, relapse,
            review-overdue, ack-timeout,
            grew, repeated.
        from_state, to_state: Where the case stood before and after.
        by, role, unit: Who did it; `by` is `city` for the city's own steps.
        order_id: The order that it moved.
        reason: Why.
        command_id: The command, or the word of the field, that asked for it.
        photo: Reference of a photo that proves it.
        at_lon_deg, at_lat_deg: From where it was said.
        clock, clock_note: The promise that a `breached` step is about.
        deadline_time_ms: The absolute deadline of `clock`.
        late_detected: The breach was found only after an outage.
        since_event_ms: From what the citizen felt (event time) to this step.
        since_created_ms: From when the city could know to this step.
        machine_ms, queue_ms, person_ms, travel_ms: What that time was spent on.
        prev_hash: `hash` of the step before; empty at seq 0.
        hash: SHA-256, in hex, of this JSON object without `hash`, its names sorted,
            without white space, in UTF-8.
    """

    case_id: str
    seq: int
    action: str
    from_state: CaseState
    to_state: CaseState
    by: str = "city"
    role: str = ""
    unit: str = ""
    order_id: str = ""
    reason: str = ""
    command_id: str = ""
    photo: str = ""
    at_lon_deg: float | None = None
    at_lat_deg: float | None = None
    clock: Clock | None = None
    clock_note: ClockNote | None = None
    deadline_time_ms: int | None = None
    late_detected: bool = False
    since_event_ms: int | None = None
    since_created_ms: int | None = None
    machine_ms: int = 0
    queue_ms: int = 0
    person_ms: int = 0
    travel_ms: int = 0
    prev_hash: str = ""
    hash: str = ""


class CaseOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of a case, as its record shows it.

    Attributes:
        order_id: Which order.
        unit, unit_name, level: Who was sent.
        state: Where it stands.
        part: lead or helper, where several departments share the case.
    """

    order_id: str
    unit: str
    unit_name: str
    level: str
    state: CaseState
    part: str = ""


class CaseClock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One clock of a case, as its record shows it.

    Attributes:
        clock: Which promise.
        started_time_ms, deadline_time_ms: From when, and until when.
        stopped_time_ms: When it was kept; None while it runs.
        note: The gravest thing told about it: warn-50, warn-80, breach.
        paused_ms: How long it stood still; its deadline is later by so much.
    """

    clock: Clock
    started_time_ms: int
    deadline_time_ms: int
    stopped_time_ms: int | None = None
    note: ClockNote | None = None
    paused_ms: int = 0


class CaseRecord(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """A case as it stands; `subject` is its incident's, the newest `revision` is true.

    Attributes:
        case_id, incident_id, incident_kind: Which case, and what it is about.
        state, stage: Where it stands, and its stage after GB/T 30428.
        revision: Rises by one with each message.
        events, last_hash: Steps on `case.events`, and the hash of the newest.
        unit, unit_name, level: Who owns it now: that of its furthest order.
        orders, clocks: All orders of this life, and the four promises.
        breaches: Clocks whose promise was broken, ever, in the order told.
        opened_time_ms: Since when it lasts, as citizens felt it (event time).
        created_time_ms: Since when the city could know; the clocks run from it.
        machine_ms, queue_ms, person_ms, travel_ms: What the time since
            `opened_time_ms` was spent on, up to the event time of this message.
        paused_ms: How long its clocks stood still, by a listed reason.
        paused_for: The reason, while they do.
        returns: How often it was handed back.
        review_by_time_ms: Until when a supervisor is to review the newest return.
        verified: What proves that it is done: sensor, photo, word.
        handled_time_ms, ended_time_ms: When that was.
        into: The case that it became part of.
        lives: How often it was taken up again after its end.
        function: The function of the city that opened it, where no incident did.
        due_time_ms: Until when its units are to answer, where a function says so.
        answered, unanswered: Units that have answered it, and those that have not.
        department, field, matter: Who leads it by law, in which field, on which matter;
            `law_version` is the version of the table that said so.
    """

    case_id: str
    incident_id: str
    incident_kind: str
    state: CaseState
    stage: CaseStage
    opened_time_ms: int
    created_time_ms: int
    revision: int = 0
    events: int = 0
    last_hash: str = ""
    unit: str = ""
    unit_name: str = ""
    level: str = ""
    orders: tuple[CaseOrder, ...] = ()
    clocks: tuple[CaseClock, ...] = ()
    breaches: tuple[Clock, ...] = ()
    machine_ms: int = 0
    queue_ms: int = 0
    person_ms: int = 0
    travel_ms: int = 0
    paused_ms: int = 0
    paused_for: str = ""
    returns: int = 0
    review_by_time_ms: int | None = None
    verified: str = ""
    handled_time_ms: int | None = None
    ended_time_ms: int | None = None
    into: str = ""
    lives: int = 1
    function: str = ""
    due_time_ms: int | None = None
    answered: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    department: str = ""
    field: str = ""
    matter: str = ""
    law_version: str = ""
    area: str = ""
    community: str = ""
    lon_deg: float | None = None
    lat_deg: float | None = None
    rung: int = 0
    sentence: str = ""
    life_safety: bool = False


def sealed(event: CaseEvent) -> CaseEvent:
    """Return `event` with its hash."""
    return msgspec.structs.replace(event, hash=hash_of(to_wire(event)))


def hash_of(wire: dict[str, Any]) -> str:
    """Return the hash of an event on the wire, whatever `hash` it says itself."""
    said = {name: value for name, value in wire.items() if name != "hash"}
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
