"""What a span of time looks like: promises broken, how long stages took, where time went.

Made of the courses of cases, which are read from the log; what `kpi` says live must
come out of it again. Percentiles are exact, by nearest rank: pN is the shortest time
that at least N % of the cases did not exceed. It is always the time of a real case.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.cases import CaseRecord
from schemas.dispatch import Clock
from streams.matters.course import Course, Stage
from streams.matters.kpi import stayed_at_community

PERCENTS = (50, 90, 99)
SPENT = ("machine", "queue", "person", "travel")


class Row(NamedTuple):
    """One case of the report: its record, and how it went."""

    record: CaseRecord
    course: Course


class Promised(NamedTuple):
    """One promise: how often it was decided, and how often it was broken."""

    due: int
    broken: int

    @property
    def share(self) -> float | None:
        """The share that was broken; None where none was due."""
        return round(self.broken / self.due, 4) if self.due else None


class Took(NamedTuple):
    """One stage: how many cases have come through it, and percentiles in ms."""

    cases: int
    percentiles_ms: Mapping[int, int]


class Summary(NamedTuple):
    """Figures of some cases.

    Attributes:
        cases, ended, ended_at_community: How many; the last without department, city
            or leader.
        returns, reopens: Orders handed back; cases that came back after their end.
        promises: The four, and `all`, their sum.
        stages: Those that any case has come through.
        spent_ms: What the time of the ended cases was spent on, in ms, summed up.
    """

    cases: int
    ended: int
    ended_at_community: int
    returns: int
    reopens: int
    promises: Mapping[str, Promised]
    stages: Mapping[Stage, Took]
    spent_ms: Mapping[str, int]

    @property
    def share_at_community(self) -> float | None:
        """The share of the ended that ended at community level."""
        return round(self.ended_at_community / self.ended, 4) if self.ended else None

    @property
    def spent(self) -> Mapping[str, float]:
        """Shares of the time, which add up to one; empty where no time was spent."""
        total_ms = sum(self.spent_ms.values())
        return {name: ms / total_ms for name, ms in self.spent_ms.items()} if total_ms else {}


def summary(rows: Sequence[Row]) -> Summary:
    """Return the figures of `rows`, in whatever order they are."""
    promises = {clock.value: _promised(rows, clock) for clock in Clock}
    whole = Promised(
        sum(one.due for one in promises.values()), sum(one.broken for one in promises.values())
    )
    took = {stage: _took(rows, stage) for stage in Stage}
    ended = [row for row in rows if row.course.ended]
    spent = [row.course.spent for row in rows if row.course.spent is not None]
    return Summary(
        cases=len(rows),
        ended=len(ended),
        ended_at_community=sum(stayed_at_community(row.record) for row in ended),
        returns=sum(row.course.returns for row in rows),
        reopens=sum(row.course.reopens for row in rows),
        promises={**promises, "all": whole},
        stages={stage: one for stage, one in took.items() if one.cases},
        spent_ms={name: sum(getattr(one, f"{name}_ms") for one in spent) for name in SPENT},
    )


def grouped(rows: Iterable[tuple[str, Row]]) -> dict[str, Summary]:
    """Return the figures of each group of (name, row) pairs, by name."""
    groups: dict[str, list[Row]] = {}
    for name, row in rows:
        groups.setdefault(name, []).append(row)
    return {name: summary(groups[name]) for name in sorted(groups)}


def percentile(sorted_ms: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile of at least one value, in rising order."""
    rank = -(-percent * len(sorted_ms) // 100)  # rounded up
    return sorted_ms[max(rank, 1) - 1]


def _promised(rows: Sequence[Row], clock: Clock) -> Promised:
    kept = [row.course.kept[clock] for row in rows if clock in row.course.kept]
    return Promised(len(kept), kept.count(False))


def _took(rows: Sequence[Row], stage: Stage) -> Took:
    times = sorted(row.course.took_ms[stage] for row in rows if stage in row.course.took_ms)
    if not times:
        return Took(0, {})
    return Took(len(times), {percent: percentile(times, percent) for percent in PERCENTS})
