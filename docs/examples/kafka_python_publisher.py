"""Publish noise readings straight to Kafka, with kafka-python.

    python docs/examples/kafka_python_publisher.py HOST:PORT [PREFIX]

Key: the device, always. Kafka's default partitioner puts equal keys into one
partition, and a partition is what keeps order, so a device's readings stay in
the order in which they were sent. Acknowledged by all replicas before we say so.
"""

import json
import sys
from datetime import UTC, datetime

from kafka import KafkaProducer


def main(address: str, prefix: str = "") -> None:
    producer = KafkaProducer(
        bootstrap_servers=address,
        acks="all",
        enable_idempotence=True,  # a retry is not a second reading
        compression_type="lz4",
    )
    reading = {
        "source": "noise",  # as declared in the city's sources.toml
        "kind": "noise.laeq",
        "subject": "LG-noise-square-central-1",
        "event_time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "value": 61.4,
        "unit": "dB(A)",
    }
    sent = producer.send(
        prefix + "sensor.readings",
        key=reading["subject"].encode(),
        value=json.dumps(reading).encode(),
    )
    told = sent.get(timeout=30)  # raises when Kafka did not take it
    print(f"{told.topic}[{told.partition}]@{told.offset}")
    producer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
