"""Puts the work into Kafka before any clock runs: `python -m deploy.bench.produce`."""

import asyncio
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from rich.console import Console
from rich.progress import Progress

from deploy.bench.course import PARTITIONS, Course
from deploy.bench.workload import chunks, device_names, values
from deploy.topic_reader import producer


async def produce(course: Course) -> tuple[int, ...]:
    """Produce the work, keyed by device; return how many records each partition got."""
    keys = [name.encode() for name in device_names(course.work)]
    numbers = list(range(PARTITIONS))
    choose = DefaultPartitioner()
    partition_of = [choose(key, numbers, numbers) for key in keys]
    counts = [0] * PARTITIONS
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"producing {course.work.events:,} events", total=course.work.events)
        async with producer(course.broker) as sender:
            for chunk in chunks(course.work):
                records: list[list[tuple[bytes, bytes, int]]] = [[] for _ in numbers]
                rows = zip(
                    chunk.device.tolist(),
                    values(course.work, chunk),
                    chunk.time_ms.tolist(),
                    strict=True,
                )
                for device, value, time_ms in rows:
                    records[partition_of[device]].append((keys[device], value, time_ms))
                for number, part in enumerate(records):
                    await _send(sender, course.readings, number, part)
                    counts[number] += len(part)
                bar.advance(task, len(chunk.device))
    return tuple(counts)


async def _send(
    sender: AIOKafkaProducer, topic: str, partition: int, records: list[tuple[bytes, bytes, int]]
) -> None:
    """Send in full batches: a record at a time would take minutes."""
    sent = []
    batch = sender.create_batch()
    for key, value, time_ms in records:
        if batch.append(key=key, value=value, timestamp=time_ms) is None:
            sent.append(await sender.send_batch(batch, topic, partition=partition))
            batch = sender.create_batch()
            batch.append(key=key, value=value, timestamp=time_ms)
    if batch.record_count():
        sent.append(await sender.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)


def main() -> None:
    """Produce the course of this process, and write the ends down."""
    course = Course.from_argv()
    ends = asyncio.run(produce(course))
    (Path(course.data_dir) / "ends.json").write_bytes(msgspec.json.encode(ends))


if __name__ == "__main__":
    main()
