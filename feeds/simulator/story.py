"""Stories: a script of events laid over the calm city, and what must come of it.

A story is played by a function that is handed a `Stage` and puts on it, at
seconds from the story's start, what its devices say; what its people say, and when,
depends on what they hear: see `desk`. It returns its promise: what must be found
among the messages that come out, and what must not.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from feeds.recordings import KeyedRecord
from feeds.simulator.desk import Desk, is_like
from feeds.simulator.dice import players, share, throw
from schemas.instants import instant_of
from streams.city.model import City

_BY_TIME = attrgetter("event_time_ms")
_T = TypeVar("_T")


class Expectation(NamedTuple):
    """One message that must come out (or must not).

    Attributes:
        words: What it is, to people.
        topic: Where.
        where: Its fields as on the wire; a set means any of its members.
        from_s, until_s: When, by its event time, in seconds from the story's
            start; None at any time. Only for what has an event time of the data's.
        after_created_s: Of an order: how long after its case's creation at most.
        at_least: Numbers that it has, or more.
    """

    words: str
    topic: str
    where: Mapping[str, Any]
    from_s: float | None = None
    until_s: float | None = None
    after_created_s: float | None = None
    at_least: Mapping[str, float] = MappingProxyType({})

    def fits(self, message: Mapping[str, Any], start_ms: int) -> bool:
        """Return whether a message, as decoded from the wire, is what is meant."""
        if not is_like(message, self.where):
            return False
        if any(message.get(name, 0) < least for name, least in self.at_least.items()):
            return False
        at_s = (instant_of(message["event_time"]) - start_ms) / 1000
        if self.from_s is not None and at_s < self.from_s:
            return False
        if self.until_s is not None and at_s > self.until_s:
            return False
        if self.after_created_s is None:
            return True
        spent_ms = instant_of(message["event_time"]) - instant_of(message["created_time"])
        return spent_ms <= self.after_created_s * 1000


class Promise(NamedTuple):
    """What a story must lead to, and what it must not lead to."""

    comes: Sequence[Expectation]
    stays_away: Sequence[Expectation] = ()


class Stage:
    """Where a story is put together.

    Args:
        city: Whose devices act.
        seed: Of the dice.
        start_ms: The story's beginning (event time).
        story: Its name.

    Attributes:
        desk: The people of the story; most have none.
    """

    def __init__(self, city: City, seed: int, start_ms: int, story: str) -> None:
        self.city, self.seed, self.start_ms = city, seed, start_ms
        self.desk = Desk(f"{story}/{seed}", start_ms)
        self.records: list[KeyedRecord] = []
        self.cast: dict[str, tuple[int, int]] = {}

    def pick(self, among: Sequence[_T], purpose: int = 0) -> _T:
        """Return one of some by the dice: the same under one seed."""
        drawn = share(throw(players(self.seed, ["stage"]), len(among), purpose))[0]
        return among[int(drawn * len(among))]

    def at_ms(self, after_s: float) -> int:
        """Return the instant `after_s` seconds into the story."""
        return self.start_ms + round(after_s * 1000)

    def claim(self, name: str, from_s: float, until_s: float) -> None:
        """Have a device say, in [from, until), only what the story has it say."""
        self.cast[name] = (self.at_ms(from_s), self.at_ms(until_s))

    def put(self, topic: str, key: bytes, value: bytes, after_s: float) -> None:
        """Put a record on the stage."""
        self.records.append(KeyedRecord(topic, key, value, self.at_ms(after_s)))


class Scenario(NamedTuple):
    """A story by its name.

    Attributes:
        name: On the command line.
        title: One line for people.
        duration_s: Event time from its first record to where all must be said.
        play: Puts it on a stage and says what must come.
        begins_ms: When it is played, asked for about some instant: most stories
            at that instant itself, one of a season within it.
    """

    name: str
    title: str
    duration_s: int
    play: Callable[[Stage], Promise]
    begins_ms: Callable[[City, int], int] = lambda _city, asked_ms: asked_ms


class Played:
    """A scenario from an instant on: a script for the simulator, and its promise."""

    def __init__(self, scenario: Scenario, city: City, seed: int, start_ms: int) -> None:
        self.scenario = scenario
        self.start_ms = scenario.begins_ms(city, start_ms)
        stage = Stage(city, seed, self.start_ms, scenario.name)
        self.promise = scenario.play(stage)
        self.records = sorted(stage.records, key=_BY_TIME)
        self.desk = stage.desk
        self.until_ms = self.start_ms + scenario.duration_s * 1000
        self._times = [record.event_time_ms for record in self.records]
        self._cast = stage.cast

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return its records of [from, until), in order of time."""
        times = self._times
        return self.records[bisect_left(times, from_ms) : bisect_left(times, until_ms)]

    def cast(self, at_ms: int) -> Collection[str]:
        """Return who acts at an instant."""
        return [
            name for name, (from_ms, until_ms) in self._cast.items() if from_ms <= at_ms < until_ms
        ]

    def actors(self) -> Collection[str]:
        """Return all who act in it."""
        return self._cast.keys()

    def missing(self, said: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
        """Return what has not come yet, in words; nothing when all has.

        Args:
            said: Messages by topic, decoded from the wire.
        """
        return [
            f"{self.scenario.name}: no {one.words}"
            for one in self.promise.comes
            if not any(one.fits(message, self.start_ms) for message in said.get(one.topic, ()))
        ]

    def unwanted(self, said: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
        """Return what came and must not, in words."""
        return [
            f"{self.scenario.name}: {one.words}: {message.get('sentence') or message}"
            for one in self.promise.stays_away
            for message in said.get(one.topic, ())
            if one.fits(message, self.start_ms)
        ]
