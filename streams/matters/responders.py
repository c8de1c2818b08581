"""The nearest free responder: how units stand, and who of several is sent.

What a unit says of itself is kept as it was said, with its instant; whether it is
busy follows from its orders as well. A choice is made as things stood a moment
before its cause was written down, and by nothing that was said later: who decides
it again after a crash, with other words read meanwhile, sends the same unit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.responders import UnitState
from streams.geo.fences import distance_m
from streams.matters.routing import AreaChain, Level, Picked, Unit

SETTLED_MS = 2_000
"""Words count from so long after they came in: by then they are remembered for good."""

LATE_MS = 60_000
"""A cause that waited longer is judged by how things stand now."""

_KEPT = 2
_APART_MS = 10_000  # places closer in time are one, so that two reach back over SETTLED_MS
_MOST_NAMED = 3
_GONE = frozenset({UnitState.OFF, UnitState.UNREACHABLE})
_DESKS = frozenset({Level.CITY, Level.LEADER})  # they go nowhere: the first has it
_FAR_M = float("inf")


class Seen(msgspec.Struct, frozen=True):
    """Where a unit was at `at_ms` by its own clock; the word came in at `came_ms`."""

    came_ms: int
    at_ms: int
    lon_deg: float
    lat_deg: float


class Said(msgspec.Struct, frozen=True):
    """What a unit called itself; the word came in at `came_ms`."""

    came_ms: int
    state: UnitState


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one unit last said of itself, newest first, two of each."""

    said: tuple[Said, ...] = ()
    seen: tuple[Seen, ...] = ()

    @property
    def state(self) -> UnitState | None:
        """What it calls itself now; None when it never did."""
        return self.said[0].state if self.said else None

    def with_state(self, came_ms: int, state: UnitState) -> "Standing":
        """Return it with a newer state; an older one, and the same again, change nothing."""
        if self.said and (came_ms < self.said[0].came_ms or state is self.said[0].state):
            return self
        said = (Said(came_ms, state), *self.said)[:_KEPT]
        return msgspec.structs.replace(self, said=said)

    def with_place(self, came_ms: int, at_ms: int, place: tuple[float, float]) -> "Standing":
        """Return it with a newer place; an older one, or one soon after, changes nothing."""
        if self.seen and at_ms < self.seen[0].at_ms + _APART_MS:
            return self
        seen = (Seen(came_ms, at_ms, *place), *self.seen)[:_KEPT]
        return msgspec.structs.replace(self, seen=seen)

    def state_at(self, at_ms: int) -> UnitState | None:
        """Return what it had called itself by an instant."""
        return next((one.state for one in self.said if one.came_ms <= at_ms), None)

    def seen_at(self, at_ms: int) -> Seen | None:
        """Return where it had said by an instant that it was."""
        return next((one for one in self.seen if one.came_ms <= at_ms), None)


class Task(NamedTuple):
    """An order that keeps a unit busy: since when, and until when where that is known."""

    unit: str
    from_ms: int
    until_ms: int | None


_SILENT = Standing()


class Crews:
    """How the units of a city stand: what they said, and the orders that they have at hand.

    Args:
        below: What holds where this says nothing: a draft leaves it as it is.
    """

    def __init__(self, below: "Crews | None" = None) -> None:
        self._below = below
        self._standings: dict[str, Standing] = {}
        self._cases: dict[str, tuple[Task, ...]] = {}
        self._tasks: dict[str, dict[str, list[Task]]] = {}

    def draft(self) -> "Crews":
        """Return what can be changed without changing this."""
        return Crews(self)

    def standing(self, unit: str) -> Standing:
        """Return what a unit last said of itself."""
        if self._below is None:
            return self._standings.get(unit, _SILENT)
        return self._standings.get(unit) or self._below.standing(unit)

    def hear(self, unit: str, standing: Standing) -> None:
        """Keep what a unit says of itself."""
        self._standings[unit] = standing

    def put(self, case_id: str, tasks: Iterable[Task]) -> None:
        """Take in the orders of a case as they stand now; none forgets it."""
        for task in self._cases.pop(case_id, ()):
            self._tasks[task.unit].pop(case_id, None)
        self._cases[case_id] = tuple(tasks)
        for task in self._cases[case_id]:
            self._tasks.setdefault(task.unit, {}).setdefault(case_id, []).append(task)
        if self._below is None and not self._cases[case_id]:
            del self._cases[case_id]

    def load(self, unit: str, at_ms: int, besides: str) -> int:
        """Count the orders that a unit has at hand at an instant.

        Args:
            unit: Its code.
            at_ms: The instant of the choice: orders given up to it count, and what
                was done `SETTLED_MS` before it does not.
            besides: The case that somebody is chosen for: its own orders are no other work.
        """
        known = (
            0 if self._below is None else self._below.load_but(unit, at_ms, besides, self._cases)
        )
        return known + self.load_but(unit, at_ms, besides, {})

    def load_but(self, unit: str, at_ms: int, besides: str, but: Mapping[str, object]) -> int:
        """Count them without those of the cases `but`, and of what lies below."""
        return sum(
            _is_at_hand(task, at_ms)
            for case_id, tasks in self._tasks.get(unit, {}).items()
            if case_id != besides and case_id not in but
            for task in tasks
        )

    def units_of(self, case_id: str) -> set[str]:
        """Return whom the orders of a case keep busy, or have kept busy."""
        return {task.unit for task in self._cases.get(case_id, ())}

    def at_hand(self, unit: str) -> int:
        """Count the orders that a unit has not handled yet, as of all that was read."""
        tasks = (task for some in self._tasks.get(unit, {}).values() for task in some)
        return sum(task.until_ms is None for task in tasks)

    def state(self, unit: str) -> UnitState:
        """Return how a unit stands: by its own word, and by its orders."""
        said = self.standing(unit).state
        if said is not None and said is not UnitState.FREE:
            return said
        return UnitState.BUSY if self.at_hand(unit) else UnitState.FREE


