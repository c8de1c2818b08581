"""Plays a simulated city into Kafka on the wall clock: `python -m deploy.bench.city_feed`."""

import asyncio
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from deploy.bench.probes import Probes
from deploy.cities import load_city
from deploy.topic_reader import partitions_of, producer
from feeds.recordings import KeyedRecord
from feeds.simulator.whole import Rates, Simulator
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.city.model import City

INPUTS = (
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    CAMERA_DETECTIONS,
    VESSEL_POSITIONS,
    VESSEL_NMEA,
    CITIZEN_COMPLAINTS,
)
STEP_MS = 50
"""Events of so long a stretch are sent together at the least, when it is over."""


class Feed(msgspec.Struct, frozen=True):
    """What to play.

    Attributes:
        address, prefix: Where to.
        city_dir: The city's files.
        seed: Of the simulator.
        times: The rates of the whole city at 1 Hz, multiplied.
        begin_ms: The wall instant at which it begins.
        seconds: How long it lasts.
        probes_each_s: Probes of each kind a second; `skip` were used up before.
        report: Where to write down what was done.
    """

    address: str
    prefix: str
    city_dir: str
    seed: int
    times: float
    begin_ms: int
    seconds: int
    probes_each_s: float
    skip: int
    report: str

    def probes(self, city: City) -> Probes:
        """Return the probes of this feed."""
        return Probes(city, self.begin_ms, self.seconds, self.probes_each_s, self.skip)

    def done(self) -> "Fed":
        """Return what the process that played it wrote down."""
        return msgspec.json.decode(Path(self.report).read_bytes(), type=Fed)


class Fed(msgspec.Struct, frozen=True):
    """What was played.

    Attributes:
        records: Acknowledged by Kafka.
        behind_ms: How long after its time the last batch was in Kafka; `worst_ms` of all.
        cpu_s: Of the feeder itself.
    """

    records: int
    behind_ms: int
    worst_ms: int
    cpu_s: float


class Sender:
    """Sends whole batches: a record at a time costs more than all the agents."""

    def __init__(self, producer: AIOKafkaProducer, partitions: dict[str, list[int]]) -> None:
        self._producer = producer
        self._partitions = partitions
        self._choose = DefaultPartitioner()
        self._known: dict[tuple[str, bytes], int] = {}

    async def send(self, prefix: str, records: list[KeyedRecord]) -> None:
        """Send `records`, and wait until the broker has them."""
        parts: dict[tuple[str, int], list[KeyedRecord]] = defaultdict(list)
        for record in records:
            parts[record.topic, self._partition(record)].append(record)
        now_ms = _now_ms()
        sent = []
        for (topic, number), held in parts.items():
            batch = self._producer.create_batch()
            for record in held:
                if batch.append(key=record.key, value=record.value, timestamp=now_ms) is None:
                    sent.append(await self._send(batch, prefix + topic, number))
                    batch = self._producer.create_batch()
                    batch.append(key=record.key, value=record.value, timestamp=now_ms)
            sent.append(await self._send(batch, prefix + topic, number))
        await asyncio.gather(*sent)

    async def _send(self, batch: object, topic: str, number: int) -> Any:
        return await self._producer.send_batch(batch, topic, partition=number)

    def _partition(self, record: KeyedRecord) -> int:
        name = (record.topic, record.key)
        number = self._known.get(name)
        if number is None:
            numbers = self._partitions[record.topic]
            number = self._known[name] = self._choose(record.key, numbers, numbers)
        return number


async def play(feed: Feed) -> Fed:
    """Play `feed`; its events are sent as soon as the wall clock has passed them."""
    city = load_city(Path(feed.city_dir))
    rates = Rates(feed.times, 0.1 * feed.times, 0.1 * feed.times, 600 * feed.times)
    whole = Simulator(city, feed.seed, rates, scripts=[feed.probes(city)])
    partitions: dict[str, list[int]] = defaultdict(list)
    for part in await partitions_of(feed.address, [feed.prefix + name for name in INPUTS]):
        partitions[part.topic.removeprefix(feed.prefix)].append(part.partition)
    count = worst_ms = behind_ms = 0
    end_ms = feed.begin_ms + 1000 * feed.seconds
    cpu_before = sum(os.times()[:2])
    async with producer(feed.address) as kafka:
        sender = Sender(kafka, {name: sorted(numbers) for name, numbers in partitions.items()})
        at_ms = feed.begin_ms
        while at_ms < end_ms:
            await asyncio.sleep((at_ms + STEP_MS - _now_ms()) / 1000)
            # All that is due: a feeder that was held up catches up with larger batches.
            until_ms = min(end_ms, max(at_ms + STEP_MS, _now_ms()))
            records = whole.between(at_ms, until_ms)
            await sender.send(feed.prefix, records)
            behind_ms = _now_ms() - until_ms
            worst_ms = max(worst_ms, behind_ms)
            count += len(records)
            at_ms = until_ms
    return Fed(count, behind_ms, worst_ms, sum(os.times()[:2]) - cpu_before)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    """Play the feed of this process, and write down what was done."""
    feed = msgspec.json.decode(sys.argv[1], type=Feed)
    Path(feed.report).write_bytes(msgspec.json.encode(asyncio.run(play(feed))))


if __name__ == "__main__":
    main()
