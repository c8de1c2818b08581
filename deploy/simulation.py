"""What `up --simulate` plays: a small city, real recordings, a crew that answers orders.

The story begins some minutes in the past and is played fast until it reaches the
present, then at the world's own pace: so the first findings come within a
minute, and no event is ahead of its time.
"""

import asyncio
import heapq
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Final, NamedTuple

from deploy import topic_reader
from deploy.feeding import Outgoing, Pace, feed
from feeds import crew, generator, present
from feeds.recordings import KeyedRecord
from schemas import codec, topics
from schemas.dispatch import DispatchOrder, FieldAction

LOOKBACK_MS: Final = 14 * 60_000
CATCH_UP_SPEED: Final = 40.0
# BeiDou boats tell their place every ten minutes: a day of theirs comes first.
BOATS_LOOKBACK_MS: Final = 24 * 3_600_000
BOATS_CATCH_UP_SPEED: Final = 720.0
METER: Final = "LG-noise-010"
STATION: Final = "ais-bacao"
_CITY_KEY: Final = b"longgang"


class Play(NamedTuple):
    """What is played, and where it goes.

    Attributes:
        address: Kafka's bootstrap address.
        prefix: Before topic names.
        seed: Of all dice.
        recordings: Folder of real recordings; None plays without.
    """

    address: str
    prefix: str
    seed: int
    recordings: Path | None


class _Feed(NamedTuple):
    events: Iterator[Outgoing]
    pace: Pace


def find_recordings() -> Path | None:
    """Return the folder of the real recordings, if this machine has them."""
    given = os.environ.get("CITYBRAIN_RECORDINGS")
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(given) if given else beside
    return folder if (folder / "SOURCES.md").is_file() else None


def now_ms() -> int:
    """Return the wall clock's time."""
    return time.time_ns() // 1_000_000


async def play(stage: Play, over: asyncio.Event) -> None:
    """Play the small city and its crew until `over` is set."""
    present_ms = now_ms()
    feeds = [_story(stage, present_ms)]
    if stage.recordings is not None:
        feeds += _recorded(stage.recordings, stage.prefix, present_ms)
    async with asyncio.TaskGroup() as group:
        for one in feeds:
            group.create_task(feed(stage.address, one.events, one.pace, over=over))
        group.create_task(answer_orders(stage, over))


def _story(stage: Play, present_ms: int) -> _Feed:
    events = generator.city(stage.seed, present_ms - LOOKBACK_MS)
    pace = Pace(CATCH_UP_SPEED, live_at_ms=present_ms)
    return _Feed(outgoing(events, stage.prefix), pace)


def _recorded(folder: Path, prefix: str, present_ms: int) -> list[_Feed]:
    """Return the recordings that are there, moved into the present."""
    feeds: list[_Feed] = []
    if tracks := sorted((folder / "ais" / "tianchi_samples").glob("*.csv")):
        boats = present.boats(tracks, present_ms - BOATS_LOOKBACK_MS)
        pace = Pace(BOATS_CATCH_UP_SPEED, live_at_ms=present_ms)
        feeds.append(_Feed(_prefixed(boats, prefix), pace))
    if (series := folder / "noise" / "noisemonitor_laeq1s_first12h.csv").is_file():
        meter = present.meter(series, METER, present_ms - LOOKBACK_MS)
        pace = Pace(CATCH_UP_SPEED, live_at_ms=present_ms)
        feeds.append(_Feed(_prefixed(meter, prefix), pace))
    if (log := folder / "ais" / "dma_ais-sample.txt.gz").is_file():
        sentences = present.sentences(log, STATION, present_ms)
        feeds.append(_Feed(_prefixed(sentences, prefix), Pace(1.0)))
    return feeds


def _prefixed(records: Iterable[KeyedRecord], prefix: str) -> Iterator[Outgoing]:
    for record in records:
        yield Outgoing(prefix + record.topic, record.key, record.value, record.event_time_ms)


def outgoing(events: Iterable[generator.Event], prefix: str) -> Iterator[Outgoing]:
    """Yield generated events as records to publish."""
    for event in events:
        value = codec.encode(event.record)
        yield Outgoing(prefix + event.topic, event.key.encode(), value, event.event_time_ms)


async def answer_orders(stage: Play, over: asyncio.Event) -> None:
    """Let the crew answer each order issued from now on."""
    due: list[tuple[float, int, DispatchOrder, FieldAction]] = []
    reader = topic_reader.read(
        stage.address, [stage.prefix + topics.DISPATCH_ORDERS], from_beginning=False
    )
    async with topic_reader.producer(stage.address) as sender, aclosing(reader):
        async for records in reader:
            for record in records:
                order = codec.decode(DispatchOrder, record.value or b"")
                for answer in crew.answers(stage.seed, order):
                    at_s = time.monotonic() + answer.delay_s
                    heapq.heappush(due, (at_s, len(due), order, answer.action))
            while due and due[0][0] <= time.monotonic():
                _, _, order, action = heapq.heappop(due)
                value = codec.encode(crew.update(order, action, now_ms()))
                await sender.send_and_wait(
                    stage.prefix + topics.DISPATCH_UPDATES, value, key=_CITY_KEY
                )
            if over.is_set():
                return
