"""A rehearsal whose workers die in the middle of each story, and stay away for a while.

What they had taken since their last checkpoint is delivered again after it, as Kafka
would: first to those who read last, for their records lie before all that comes anew.
"""

from collections.abc import Callable, Sequence

from agents.roster import AGENTS
from deploy.backtest import Backtest
from deploy.rehearsal import STEP_MS, Rehearsal
from feeds.recordings import KeyedRecord
from feeds.simulator.story import Played, Scenario
from schemas.records import RawBatch
from streams.city.model import City
from streams.operator import Outcome, Send

_LAST_FIRST = {agent: -place for place, agent in enumerate(AGENTS)}


class FrailBacktest(Backtest):
    """A city without a broker whose workers can be killed; what stays is their rows."""

    def __init__(self, city: City, sink: Callable[[Send], None]) -> None:
        super().__init__(city, sink)
        self._rows: dict[tuple[str, int], dict[bytes, bytes]] = {}
        self._since: list[tuple[str, RawBatch]] = []

    def checkpoint(self) -> None:
        """Keep the rows of all, and acknowledge what was taken."""
        for name, operator in self._operators.items():
            kept = self._rows.setdefault(name, {})
            for key, value in operator.changes():
                if value is None:
                    kept.pop(key, None)
                else:
                    kept[key] = value
        self._since = []

    def die(self) -> None:
        """Throw all operators away, with what they did since the checkpoint."""
        self._operators.clear()

    def sleep_until(self, now_ms: int) -> None:
        """Let time pass while nobody is there."""
        self._clock.advance(max(0, now_ms - self._clock.now_ms()))

    def revive(self, waiting: Sequence[KeyedRecord]) -> None:
        """Begin from the rows; take again what was not acknowledged, and what waits."""
        for (agent, partition), rows in self._rows.items():
            self._operator(agent, partition).restore(rows.items())
        again, self._since = self._since, []
        for agent, raw in sorted(again, key=lambda one: _LAST_FIRST[one[0]]):
            self._follow(self._hand(agent, raw))
        self._take(self._raw_batches(waiting))

    def _hand(self, agent: str, raw: RawBatch) -> Outcome:
        self._since.append((agent, raw))
        return super()._hand(agent, raw)


class FrailRehearsal(Rehearsal):
    """Stories in whose middle all workers die; devices and people go on meanwhile.

    Args:
        city: Whose devices act.
        seed: Of all dice.
        stories: What is played; see `around_one_middle`.
        outage_s: How long nobody works.

    Attributes:
        deaths: How often the workers died: once in each stretch of stories.
    """

    def __init__(self, city: City, seed: int, stories: Sequence[Played], outage_s: float) -> None:
        self._frail = FrailBacktest(city, self._take)
        super().__init__(city, seed, stories, crews=True, backtest=self._frail)
        self._outage_ms = round(outage_s * 1000)
        self._dies_ms: int | None = None
        self._back_ms: int | None = None
        self._waiting: list[KeyedRecord] = []
        self.deaths = 0

    def _begin(self, together: Sequence[Played]) -> None:
        first = together[0]
        self._dies_ms = (first.start_ms + first.until_ms) // 2

    def _stretch(self, records: Sequence[KeyedRecord], until_ms: int) -> None:
        if self._dies_ms is not None and until_ms >= self._dies_ms:
            self._frail.checkpoint()
            super()._stretch(records, until_ms)
            self._frail.die()
            self.deaths += 1
            self._dies_ms, self._back_ms = None, until_ms + self._outage_ms
        elif self._back_ms is not None and until_ms < self._back_ms:
            self._frail.sleep_until(until_ms)
            self._waiting += [*records, *self._people.due(until_ms)]
        elif self._back_ms is not None:
            waiting, self._waiting, self._back_ms = self._waiting, [], None
            self._frail.revive(waiting)
            super()._stretch(records, until_ms)
        else:
            super()._stretch(records, until_ms)


def around_one_middle(
    city: City, seed: int, scenarios: Sequence[Scenario], middle_ms: int
) -> list[Played]:
    """Return stories that all are half over at one instant (but for those of a season)."""
    return [
        Played(one, city, seed, (middle_ms - one.duration_s * 500) // STEP_MS * STEP_MS)
        for one in scenarios
    ]
