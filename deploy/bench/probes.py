"""Probes: events that must each give one alert, laid over a simulated city.

Each probe is a device that is taken out of the calm city and says something
alarming once: a leak by a gas detector (the urgent lane), a fire before a
camera, a tilted manhole cover (the ordinary lane). What comes of it, and when,
is the measurement.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from feeds.recordings import KeyedRecord
from schemas.codec import encode
from schemas.detections import Detection
from schemas.readings import Reading
from schemas.topics import CAMERA_DETECTIONS, reading_topic
from schemas.units import KINDS
from streams.city.model import City, SensorRecord

D = TypeVar("D")

_MS = 1000
_CONFIDENT = 0.97


class Alarm(NamedTuple):
    """What probes of one kind say: a value that alarms, at once."""

    kind: str
    value: float


ALARMS = (Alarm("gas.combustible", 60.0),)
"""Beyond the levels of Longgang's rules.toml, which have no duration."""

SEEN = "fire.seen"


class Probe(NamedTuple):
    """One alarming event and the instant that it is about."""

    at_ms: int
    topic: str
    subject: str
    record: bytes


class Probes:
    """The probes of one run, evenly over its time and over the kinds.

    Args:
        city: Whose devices are taken, none of them twice.
        begin_ms: When the first one speaks.
        seconds: Over how long.
        each_s: How many of each kind a second.
        skip: Devices of each kind that earlier runs have used up.
    """

    def __init__(
        self, city: City, begin_ms: int, seconds: int, each_s: float, skip: int = 0
    ) -> None:
        self.count_each = round(seconds * each_s)
        every_ms = round(_MS / each_s)
        self._probes: list[Probe] = []
        for shift, alarm in enumerate(ALARMS):
            sensors = [one for one in city.sensors.values() if one.kind == alarm.kind]
            for number, sensor in enumerate(_some(sensors, skip, self.count_each, alarm.kind)):
                at_ms = begin_ms + number * every_ms + shift * every_ms // (len(ALARMS) + 1)
                self._probes.append(_reading(sensor, alarm, at_ms))
        cameras = list(city.cameras.values())
        for number, camera in enumerate(_some(cameras, skip, self.count_each, "cameras")):
            at_ms = begin_ms + number * every_ms + every_ms * len(ALARMS) // (len(ALARMS) + 1)
            seen = Detection(
                source=camera.source,
                kind=SEEN,
                subject=camera.code,
                event_time_ms=at_ms,
                confidence=_CONFIDENT,
            )
            self._probes.append(Probe(at_ms, CAMERA_DETECTIONS, camera.code, encode(seen)))
        self._probes.sort()
        self._cast = frozenset(probe.subject for probe in self._probes)

    @property
    def by_subject(self) -> Mapping[str, Probe]:
        """The probes by their device."""
        return {probe.subject: probe for probe in self._probes}

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return the records of [from, until), in order of time."""
        return [
            KeyedRecord(probe.topic, probe.subject.encode(), probe.record, probe.at_ms)
            for probe in self._probes
            if from_ms <= probe.at_ms < until_ms
        ]

    def cast(self, at_ms: int) -> Collection[str]:  # noqa: ARG002 - the whole run is theirs
        """Return the devices: they say nothing else."""
        return self._cast


def _some(devices: Sequence[D], skip: int, count: int, what: str) -> Sequence[D]:
    chosen = devices[skip : skip + count]
    if len(chosen) < count:
        raise ValueError(f"{len(devices)} devices ({what}) are too few for {skip + count} probes")
    return chosen


def _reading(sensor: SensorRecord, alarm: Alarm, at_ms: int) -> Probe:
    said = Reading(
        source=sensor.source,
        kind=alarm.kind,
        subject=sensor.code,
        event_time_ms=at_ms,
        value=alarm.value,
        unit=KINDS[alarm.kind].unit,
    )
    return Probe(at_ms, reading_topic(alarm.kind), sensor.code, encode(said))
