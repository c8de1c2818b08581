"""Storm control: many incidents of a kind in one community are one area incident.

People get one message about the area; each incident stays on the topic with its
`parent`, so nothing is lost. The area incident ends with the last of its children.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters.groups import Group
from streams.matters.merge import KEPT_ALERTS, SOURCE, severity_rank

RULE = "storm"


class Storm(msgspec.Struct, frozen=True):
    """An area incident as last told.

    Attributes:
        children: The newest of them; each child knows its `parent`.
        count: How many they are.
        told_count: How many there were when people were last told of the number.
    """

    incident: Incident
    children: tuple[str, ...]
    count: int
    told_count: int = 0


def key_of(kind: str, community: str) -> str:
    """Return what a storm is about."""
    return f"{kind}\x1f{community}"


def begin(children: Sequence[Group], at_ms: int, before: Storm | None) -> Storm:
    """Return the area incident of `children`, which are of one kind and community.

    Args:
        children: At least two.
        at_ms: When it is created (wall).
        before: The last one here: with the same first child it is the same again.
    """
    first, last = children[0], children[-1]
    opened_ms = min(one.opened_ms for one in children)
    incident_id = uuid5("storm", first.kind, first.community, opened_ms)
    again = before is not None and before.incident.incident_id == incident_id
    incident = Incident(
        source=SOURCE,
        kind=first.kind,
        subject=first.community,
        event_time_ms=last.host.event_time_ms,
        incident_id=incident_id,
        rule=RULE,
        state=IncidentState.OPEN,
        change=IncidentChange.OPENED,
        severity=first.severity,
        revision=before.incident.revision if before is not None and again else 0,
        opened_time_ms=opened_ms,
        created_time_ms=at_ms,
        first_seen_time_ms=opened_ms,
        last_seen_time_ms=opened_ms,
        alert_count=0,
        alert_ids=(),
        area=first.community,
        reason=RULE,
    )
    names = tuple(one.incident_id for one in children)
    return Storm(_grown(incident, children), names[-KEPT_ALERTS:], len(names))


def joined(storm: Storm, child: Group) -> Storm:
    """Return the area incident with one child more."""
    return msgspec.structs.replace(
        storm,
        incident=_grown(storm.incident, [child]),
        children=(*storm.children, child.incident_id)[-KEPT_ALERTS:],
        count=storm.count + 1,
    )


def told(storm: Storm, change: IncidentChange, now_ms: int) -> Storm:
    """Return the area incident with its next message."""
    count, was = storm.count, storm.incident
    is_open = change is not IncidentChange.RESOLVED
    facts: dict[str, Any] = {
        "change": change,
        "state": IncidentState.OPEN if is_open else IncidentState.RESOLVED,
        "revision": was.revision + 1,
        "reopened_count": was.reopened_count + (change is IncidentChange.REOPENED),
        "children": storm.children,
        "child_count": count,
        "ingest_time_ms": now_ms,
        "sentence": f"{was.area} 共 {count} 起 {was.kind}，合并为一个区域事件。",
        "id": uuid5(was.incident_id, change, was.revision + 1),
    }
    incident = msgspec.structs.replace(was, **facts)
    return msgspec.structs.replace(storm, incident=incident, told_count=count)


def with_held(storm: Storm, held: tuple[str, ...], at_ms: int) -> Storm:
    """Return the area incident, held by `held`; set free, people's clocks start at `at_ms`."""
    was = storm.incident
    freed_ms = at_ms if was.held and not held else was.told_time_ms
    incident = msgspec.structs.replace(
        was, held=held, actionable=not held, told_time_ms=None if held else freed_ms
    )
    return msgspec.structs.replace(storm, incident=incident)


def has_doubled(storm: Storm) -> bool:
    """Say whether there are twice as many children as people know of."""
    return storm.count >= 2 * storm.told_count


def _grown(incident: Incident, more: Sequence[Group]) -> Incident:
    parts = [part for group in more for part in group.parts]
    return msgspec.structs.replace(
        incident,
        severity=max(
            (incident.severity, *(part.severity for part in parts)),
            key=severity_rank,
        ),
        event_time_ms=max(incident.event_time_ms, *(one.host.event_time_ms for one in more)),
        last_seen_time_ms=max(incident.last_seen_time_ms, *(part.last_ms for part in parts)),
        alert_count=incident.alert_count + sum(part.alert_count for part in parts),
        life_safety=incident.life_safety or any(part.life_safety for part in parts),
    )
