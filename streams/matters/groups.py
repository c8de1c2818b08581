"""A group: matters that are one incident, and the incident as it is told.

One matter opened the incident and names it (kind, subject, area, sentence); what
joined it adds its alerts, its severity, its sense, and the reason why it is here.
A group of one is told exactly as its matter is.
"""

import math
from typing import Any

import msgspec

from schemas.alerts import Alert, Severity
from schemas.detections import DETECTION_KINDS
from schemas.incidents import Incident, IncidentChange, IncidentState, Link
from streams.matters.merge import KEPT_ALERTS, NOTICE_REASON, severity_rank
from streams.matters.policy import Trust


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One matter's share in an incident.

    Attributes:
        incident_id: The incident that the matter would be by itself.
        key: Its matter.
        lon_deg, lat_deg: Where it began, None without a place.
        first_ms, last_ms: Event time of its first and newest alert.
        sure: How sure its sense is, 0 to 1.
        doubtful: None of its alerts is sure enough to act on.
        link: Why it is here; None of the one that opened the incident.
    """

    incident_id: str
    key: str
    kind: str
    sense: str
    is_open: bool
    severity: Severity
    alert_count: int
    alert_ids: tuple[str, ...]
    opened_ms: int
    first_ms: int
    last_ms: int
    sure: float
    rung: int = 0
    lon_deg: float | None = None
    lat_deg: float | None = None
    life_safety: bool = False
    doubtful: bool = False
    link: Link | None = None


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """One incident as it is told; instants in wall ms where nothing else is said.

    Attributes:
        host: The matter that opened it, as last said.
        parts: Its matters, the host's first.
        revision: Of the newest message.
        is_open: As last told: flapping holds it open.
        is_notice: A finding without duration opened it.
        chain: Codes of the areas of its place, smallest first.
        opened_ms: Event time of its onset.
        reopened: How often it came back.
        tell_at_ms: When waiting for company ends.
        told_ms: Since when people may act; None as long as they may not.
        waited: It was told later than it was known.
        held: Why nobody is to be sent, as last told.
        parent: The area incident that speaks for it.
        flips_ms: Event times of its newest ends and returns.
        calm_at_ms: While it flaps: when that is over unless it moves again.
        merged_into: The incident that has taken its matters.
        forget_ms: When it may be forgotten.
    """

    incident_id: str
    host: Incident
    parts: tuple[Part, ...]
    revision: int = 0
    is_open: bool = True
    is_notice: bool = False
    chain: tuple[str, ...] = ()
    opened_ms: int = 0
    reopened: int = 0
    tell_at_ms: int | None = None
    told_ms: int | None = None
    waited: bool = False
    held: tuple[str, ...] = ()
    parent: str = ""
    flips_ms: tuple[int, ...] = ()
    calm_at_ms: int | None = None
    merged_into: str = ""
    forget_ms: int | None = None

    @property
    def is_to_review(self) -> bool:
        """Whether a person or a mode held it, who is to hear of it afterwards.

        What was merged is heard of where it went.
        """
        return not self.merged_into and any(
            word.startswith(("silence:", "mode:")) for word in self.held
        )

    @property
    def fires(self) -> bool:
        """Whether one of its matters still goes on."""
        return any(part.is_open for part in self.parts)

    @property
    def life_safety(self) -> bool:
        """Whether it is a matter of life."""
        return any(part.life_safety for part in self.parts)

    @property
    def kind(self) -> str:
        """The kind of what opened it."""
        return self.host.kind

    @property
    def community(self) -> str:
        """Code of its community, "" outside all."""
        return self.chain[-2] if len(self.chain) > 1 else ""

    @property
    def severity(self) -> Severity:
        """The worst of its matters'."""
        return max((part.severity for part in self.parts), key=severity_rank)

    @property
    def senses(self) -> tuple[str, ...]:
        """Who noticed, each once, the first one first."""
        return tuple(dict.fromkeys(part.sense for part in self.parts))

    @property
    def confidence(self) -> float:
        """The chance that not all independent senses err; of each sense its surest word."""
        surest: dict[str, float] = {}
        for part in self.parts:
            surest[part.sense] = max(part.sure, surest.get(part.sense, 0.0))
        return round(1.0 - math.prod(1.0 - sure for sure in surest.values()), 3)

    def put(self, **changes: Any) -> "Group":
        """Return the group with some fields changed."""
        return msgspec.structs.replace(self, **changes)


