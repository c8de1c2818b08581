"""Dispatch: orders to units, word from the field, and the loudspeaker."""

from enum import StrEnum

from schemas.envelope import Envelope


class CaseState(StrEnum):
    """Stages of a case, after GB/T 30428."""

    DETECTED = "detected"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    DEPARTED = "departed"
    ON_SITE = "on-site"
    HANDLED = "handled"
    VERIFIED = "verified"
    CLOSED = "closed"
    RETURNED = "returned"
    FALSE_ALARM = "false-alarm"
    HANDLED_UNVERIFIED = "handled-unverified"
    MERGED = "merged"


class Clock(StrEnum):
    """The four promises."""

    RESPOND = "respond"
    ORDER = "order"
    DEPART = "depart"
    ON_SITE = "on-site"


class ClockNote(StrEnum):
    """What is told about a running clock."""

    WARN_50 = "warn-50"
    WARN_80 = "warn-80"
    BREACH = "breach"


class OrderChange(StrEnum):
    """Why an order message was sent. NOTED is word for its unit that moves nothing."""

    ISSUED = "issued"
    MOVED = "moved"
    CLOCK = "clock"
    ESCALATED = "escalated"
    REFUSED = "refused"
    NOTED = "noted"
    CLOSED = "closed"


class DispatchOrder(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """An order to one unit as it stands after one change.

    `subject` is the incident's subject; `event_time_ms` the wall instant of the
    change. `order_id` is UUIDv5 of incident, level and unit, `id` of the order
    and the change, so a restart says the same ids.

    Attributes:
        incident_id, case_id: What it is for.
        unit, unit_name, level: Who goes: micro-grid, grid, community,
            department, city, leader; `level` names which (loudspeaker: nobody).
        state: Where this order stands; its case stands where its furthest order does.
        clock, clock_note: Set when `change` is `clock`.
        deadline_time_ms: The absolute deadline of `clock`.
        late_detected: The breach was found only after an outage.
        opened_time_ms: Event time since when the matter lasts, as citizens felt it;
            `created_time_ms` is when the city could know, and the clocks run from it.
        respond_by_time_ms ... on_site_by_time_ms: Absolute deadlines.
        by: Who moved it, on a field update.
        reason: Why: routing words, a refusal, a return's reason.
    """

    order_id: str
    case_id: str
    incident_id: str
    incident_kind: str
    unit: str
    level: str
    state: CaseState
    change: OrderChange
    created_time_ms: int
    unit_name: str = ""
    opened_time_ms: int | None = None
    revision: int = 0
    clock: Clock | None = None
    clock_note: ClockNote | None = None
    deadline_time_ms: int | None = None
    late_detected: bool = False
    respond_by_time_ms: int | None = None
    order_by_time_ms: int | None = None
    depart_by_time_ms: int | None = None
    on_site_by_time_ms: int | None = None
    area: str = ""
    lon_deg: float | None = None
    lat_deg: float | None = None
    boundary_version: str = ""
    rung: int = 0
    by: str = ""
    reason: str = ""
    sentence: str = ""
    life_safety: bool = False


class FieldAction(StrEnum):
    """What a unit in the field can say."""

    ACCEPT = "accept"
    DEPART = "depart"
    ARRIVE = "arrive"
    HANDLE = "handle"
    VERIFY = "verify"
    CLOSE = "close"
    RETURN = "return"
    FALSE_ALARM = "false-alarm"
    REMINDER_PLAYED = "reminder-played"
    REMINDER_FAILED = "reminder-failed"


class DispatchUpdate(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """Word from the field about a case; `subject` is the case id, or the incident id.

    Attributes:
        action: What was done.
        order_id: The order (or reminder) it answers; empty means the case's current one.
        by: Who says so.
        reason: Mandatory with `return` and `false-alarm`.
        at_lon_deg, at_lat_deg: Where the order's unit was then (WGS-84).
    """

    action: FieldAction
    by: str
    order_id: str = ""
    reason: str = ""
    at_lon_deg: float | None = None
    at_lat_deg: float | None = None


class Reminder(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """A command to a loudspeaker; `subject` is the loudspeaker.

    Attributes:
        reminder_id: UUIDv5 of incident and rung.
        incident_id: What it is for.
        venue: Where it stands.
        text_id: Name of an approved text in the city's files; never free text.
        text: That text.
    """

    reminder_id: str
    incident_id: str
    venue: str
    text_id: str
    text: str
