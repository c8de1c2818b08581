"""Pulse: what one partition has heard of each feed, told every few seconds.

Who watches feeds and devices needs a city whole, and each partition sees a part:
so each counts its own, and one agent adds them up (docs/decisions/0010). The count
is kept in memory only; see `schemas.heard`.
"""

from typing import Any

import numpy as np

from schemas.codec import encode
from schemas.heard import Heard
from schemas.topics import DEVICES_HEARD
from streams import columns
from streams.lateness import by_source
from streams.operator import Send

EVERY_MS = 10_000
"""How often it is told, by wall time."""

KIND = "feed.heard"


class _Feed:
    """What was heard of one source since it was last told."""

    def __init__(self) -> None:
        self.count = 0
        self.newest_ms: dict[str, int] = {}


class Pulse:
    """The counts of one partition.

    Args:
        city: The city's code, the key of what is told.
    """

    def __init__(self, city: str) -> None:
        self._city = city.encode()
        self._feeds: dict[str, _Feed] = {}
        self._told_ms: int | None = None

    def note(self, batch: Any, first_new: int) -> None:
        """Count the rows of `batch` whose offset is `first_new` or later.

        A device's clock that is ahead counts up to the time of intake.
        """
        if not columns.length(batch):
            return
        times_ms = np.minimum(batch.event_time_ms, batch.ingest_time_ms)
        for source, index in by_source(batch.source):
            fresh = index[batch.offset[index] >= first_new]
            if not len(fresh):
                continue
            feed = self._feeds.setdefault(source, _Feed())
            feed.count += len(fresh)
            whole = len(fresh) == len(batch.source)
            subjects = batch.subject if whole else [batch.subject[at] for at in fresh.tolist()]
            # Mostly in order; a late one that comes last costs a device a few seconds.
            feed.newest_ms.update(zip(subjects, times_ms[fresh].tolist(), strict=True))

    def beat(self, topic: str, partition: int, now_ms: int) -> list[Send]:
        """Return what there is to tell, once the time has come."""
        if self._told_ms is None:
            self._told_ms = now_ms
        if now_ms - self._told_ms < EVERY_MS or not self._feeds:
            return []
        self._told_ms = now_ms
        feeds, self._feeds = self._feeds, {}
        where = f"{topic}/{partition}"
        return [
            Send(DEVICES_HEARD, self._city, encode(_heard(name, feeds[name], where, now_ms)))
            for name in sorted(feeds)
        ]


def _heard(source: str, feed: _Feed, where: str, now_ms: int) -> Heard:
    newest_ms = max(feed.newest_ms.values())
    devices = sorted(feed.newest_ms)
    return Heard(
        source=source,
        kind=KIND,
        subject=where,
        event_time_ms=newest_ms,
        ingest_time_ms=now_ms,
        count=feed.count,
        devices=tuple(devices),
        ago_ms=tuple(newest_ms - feed.newest_ms[device] for device in devices),
    )
