"""The examples for those who publish to Kafka themselves, run as they stand."""

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deploy import topic_reader
from schemas.alerts import Alert
from schemas.codec import decode_readings, encode
from schemas.examples import EXAMPLES
from schemas.records import RawBatch, Reason
from schemas.topics import ALERTS, SENSOR_READINGS, SENSOR_READINGS_URGENT

pytestmark = pytest.mark.kafka

EXAMPLES_DIR = Path(__file__).parents[3] / "docs" / "examples"


def run(name, *words):
    command = [sys.executable, str(EXAMPLES_DIR / name), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def as_the_agent_reads(records, city):
    raw = RawBatch(
        topic=SENSOR_READINGS,
        partition=0,
        offsets=np.array([one.offset for one in records]),
        ingest_time_ms=np.array([one.timestamp for one in records]),
        keys=[one.key for one in records],
        values=[one.value for one in records],
    )
    return decode_readings(raw, city.datums)


@pytest.mark.parametrize(
    ("name", "topic", "kind"),
    [
        ("kafka_python_publisher.py", SENSOR_READINGS, "noise.laeq"),
        ("confluent_publisher.py", SENSOR_READINGS_URGENT, "gas.combustible"),
    ],
)
def test_an_example_publishes_a_reading_that_is_decoded_in_its_keys_partition(
    kafka, city, name, topic, kind
):
    said = run(name, kafka.address, kafka.prefix)

    async def read_and_repeat():
        (record,) = await kafka.read(topic)
        async with topic_reader.producer(kafka.address) as producer:
            again = await producer.send_and_wait(kafka.prefix + topic, b"{", key=record.key)
        return record, again

    record, again = asyncio.run(read_and_repeat())
    batch, rejects = as_the_agent_reads([record], city)

    assert said == f"{record.topic}[{record.partition}]@{record.offset}\n"
    assert rejects == []
    assert (list(batch.kind), list(batch.subject)) == ([kind], [record.key.decode()])
    assert again.partition == record.partition  # every client chooses the same


def test_what_came_past_the_doors_is_refused_at_the_edge_by_the_same_validation(kafka, city):
    async def publish():
        async with topic_reader.producer(kafka.address) as producer:
            topic = kafka.prefix + SENSOR_READINGS
            await producer.send_and_wait(topic, b'{"kind": "noise.laeq"}', key=b"past the doors")
        return [one for one in await kafka.read(SENSOR_READINGS) if one.key == b"past the doors"]

    _, rejects = as_the_agent_reads(asyncio.run(publish()), city)

    assert [(one.reason, bool(one.hint)) for one in rejects] == [(Reason.MISSING_FIELD, True)]


def test_the_consumer_sees_each_alert_once_though_it_is_told_twice(kafka):
    (alert,) = EXAMPLES[Alert]

    async def publish():
        async with topic_reader.producer(kafka.address) as producer:
            for _ in range(2):
                await producer.send_and_wait(kafka.prefix + ALERTS, encode(alert), key=b"c")
            other = encode(alert).replace(alert.id.encode(), b"the-next")
            await producer.send_and_wait(kafka.prefix + ALERTS, other, key=b"c")

    asyncio.run(publish())
    script = str(EXAMPLES_DIR / "alerts_consumer.py")
    command = [sys.executable, script, kafka.address, "sample", kafka.prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        lines = [reader.stdout.readline() for _ in range(2)]
        reader.terminate()

    assert [line.split()[-1] for line in lines] == [alert.id, "the-next"]
