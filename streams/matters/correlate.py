"""Correlation: many alerts about one matter become one incident.

A matter is (rule, family of kinds, subject, area), for one camera may see a fire
and garbage: at any time it has one open incident at most. State, per matter: its
latest incident, which of its alerts still fire, and which alert messages were
seen. Whether an alert re-opens the last incident or begins a new one is decided
by event time alone, so a replay, at any speed and on any day, gives the same
incidents with the same ids; wall time is only written down (`created_time_ms`,
from which people's clocks run, and `ingest_time_ms`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.alerts import Alert, Transition
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters.merge import KEPT_ALERTS, ended, opened, updated
from streams.matters.policy import IncidentParams, is_any

# A rule says what it finds about one matter in event-time order, so a doubled
# message is either among the newest 64 or older than all of them (`forgotten_ms`),
# and both are known as doubles: the bound costs nothing but a correction that
# comes more than 64 messages after what it corrects.
_KEPT_MESSAGES = 64


class Matter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one matter.

    Attributes:
        incident: As last said.
        firing: Ids of its alerts that have not cleared, oldest first.
        seen: Ids and event times of the newest alert messages.
        forgotten_ms: Event time of the newest message that fell out of `seen`.
        due_ms: Wall instant from which an ended matter may be forgotten, once no
            alert waits to be read: after a long outage the backlog may re-open it.
    """

    incident: Incident
    firing: tuple[str, ...] = ()
    seen: tuple[tuple[str, int], ...] = ()
    forgotten_ms: int = -1
    due_ms: int | None = None


class Correlated(NamedTuple):
    """Messages in the order of the alerts, and the matters that moved (None: forgotten)."""

    incidents: list[Incident]
    changed: dict[str, Matter | None]


def matter_key(alert: Alert) -> str:
    """Return the key of the matter that an alert is about."""
    return "\x1f".join(_facts(alert))


def _facts(alert: Alert) -> tuple[str, str, str, str]:
    """Return what tells matters apart; an alert may change its kind within the family."""
    return alert.rule, alert.kind.partition(".")[0], alert.subject, alert.area


def correlate(
    alerts: Sequence[Alert], prior: Mapping[str, Matter], now_ms: int, params: IncidentParams
) -> Correlated:
    """Return what `alerts` change about their matters.

    Args:
        alerts: In the order of their topic: of one matter, as its rule said them.
        prior: Matters before the batch, by `matter_key`; read only.
        now_ms: Wall time, written into the messages and decides nothing.
        params: The city's `[incidents]`.

    Returns:
        One message per change; a redelivered alert gives none.
    """
    incidents: list[Incident] = []
    changed: dict[str, Matter | None] = {}
    for alert in alerts:
        key = matter_key(alert)
        matter = changed[key] if key in changed else prior.get(key)
        said, after = _join(alert, matter, now_ms, params)
        incidents += said
        if after is not matter:
            changed[key] = after
    return Correlated(incidents, changed)


def _join(
    alert: Alert, matter: Matter | None, now_ms: int, params: IncidentParams
) -> tuple[list[Incident], Matter | None]:
    """Let one alert message join its matter: what is said, and the matter after."""
    ends = alert.transition is Transition.CLEAR and matter and alert.alert_id in matter.firing
    if is_any(alert.kind, params.silent_kinds) and not ends:
        return [], matter
    message = alert.id or uuid5(
        alert.alert_id, alert.transition, alert.event_time_ms, alert.revision
    )
    if matter and _is_double(alert, message, matter):
        return [], matter
    forget_ms = now_ms + params.forget_s * 1000
    change = _change(alert, matter, params)
    if change is None:  # yet remembered: come again, it must still mean nothing
        return [], matter and _remember(alert, matter, message, matter.incident, forget_ms)
    said = [_said(alert, matter, change, message, now_ms)]
    if alert.transition is Transition.NOTICE and change is IncidentChange.OPENED:
        said.append(ended(said[0]))
    return said, _remember(alert, matter, message, said[-1], forget_ms)


