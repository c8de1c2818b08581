"""Sorting: by its kind an event has a record type and a topic; by its subject a key."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.complaints import COMPLAINT_KINDS, Complaint
from schemas.detections import DETECTION_KINDS, Detection
from schemas.envelope import Envelope
from schemas.positions import POSITION_KINDS, Position
from schemas.readings import Reading
from schemas.refused import Refusal, unknown_kind
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    VESSEL_POSITIONS,
    reading_topic,
)
from schemas.units import KINDS


class Lane(NamedTuple):
    """Where events of one kind go: what they must say, and on which topic."""

    record: type[Envelope]
    topic: str


LANES: Final[Mapping[str, Lane]] = MappingProxyType(
    {kind: Lane(Reading, reading_topic(kind)) for kind in KINDS}
    | {kind: Lane(Detection, CAMERA_DETECTIONS) for kind in DETECTION_KINDS}
    | {kind: Lane(Position, VESSEL_POSITIONS) for kind in sorted(POSITION_KINDS)}
    | {kind: Lane(Complaint, CITIZEN_COMPLAINTS) for kind in COMPLAINT_KINDS}
)
"""The lane of every kind that a door takes."""

RECORDS: Final[Mapping[str, type[Envelope]]] = MappingProxyType(
    {"reading": Reading, "detection": Detection, "position": Position, "complaint": Complaint}
)
"""What an event may be said to be, in one word."""


def key_of(topic: str, subject: str, city: str) -> bytes:
    """Return the key of a record: the city's code for complaints, else its subject."""
    return (city if topic == CITIZEN_COMPLAINTS else subject).encode()


def lane_of(kind: str, record: type[Envelope] | None = None) -> Lane | Refusal:
    """Return where an event of `kind` goes, or why it goes nowhere.

    Args:
        kind: As the event says it.
        record: What the sender says that it is; None where its kind decides.
    """
    lane = LANES.get(kind)
    if lane is not None and record in (None, lane.record):
        return lane
    fitting = [name for name, one in LANES.items() if record in (None, one.record)]
    refusal = unknown_kind(kind, fitting)
    if lane is not None and record is not None:
        hint = f"{kind} is a {lane.record.__name__.lower()}, not a {record.__name__.lower()}"
        return refusal._replace(hint=f"{hint}: send it as what it is")
    return refusal
