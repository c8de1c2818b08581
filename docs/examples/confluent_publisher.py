"""Publish a gas reading straight to Kafka, with confluent-kafka.

    python docs/examples/confluent_publisher.py HOST:PORT [PREFIX]

Mind the partitioner: librdkafka's own (`consistent_random`, CRC32) puts a key
into another partition than Kafka's clients for Java and Python do. With
`murmur2_random` it is the same one, so that a device keeps its order even when
two programs publish for it. Life safety (fire, gas, flood) goes to the urgent
topic, which has workers of its own.
"""

import json
import sys
from datetime import UTC, datetime

from confluent_kafka import Producer


def main(address: str, prefix: str = "") -> None:
    producer = Producer(
        {
            "bootstrap.servers": address,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
        }
    )
    reading = {
        "source": "iot",
        "kind": "gas.combustible",
        "subject": "LG-gas-001",
        "event_time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "value": 3.0,
        "unit": "%LEL",
    }
    failed = []

    def told(error, message):
        if error is not None:
            failed.append(error)
        else:
            print(f"{message.topic()}[{message.partition()}]@{message.offset()}")

    producer.produce(
        prefix + "sensor.readings.urgent",
        key=reading["subject"],
        value=json.dumps(reading),
        on_delivery=told,
    )
    if producer.flush(30) or failed:
        sys.exit(f"not delivered: {failed or 'Kafka did not answer within 30 s'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
