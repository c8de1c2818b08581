"""Probes: events that must each give one alert, laid over a simulated city.

A probe is a device that is taken out of the calm city and says something alarming:
a leak by a gas detector (the urgent lane), a manhole cover that is off its seat for
as long as its rule asks (the ordinary lane), a fire before a camera, a caller who
sees one. What comes of it, and when, is the measurement.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from feeds.recordings import KeyedRecord
from schemas.codec import encode
from schemas.complaints import Channel, Complaint
from schemas.detections import Detection
from schemas.envelope import Datum
from schemas.readings import Reading
from schemas.topics import CAMERA_DETECTIONS, CITIZEN_COMPLAINTS, reading_topic
from schemas.units import KINDS
from streams.city.model import City, SensorRecord
from streams.threshold_kinds import Params

D = TypeVar("D")

_MS = 1000
_CONFIDENT = 0.97


class Alarm(NamedTuple):
    """What a sensor of one kind says when it alarms."""

    kind: str
    value: float


ALARMS = (Alarm("gas.combustible", 60.0), Alarm("manhole.tilt", 60.0))
"""Beyond the levels of Longgang's rules.toml."""

SEEN, CALLED = "fire.seen", "complaint.fire"
KINDS_OF_PROBES = len(ALARMS) + 2


class Probes:
    """The probes of one run, evenly over its time.

    Args:
        city: Whose devices are taken, none of them twice.
        begin_ms: When the run begins.
        seconds: How long it lasts: longer than any rule waits for.
        each_s: How many of each kind a second.
        skip: Probes of each kind that earlier runs have used up.

    Raises:
        ValueError: The city has too few devices.

    Attributes:
        decided_ms: For each subject the instant at which its alarm is one.
    """

    def __init__(
        self, city: City, begin_ms: int, seconds: int, each_s: float, skip: int = 0
    ) -> None:
        count = round(seconds * each_s)
        params: Params = city.params["threshold"]
        self._records: list[KeyedRecord] = []
        decided: dict[str, int] = {}
        for alarm in ALARMS:
            for_ms = params.kinds[alarm.kind].for_s * _MS
            of_kind = [one for one in city.sensors.values() if one.kind == alarm.kind]
            instants = _spread(begin_ms + for_ms, begin_ms + seconds * _MS, count)
            for sensor, at_ms in zip(_some(of_kind, skip, count), instants, strict=True):
                decided[sensor.code] = at_ms
                for said_ms in sorted({at_ms - for_ms, at_ms}):
                    self._records.append(_reading(sensor, alarm, said_ms))
        instants = _spread(begin_ms, begin_ms + seconds * _MS, count)
        cameras = _some(list(city.cameras.values()), skip, count)
        for number, (camera, at_ms) in enumerate(zip(cameras, instants, strict=True), skip):
            seen = Detection(
                source=camera.source,
                kind=SEEN,
                subject=camera.code,
                event_time_ms=at_ms,
                confidence=_CONFIDENT,
            )
            self._add(CAMERA_DETECTIONS, camera.code, seen, decided)
            called = Complaint(
                source="hotline",
                kind=CALLED,
                subject=f"110-probe-{number:06d}",
                event_time_ms=at_ms,
                datum=Datum.WGS84,
                channel=Channel.POLICE_110,
                category="火情",
                place_confidence=1.0,
                lon_deg=camera.lon_deg,
                lat_deg=camera.lat_deg,
            )
            self._add(CITIZEN_COMPLAINTS, city.code, called, decided)
        self._records.sort(key=lambda record: record.event_time_ms)
        self.decided_ms: Mapping[str, int] = decided

    def _add(
        self, topic: str, key: str, event: Detection | Complaint, decided: dict[str, int]
    ) -> None:
        decided[event.subject] = event.event_time_ms
        record = KeyedRecord(topic, key.encode(), encode(event), event.event_time_ms)
        self._records.append(record)

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return the records of [from, until), in order of time."""
        return [one for one in self._records if from_ms <= one.event_time_ms < until_ms]

    def cast(self, at_ms: int) -> Collection[str]:  # noqa: ARG002 - the whole run is theirs
        """Return who says only what a probe says."""
        return self.decided_ms.keys()


def _some(devices: Sequence[D], skip: int, count: int) -> Sequence[D]:
    chosen = devices[skip : skip + count]
    if len(chosen) < count:
        what = f"{len(devices)} devices like {devices[:1]} are too few for {skip + count} probes"
        raise ValueError(what)
    return chosen


def _spread(from_ms: int, until_ms: int, count: int) -> list[int]:
    return [from_ms + (until_ms - from_ms) * number // count for number in range(count)]


def _reading(sensor: SensorRecord, alarm: Alarm, at_ms: int) -> KeyedRecord:
    said = Reading(
        source=sensor.source,
        kind=alarm.kind,
        subject=sensor.code,
        event_time_ms=at_ms,
        value=alarm.value,
        unit=KINDS[alarm.kind].unit,
    )
    return KeyedRecord(reading_topic(alarm.kind), sensor.code.encode(), encode(said), at_ms)
