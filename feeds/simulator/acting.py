"""What a story's devices say: readings, fixes, beacons, detections, tickets."""

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pyais.encode import encode_msg
from pyais.messages import MessageType1, MessageType14, Payload

from feeds.simulator.instruments import INSTRUMENTS
from feeds.simulator.story import Stage
from feeds.simulator.vessels import tagged
from schemas.codec import encode
from schemas.complaints import Channel, Complaint
from schemas.detections import Detection
from schemas.envelope import Datum
from schemas.positions import Position
from schemas.readings import Reading
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
    reading_topic,
)
from streams.city.model import CameraRecord, SensorRecord
from streams.geo.fences import metres_per_degree

STATION: Final = "ais-bacao"
UNDER_WAY, DISTRESS_ACTIVE = 0, 14  # navigational status, ITU-R M.1371-5

_HEADING_UNKNOWN: Final = 511
_KNOT_M_PER_S: Final = 1852 / 3600


class Phase(NamedTuple):
    """A device says `value` from `from_s` on, until the phase after it."""

    from_s: float
    value: float


def readings(
    stage: Stage, sensor: SensorRecord, phases: Sequence[Phase], until_s: float, every_s: float = 1
) -> None:
    """Have a sensor say the values of `phases` until `until_s`."""
    stage.claim(sensor.code, phases[0].from_s, until_s)
    topic, unit = reading_topic(sensor.kind), INSTRUMENTS[sensor.kind].unit
    ends = [phase.from_s for phase in phases[1:]] + [until_s]
    for phase, end_s in zip(phases, ends, strict=True):
        for number in range(math.ceil((end_s - phase.from_s) / every_s)):
            after_s = phase.from_s + number * every_s
            reading = Reading(
                source=sensor.source,
                kind=sensor.kind,
                subject=sensor.code,
                event_time_ms=stage.at_ms(after_s),
                value=phase.value,
                unit=unit,
            )
            stage.put(topic, sensor.code.encode(), encode(reading), after_s)


class Leg(NamedTuple):
    """A straight way of a boat: from where, how fast, on which course (degrees)."""

    lon_deg: float
    lat_deg: float
    sog_kn: float
    cog_deg: float

    def after(self, seconds: float) -> tuple[float, float]:
        """Return where the boat is after some seconds of it."""
        east_m, north_m = metres_per_degree(self.lat_deg)
        way_m, course = self.sog_kn * _KNOT_M_PER_S * seconds, math.radians(self.cog_deg)
        return (
            self.lon_deg + way_m * math.sin(course) / east_m,
            self.lat_deg + way_m * math.cos(course) / north_m,
        )


def sails(stage: Stage, mmsi: str, leg: Leg, times_s: Iterable[float]) -> None:
    """Have a class A transponder report along a leg; it is claimed by the caller."""
    for after_s in times_s:
        _fix(stage, mmsi, leg, after_s, UNDER_WAY)


def reports(stage: Stage, subject: str, source: str, leg: Leg, times_s: Iterable[float]) -> None:
    """Have a boat report along a leg by a source that has positions, not sentences."""
    for after_s in times_s:
        lon_deg, lat_deg = leg.after(after_s)
        position = Position(
            source=source,
            kind="vessel.position",
            subject=subject,
            event_time_ms=stage.at_ms(after_s),
            datum=Datum.WGS84,
            lon_deg=round(lon_deg, 6),
            lat_deg=round(lat_deg, 6),
            sog_kn=leg.sog_kn,
            cog_deg=leg.cog_deg,
        )
        stage.put(VESSEL_POSITIONS, subject.encode(), encode(position), after_s)


def calls_distress(stage: Stage, mmsi: str, text: str, leg: Leg, times_s: Iterable[float]) -> None:
    """Have a beacon burst: a text, then its place, at each of the times."""
    for after_s in times_s:
        message = MessageType14.create(mmsi=mmsi, text=text)
        _sentence(stage, message, after_s)
        _fix(stage, mmsi, leg, after_s + 1, DISTRESS_ACTIVE)


def tests_beacon(stage: Stage, mmsi: str, text: str, after_s: float) -> None:
    """Have a beacon say in words that it is only tested."""
    _sentence(stage, MessageType14.create(mmsi=mmsi, text=text), after_s)


def _fix(stage: Stage, mmsi: str, leg: Leg, after_s: float, status: int) -> None:
    lon_deg, lat_deg = leg.after(after_s)
    message = MessageType1.create(
        mmsi=mmsi,
        status=status,
        speed=leg.sog_kn,
        lon=lon_deg,
        lat=lat_deg,
        course=leg.cog_deg,
        heading=_HEADING_UNKNOWN,
        second=stage.at_ms(after_s) // 1000 % 60,
    )
    _sentence(stage, message, after_s)


def _sentence(stage: Stage, message: Payload, after_s: float) -> None:
    at_ms = stage.at_ms(after_s)
    for sentence in encode_msg(message, sentence_type="VDM"):
        stage.put(VESSEL_NMEA, STATION.encode(), tagged(sentence, STATION, at_ms), after_s)


class Seen(NamedTuple):
    """What a camera believes to see, and how sure it is."""

    kind: str
    confidence: float
    number: int | None = None


def detects(stage: Stage, camera: CameraRecord, seen: Seen, times_s: Iterable[float]) -> None:
    """Have a camera report the same at each of the times."""
    for after_s in times_s:
        detection = Detection(
            source=camera.source,
            kind=seen.kind,
            subject=camera.code,
            event_time_ms=stage.at_ms(after_s),
            confidence=seen.confidence,
            count=seen.number,
            snapshot=f"snapshot/{camera.code}/{stage.at_ms(after_s)}",
        )
        stage.put(CAMERA_DETECTIONS, camera.code.encode(), encode(detection), after_s)


class Caller(NamedTuple):
    """Who complains of what, where; `ticket` is unlike any other of the story."""

    ticket: str
    channel: Channel
    kind: str
    category: str
    text: str


def complains(stage: Stage, caller: Caller, place_deg: tuple[float, float], after_s: float) -> str:
    """Have a citizen complain; return the number of the ticket."""
    number = f"{caller.channel}-{stage.start_ms // 1000}-{caller.ticket}"
    ticket = Complaint(
        source="hotline",
        kind=caller.kind,
        subject=number,
        event_time_ms=stage.at_ms(after_s),
        datum=Datum.WGS84,
        channel=caller.channel,
        category=caller.category,
        text=caller.text,
        place_confidence=0.9,
        lon_deg=round(place_deg[0], 6),
        lat_deg=round(place_deg[1], 6),
    )
    stage.put(CITIZEN_COMPLAINTS, stage.city.code.encode(), encode(ticket), after_s)
    return number
