"""How fresh each feed is: a frozen map must never look like a calm city."""

from collections.abc import Mapping
from typing import NamedTuple

from streams.city.model import City, SourceClass

BROKER = "kafka"
_PATIENCE_S: Mapping[str, float | None] = {
    BROKER: 10.0,
    SourceClass.SENSOR: 60.0,
    SourceClass.CAMERA: 120.0,
    SourceClass.VESSEL: 300.0,
    SourceClass.COMPLAINT: None,  # nobody need complain
}


class FeedHealth(NamedTuple):
    """One feed.

    Attributes:
        feed: A source of the city's, or `kafka` itself.
        feed_class: `sensor`, `camera`, `vessel`, `complaint` or `kafka`.
        age_s: Since its newest record; None when none ever came.
        stale: It should have been heard since.
        since_ms: Of a stale feed, when it was last heard (or when this process began).
    """

    feed: str
    feed_class: str
    age_s: float | None
    stale: bool
    since_ms: int | None


class Feeds:
    """When each source was last heard, on the broker's clock."""

    def __init__(self, city: City, began_ms: int) -> None:
        self._classes = {name: str(source.source_class) for name, source in city.sources.items()}
        self._began_ms = began_ms
        self._heard_ms: dict[str, int] = {}
        self.broker_ms = 0

    def hear(self, source: str, at_ms: int) -> None:
        """Note that a record of `source` reached the broker; unknown sources are not watched."""
        if source in self._classes and at_ms > self._heard_ms.get(source, 0):
            self._heard_ms[source] = at_ms

    def look(self, now_ms: int) -> list[FeedHealth]:
        """Return the state of every feed, the broker first."""
        broker = _judge(BROKER, BROKER, self.broker_ms, now_ms, self._began_ms)
        return [
            broker,
            *(
                _judge(name, feed_class, self._heard_ms.get(name, 0), now_ms, self._began_ms)
                for name, feed_class in self._classes.items()
            ),
        ]


def _judge(feed: str, feed_class: str, heard_ms: int, now_ms: int, began_ms: int) -> FeedHealth:
    patience_s = _PATIENCE_S.get(feed_class)
    age_s = max(0.0, (now_ms - heard_ms) / 1000) if heard_ms else None
    since_ms = heard_ms or began_ms
    stale = patience_s is not None and (now_ms - since_ms) / 1000 > patience_s
    return FeedHealth(feed, feed_class, age_s, stale, since_ms if stale else None)