def sense_of(kind: str) -> str:
    """Return who notices what is of `kind`."""
    family = kind.partition(".")[0]
    if kind in DETECTION_KINDS:
        return "camera"
    return {"complaint": "caller", "patrol": "patrol"}.get(family, "sensor")


def part_of(said: Incident, alert: Alert, key: str, trust: Trust) -> Part:
    """Return the share of a matter that `alert` has just opened or moved."""
    sense = sense_of(said.kind)
    placed = said.lon_deg is not None and said.lat_deg is not None
    return Part(
        incident_id=said.incident_id,
        key=key,
        kind=said.kind,
        sense=sense,
        is_open=said.state is IncidentState.OPEN,
        severity=said.severity,
        alert_count=said.alert_count,
        alert_ids=said.alert_ids,
        opened_ms=said.opened_time_ms,
        first_ms=said.first_seen_time_ms,
        last_ms=said.last_seen_time_ms,
        sure=getattr(trust, sense) if alert.confidence is None else alert.confidence,
        rung=said.rung,
        lon_deg=said.lon_deg if placed else None,
        lat_deg=said.lat_deg if placed else None,
        life_safety=said.life_safety,
        doubtful=alert.doubtful,
    )


def moved(part: Part, newer: Part) -> Part:
    """Return `part` after another alert: surer if that was, where it began, linked as it was."""
    return msgspec.structs.replace(
        newer,
        sure=max(part.sure, newer.sure),
        doubtful=part.doubtful and newer.doubtful,
        lon_deg=newer.lon_deg if part.lon_deg is None else part.lon_deg,
        lat_deg=newer.lat_deg if part.lat_deg is None else part.lat_deg,
        link=part.link,
    )


def told(group: Group, change: IncidentChange, message: str, **facts: Any) -> Incident:
    """Return the incident as `group` stands, as one message.

    Args:
        group: With its new revision.
        change: What has just happened.
        message: Id of the message.
        facts: Fields that are this message's own.
    """
    parts, host = group.parts, group.host
    ids = tuple(dict.fromkeys(one for part in parts for one in part.alert_ids))
    links = tuple(part.link for part in parts if part.link is not None)
    said: dict[str, Any] = {
        "id": message,
        "incident_id": group.incident_id,
        "state": IncidentState.OPEN if group.is_open else IncidentState.RESOLVED,
        "change": change,
        "revision": group.revision,
        "severity": group.severity,
        "rung": max(part.rung for part in parts),
        "opened_time_ms": group.opened_ms,
        "first_seen_time_ms": min(part.first_ms for part in parts),
        "last_seen_time_ms": max(part.last_ms for part in parts),
        "alert_count": sum(part.alert_count for part in parts),
        "alert_ids": ids[-KEPT_ALERTS:],
        "life_safety": group.life_safety,
        "reopened_count": group.reopened,
        "reason": _reason(group, change),
        "links": links[-KEPT_ALERTS:],
        "senses": group.senses,
        "confidence": group.confidence,
        "actionable": not group.held,
        "held": group.held,
        "told_time_ms": group.told_ms if group.waited else None,
        "parent": group.parent,
        "flapping": group.calm_at_ms is not None,
        "merged_into": group.merged_into,
    }
    return msgspec.structs.replace(host, **{**said, **facts})


def _reason(group: Group, change: IncidentChange) -> str:
    """Return why; that a notice has ended says nothing once others have joined it."""
    reason = group.host.reason
    if reason == NOTICE_REASON and (group.fires or change is IncidentChange.OPENED):
        return ""
    return reason
