"""The lane of life safety under load: parking at ten times its rate, fire on its own lane.

Both lanes have their topic and their worker, so what waits on one does not hold up
the other; what they share is the machine and the broker. Told is how long after its
instant a fire alert is in Kafka, beside how far the common lane has fallen behind.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from deploy import topic_reader, topics_admin
from deploy.bench.city_feed import Sender
from deploy.cities import load_city
from deploy.faults.consumed import until_consumed
from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import until_ready
from deploy.topic_reader import partitions_of, producer
from feeds.recordings import KeyedRecord
from schemas.alerts import Transition
from schemas.codec import encode
from schemas.instants import format_instant, instant_of
from schemas.readings import Reading
from schemas.topics import ALERTS, SENSOR_READINGS, SENSOR_READINGS_URGENT, TOPICS, reading_topic
from streams.city.model import City, SensorRecord

AGENTS = ("readings", "urgent")
PARKING, SMOKE = "parking.occupied", "smoke.alarm"
_STEP_S = 0.05
_READY_S = 120.0
_SETTLE_S = 20.0
_CONSUMED_S = 300.0


class Plan(NamedTuple):
    """What to measure.

    Attributes:
        city_dir: The city's files.
        seconds: How long.
        times: Parking readings, as a multiple of every bay at 1 Hz.
        alarms_each_s: Smoke alarms a second, each of another detector.
    """

    city_dir: Path
    seconds: int
    times: float
    alarms_each_s: float


class Found(NamedTuple):
    """What came of it.

    Attributes:
        parking, alarms: Records sent.
        told: Alarms whose alert came.
        p50_s, p99_s, worst_s: From an alarm's instant to its alert in Kafka.
        behind_s: How long after the end the common lane was through.
    """

    parking: int
    alarms: int
    told: int
    p50_s: float
    p99_s: float
    worst_s: float
    behind_s: float


def parking(bays: Sequence[SensorRecord], times: float, turn: int, at_ms: int) -> list[KeyedRecord]:
    """Return the parking readings of one step of 50 ms: every bay in turn."""
    count = round(len(bays) * times * _STEP_S)
    text = format_instant(at_ms)
    return [
        _parked(bays[at % len(bays)], text, at_ms) for at in range(turn * count, (turn + 1) * count)
    ]


def _parked(bay: SensorRecord, text: str, at_ms: int) -> KeyedRecord:
    value = (
        f'{{"source":"{bay.source}","kind":"{PARKING}","subject":"{bay.code}",'
        f'"event_time":"{text}","value":1,"unit":"1"}}'
    )
    return KeyedRecord(reading_topic(PARKING), bay.code.encode(), value.encode(), at_ms)


def alarm(detector: SensorRecord, at_ms: int) -> KeyedRecord:
    """Return the alarm of a smoke detector, on the lane of its kind."""
    said = Reading(
        source=detector.source,
        kind=SMOKE,
        subject=detector.code,
        event_time_ms=at_ms,
        value=1.0,
        unit="1",
    )
    return KeyedRecord(reading_topic(SMOKE), detector.code.encode(), encode(said), at_ms)


async def measure(plan: Plan, address: str, folder: Path, say: Callable[[str], None]) -> Found:
    """Run both lanes' workers under load.

    Args:
        plan: What to measure.
        address: Kafka; topics of a prefix of our own are made there, and removed.
        folder: For the agents' state and logs.
        say: Told what is going on.

    Raises:
        Fault: An agent does not come up, or does not get through.
    """
    city, prefix = load_city(plan.city_dir), f"bench-{uuid.uuid4().hex[:8]}-"
    topics_admin.apply(address, topics_admin.prefixed(TOPICS, prefix), {})
    try:
        with Fleet(Place(address, prefix, folder, plan.city_dir), AGENTS) as fleet:
            say("starting the workers of both lanes")
            await until_ready(fleet, list(AGENTS), _READY_S)
            say(f"parking at {plan.times:g} x 1 Hz for {plan.seconds} s")
            told: dict[str, float] = {}
            listening = asyncio.create_task(_listen(address, prefix, plan, told))
            sent = await _feed(plan, city, address, prefix)
            ended_s = time.monotonic()
            await until_consumed(
                address, prefix, agents=list(AGENTS), timeout_s=_CONSUMED_S, look=fleet.look
            )
            behind_s = time.monotonic() - ended_s
            await listening
    finally:
        topics_admin.remove(address, prefix)
    late = list(told.values()) or [float("nan")]
    p50_s, p99_s = np.percentile(late, (50, 99)).tolist()
    return Found(*sent, len(told), p50_s, p99_s, max(late), behind_s)


async def _feed(plan: Plan, city: City, address: str, prefix: str) -> tuple[int, int]:
    """Send what the wall clock has reached; return how many readings, and alarms."""
    bays = [one for one in city.sensors.values() if one.kind == PARKING]
    detectors = [one for one in city.sensors.values() if one.kind == SMOKE]
    numbers: dict[str, list[int]] = {}
    for name in (SENSOR_READINGS, SENSOR_READINGS_URGENT):
        parts = await partitions_of(address, [prefix + name])
        numbers[name] = sorted(part.partition for part in parts)
    parked = alarmed = 0
    async with producer(address) as kafka:
        sender = Sender(kafka, numbers)
        began_s = time.monotonic()
        for turn in range(round(plan.seconds / _STEP_S)):
            await asyncio.sleep(max(0.0, began_s + turn * _STEP_S - time.monotonic()))
            now_ms = time.time_ns() // 1_000_000
            records = parking(bays, plan.times, turn, now_ms)
            parked += len(records)
            while alarmed < min(len(detectors), round((turn + 1) * _STEP_S * plan.alarms_each_s)):
                records.append(alarm(detectors[alarmed], now_ms))
                alarmed += 1
            await sender.send(prefix, records)
    return parked, alarmed


async def _listen(address: str, prefix: str, plan: Plan, told: dict[str, float]) -> None:
    """Note how late each detector's first alert is, until the run is over."""
    reader = topic_reader.read(
        address,
        [prefix + ALERTS],
        from_beginning=True,
        timeout_s=plan.seconds + _SETTLE_S,
    )
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                alert = msgspec.json.decode(record.value or b"{}")
                if alert["kind"] == SMOKE and alert["transition"] == Transition.ONSET:
                    at_ms = instant_of(alert["event_time"])
                    told.setdefault(alert["subject"], (record.timestamp - at_ms) / 1000)
