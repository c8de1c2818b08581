"""Stories one after another without end, for a demonstration: something new each while."""

from collections.abc import Callable, Collection, Sequence

from feeds.recordings import KeyedRecord
from feeds.simulator.story import Played, Scenario
from streams.city.model import City


class Playlist:
    """A script of scenarios in turn, each on from where the list says.

    Args:
        city: Whose devices act.
        seed: Of the dice; every story of the list has one of its own after it, so
            that a story that comes again has other actors.
        scenarios: In their order; after the last the first comes again.
        start_ms: When the first begins (event time).
        every_ms: From one beginning to the next.
        told: Called as each begins.
    """

    def __init__(
        self,
        city: City,
        seed: int,
        scenarios: Sequence[Scenario],
        start_ms: int,
        *,
        every_ms: int,
        told: Callable[[Played], None],
    ) -> None:
        self._city, self._seed, self._scenarios = city, seed, scenarios
        self._next_ms, self._every_ms = start_ms, every_ms
        self._turn = 0
        self._told = told
        self._playing: list[Played] = []

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return the records of all that is played in [from, until)."""
        self._begin(until_ms)
        self._playing = [one for one in self._playing if one.until_ms > from_ms]
        return [record for one in self._playing for record in one.between(from_ms, until_ms)]

    def cast(self, at_ms: int) -> Collection[str]:
        """Return who acts at an instant."""
        self._begin(at_ms + 1)
        return [name for one in self._playing for name in one.cast(at_ms)]

    def _begin(self, until_ms: int) -> None:
        """Begin the stories that are due before an instant."""
        while self._next_ms < until_ms:
            scenario = self._scenarios[self._turn % len(self._scenarios)]
            played = Played(scenario, self._city, self._seed + self._turn, self._next_ms)
            self._playing.append(played)
            self._turn += 1
            self._next_ms += self._every_ms
            self._told(played)