class Moment(NamedTuple):
    """For what somebody is chosen, where and when.

    Attributes:
        case_id: For which case.
        chain: The areas of its place.
        place: Longitude and latitude, None where they are not known.
        at_ms: The wall instant of the cause.
        crews: How the units stand.
        trust_ms: A place of a unit older than this is not trusted.
    """

    case_id: str
    chain: AreaChain | None
    place: tuple[float, float] | None
    at_ms: int
    crews: Crews
    trust_ms: int


class _Fact(NamedTuple):
    """What decides between units, the gravest first; `number` is their order in units.toml."""

    is_busy: bool
    area: int
    distance_m: float
    load: int
    number: int


def pick(units: Sequence[Unit], moment: Moment) -> Picked:
    """Choose among units of one level that are on duty: free, then area, distance, load.

    Args:
        units: In the order of units.toml, the nearest area first.
        moment: For what, where and when.

    Returns:
        The unit, None when all are off or out of reach, with the reasons in words
        for the story; nothing is said where there was nothing to choose.
    """
    states = {unit.code: _state(unit, moment) for unit in units}
    gone = [f"{state}:{code}" for code, state in states.items() if state in _GONE]
    there = [unit for unit in units if states[unit.code] not in _GONE]
    if not there:
        return Picked(None, tuple(gone[:_MOST_NAMED]))
    if len(there) == 1 or there[0].level in _DESKS:
        return Picked(there[0], tuple(gone[:_MOST_NAMED]))
    facts = [_fact(unit, number, moment) for number, unit in enumerate(there)]
    ranked = sorted(facts)
    old = [f"position-too-old:{one.code}" for one in there if _is_too_old(one, moment)]
    why = (*gone[:_MOST_NAMED], *_why(ranked), *old[:_MOST_NAMED])
    return Picked(there[ranked[0].number], why)


def _state(unit: Unit, moment: Moment) -> UnitState | None:
    return moment.crews.standing(unit.code).state_at(moment.at_ms - SETTLED_MS)


def _fact(unit: Unit, number: int, moment: Moment) -> _Fact:
    load = moment.crews.load(unit.code, moment.at_ms, moment.case_id)
    chain = tuple(moment.chain or ())
    area = chain.index(unit.area) if unit.area in chain else len(chain)
    seen = _trusted(unit, moment)
    away_m = _FAR_M
    if seen is not None and moment.place is not None:
        away_m = distance_m((seen.lon_deg, seen.lat_deg), moment.place)
    is_busy = load > 0 or _state(unit, moment) is UnitState.BUSY
    return _Fact(is_busy, area, away_m, load, number)


def _trusted(unit: Unit, moment: Moment) -> Seen | None:
    seen = moment.crews.standing(unit.code).seen_at(moment.at_ms - SETTLED_MS)
    is_fresh = seen is not None and moment.at_ms - seen.at_ms <= moment.trust_ms
    return seen if is_fresh else None


def _is_too_old(unit: Unit, moment: Moment) -> bool:
    """Say whether a place would decide, were it not too old."""
    seen = moment.crews.standing(unit.code).seen_at(moment.at_ms - SETTLED_MS)
    return moment.place is not None and seen is not None and _trusted(unit, moment) is None


def _why(ranked: Sequence[_Fact]) -> tuple[str, ...]:
    """Return by what the first of some was chosen, and whether others are busy."""
    chosen, next_, last = ranked[0], ranked[1], ranked[-1]
    if chosen.is_busy is not next_.is_busy:
        return ("chosen-by:free",)
    busy = ("all-busy",) if chosen.is_busy else ("some-busy",) if last.is_busy else ()
    by = "order of units.toml"
    if chosen.area != next_.area:
        by = "area"
    elif chosen.distance_m != next_.distance_m:
        by = f"distance {chosen.distance_m:.0f} m"
    elif chosen.load != next_.load:
        by = f"load {chosen.load}, not {next_.load}"
    return (*busy, f"chosen-by:{by}")


def _is_at_hand(task: Task, at_ms: int) -> bool:
    ended = task.until_ms is not None and task.until_ms <= at_ms - SETTLED_MS
    return task.from_ms <= at_ms and not ended
