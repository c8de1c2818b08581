"""Which partitions the broker has."""

from collections.abc import Collection

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


async def partitions_of(address: str, topics: Collection[str]) -> list[TopicPartition]:
    """Return the partitions of those of `topics` that are there.

    A consumer that subscribes to nothing does not know them before its metadata is
    renewed, so the broker is asked.

    Raises:
        KafkaError: The broker does not answer.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    try:
        await admin.start()
        there = sorted(set(topics) & set(await admin.list_topics()))
        told = await admin.describe_topics(there) if there else []
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], part["partition"])
        for topic in told
        for part in topic["partitions"]
    ]
