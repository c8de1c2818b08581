"""Durable state: a Faust table whose rows are written in groups, and awaited.

Faust's own `table[key] = value` sends to the changelog without waiting for it.
Here a group of rows is sent, acknowledged by the broker, and only then written
to RocksDB with the changelog offset it stands for, so the local copy is never
ahead of the changelog and an offset is committed only after its state is safe.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from faust.types import TP
from rocksdict import WriteBatch

Row = tuple[bytes, bytes | None]
"""Key and value; None deletes."""


class StateTable:
    """Rows of state by partition, kept in a Faust table with its changelog."""

    def __init__(self, app: Any, name: str, partitions: int) -> None:
        self._app = app
        self.table = app.Table(
            name,
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            recovery_buffer_size=1_000,
            # RocksDB's defaults are sized for a server of its own: 2 GB of cache.
            options={
                "block_cache_size": 8 << 20,
                "block_cache_compressed_size": 1 << 20,
                "write_buffer_size": 8 << 20,
            },
        )

    def rows(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Return all rows of `partition`, as recovered."""
        store = self.table.data
        database = store._db_for_partition(partition)  # noqa: SLF001 - Faust keys by event, we by partition
        return list(store._visible_items(database))  # noqa: SLF001

    async def put(self, partition: int, rows: Sequence[Row]) -> None:
        """Write `rows` to the changelog in their order, wait for it, then keep them.

        Raises:
            KafkaError: The broker did not take a row; the caller must not
                acknowledge what the rows stand for.
        """
        if not rows:
            return
        topic = self.table.changelog_topic_name
        producer = self._app.producer
        sent = [
            await producer.send(topic, key, value, partition, None, None) for key, value in rows
        ]
        last = (await asyncio.gather(*sent))[-1]
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        store = self.table.data
        store._db_for_partition(partition).write(batch)  # noqa: SLF001
        store.set_persisted_offset(TP(topic, partition), last.offset)
