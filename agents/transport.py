"""The batched transport: one Faust message for each fetched run of records.

Faust hands an agent one event at a time, which costs about sixty microseconds
an event. Here the consumer's thread takes a whole fetched partition at once and
makes one message of every `fetched.MAX_ROWS` records; its value is a `Fetched`.
Topics that are not named as batched (changelogs) keep Faust's own path.

Offsets are acknowledged as ranges. Every range says from where it was fetched
(`start`) and where the next fetch goes on (`next_offset`), so ranges chain
without a look at single offsets: holes from compaction are covered, and what
is not yet done can never be committed, in whatever order the ends come.

This file leans on inner parts of faust-streaming 0.15.3 and aiokafka 0.14.0,
which pyproject.toml pins; `tests/kafka/test_transport.py` fails when they move.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Final

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from agents.fetched import Fetched, cut_fetched
from agents.progress import DoneRanges, Standing

_CREATE_TIME = 0
_LOOK_AGAIN_S: Final = 0.02


class Era:
    """The time from one seek to the next: what was fetched in another is not handed on.

    A batch of an older era was fetched before the consumer went back: it is
    dropped, for it will be fetched again, and to take it now would jump over what
    came before it. The fetching thread reads an era as one object, so it can
    never take the number of one for the offsets of another.

    Attributes:
        number: Rises with every seek and every revocation.
        starts: The first offset that was handed out of each partition.
        is_sought: Whether positions are those of this era.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.starts: dict[TP, int] = {}
        self.is_sought = False


