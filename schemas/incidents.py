"""An incident: one matter that people work on, made of many alerts."""

from enum import StrEnum

from schemas.alerts import Severity
from schemas.envelope import Envelope


class IncidentState(StrEnum):
    """Whether its alerts still fire."""

    OPEN = "open"
    RESOLVED = "resolved"


class IncidentChange(StrEnum):
    """Why this message was sent."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class Incident(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """The matter as it stands after one change; the newest `revision` is true.

    `subject` and `area` are the alerts' own. `event_time_ms` is the instant of
    the alert that changed it; `opened_time_ms` (event time) says since when.

    Attributes:
        incident_id: UUIDv5 of rule, family of kinds (`noise` of `noise.exceeded`), subject,
            area and the onset that opened it.
        rule: Whose alerts it gathers.
        state, change: Where it stands, and what just happened.
        revision: Rises by one with each message.
        created_time_ms: Wall time of its creation; people's clocks start here.
        alert_ids: The alerts in it, oldest first (the newest 50).
        alert_count: How many alert messages joined.
        first_seen_time_ms, last_seen_time_ms: Event time of the first and last.
        peak_value: The worst value, with `limit` and `unit`.
        rung: The highest rung that its ladder reached.
        reopened_count: How often it came back within the re-open time.
    """

    incident_id: str
    rule: str
    state: IncidentState
    change: IncidentChange
    severity: Severity
    revision: int
    opened_time_ms: int
    created_time_ms: int
    first_seen_time_ms: int
    last_seen_time_ms: int
    alert_count: int
    alert_ids: tuple[str, ...]
    area: str = ""
    lon_deg: float | None = None
    lat_deg: float | None = None
    peak_value: float | None = None
    limit: float | None = None
    unit: str | None = None
    rung: int = 0
    reopened_count: int = 0
    reason: str = ""
    sentence: str = ""
    life_safety: bool = False
