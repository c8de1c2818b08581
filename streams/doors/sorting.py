"""Sorting: by its kind an event has a record type, a topic and a key."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

from schemas.complaints import COMPLAINT_KINDS, Complaint
from schemas.detections import DETECTION_KINDS, Detection
from schemas.envelope import Envelope
from schemas.positions import POSITION_KINDS, Position
from schemas.readings import Reading
from schemas.records import Reason
from schemas.refused import Refusal
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_POSITIONS,
)
from schemas.units import KINDS
from streams.city.model import City
from streams.rules import threshold


class Lane(NamedTuple):
    """Where events of one kind go: what they must say, and on which topic."""

    record: type[Envelope]
    topic: str


TOPIC_OF: Mapping[type[Envelope], str] = {
    Reading: SENSOR_READINGS,
    Detection: CAMERA_DETECTIONS,
    Position: VESSEL_POSITIONS,
    Complaint: CITIZEN_COMPLAINTS,
}


class Lanes:
    """The lane of every kind that a city takes.

    Readings of a kind that guards life (fire, gas, flood: `life_safety` in the
    city's rules.toml) go to the urgent topic, which has workers of its own.
    """

    def __init__(self, city: City) -> None:
        urgent = {
            kind for kind, watched in city.params[threshold.NAME].kinds.items()
            if watched.life_safety
        }
        self._city_key = city.code.encode()
        self._lanes: dict[str, Lane] = {}
        for record, kinds in (
            (Reading, KINDS),
            (Detection, DETECTION_KINDS),
            (Position, POSITION_KINDS),
            (Complaint, COMPLAINT_KINDS),
        ):
            for kind in kinds:
                topic = SENSOR_READINGS_URGENT if kind in urgent else TOPIC_OF[record]
                self._lanes[kind] = Lane(record, topic)

    @property
    def kinds(self) -> Mapping[str, Lane]:
        """The lane of each kind."""
        return self._lanes

    def of(self, kind: str) -> Lane | None:
        """Return where events of `kind` go; None when no such kind is known."""
        return self._lanes.get(kind)

    def key(self, topic: str, subject: str) -> bytes:
        """Return the key of a record: the city for complaints, else the subject."""
        return self._city_key if topic == CITIZEN_COMPLAINTS else subject.encode()

    def unknown(self, kind: str) -> Refusal:
        """Return why an event of a kind that nobody knows is not taken."""
        near = get_close_matches(kind[:64], self._lanes, n=1)
        known = f"did you mean {near[0]}?" if near else f"known are {', '.join(self._lanes)}"
        return Refusal(Reason.UNKNOWN_KIND, "kind", f"no kind {kind[:64]!r}; {known}")
