"""How much comes in and how far the workers are: rates of topics, lag of groups."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.topic_reader import partitions_of


class Flow(NamedTuple):
    """One look: records a second by topic, and records not yet done by group."""

    rate: Mapping[str, float]
    lag: Mapping[str, int]


class FlowMeter:
    """Reads end offsets and committed offsets; call `look` about once a second.

    Args:
        address: Kafka's bootstrap address.
        topics: Whose rates are told.
        group_prefix: Groups whose names begin so are told.
    """

    def __init__(self, address: str, topics: Sequence[str], group_prefix: str) -> None:
        self._address = address
        self._topics = topics
        self._parts: list[TopicPartition] = []
        self._group_prefix = group_prefix
        self._consumer = AIOKafkaConsumer(bootstrap_servers=address, group_id=None)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=address)
        self._last: tuple[float, dict[str, int]] | None = None

    async def __aenter__(self) -> Self:
        try:
            self._parts = await partitions_of(self._address, self._topics)
            await self._consumer.start()
            await self._admin.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._admin.close()
        await self._consumer.stop()

    async def look(self) -> Flow:
        """Return the rates since the last look (none at the first) and the lag."""
        now_s = time.monotonic()
        totals = await self._totals()
        rate: dict[str, float] = {}
        if self._last is not None and now_s > self._last[0]:
            spent_s = now_s - self._last[0]
            rate = {name: (totals[name] - self._last[1][name]) / spent_s for name in totals}
        self._last = (now_s, totals)
        return Flow(rate, await self._lag())

    async def _totals(self) -> dict[str, int]:
        totals = dict.fromkeys(self._topics, 0)
        for part, end in (await self._consumer.end_offsets(self._parts)).items():
            totals[part.topic] += end
        return totals

    async def _lag(self) -> dict[str, int]:
        groups = await self._admin.list_consumer_groups()
        names = sorted(group[0] for group in groups if group[0].startswith(self._group_prefix))
        lag: dict[str, int] = {}
        for name in names:
            committed = await self._admin.list_consumer_group_offsets(name)
            ends = await self._consumer.end_offsets(list(committed)) if committed else {}
            lag[name.removeprefix(self._group_prefix)] = sum(
                max(0, ends[part] - done.offset) for part, done in committed.items()
            )
        return lag
