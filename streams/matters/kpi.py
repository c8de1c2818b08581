"""How units and areas do, counted from what cases say of themselves.

A case is counted by its newest record, so neither order nor doubles matter, and
the live figures are those that anybody counts again from the log. It counts for the
local month in which the city could know of it; a unit's figures on the topic are
those of its newest month.

A department of several crews has the figures of all of them under its own name, beside
each crew's. Who answers for which promise: `respond`, `order` and `depart` for the unit that was
asked first, `on-site` for the one that owns the case.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import msgspec

from schemas.cases import CaseRecord
from schemas.dispatch import CaseState, Clock
from schemas.ids import uuid5
from schemas.kpi import ClockScore, Kpi
from streams.matters.proof import SENSOR
from streams.matters.routing import RANK, Level

SOURCE = "citybrain.kpi"
AREA, WHOLE_DEPARTMENT = "area", "whole-department"
TARGET_SHARE = 0.9
"""At least nine of ten incidents are to end at community level."""

_OVER = frozenset({CaseState.CLOSED, CaseState.FALSE_ALARM})
Period: TypeAlias = Callable[[int], str]
"""The local month, `2026-05`, of an instant in ms."""
DepartmentOf: TypeAlias = Callable[[str], str]
"""The department of a unit by its code, "" for none."""


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """A unit's share in a case: an area's, and a department's, has a level of its own."""

    code: str
    level: str
    name: str
    returns: int
    clocks: tuple[tuple[str, bool], ...]


