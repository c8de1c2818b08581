"""Boats that leave harbour against the order.

While a mode with `recall` is in force, boats of its bands of latitude are to be in
harbour. One that is told to have left is an alert of its own, at once. It is told by
when the word comes, not by when the boat left: whoever went out just before is to be
called back too.
"""

from collections.abc import Iterable

from schemas.alerts import Alert, Severity, Transition
from schemas.ids import uuid5
from streams.geo.words import Word
from streams.matters.policy import Mode

RULE = "recall"
KIND = "vessel.against-recall"
SOURCE = "citybrain.incidents"

_HARBOUR = "vessel.harbour"
_OUT = (Word.EXIT.value, Word.OUTSIDE.value)


def against(alert: Alert, modes: Iterable[tuple[str, Mode]]) -> Alert | None:
    """Return the finding that a boat has left harbour against an order in force.

    Args:
        alert: Any alert; the end of a stay in harbour may be one.
        modes: What is in force, by name.
    """
    if alert.kind != _HARBOUR or alert.transition is not Transition.CLEAR:
        return None
    if not alert.reason.startswith(_OUT) or alert.lat_deg is None:
        return None
    for name, mode in modes:
        for south_deg, north_deg in mode.recall:
            if south_deg <= alert.lat_deg < north_deg:
                return _finding(alert, name, f"{south_deg:g}-{north_deg:g}N")
    return None


def _finding(alert: Alert, mode: str, band: str) -> Alert:
    """Return the alert: its id is the stay's, so the same word again says the same."""
    alert_id = uuid5(RULE, KIND, alert.alert_id)
    return Alert(
        source=SOURCE,
        kind=KIND,
        subject=alert.subject,
        event_time_ms=alert.event_time_ms,
        id=uuid5(alert_id, Transition.NOTICE),
        trace=alert.trace,
        alert_id=alert_id,
        rule=RULE,
        transition=Transition.NOTICE,
        severity=Severity.SEVERE,
        onset_time_ms=alert.event_time_ms,
        area=alert.area,
        lon_deg=alert.lon_deg,
        lat_deg=alert.lat_deg,
        visit=alert.visit,
        reason=f"mode:{mode} {band}",
        sentence=f"{alert.sentence}，违反召回令（{band}）",
        life_safety=True,
        inputs=(alert.id,) if alert.id else (),
    )