class _ReadOffsets(defaultdict[TP, int | None]):
    """Faust's memory of what it has read, which knows nothing of batched topics.

    Faust drops a message that lies before it. A batch after a seek may come
    before Faust has noted the seek, and would be lost; the chain of ranges
    finds what is out of place instead.
    """

    def __init__(self, batched: frozenset[str]) -> None:
        super().__init__(lambda: None)
        self._batched = batched

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self._batched else super().__getitem__(tp)


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The fetch side: runs in the consumer's own thread and loop."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to the committed offsets, to the beginning where there is none."""
        committed: Mapping[TP, int] = await self.call_thread(self._seek)
        return committed

    async def _seek(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        # aiokafka leaves those where they are; what was fetched of them and
        # dropped would never come again.
        batched = self.app.batched_topics
        fresh = [tp for tp, offset in committed.items() if tp.topic in batched and not offset]
        if fresh:
            await consumer.seek_to_beginning(*fresh)
        return committed

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is Faust's
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        """Return what was fetched: batches for batched topics, records for others."""
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher  # noqa: SLF001
        if consumer._closed or fetcher._closed:  # noqa: SLF001
            raise ConsumerStoppedError
        batched = self.app.batched_topics
        deadline = time.monotonic() + (timeout or 0.0)
        with fetcher._subscriptions.fetch_context():  # noqa: SLF001
            while True:
                if fetcher._subscriptions.reassignment_in_progress:  # noqa: SLF001
                    await fetcher._subscriptions.wait_for_assignment()  # noqa: SLF001
                drained = self._drain(fetcher, active_partitions, batched)
                others = {tp for tp in active_partitions if tp.topic not in batched}
                if others:
                    drained.update(await fetcher.fetched_records(others, 0, max_records))
                remaining = deadline - time.monotonic()
                if drained or remaining <= 0:
                    return drained
                # Nothing tells a waiter that an era opens.
                longest = remaining if self._is_open(self.consumer.era) else _LOOK_AGAIN_S
                waiter = fetcher._create_fetch_waiter()  # noqa: SLF001
                done, _ = await asyncio.wait([waiter], timeout=min(longest, remaining))
                if fetcher._closed:  # noqa: SLF001
                    waiter.cancel()
                    return {}
                if done:
                    waiter.result()
                else:
                    waiter.cancel()

    def _is_open(self, era: Era) -> bool:
        """Tell whether batches are handed out; else they stay with the fetcher.

        From the right place only, and not before a rebalance has ended: on its way
        there Faust clears the queues of streams after the seek, and what had been
        handed out in between would be gone, and not come again.
        """
        return era.is_sought and not self.app.rebalancing

    def _drain(self, fetcher: Any, active: set[TP], batched: frozenset[str]) -> dict[TP, list[Any]]:
        """Take every fetched partition of the batched topics whole."""
        era = self.consumer.era
        if not self._is_open(era):
            return {}
        drained: dict[TP, list[Any]] = {}
        for tp in list(fetcher._records):  # noqa: SLF001
            if tp.topic not in batched or tp not in active:
                if not fetcher._subscriptions.is_assigned(tp):  # noqa: SLF001
                    del fetcher._records[tp]  # noqa: SLF001
                continue
            result = fetcher._records[tp]  # noqa: SLF001
            if type(result) is not FetchResult:
                if drained:
                    break
                del fetcher._records[tp]  # noqa: SLF001
                fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001
                result.check_raise()
                continue
            if result.check_assignment(tp) and result.has_more():
                source = result._partition_records  # noqa: SLF001
                runs = cut_fetched(tp, source, era.number)
                if runs:
                    era.starts.setdefault(tp, runs[0].start)
                    drained[tp] = runs
                    source.next_fetch_offset = runs[-1].next_offset
                    result._update_position()  # noqa: SLF001
            fetcher._records.pop(tp, None)  # noqa: SLF001
            fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001
        return drained


class BatchConsumer(driver.Consumer):
    """Faust's consumer with batch messages and acknowledgement of whole ranges."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[TP, DoneRanges] = {}
        self._read_offset = _ReadOffsets(self.app.batched_topics)
        self.era = Era(0)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_batched(self, tp: TP) -> bool:
        return tp.topic in self.app.batched_topics

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Fetched):
            return super()._to_message(tp, record)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.next_offset - 1,
            time.time(),
            _CREATE_TIME,
            None,
            None,
            record,  # the batch schema passes it through
            None,
            0,
            0,  # sizes: unknown before it is unpacked
            tp,
            # Without its generation a stream drops the message silently.
            generation_id=self.app.consumer_generation_id,
        )

    def _ranges(self, tp: TP) -> DoneRanges:
        ranges = self._done.get(tp)
        if ranges is None:
            ranges = self._done[tp] = DoneRanges()
        return ranges

    async def perform_seek(self) -> None:
        """Go back to the committed offsets, and forget what was done beyond them."""
        era = self._begin_era()
        self._done.clear()
        await super().perform_seek()
        era.is_sought = True

    def _begin_era(self) -> Era:
        self.era = Era(self.era.number + 1)
        return self.era

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        """Yield what was fetched, without the batches of an older era."""
        async for tp, message in super().getmany(timeout):
            if not isinstance(message.value, Fetched) or self.is_current(message.value):
                yield tp, message

    def is_current(self, batch: Fetched) -> bool:
        """Tell whether `batch` was fetched since the last seek."""
        return batch.era == self.era.number

    def begin(self, tp: TP, batch: Fetched) -> int:
        """Note that `batch` goes into work; return the offset that its partition began at.

        It is the first one that was handed out since the seek, whether or not it
        came here: what got lost on the way leaves a hole that is never passed.
        """
        first = self.era.starts.get(tp, batch.start)
        self._ranges(tp).begin(first)
        return first

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._begin_era()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._done.pop(tp, None)

    def ack(self, message: Message) -> bool:
        if not self._is_batched(message.tp):
            return bool(super().ack(message))
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        batch = message.value
        if self.is_current(batch):
            self._ranges(message.tp).add(batch.start, batch.next_offset)
            self._n_acked += 1
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Ranges say their own beginning; a gap in offsets is never "acknowledged".
        if not self._is_batched(tp):
            await super()._add_gap(tp, offset_from, offset_to)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self._done):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if not self._is_batched(tp):
            offset: int | None = super()._new_offset(tp)
            return offset
        return self._ranges(tp).committable

    def standings(self, tps: Iterable[TP]) -> dict[TP, Standing]:
        """Return how far each partition is done, and how much waits.

        Partitions whose end or position is not known yet are left out.
        """
        standings = {}
        for tp in tps:
            end, done = self.highwater(tp), self._done_offset(tp)
            if end is not None and done is not None:
                standings[tp] = Standing(max(0, end - done), done)
        return standings

    def _done_offset(self, tp: TP) -> int | None:
        ranges = self._done.get(tp)
        if ranges is not None and ranges.committable is not None:
            return ranges.committable
        # Nothing was handed out yet: what is before the position needs no work.
        if (first := self.era.starts.get(tp)) is not None:
            return first
        assignment = self._thread._ensure_consumer()._subscription.subscription.assignment  # noqa: SLF001
        state = assignment.state_value(tp) if assignment else None
        return state.position if state is not None and state.has_valid_position else None


class BatchProducer(driver.Producer):
    """Faust's producer, idempotent: a retried send is not written twice."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {**super()._settings_extra(), "enable_idempotence": True}


class BatchTransport(driver.Transport):
    """What `app.transport` is for every app of the city brain."""

    Consumer = BatchConsumer
    Producer = BatchProducer
