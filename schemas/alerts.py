"""An alert: what one rule found about one subject, from onset to clear."""

from enum import StrEnum

from schemas.envelope import Envelope


class Severity(StrEnum):
    """CAP 1.2's scale, spelt as CAP spells it."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Transition(StrEnum):
    """What this message says about its alert.

    ONSET opens it, UPDATE changes it (a level, a rung of a ladder), CLEAR ends
    it, CORRECTION restates the latest message after late data (same
    transition, `revision` + 1), NOTICE is a finding without duration.
    """

    ONSET = "onset"
    UPDATE = "update"
    CLEAR = "clear"
    CORRECTION = "correction"
    NOTICE = "notice"


class Alert(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """One message about one alert. `kind` is the finding: `noise.exceeded`.

    `id` names this message, `alert_id` the alert that it belongs to; both are
    UUIDv5 (see `schemas.ids`), so a replay says the same ids. `event_time_ms` is
    the instant that this message is about.

    Attributes:
        alert_id: UUIDv5 of rule, subject, area and the event time of onset.
        rule: The rule's name; `rule_version` of its parameters.
        transition: What the message says.
        severity: CAP scale.
        onset_time_ms: When the alert began.
        area: The zone, venue or area that it is about; "" for none.
        revision: 0, and one more for each correction of this message.
        rung: Of a ladder: 1 loudspeaker, 2 grid worker, 3 police; 0 none.
        value, limit, unit: What was measured against what.
        window_start_time_ms, window_end_time_ms: Of a windowed finding.
        visit: Id of the stay in a zone, one from enter to exit.
        reason: Why, in one of the rule's named reasons.
        sentence: The finding as one plain sentence.
        life_safety: True takes the priority lane everywhere.
        inputs: Ids or offsets of the events that decided.
        confidence: 0 to 1: how sure its source is; absent for what was measured.
        doubtful: Not sure enough to act on alone: it may join an incident, and
            by itself never sends anybody.
        count: How many events are folded into it, where they are counted.
        snapshot: Reference to a picture of it, never its bytes.
    """

    alert_id: str
    rule: str
    transition: Transition
    severity: Severity
    onset_time_ms: int
    rule_version: str = ""
    area: str = ""
    lon_deg: float | None = None
    lat_deg: float | None = None
    revision: int = 0
    rung: int = 0
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    window_start_time_ms: int | None = None
    window_end_time_ms: int | None = None
    visit: str | None = None
    reason: str = ""
    sentence: str = ""
    life_safety: bool = False
    inputs: tuple[str, ...] = ()
    confidence: float | None = None
    doubtful: bool = False
    count: int | None = None
    snapshot: str | None = None
