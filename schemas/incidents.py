"""An incident: one matter that people work on, made of many alerts."""

from enum import StrEnum

import msgspec

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


class Link(msgspec.Struct, frozen=True):
    """Why an alert is in an incident that another alert opened.

    Attributes:
        alert_id, kind: Which alert.
        sense: Who noticed: `sensor`, `camera`, `caller`, `patrol`.
        distance_m: Metres between the two; -1 where one has no place.
        gap_s: Seconds of event time between it and what the incident had seen.
        why: Name of the link in the city's rules, or `by-hand`.
    """

    alert_id: str
    kind: str
    sense: str
    distance_m: float
    gap_s: float
    why: str


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
        links: Alerts of other matters in it, each with its reason (the newest 50).
        senses: Who noticed it, each once: `sensor`, `camera`, `caller`, `patrol`.
        confidence: 0 to 1, rising with independent senses.
        actionable: False as long as nobody is to be sent; `held` says why not.
        held: `grouping`, `unsure`, `silence:<id>`, `inhibited:<name>`, `mode:<name>`,
            `storm`.
        told_time_ms: Wall time from which people may act, where that was later than
            its creation; their clocks start here.
        parent: The area incident that tells people about it.
        children, child_count: Of an area incident: those in it (the newest 50), how many.
        flapping: It came and went so often that it is held open, and told once.
        released: What ended, that it was held by: this message lists it for review.
        merged_into: The incident that goes on with its alerts.
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
    links: tuple[Link, ...] = ()
    senses: tuple[str, ...] = ()
    confidence: float | None = None
    actionable: bool = True
    held: tuple[str, ...] = ()
    told_time_ms: int | None = None
    parent: str = ""
    children: tuple[str, ...] = ()
    child_count: int = 0
    flapping: bool = False
    released: str = ""
    merged_into: str = ""


class IncidentAction(StrEnum):
    """What an operator may do about incidents."""

    SILENCE = "silence"
    UNSILENCE = "unsilence"
    SPLIT = "split"
    MERGE = "merge"
    MODE_ON = "mode-on"
    MODE_OFF = "mode-off"
    ROLL_CALL = "roll-call"


class IncidentCommand(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """An operator's word about incidents; `id` names it, and makes it safe to send twice.

    Attributes:
        action: What is to be done.
        by, role: Who says so; `second` the other person, where two are needed.
        reason: Why; always needed.
        incident_id: Of `split` and `merge`: the one that stays.
        others: Of `merge`: the incidents that join it.
        alert_ids: Of `split`: the alerts that leave.
        area, subjects, kinds: Of `silence`: what it covers; kinds may end in "*". Of
            `roll-call`: in `subjects` the one boat whose skipper was called, by its code.
        until_time_ms: Of `silence`: its end, at most seven days ahead. Of `roll-call`:
            when the skipper promises to be in harbour.
        answered: Of `roll-call`: whether the skipper did.
        silence_id: Of `unsilence`: the id of the command that silenced.
        mode: Of `mode-on` and `mode-off`: a mode of the city's rules.
    """

    action: IncidentAction
    by: str
    role: str = ""
    second: str = ""
    reason: str = ""
    incident_id: str = ""
    others: tuple[str, ...] = ()
    alert_ids: tuple[str, ...] = ()
    area: str = ""
    subjects: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    until_time_ms: int | None = None
    answered: bool = False
    silence_id: str = ""
    mode: str = ""
