"""Commands to a case, and the one answer that each of them gets."""

from enum import StrEnum

from schemas.envelope import Envelope
from schemas.responders import UnitState


class CaseAction(StrEnum):
    """What can be asked of a case, or of the city where there is none yet.

    Field: ACCEPT to HANDLE, RETURN, PHOTO evidence with HANDLE or VERIFY. Command
    side: REVIEW to REOPEN, PAUSE and RESUME. Functions of the city: HELPERS (one
    case, several departments), CITY_TASK, RECEIPT, WHISTLE, REPORT_IN, SUPERVISE,
    VISIT. STATUS is of no case: where a unit is, and whether it can be sent.
    """

    ACCEPT = "accept"
    DEPART = "depart"
    ARRIVE = "arrive"
    HANDLE = "handle"
    VERIFY = "verify"
    CLOSE = "close"
    RETURN = "return"
    FALSE_ALARM = "false-alarm"
    REASSIGN = "reassign"
    TAKE_OVER = "take-over"
    REVIEW = "review"
    MERGE = "merge"
    REOPEN = "reopen"
    PAUSE = "pause"
    RESUME = "resume"
    NOTE = "note"
    HELPERS = "helpers"
    CITY_TASK = "city-task"
    RECEIPT = "receipt"
    WHISTLE = "whistle"
    REPORT_IN = "report-in"
    SUPERVISE = "supervise"
    VISIT = "visit"
    STATUS = "status"


class CaseCommand(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """A command; `subject` is the case id, or `city` where it is about no case yet.

    `id` is chosen by the sender and makes it idempotent: the same id again is
    answered again and done once. `event_time_ms` is when it was given.

    Attributes:
        action: What is asked.
        by: Who asks.
        role: In which role: field, operator, supervisor, desk, admin.
        unit: The unit that `by` speaks for.
        order_id: The order it is about; empty means the unit's own, else the case's current one.
        to_unit: Who is to have it, with `reassign`.
        into: The case that this one becomes part of, with `merge`.
        reason: Why; mandatory where it takes something from somebody.
        photo: Reference of a photo, never its bytes.
        at_lon_deg, at_lat_deg: From where it was said: where `unit` is.
        state: With `status`, what `unit` says of itself; without one, only where it is.
        units, areas, departments: Whom it is for, by code, with the city's functions.
        level: Which areas of a ring answer: community or grid.
        ring_deg: An area drawn: longitude and latitude of each corner in turn.
        text: What is to be done, in words.
        within_s: How long they have for it, in seconds.
    """

    action: CaseAction
    by: str
    role: str = "field"
    unit: str = ""
    order_id: str = ""
    to_unit: str = ""
    into: str = ""
    reason: str = ""
    photo: str = ""
    at_lon_deg: float | None = None
    at_lat_deg: float | None = None
    state: UnitState | None = None
    units: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    level: str = ""
    ring_deg: tuple[float, ...] = ()
    text: str = ""
    within_s: int | None = None


class CommandReply(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one command; `subject` is the command's own.

    Attributes:
        command_id: Which command it answers.
        action: What was asked.
        accepted: Whether it was done; when not, nothing was written.
        reason: A name for why not, of a bounded set: illegal-move, reason-required.
        hint: What would be right, in words.
        case_id, incident_id: What it moved.
    """

    command_id: str
    action: str
    accepted: bool
    reason: str = ""
    hint: str = ""
    case_id: str = ""
    incident_id: str = ""
