"""A rehearsal: stories with their people on virtual time, through the very operators.

The devices say what the script says; the people hear what comes out and answer, at
the pace of people. Nothing waits: an hour takes seconds.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from deploy.backtest import Backtest
from feeds.people import HEARD, People
from feeds.recordings import KeyedRecord
from feeds.simulator.backdrop import around
from feeds.simulator.story import Played
from streams.city.model import City
from streams.directory import department_of
from streams.operator import Send

STEP_MS: Final = 5_000
"""Devices and people of so long a stretch are heard together."""

_PATIENCE_MS: Final = 3_600_000


class Rehearsal:
    """Stories that are played together.

    Args:
        city: Whose devices act.
        seed: Of all dice.
        stories: What is played; those whose times do not meet come one after another.
        crews: Whether units answer orders that no story's people answer: each alike in
            every case, so that two rehearsals can be compared.
        backtest: Another one than a plain one; its sink is `_take`.

    Attributes:
        said: Messages by topic, decoded from the wire, as they come.
    """

    def __init__(
        self,
        city: City,
        seed: int,
        stories: Sequence[Played],
        *,
        crews: bool = False,
        backtest: Backtest | None = None,
    ) -> None:
        self.said: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._city, self._seed, self._stories = city, seed, stories
        desks = [one.desk for one in stories]
        self._people = People(seed, city.code, desks, crews=crews, alike=department_of(city))
        self._backtest = backtest or Backtest(city, self._take)

    def play(self, drain_s: float) -> None:
        """Play all, then let the people finish and `drain_s` pass."""
        for together in _acts(self._stories):
            start_ms = min(one.start_ms for one in together)
            until_ms = max(one.until_ms for one in together)
            self._begin(together)
            city = around(self._city, self._seed, together)
            for at_ms in range(start_ms, until_ms, STEP_MS):
                self._stretch(city.between(at_ms, at_ms + STEP_MS), at_ms + STEP_MS)
        self._finish(round(drain_s * 1000))

    def _begin(self, together: Sequence[Played]) -> None:
        """Begin an act."""

    def _stretch(self, records: Sequence[KeyedRecord], until_ms: int) -> None:
        """Play what devices say, then what people say by then."""
        self._backtest.play(records)
        self._backtest.wait_until(until_ms)
        self._backtest.play(self._people.due(until_ms))

    def _finish(self, drain_ms: int) -> None:
        drained_ms = self._backtest.now_ms + drain_ms
        given_up_ms = drained_ms + _PATIENCE_MS
        while (now_ms := self._backtest.now_ms) < drained_ms or (
            not self._people.is_done and now_ms < given_up_ms
        ):
            self._stretch((), now_ms + STEP_MS)
        self._backtest.run((), STEP_MS / 1000)

    def _take(self, send: Send) -> None:
        self.said[send.topic].append(orjson.loads(send.value))
        if send.topic in HEARD:
            self._people.hear(send.topic, send.value, self._backtest.now_ms)


def _acts(stories: Sequence[Played]) -> Iterator[list[Played]]:
    """Yield stories whose times meet, together; earlier ones first."""
    act: list[Played] = []
    for one in sorted(stories, key=lambda story: story.start_ms):
        if act and one.start_ms >= max(other.until_ms for other in act):
            yield act
            act = []
        act.append(one)
    if act:
        yield act
