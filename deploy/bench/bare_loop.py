"""Contestant `bare`: what a Python loop over Kafka can do that keeps and promises nothing.

Fetch, parse, columns; no geofence, no state, no output, no commit: the bound
that a durable engine in Python is measured against.
"""

import asyncio

import numpy as np
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.bench.course import Course, Lap
from deploy.bench.workload import RAISE_AT

_POLL_MS = 200


async def loop(course: Course) -> None:
    """Read the course to its end."""
    lap = Lap(course)
    consumer = AIOKafkaConsumer(bootstrap_servers=course.broker, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(course.readings, n) for n in range(len(course.ends))])
        events = beyond = 0
        newest = np.datetime64(0, "ms")
        while events < course.work.events:
            for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                lap.begin()
                read = [orjson.loads(record.value) for record in records]
                columns = np.array(
                    [(event["value"], event["lon_deg"], event["lat_deg"]) for event in read]
                )
                times = np.array([event["event_time"][:-1] for event in read], "datetime64[ms]")
                devices = [event["subject"] for event in read]
                newest = max(newest, times.max())
                beyond += int((columns[:, 0] > RAISE_AT).sum())
                events += len(devices)
        lap.finish(events, None)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(loop(Course.from_argv()))
