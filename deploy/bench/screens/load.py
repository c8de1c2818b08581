"""Publishes a whole city once a second: all sensors, cameras at 0.1 Hz, vessels, alerts."""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import cycle

import msgspec

from deploy import topic_reader
from deploy.bench.screens.course import Course, Loaded
from deploy.cities import load_city
from schemas import topics
from schemas.instants import format_instant
from schemas.units import KINDS
from streams.city.model import City

_SLICES = 20  # of a second, so that the city does not speak with one voice
_ALERTS_HZ = 2
_URGENT = ("gas.", "smoke.")


class _Record:
    """A record whose instant and number are written in when it is due."""

    __slots__ = ("head", "key", "tail", "topic")

    def __init__(self, topic: str, key: str, head: str, tail: str) -> None:
        self.topic, self.key = topic, key.encode()
        self.head, self.tail = head.encode(), tail.encode()


def _records(city: City, prefix: str) -> Iterator[_Record]:
    for sensor in city.sensors.values():
        urgent = sensor.kind.startswith(_URGENT)
        topic = topics.SENSOR_READINGS_URGENT if urgent else topics.SENSOR_READINGS
        unit = KINDS[sensor.kind].unit
        head = f'{{"source":"{sensor.source}","kind":"{sensor.kind}","subject":"{sensor.code}"'
        yield _Record(prefix + topic, sensor.code, head, f',"unit":"{unit}","value":')


def _cameras(city: City, prefix: str) -> Iterator[_Record]:
    topic = prefix + topics.CAMERA_DETECTIONS
    for camera in city.cameras.values():
        head = f'{{"source":"{camera.source}","kind":"parking.illegal","subject":"{camera.code}"'
        yield _Record(topic, camera.code, head, ',"confidence":')


def _vessels(city: City, prefix: str) -> Iterator[_Record]:
    topic = prefix + topics.VESSEL_POSITIONS
    for number, subject in enumerate(dict.fromkeys(city.vessels)):
        head = f'{{"source":"ais","kind":"vessel.position","subject":"{subject}"'
        place = f',"sog_kn":8.5,"cog_deg":90,"lat_deg":27.{400 + number % 200:03d},"lon_deg":120.'
        yield _Record(topic, subject, head, place)


async def run(course: Course) -> Loaded:
    """Publish until the end of the course."""
    city = load_city()
    moving = [*_records(city, course.prefix), *_vessels(city, course.prefix)]
    slices = [moving[i::_SLICES] for i in range(_SLICES)]
    cameras = list(_cameras(city, course.prefix))
    camera_slices = cycle([cameras[i :: _SLICES * 10] for i in range(_SLICES * 10)])
    alerts = _alerts(city, course.prefix)
    whole_s = course.warm_up_s + course.duration_s
    sent, worst_s = 0, 0.0
    async with topic_reader.producer(course.broker) as producer:
        await asyncio.sleep(max(0.0, course.start_ms / 1000 - time.time()))
        began_s = time.monotonic()
        for number in range(round(whole_s * _SLICES)):
            due_s = began_s + number / _SLICES
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            worst_s = max(worst_s, time.monotonic() - due_s)
            due = slices[number % _SLICES] + next(camera_slices)
            # 100 to 899 for places at sea, shares and levels alike: 0.xxx or 120.xxx
            value = str(100 + number * 7 % 800)
            for record in due:
                at = format_instant(time.time_ns() // 1_000_000).encode()
                text = ("0." if record.tail.endswith(b'confidence":') else "") + value
                if record.tail.endswith(b'"value":'):
                    text = "0.5"
                said = record.head + b',"event_time":"' + at + b'"' + record.tail
                await producer.send(record.topic, said + text.encode() + b"}", key=record.key)
            sent += len(due)
            if number % (_SLICES // _ALERTS_HZ) == 0:
                topic, key, value_bytes = next(alerts)
                await producer.send(topic, value_bytes, key=key)
                sent += 1
    return Loaded(records=sent, worst_lag_s=worst_s)


def _alerts(city: City, prefix: str) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield alerts all over the city, without end; 500 of them take turns."""
    sensors = list(city.sensors.values())[::19][:500]
    for number, sensor in enumerate(cycle(sensors)):
        said = {
            "source": "citybrain.bench",
            "kind": "gas.exceeded",
            "subject": sensor.code,
            "event_time": format_instant(time.time_ns() // 1_000_000),
            "id": f"message-{number}",
            "alert_id": f"alert-{number % 500}",
            "rule": "threshold",
            "transition": "update",
            "severity": "Moderate",
            "onset_time": format_instant(time.time_ns() // 1_000_000),
            "lon_deg": sensor.lon_deg,
            "lat_deg": sensor.lat_deg,
        }
        yield prefix + topics.ALERTS, city.code.encode(), msgspec.json.encode(said)


def main() -> None:
    """Run what the command line says, and say what was sent."""
    course = msgspec.json.decode(sys.argv[1], type=Course)
    loaded = asyncio.run(run(course))
    sys.stdout.write(msgspec.json.encode(loaded).decode() + "\n")


if __name__ == "__main__":
    main()
