"""The account of a run: what a sink that knows ids sees, against an undisturbed run.

An id that comes twice is one effect to such a sink: at-least-once is the
promise, and the raw doubles are counted beside. *Lost* is an effect that the
undisturbed run has and this one lacks, *strange* one that only this one has.
*Doubled* is one effect under two ids, or one id that says two things.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from schemas.dispatch import OrderChange
from schemas.instants import instant_of
from schemas.topics import ALERTS, DEADLETTER, DISPATCH_ORDERS, INCIDENTS, REMINDERS
from streams.matters.routing import Level

SOURCES = (ALERTS, INCIDENTS, DISPATCH_ORDERS, REMINDERS, DEADLETTER)
"""The topics that are read for the account."""

CALL_GAP_MS = 600_000
"""A loudspeaker that is called again this soon about one matter is called twice."""

BY_WALL_TIME = ("device.", "feed.")
"""Kinds about the feeds themselves, which are watched on wall time: decision 10."""

_ALERT, _INCIDENT, _ORDER, _CALL, _LETTER = (
    "alerts",
    "incidents",
    "first orders",
    "first calls",
    "dead letters",
)
_SORTS = (_ALERT, _INCIDENT, _ORDER, _CALL, _LETTER)


class Effect(NamedTuple):
    """One effect on the world.

    Attributes:
        sort: Which sort.
        id: What a sink knows its message by.
        key: What is done, whatever its id; `key[0]` is the matter.
        says: What a message of this id must say, in this run and in any other.
        at_ms: When it was said; no part of what is compared.
    """

    sort: str
    id: str
    key: tuple[Any, ...]
    says: tuple[Any, ...]
    at_ms: int


class Side(NamedTuple):
    """What one run did: effects by id in the order of their first messages.

    `doubles` counts messages that repeat an id, `clashes` those of them that
    say something else.
    """

    effects: dict[str, Effect]
    doubles: Counter[str]
    clashes: Counter[str]


class Line(NamedTuple):
    """One sort in the account: lost, strange and doubled are to be 0."""

    sort: str
    expected: int
    found: int
    lost: int
    strange: int
    doubled: int
    raw_doubles: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, strange or doubled."""
        return not (self.lost or self.strange or self.doubled)


def side(messages: Iterable[tuple[str, bytes]]) -> Side:
    """Return what `messages` did: pairs of a topic, without a prefix, and a value."""
    one = Side({}, Counter(), Counter())
    for topic, value in messages:
        effect = _effect(topic, orjson.loads(value))
        if effect is None:
            continue
        first = one.effects.setdefault(effect.id, effect)
        if first is not effect:
            one.doubles[effect.sort] += 1
            one.clashes[effect.sort] += (first.key, first.says) != (effect.key, effect.says)
    return one


def account(expected: Side, found: Side) -> list[Line]:
    """Compare a run with an undisturbed one, sort by sort.

    Clocks toward people run on wall time. So of orders and loudspeaker calls
    each matter's first is compared; what follows depends on how long a run takes.
    """
    return [_line(sort, expected, found) for sort in _SORTS]


def _line(sort: str, expected: Side, found: Side) -> Line:
    wanted, had = _compared(sort, expected), _compared(sort, found)
    return Line(
        sort,
        len(wanted),
        len(had),
        len(wanted - had),
        len(had - wanted),
        _twice(sort, found) + found.clashes[sort],
        found.doubles[sort],
    )


def _compared(sort: str, one: Side) -> set[tuple[Any, ...]]:
    """Return what a run is compared by; of orders and calls, each matter's first."""
    firsts: dict[Any, tuple[Any, ...]] = {}
    for effect in one.effects.values():
        if effect.sort == sort:
            matter = effect.key[0] if sort in (_ORDER, _CALL) else effect.key
            firsts.setdefault(matter, (effect.key, effect.says))
    return set(firsts.values())


def _twice(sort: str, one: Side) -> int:
    """Return how often one effect has a second id."""
    at_ms: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for effect in one.effects.values():
        if effect.sort == sort:
            at_ms[effect.key].append(effect.at_ms)
    return sum(
        sort != _CALL or later - earlier < CALL_GAP_MS
        for times in at_ms.values()
        for earlier, later in pairwise(times)
    )


def _effect(topic: str, said: dict[str, Any]) -> Effect | None:
    """Return the effect of one message; None for one that wall time alone caused."""
    name: str = said["id"]
    at_ms = instant_of(said["event_time"])
    if topic == DISPATCH_ORDERS and said["change"] != OrderChange.ISSUED:
        return None
    if (said.get("incident_kind") or said.get("kind", "")).startswith(BY_WALL_TIME):
        return None
    sort, keys, words = _SHAPES[topic]
    key = tuple(said.get(field) for field in keys)
    if topic == DISPATCH_ORDERS and said["level"] == Level.DEPARTMENT:
        # Which of its crews goes depends on who is free at that moment.
        return Effect(sort, name, (*key[:-1], ""), (), at_ms)
    says = tuple(said.get(field) for field in words)
    if topic == DEADLETTER:
        # Offsets depend on how feeds meet in a partition: a letter is known by what it holds.
        return Effect(sort, name, key, says, at_ms)
    return Effect(sort, name, key, (name, *says), at_ms)


# By topic: the sort, what is done whatever its id (first the matter), what is said.
_SHAPES = {
    ALERTS: (
        _ALERT,
        ("alert_id", "transition", "event_time", "revision"),
        ("kind", "subject", "severity", "rung"),
    ),
    INCIDENTS: (_INCIDENT, ("incident_id", "revision"), ("change", "state", "alert_count")),
    DISPATCH_ORDERS: (_ORDER, ("incident_id", "level", "unit"), ("order_id",)),
    REMINDERS: (_CALL, ("incident_id", "subject"), ()),
    DEADLETTER: (_LETTER, ("topic", "key", "value"), ("stage", "reason")),
}
