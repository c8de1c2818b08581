"""Everybody who answers in a simulated city: desks of stories, crews, loudspeakers.

Who plays them hands over what is heard and the time, and sends what is due. The
same people play on Kafka by the wall clock, and on virtual time.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson

from feeds import crew, loudspeakers
from feeds.recordings import KeyedRecord
from feeds.simulator import desk
from feeds.simulator.desk import Desk, Said
from schemas import codec, topics
from schemas.dispatch import DispatchOrder, DispatchUpdate, Reminder

HEARD: Final = (*desk.HEARD, topics.REMINDERS)
"""The topics that they hear."""

_Word = Callable[[int], KeyedRecord]
_Alike = Callable[[str], str] | None


class People:
    """Those who answer.

    Args:
        seed: Of the dice of crews and loudspeakers.
        city: Code of the city, the key of what they say.
        desks: Of the stories that are played.
        crews: Whether units answer orders of no desk's story, and loudspeakers reminders.
        alike: The department of a unit; given, each department, unit and loudspeaker
            answers alike in every case, so that runs can be compared whose cases bear
            other ids.
        hurry: How many times as fast as people they are.
        when: At which instant of their clock an instant of the stories is.
    """

    def __init__(
        self,
        seed: int,
        city: str,
        desks: Sequence[Desk] = (),
        *,
        crews: bool,
        alike: _Alike = None,
        hurry: float = 1.0,
        when: Callable[[int], int] = lambda at_ms: at_ms,
    ) -> None:
        self._seed, self._key = seed, city.encode()
        self._crews, self._alike = crews, alike
        self._hurry, self._when = hurry, when
        self._due: list[tuple[int, int, _Word]] = []
        self._told = 0
        self._answered: set[str] = set()
        self._seats = [_Seat(one, one.listen()) for one in desks if one.steps]
        self._begun: set[int] = set()

    @property
    def waiting(self) -> Sequence[str]:
        """What desks have not come to say yet."""
        return [name for seat in self._seats for name in seat.ear.waiting]

    @property
    def is_done(self) -> bool:
        """Whether all desks have said all."""
        return not self._due and not self.waiting

    def hear(self, topic: str, value: bytes, now_ms: int) -> None:
        """Take in one message of a topic."""
        if not self._seats and topic not in _ANSWERS:
            return
        message = orjson.loads(value)
        for number, seat in enumerate(self._seats):
            seat.ear.take(topic, message)
            if number in self._begun:
                self._ask(seat, now_ms)
        if self._crews:
            self._answer(topic, value, message, now_ms)

    def due(self, now_ms: int) -> list[KeyedRecord]:
        """Return what they say by `now_ms`, in the order in which it was to be said."""
        for number, seat in enumerate(self._seats):
            if number not in self._begun and self._when(seat.desk.start_ms) <= now_ms:
                self._begun.add(number)
                self._ask(seat, now_ms)
        said = []
        while self._due and self._due[0][0] <= now_ms:
            said.append(heapq.heappop(self._due)[2](now_ms))
        return said

    def _ask(self, seat: "_Seat", now_ms: int) -> None:
        for said in seat.ear.due():
            self._plan(said.delay_s, seat.word(said, self._key), now_ms)

    def _plan(self, delay_s: float, word: _Word, now_ms: int) -> None:
        self._told += 1
        due_ms = now_ms + round(delay_s * 1000 / self._hurry)
        heapq.heappush(self._due, (due_ms, self._told, word))

    def _answer(self, topic: str, value: bytes, message: dict[str, Any], now_ms: int) -> None:
        """Have a unit answer its order, or a loudspeaker its reminder, once."""
        if topic not in _ANSWERS:
            return
        name = message.get("id") or value.decode()
        if name in self._answered:
            return
        if any(seat.ear.concerns(message) for seat in self._seats):
            return
        self._answered.add(name)
        for delay_s, update in _ANSWERS[topic](self._seed, value, self._alike):
            self._plan(delay_s, _update_by(update, self._key), now_ms)


class _Seat(NamedTuple):
    """A desk, and what it has heard."""

    desk: Desk
    ear: desk.Listening

    def word(self, said: Said, key: bytes) -> _Word:
        return lambda now_ms: self.desk.record(said, key, now_ms)


_Update = Callable[[int], DispatchUpdate]


def _of_crews(seed: int, value: bytes, alike: _Alike) -> Iterator[tuple[float, _Update]]:
    order = codec.decode(DispatchOrder, value)
    for one in crew.answers(seed, order, alike):
        yield one.delay_s, partial(crew.update, order, one.action)


def _of_speakers(seed: int, value: bytes, alike: _Alike) -> Iterator[tuple[float, _Update]]:
    reminder = codec.decode(Reminder, value)
    playing = loudspeakers.playing(seed, reminder, alike=alike is not None)
    yield playing.delay_s, partial(loudspeakers.report, reminder, playing.action)


_ANSWERS: Final = {topics.DISPATCH_ORDERS: _of_crews, topics.REMINDERS: _of_speakers}


def _update_by(update: _Update, key: bytes) -> _Word:
    return lambda now_ms: KeyedRecord(
        topics.DISPATCH_UPDATES, key, codec.encode(update(now_ms)), now_ms
    )
