"""Routing: from an incident's kind and place to the unit that answers it.

Two files of a city become the types here:

    # routing.toml
    desk = "city-desk"          # a unit: takes what nobody else takes, on duty always
    outside = "coast-desk"      # a unit: incidents outside every area, such as at sea
    ladder = ["micro-grid", "grid", "community", "city", "leader"]

    [[routes]]                  # the first route whose `kind` fits is taken
    kind = "noise.*"            # exact, or a prefix ending in "*"
    start = "grid"              # the first level that is asked
    lead = "police"             # the department for the level "department"
    rungs = ["loudspeaker", "grid", "department"]   # who answers rung 1, 2, 3
    outside = "coast-desk"      # optional: instead of the table's own
    desk = "coast-desk"         # optional: has it at every place, instead of those below the city

    # units.toml
    [[units]]
    code = "g-012-worker"
    name = "..."
    level = "grid"              # micro-grid | grid | community | department | city | leader
    area = "LG-G012"            # the area it serves; "" is the whole city
    department = "police"       # of a unit of the level "department"
    duty = ["06:00-22:00"]      # local hours, may cross midnight; absent is always

A level without a unit, and a unit that is off duty, are passed over upward, and
the order says so (`no-unit:grid`, `nobody-to-tell:grid`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

import msgspec

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
Hours = Annotated[str, msgspec.Meta(pattern=f"^({_CLOCK})-({_CLOCK})$")]


class Level(StrEnum):
    """Who can be asked, lowest first. LOUDSPEAKER is nobody: a device speaks."""

    LOUDSPEAKER = "loudspeaker"
    MICRO_GRID = "micro-grid"
    GRID = "grid"
    COMMUNITY = "community"
    DEPARTMENT = "department"
    CITY = "city"
    LEADER = "leader"


RANK: Mapping[Level, int] = {level: rank for rank, level in enumerate(Level)}
TERRITORIAL = (Level.MICRO_GRID, Level.GRID, Level.COMMUNITY)


class AreaChain(NamedTuple):
    """Codes of the areas that hold a place, smallest first; "" where there is none."""

    micro_grid: str
    grid: str
    community: str
    city: str


class Areas(Protocol):
    """What routing asks of a city's boundaries."""

    @property
    def boundary_version(self) -> str: ...

    def chain_at(self, lon_deg: float, lat_deg: float) -> AreaChain | None:
        """Return the areas at a place, None outside every area."""

    def chain_of(self, area: str) -> AreaChain | None:
        """Return the areas of a named area or venue, None when it is not known."""

    def within(self, ring_deg: Sequence[float]) -> Sequence[AreaChain]:
        """Return the areas that lie in a drawn ring: corners as longitude, latitude."""


def on_duty(duty: Sequence[str], minute_of_day: int) -> bool:
    """Say whether `minute_of_day` (local) lies in one of the shifts; none is always."""
    return not duty or any(_holds(shift, minute_of_day) for shift in duty)


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People who can be sent; `duty` in local hours [start, end), empty is always."""

    code: str
    level: Level
    name: str = ""
    area: str = ""
    department: str = ""
    duty: tuple[Hours, ...] = ()


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where incidents of some kinds go first."""

    kind: str
    start: Level = Level.MICRO_GRID
    lead: str = ""
    rungs: tuple[Level, ...] = ()
    outside: str = ""
    desk: str = ""

    def __post_init__(self) -> None:
        if self.start is Level.LOUDSPEAKER:
            raise ValueError("a loudspeaker can be a rung, never the start: nobody would go")


class Routing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A city's routing table."""

    desk: str
    outside: str
    routes: tuple[Route, ...]
    ladder: tuple[Level, ...] = (
        Level.MICRO_GRID,
        Level.GRID,
        Level.COMMUNITY,
        Level.CITY,
        Level.LEADER,
    )


