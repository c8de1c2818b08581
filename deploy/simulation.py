"""What `up --simulate` plays: the whole city live, stories in turn, real recordings.

Some stories take half an hour: they begin in the past, amid a small part of the
city, and are played fast until they reach the present. From there on the whole
city goes at the world's own pace, so no event is ahead of its time.
"""

import asyncio
import itertools
import os
import time
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from deploy.answering import answer
from deploy.cities import load_city
from deploy.feeding import Pace
from deploy.pouring import pour
from feeds import present
from feeds.people import People
from feeds.recordings import KeyedRecord
from feeds.simulator.backdrop import around
from feeds.simulator.playlist import Playlist
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from feeds.simulator.whole import Script, Simulator
from streams.city.model import City

# Each begins so long before the present that its last findings come soon after.
_PAST: Final = (("square-dance-police", 1_440), ("dark-vessel", 1_480), ("square-dance", 210))
_LOOKBACK_S: Final = 1_500
_CATCH_UP_SPEED: Final = 75.0
_IN_TURN: Final = ("distress", "fire", "illegal-parking", "gas", "flood", "typhoon")
_EVERY_S: Final = 30
_PAST_STEP_MS: Final = 15_000
_STEP_MS: Final = 250

# BeiDou boats tell their place every ten minutes: two hours of theirs come first.
_BOATS_LOOKBACK_MS: Final = 2 * 3_600_000
_BOATS_CATCH_UP_SPEED: Final = 240.0
_METER: Final = "LG-noise-010"
_STATION: Final = "ais-bacao"
_FOREVER_MS: Final = 10 * 365 * 86_400_000
_KEPT_NEWS: Final = 3


class Play:
    """A played city.

    Args:
        address: Kafka's bootstrap address.
        prefix: Before topic names.
        seed: Of all dice.
        recordings: Folder of real recordings; None plays without.

    Attributes:
        news: What was begun last, newest last: event time and title.
    """

    def __init__(self, address: str, prefix: str, seed: int, recordings: Path | None) -> None:
        self._address, self._prefix, self._seed = address, prefix, seed
        self._recordings = recordings
        self.news: deque[tuple[int, str]] = deque(maxlen=_KEPT_NEWS)

    async def run(self, over: asyncio.Event) -> None:
        """Play until `over` is set."""
        city = await asyncio.to_thread(load_city)
        show = _Show(now_ms(), self._recordings)
        async with asyncio.TaskGroup() as group:
            for feed in self._feeds(city, show):
                group.create_task(
                    pour(self._address, feed.batches, feed.pace, prefix=self._prefix, over=over)
                )
            people = People(self._seed, city.code, crews=True)
            group.create_task(answer(self._address, self._prefix, people, over))

    def _feeds(self, city: City, show: "_Show") -> list["_Feed"]:
        feeds = [
            _Feed(self._story(city, show), Pace(_CATCH_UP_SPEED, live_at_ms=show.live_ms)),
        ]
        if show.boats:
            boats = present.boats(show.boats, show.present_ms - _BOATS_LOOKBACK_MS)
            pace = Pace(_BOATS_CATCH_UP_SPEED, live_at_ms=show.present_ms)
            feeds.append(_Feed(_singly(boats), pace))
        if show.log is not None:
            sentences = present.sentences(show.log, _STATION, show.present_ms)
            feeds.append(_Feed(_singly(sentences), Pace(1.0)))
        return feeds

    def _story(self, city: City, show: "_Show") -> Iterator[list[KeyedRecord]]:
        """Yield the past with its stories, then the whole city from where it is live."""
        past = [
            Played(SCENARIOS[name], city, self._seed, show.present_ms - before_s * 1000)
            for name, before_s in _PAST
        ]
        for played in past:
            self._tell(played)
        begins_ms = show.present_ms - _LOOKBACK_S * 1000
        yield from around(city, self._seed, past).batches(begins_ms, show.live_ms, _PAST_STEP_MS)
        playlist = Playlist(
            city,
            self._seed,
            [SCENARIOS[name] for name in _IN_TURN],
            show.live_ms,
            every_ms=_EVERY_S * 1000,
            told=self._tell,
        )
        scripts: list[Script] = [*past, playlist, *show.meters(_METER)]
        simulator = Simulator(city, self._seed, scripts=scripts)
        yield from simulator.batches(show.live_ms, show.live_ms + _FOREVER_MS, _STEP_MS)

    def _tell(self, played: Played) -> None:
        self.news.append((played.start_ms, f"{played.scenario.name}: {played.scenario.title}"))


class _Feed(NamedTuple):
    batches: Iterator[list[KeyedRecord]]
    pace: Pace


class _Show:
    """The instants of one show, and the recordings that are there."""

    def __init__(self, present_ms: int, folder: Path | None) -> None:
        self.present_ms = present_ms
        # While the past is played fast, the world goes on: where both meet is live.
        caught_up_ms = _LOOKBACK_S * 1000 / (_CATCH_UP_SPEED - 1)
        self.live_ms = present_ms + -(-round(caught_up_ms) // _STEP_MS) * _STEP_MS
        self.boats = sorted((folder / "ais" / "tianchi_samples").glob("*.csv")) if folder else []
        series = folder / "noise" / "noisemonitor_laeq1s_first12h.csv" if folder else None
        self._series = series if series and series.is_file() else None
        log = folder / "ais" / "dma_ais-sample.txt.gz" if folder else None
        self.log = log if log and log.is_file() else None

    def meters(self, code: str) -> list[Script]:
        """Return the recorded meter as a script, if there is one."""
        if self._series is None:
            return []
        return [_Recorded(code, present.meter(self._series, code, self.live_ms))]


class _Recorded:
    """A recording in place of what a device would say: a script."""

    def __init__(self, code: str, records: Iterator[KeyedRecord]) -> None:
        self._code, self._records = code, records
        self._next = next(records, None)

    def between(self, _from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return the records up to `until_ms`."""
        found = []
        while self._next is not None and self._next.event_time_ms < until_ms:
            found.append(self._next)
            self._next = next(self._records, None)
        return found

    def cast(self, _at_ms: int) -> Collection[str]:
        """Return the device."""
        return (self._code,)


def _singly(records: Iterator[KeyedRecord]) -> Iterator[list[KeyedRecord]]:
    """Yield records of one instant together."""
    for _, together in itertools.groupby(records, key=lambda record: record.event_time_ms):
        yield list(together)


def find_recordings() -> Path | None:
    """Return the folder of the real recordings, if this machine has them."""
    given = os.environ.get("CITYBRAIN_RECORDINGS")
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(given) if given else beside
    return folder if (folder / "SOURCES.md").is_file() else None


def now_ms() -> int:
    """Return the wall clock's time."""
    return time.time_ns() // 1_000_000
