"""Frigate: messages of the MQTT topic `frigate/events`.

Each is the state of one tracked object `before` and `after` a change; only
`after` is read. A label that stands still is also `car:stationary`, so that a
table can tell parking from passing. Names, faces and `sub_label` are not read.
"""

from collections.abc import Mapping
from typing import Any

from feeds.cameras.finding import Finding, Said, epoch_s, is_person, json_object, no_person, text_of
from schemas.records import Reason
from schemas.refused import Refusal

_ABOUT_PERSONS = frozenset({"face", "lpr", "description", "classification"})


def read(body: bytes) -> list[Said]:
    """Return what one message says."""
    told = json_object(body)
    if isinstance(told, Refusal):
        return [told]
    kind, after = text_of(told, "type"), told.get("after")
    if kind in _ABOUT_PERSONS:
        return [Refusal(Reason.PERSON, "type", f"what {kind!r} adds to an event is not taken")]
    if not isinstance(after, dict) or "label" not in after:
        hint = "an event has type and after.label, as on frigate/events"
        return [Refusal(Reason.MISSING_FIELD, "after.label", hint)]
    if kind == "end":
        return [Refusal(Reason.NO_FINDING, "type", "an end finds nothing new")]
    if after.get("false_positive") is True:
        return [Refusal(Reason.NO_FINDING, "after.false_positive", "Frigate took it back")]
    return [_finding(after)]


def _finding(after: Mapping[str, Any]) -> Said:
    label = text_of(after, "label")
    if is_person(label):
        return no_person()
    at_ms = epoch_s(after.get("frame_time"), "after.frame_time")
    if isinstance(at_ms, Refusal):
        return at_ms
    event = text_of(after, "id")
    zones = after.get("current_zones")
    return Finding(
        camera=text_of(after, "camera"),
        labels=(label, f"{label}:stationary") if after.get("stationary") is True else (label,),
        at_ms=at_ms,
        event=f"{event}@{at_ms}",
        places=tuple(str(zone) for zone in zones) if isinstance(zones, list) else (),
        confidence=_share(after.get("score")),
        snapshot=f"api/events/{event}/snapshot.jpg" if after.get("has_snapshot") is True else None,
        plate=text_of(after, "recognized_license_plate"),
    )


def _share(score: object) -> float | None:
    return float(score) if isinstance(score, int | float) and 0 <= score <= 1 else None