class Scored(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one case adds to figures.

    Attributes:
        revision: Of the newest record; -1 while only a loudspeaker is known of it.
        reminders: Ids of the calls to a loudspeaker about it.
        went: Somebody was sent.
        quiet: A sensor says that it is over.
    """

    revision: int = -1
    period: str = ""
    at_ms: int = 0
    ended: bool = False
    at_community: bool = False
    went: bool = False
    quiet: bool = False
    reopens: int = 0
    units: tuple[Unit, ...] = ()
    reminders: tuple[str, ...] = ()


class Key(NamedTuple):
    """Whose figures, of which month."""

    code: str
    period: str


def scored(
    record: CaseRecord,
    before: Scored | None,
    city: str,
    period: Period,
    department_of: DepartmentOf,
) -> Scored:
    """Return what a case adds now; `before` where `record` is no newer."""
    before = before or Scored()
    if record.revision <= before.revision:
        return before
    ended = record.state in _OVER
    return Scored(
        revision=record.revision,
        period=period(record.created_time_ms),
        at_ms=record.event_time_ms,
        ended=ended,
        at_community=ended and stayed_at_community(record),
        went=bool(record.orders),
        quiet=record.verified == SENSOR,
        reopens=record.lives - 1,
        units=(
            *_units(record),
            *_departments(_units(record), department_of),
            *_areas(record, city),
        ),
        reminders=before.reminders,
    )


def stayed_at_community(record: CaseRecord) -> bool:
    """Say whether nobody above a community was asked for this life of a case."""
    ranks = [RANK[Level(one.level)] for one in record.orders]
    return max(ranks, default=0) <= RANK[Level.COMMUNITY]


def reminded(before: Scored | None, reminder_id: str) -> Scored:
    """Return what a case adds once its loudspeaker has been asked to speak."""
    before = before or Scored()
    if reminder_id in before.reminders:
        return before
    return msgspec.structs.replace(before, reminders=(*before.reminders, reminder_id))


class Figures:
    """Counts by unit and month, kept up while cases change."""

    def __init__(self) -> None:
        self._counts: dict[Key, Counter[str]] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._newest: dict[str, str] = {}
        self._at_ms: dict[Key, int] = {}

    def move(self, before: Scored | None, after: Scored) -> set[str]:
        """Count `after` in place of `before`; return the units whose figures moved."""
        moved = set()
        if before is not None:
            moved |= self._count(before, -1)
        return moved | self._count(after, 1)

    def of(self, code: str) -> Kpi:
        """Return a unit's figures of its newest month."""
        key = Key(code, self._newest[code])
        level, name = self._names[code]
        counts = self._counts[key]
        ended = counts["ended"]
        return Kpi(
            source=SOURCE,
            kind="kpi",
            subject=code,
            event_time_ms=self._at_ms[key],
            id=uuid5("kpi", *key, *(f"{k}={n}" for k, n in sorted(counts.items()) if n)),
            level=level,
            unit_name=name,
            period=key.period,
            cases=counts["cases"],
            ended=ended,
            ended_at_community=counts["at_community"],
            share_at_community=round(counts["at_community"] / ended, 4) if ended else None,
            target=TARGET_SHARE,
            clocks=tuple(
                ClockScore(clock.value, counts[f"due {clock}"], counts[f"kept {clock}"])
                for clock in Clock
                if counts[f"due {clock}"]
            ),
            returns=counts["returns"],
            reopens=counts["reopens"],
            reminders=counts["reminders"],
            reminders_worked=counts["worked"],
        )

    def _count(self, case: Scored, sign: int) -> set[str]:
        for unit in case.units:
            key = Key(unit.code, case.period)
            counts = self._counts.setdefault(key, Counter())
            counts["cases"] += sign
            counts["ended"] += sign * case.ended
            counts["at_community"] += sign * case.at_community
            counts["returns"] += sign * unit.returns
            counts["reopens"] += sign * case.reopens
            for clock, kept in unit.clocks:
                counts[f"due {clock}"] += sign
                counts[f"kept {clock}"] += sign * kept
            if unit.level == AREA:
                counts["reminders"] += sign * len(case.reminders)
                worked = bool(case.reminders) and case.ended and case.quiet and not case.went
                counts["worked"] += sign * worked
            self._names[unit.code] = (unit.level, unit.name)
            self._newest[unit.code] = max(self._newest.get(unit.code, ""), case.period)
            self._at_ms[key] = max(self._at_ms.get(key, 0), case.at_ms)
        return {unit.code for unit in case.units}


def counted(cases: Iterable[Scored]) -> Mapping[str, Kpi]:
    """Return the figures of all units, counted anew."""
    figures = Figures()
    codes: set[str] = set()
    for case in cases:
        codes |= figures.move(None, case)
    return {code: figures.of(code) for code in sorted(codes)}


def _units(record: CaseRecord) -> Iterable[Unit]:
    """Give the units of a case, each once, in the order in which they were asked."""
    if not record.orders:
        return
    decided = _decided(record)
    first, owner = record.orders[0].unit, record.unit or record.orders[-1].unit
    seen: dict[str, list[str]] = {}
    for one in record.orders:
        seen.setdefault(one.unit, []).append(one.state)
    about = {one.unit: one for one in record.orders}
    for code, states in seen.items():
        clocks = tuple(
            (clock, kept)
            for clock, kept in decided
            if code == (owner if clock == Clock.ON_SITE else first)
        )
        returns = states.count(CaseState.RETURNED)
        yield Unit(code, about[code].level, about[code].unit_name, returns, clocks)


def _departments(units: Iterable[Unit], department_of: DepartmentOf) -> Iterable[Unit]:
    """Give the departments of those who were asked, each once, with the sum of its crews."""
    crews: dict[str, list[Unit]] = {}
    for unit in units:
        if name := department_of(unit.code):
            crews.setdefault(name, []).append(unit)
    for name, asked in crews.items():
        returns = sum(crew.returns for crew in asked)
        clocks = tuple(clock for crew in asked for clock in crew.clocks)
        yield Unit(name, WHOLE_DEPARTMENT, "", returns, clocks)


def _areas(record: CaseRecord, city: str) -> Iterable[Unit]:
    decided = _decided(record)
    for code in dict.fromkeys((record.community, city)):
        if code:
            yield Unit(code, AREA, "", record.returns, decided)


def _decided(record: CaseRecord) -> tuple[tuple[str, bool], ...]:
    """Return the promises that are kept or broken, not those that still run."""
    return tuple(
        (one.clock.value, one.clock not in record.breaches)
        for one in record.clocks
        if one.stopped_time_ms is not None or one.clock in record.breaches
    )
