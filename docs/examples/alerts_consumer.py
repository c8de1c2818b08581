"""Read alerts from Kafka, at least once, with kafka-python.

    python docs/examples/alerts_consumer.py HOST:PORT GROUP [PREFIX]

The offset is committed after an alert is done with, so a crash reads it again.
`id` is the same in any replay: remember the ones that you have acted on.
"""

import json
import sys

from kafka import KafkaConsumer


def main(address: str, group: str, prefix: str = "") -> None:
    consumer = KafkaConsumer(
        prefix + "alerts",
        bootstrap_servers=address,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    done: set[str] = set()
    for record in consumer:
        alert = json.loads(record.value)
        if alert["id"] not in done:
            print(alert["transition"], alert["kind"], alert["subject"], alert["id"], flush=True)
            done.add(alert["id"])
        consumer.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
