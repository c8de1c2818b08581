"""How an incident takes in an alert: the newest of what is said, the worst of what is measured."""

import msgspec

from schemas.alerts import Alert, Severity
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState

SOURCE = "citybrain.incidents"
NOTICE_REASON = "notice"  # why an incident that a notice opened has ended
KEPT_ALERTS = 50  # what `Incident.alert_ids` promises

_SEVERITY = (
    Severity.UNKNOWN,
    Severity.MINOR,
    Severity.MODERATE,
    Severity.SEVERE,
    Severity.EXTREME,
)


def severity_rank(severity: Severity) -> int:
    """Return 0 for the least severe, and so on."""
    return _SEVERITY.index(severity)


def opened(alert: Alert, incident_id: str, now_ms: int) -> Incident:
    """Return the incident that `alert` opens, created at `now_ms` (wall)."""
    return Incident(
        source=SOURCE,
        kind=alert.kind,
        subject=alert.subject,
        event_time_ms=alert.event_time_ms,
        trace=alert.trace,
        incident_id=incident_id,
        rule=alert.rule,
        state=IncidentState.OPEN,
        change=IncidentChange.OPENED,
        severity=alert.severity,
        revision=1,
        opened_time_ms=alert.onset_time_ms,
        created_time_ms=now_ms,
        first_seen_time_ms=alert.event_time_ms,
        last_seen_time_ms=alert.event_time_ms,
        alert_count=1,
        alert_ids=(alert.alert_id,),
        area=alert.area,
        lon_deg=alert.lon_deg,
        lat_deg=alert.lat_deg,
        peak_value=alert.value,
        limit=alert.limit,
        unit=alert.unit,
        rung=alert.rung,
        reason=alert.reason,
        sentence=alert.sentence,
        life_safety=alert.life_safety,
    )


def updated(incident: Incident, alert: Alert) -> Incident:
    """Return `incident` with an alert's figures: the worst and the newest of each."""
    is_new = alert.alert_id not in incident.alert_ids
    ids = (*incident.alert_ids, alert.alert_id) if is_new else incident.alert_ids
    placed = alert.lon_deg is not None and alert.lat_deg is not None
    return msgspec.structs.replace(
        incident,
        event_time_ms=alert.event_time_ms,
        trace=alert.trace or incident.trace,
        severity=max(incident.severity, alert.severity, key=severity_rank),
        revision=incident.revision + 1,
        first_seen_time_ms=min(incident.first_seen_time_ms, alert.event_time_ms),
        last_seen_time_ms=max(incident.last_seen_time_ms, alert.event_time_ms),
        alert_count=incident.alert_count + 1,
        alert_ids=ids[-KEPT_ALERTS:],
        lon_deg=alert.lon_deg if placed else incident.lon_deg,
        lat_deg=alert.lat_deg if placed else incident.lat_deg,
        peak_value=_worse(incident, alert),
        limit=incident.limit if alert.limit is None else alert.limit,
        unit=alert.unit or incident.unit,
        rung=max(incident.rung, alert.rung),
        reason=alert.reason or incident.reason,
        sentence=alert.sentence or incident.sentence,
        life_safety=incident.life_safety or alert.life_safety,
    )


def ended(incident: Incident) -> Incident:
    """Return the end of an incident that a notice opened."""
    return msgspec.structs.replace(
        incident,
        id=uuid5(incident.incident_id, IncidentChange.RESOLVED, incident.id),
        state=IncidentState.RESOLVED,
        change=IncidentChange.RESOLVED,
        revision=incident.revision + 1,
        reason=NOTICE_REASON,
    )


def _worse(incident: Incident, alert: Alert) -> float | None:
    """Return the worse value: the lower one where the matter is a value too low."""
    if incident.peak_value is None or alert.value is None:
        return alert.value if incident.peak_value is None else incident.peak_value
    too_low = incident.limit is not None and incident.peak_value < incident.limit
    return (min if too_low else max)(incident.peak_value, alert.value)