class Roster:
    """A city's units, found by code, by level and area, and by department."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units: Mapping[str, Unit] = {unit.code: unit for unit in units}
        self._serving: dict[tuple[Level, str], list[Unit]] = {}
        for unit in self.units.values():
            self._serving.setdefault((unit.level, unit.area), []).append(unit)

    def serving(self, level: Level, chain: AreaChain | None, lead: str) -> list[Unit]:
        """Return the units that answer for `level` at `chain`, nearest first."""
        if level in TERRITORIAL:
            place = chain[TERRITORIAL.index(level)] if chain else ""
            return self._serving.get((level, place), []) if place else []
        found = [u for p in (*(chain or ()), "") for u in self._serving.get((level, p), ())]
        if level is Level.DEPARTMENT:
            found = [unit for unit in found if lead and unit.department == lead]
        return found


class Call(NamedTuple):
    """One question to the roster: the kind's route, the place's areas, the local hour."""

    route: Route
    chain: AreaChain | None
    minute_of_day: int


class Picked(NamedTuple):
    """Who of one level is sent, None where nobody can be, and why, in words for the story."""

    unit: Unit | None
    why: tuple[str, ...] = ()


class Assignment(NamedTuple):
    """A unit to send, and `passed`: who was passed over on the way, and why it was chosen."""

    unit: Unit
    level: Level
    passed: tuple[str, ...]


def fits(pattern: str, kind: str) -> bool:
    """Say whether `kind` is `pattern`, or starts with it when it ends in "*"."""
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else kind == pattern


def route_of(kind: str, routing: Routing) -> Route:
    """Return the first route that fits `kind`; without one, the lowest level is asked."""
    for route in routing.routes:
        if fits(route.kind, kind):
            return route
    return Route(kind=kind)


def steps(start: Level, routing: Routing) -> tuple[Level, ...]:
    """Return `start` and the levels above it that the ladder names."""
    return (start, *(level for level in routing.ladder if RANK[level] > RANK[start]))


def first_listed(units: Sequence[Unit]) -> Picked:
    """Choose the first of the units of a level."""
    return Picked(units[0])


def assign(
    levels: Sequence[Level],
    call: Call,
    routing: Routing,
    roster: Roster,
    tried: frozenset[str] = frozenset(),
    *,
    pick: Callable[[Sequence[Unit]], Picked] = first_listed,
) -> Assignment | None:
    """Return a unit on duty of the first of `levels` that has one.

    Args:
        levels: Levels to ask, lowest first.
        call: What is asked: kind's route, place, hour. A place outside every
            area asks one desk instead of all territorial levels.
        routing: The city's table, for its desks.
        roster: The city's units.
        tried: Codes of units that are not asked again.
        pick: Chooses among the units of a level that are on duty.

    Returns:
        The unit with the reasons of those passed over; None when nobody is left.
    """
    passed: list[str] = []
    for level in levels:
        mark, units = _candidates(level, call, routing, roster)
        if not units:
            passed.append(f"no-unit:{mark}")
        asked = [unit for unit in units if unit.code not in tried]
        there = [unit for unit in asked if on_duty(unit.duty, call.minute_of_day)]
        picked = pick(there) if there else Picked(None)
        passed += picked.why
        if picked.unit is not None:
            return Assignment(picked.unit, picked.unit.level, tuple(dict.fromkeys(passed)))
        if asked:
            passed.append(f"nobody-to-tell:{mark}")
    return None


def _candidates(
    level: Level, call: Call, routing: Routing, roster: Roster
) -> tuple[str, Sequence[Unit]]:
    """Return the name under which a level is passed over, and its units."""
    if level in TERRITORIAL and call.route.desk in roster.units:
        return "desk", (roster.units[call.route.desk],)
    if call.chain is not None or level not in TERRITORIAL:
        return level.value, roster.serving(level, call.chain, call.route.lead)
    desk = roster.units.get(call.route.outside or routing.outside)
    return "outside", (desk,) if desk else ()


def last_resort(routing: Routing, roster: Roster) -> Assignment:
    """Return the city desk, whatever the hour: `faults` made sure that it exists."""
    desk = roster.units[routing.desk]
    return Assignment(desk, desk.level, ())


def faults(routing: Routing, roster: Roster) -> list[str]:
    """Return what is wrong between the two files, one sentence each; empty is good."""
    found = []
    for name, code in (("desk", routing.desk), ("outside", routing.outside)):
        if code not in roster.units:
            found.append(f"{name} names the unit {code!r}, which units.toml does not have")
    desk = roster.units.get(routing.desk)
    if desk and desk.duty:
        found.append(f"the desk {desk.code!r} has hours of duty; it must always be there")
    departments = {unit.department for unit in roster.units.values() if unit.department}
    for route in routing.routes:
        if route.lead and route.lead not in departments:
            found.append(f"route {route.kind!r}: no unit is of the department {route.lead!r}")
        if not route.lead and Level.DEPARTMENT in (route.start, *route.rungs):
            found.append(f"route {route.kind!r} asks a department but has no `lead`")
        if route.outside and route.outside not in roster.units:
            found.append(f"route {route.kind!r}: outside names no unit: {route.outside!r}")
        if route.desk and route.desk not in roster.units:
            found.append(f"route {route.kind!r}: desk names no unit: {route.desk!r}")
    return found


def _holds(shift: str, minute_of_day: int) -> bool:
    """Say whether "22:00-06:00" holds a minute of the day; start in, end out."""
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in shift.split("-"))
    if start < end:
        return start <= minute_of_day < end
    return minute_of_day >= start or minute_of_day < end