def _is_double(alert: Alert, message: str, matter: Matter) -> bool:
    """Say whether a message has come before.

    What is older than the alert that opened the incident, and no part of it, came
    before it and meant nothing then.
    """
    if alert.event_time_ms <= matter.forgotten_ms:
        return True
    before = alert.event_time_ms < matter.incident.first_seen_time_ms
    if before and not _has_joined(alert, matter):
        return True
    return any(message == seen for seen, _ in matter.seen)


def _change(alert: Alert, matter: Matter | None, params: IncidentParams) -> IncidentChange | None:
    """Say what an alert message does to its matter; None is nothing at all."""
    if matter is None:
        return _first_change(alert, params)
    incident = matter.incident
    is_open = incident.state is IncidentState.OPEN
    gap_ms = alert.onset_time_ms - incident.last_seen_time_ms
    if not is_open and gap_ms > params.reopen_s * 1000:
        return _first_change(alert, params)
    joined = _has_joined(alert, matter)
    if alert.transition is Transition.CLEAR:
        ends = is_open and matter.firing == (alert.alert_id,)
        return (IncidentChange.RESOLVED if ends else IncidentChange.UPDATED) if joined else None
    if alert.transition is Transition.CORRECTION and not joined:
        return None
    reopens = not is_open and not joined and alert.transition is not Transition.NOTICE
    return IncidentChange.REOPENED if reopens else IncidentChange.UPDATED


def _first_change(alert: Alert, params: IncidentParams) -> IncidentChange | None:
    """Say what an alert message does where no incident is open or fresh.

    An update opens too: the matter's onset may have been information only, or
    older than what the topic keeps. The end, or a correction, of what never was
    an incident is nothing.
    """
    opens = alert.transition in {Transition.ONSET, Transition.UPDATE} or (
        alert.transition is Transition.NOTICE and is_any(alert.kind, params.notice_kinds)
    )
    return IncidentChange.OPENED if opens else None


def _has_joined(alert: Alert, matter: Matter) -> bool:
    return alert.alert_id in matter.incident.alert_ids or alert.alert_id in matter.firing


def _said(
    alert: Alert, matter: Matter | None, change: IncidentChange, message: str, now_ms: int
) -> Incident:
    """Return the incident as it stands after `alert`."""
    if matter is None or change is IncidentChange.OPENED:
        incident_id = uuid5("incident", *_facts(alert), alert.onset_time_ms)
        base = opened(alert, incident_id, now_ms)
    else:
        base = updated(matter.incident, alert)
    state = {
        IncidentChange.UPDATED: base.state,
        IncidentChange.RESOLVED: IncidentState.RESOLVED,
    }.get(change, IncidentState.OPEN)
    return msgspec.structs.replace(
        base,
        id=uuid5(base.incident_id, change, message),
        state=state,
        change=change,
        ingest_time_ms=now_ms,
        reopened_count=base.reopened_count + (change is IncidentChange.REOPENED),
    )


def _remember(
    alert: Alert, matter: Matter | None, message: str, incident: Incident, forget_ms: int
) -> Matter:
    """Return the matter after `alert` made it `incident`; over, it may go at `forget_ms`."""
    seen = (*(matter.seen if matter else ()), (message, alert.event_time_ms))
    dropped = [at_ms for _, at_ms in seen[:-_KEPT_MESSAGES]]
    is_over = incident.state is IncidentState.RESOLVED
    return Matter(
        incident,
        firing=() if is_over else _firing(alert, matter, incident),
        seen=seen[-_KEPT_MESSAGES:],
        forgotten_ms=max([matter.forgotten_ms if matter else -1, *dropped]),
        due_ms=forget_ms if is_over else None,
    )


def _firing(alert: Alert, matter: Matter | None, incident: Incident) -> tuple[str, ...]:
    """Return which alerts fire after `alert`; one that has cleared never fires again."""
    firing = matter.firing if matter else ()
    if alert.transition is Transition.CLEAR:
        return tuple(one for one in firing if one != alert.alert_id)
    if alert.transition is Transition.NOTICE or (matter and _has_joined(alert, matter)):
        return firing
    joins = alert.alert_id in incident.alert_ids
    return (*firing, alert.alert_id)[-KEPT_ALERTS:] if joins else firing
