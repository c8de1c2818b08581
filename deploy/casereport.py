"""The report of a span of time: read from Kafka, shown as tables, written as JSON."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import click
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from deploy import topic_reader
from deploy.casestory import CLOCKS, SPENT_ZH, minutes
from deploy.errors import Fault
from deploy.render import CITY_ZONE, local_time
from schemas.cases import CaseRecord
from schemas.codec import decode
from schemas.dispatch import Clock
from schemas.envelope import Envelope
from schemas.instants import format_instant
from schemas.refused import Refused
from schemas.topics import CASE_EVENTS, CASES_LATEST
from streams.matters.course import Stage, Stories
from streams.matters.kpi import TARGET_SHARE
from streams.matters.report import PERCENTS, Promised, Row, Summary, grouped, summary

_WIDE: Final = 120
_R = TypeVar("_R", bound=Envelope)
Watch = Callable[[int], None]
"""Told how many steps of the log were read."""

_STAGES_ZH: Final[Mapping[Stage, str]] = {
    Stage.RESPOND: "响应",
    Stage.ORDER: "派单",
    Stage.DEPART: "出发",
    Stage.ON_SITE: "到场",
    Stage.HANDLED: "处置",
    Stage.WHOLE: "全程",
}
BY: Final[Mapping[str, Callable[[CaseRecord], str]]] = {
    "community": lambda record: record.community or "-",
    "kind": lambda record: record.incident_kind,
    "hour": lambda record: f"{_local(record.created_time_ms).hour:02}",
    "department": lambda record: record.department or "-",
}
"""What a case is counted under; the hour is the city's, in which it could know of it."""


class Span(NamedTuple):
    """From an instant up to another, not including it; None is now."""

    from_ms: int
    until_ms: int | None

    def has(self, at_ms: int) -> bool:
        """Say whether an instant is in it."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)

    def __str__(self) -> str:
        until = "now" if self.until_ms is None else local_time(format_instant(self.until_ms))
        return f"{local_time(format_instant(self.from_ms))} to {until}"


class Report(NamedTuple):
    """The figures of a span: of all cases, and of groups; and what is not counted.

    Attributes:
        left_out: Cases whose story in the log is not whole, as it was written.
    """

    span: Span
    whole: Summary
    groups: Mapping[str, Mapping[str, Summary]]
    left_out: list[str]


async def read(
    address: str, prefix: str, span: Span, by: list[str], watch: Watch = lambda _read: None
) -> Report:
    """Return the report of the cases of a span, by when the city could know of them.

    Args:
        address: Kafka.
        prefix: Of its topics.
        span: Which cases.
        by: Names of `BY`.
        watch: Told of the progress, for the log is read from its beginning.
    """
    records = await _records(address, prefix + CASES_LATEST, span)
    stories, count = Stories(records), 0
    reader = topic_reader.read(address, [prefix + CASE_EVENTS], from_beginning=True, until_end=True)
    async with aclosing(reader):
        async for batch in reader:
            stories.take(one.value for one in batch if one.value is not None)
            count += len(batch)
            watch(count)
    rows, left_out = [], []
    for case_id, record in records.items():
        course = stories.course(case_id)
        if course is None:
            left_out.append(case_id)
        else:
            rows.append(Row(record, course))
    groups = {name: grouped((BY[name](row.record), row) for row in rows) for name in by}
    return Report(span, summary(rows), groups, sorted(left_out))


async def each(address: str, topic: str, cls: type[_R]) -> AsyncIterator[_R]:
    """Give all records of a topic, as its contract says them.

    Raises:
        Fault: One is none.
    """
    reader = topic_reader.read(address, [topic], from_beginning=True, until_end=True)
    async with aclosing(reader):
        async for batch in reader:
            for one in batch:
                if one.value is None:
                    continue
                try:
                    yield decode(cls, one.value)
                except Refused as refused:
                    where = f"{topic}/{one.partition}@{one.offset}"
                    raise Fault(
                        f"{where} is no {cls.__name__}: {refused.hint}",
                        "Does another version of the agents write here? Read with theirs.",
                    ) from None


async def _records(address: str, topic: str, span: Span) -> dict[str, CaseRecord]:
    newest = {one.case_id: one async for one in each(address, topic, CaseRecord)}
    return {key: one for key, one in newest.items() if span.has(one.created_time_ms)}


def instant(_ctx: click.Context, _param: click.Parameter, given: str | None) -> int | None:
    """Read a day of the city, or an instant in RFC 3339, as ms."""
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise click.BadParameter(
            f"{given!r}: write a day as 2026-05-01, or an instant as 2026-05-01T20:30+08:00"
        ) from None
    return round((at if at.tzinfo else at.replace(tzinfo=CITY_ZONE)).timestamp() * 1000)


def month_of(now_ms: int) -> int:
    """Return when the month of an instant began, in the city's time."""
    first = _local(now_ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return round(first.timestamp() * 1000)


def console() -> Console:
    """Return where tables go: as wide as the terminal, or wide enough in a file."""
    here = Console()
    return here if here.is_terminal else Console(width=_WIDE)


def tables(report: Report) -> Iterator[RenderableType]:
    """Give the report as people read it."""
    yield from _head(report)
    whole = report.whole
    if whole.stages:
        stages = _table("stage 阶段", "cases", *(f"p{percent}" for percent in PERCENTS))
        for stage, took in whole.stages.items():
            times = [minutes(took.percentiles_ms[percent]) for percent in PERCENTS]
            stages.add_row(f"{_STAGES_ZH[stage]} {stage}", str(took.cases), *times)
        yield stages
    if whole.promises["all"].due:
        promises = _table("promise 时限", "due", "broken", "share")
        for name, one in whole.promises.items():
            zh = CLOCKS.get(name, "合计")
            promises.add_row(f"{zh} {name}", str(one.due), str(one.broken), _percent(one.share))
        yield promises
    if whole.spent:
        parts = [f"{SPENT_ZH[name]} {name} {_percent(one)}" for name, one in whole.spent.items()]
        yield f"用时 spent  {' · '.join(parts)}"
    for by, groups in report.groups.items():
        yield _groups(by, groups)


def as_json(report: Report, city: str) -> dict[str, Any]:
    """Return the report as data: times in ms, shares from 0 to 1."""
    until_ms = report.span.until_ms
    return {
        "city": city,
        "from": format_instant(report.span.from_ms),
        "until": None if until_ms is None else format_instant(until_ms),
        **_figures(report.whole),
        "by": {
            by: [{"name": name, **_figures(one)} for name, one in groups.items()]
            for by, groups in report.groups.items()
        },
        "left_out": report.left_out,
    }


def _head(report: Report) -> Iterator[str]:
    whole = report.whole
    yield f"{whole.cases} cases of {report.span}, {whole.ended} ended"
    if whole.ended:
        share = f"{_percent(whole.share_at_community)} ended at community level"
        more = f"{whole.returns} returns · {whole.reopens} taken up again"
        yield f"{share} (target {TARGET_SHARE:.0%}) · {more}"
    if report.left_out:
        some = ", ".join(one[:13] for one in report.left_out[:3])
        yield (
            f"{len(report.left_out)} cases are left out, for their story in the log is not whole: "
            f"{some} …\n  See what is wrong: citybrain case verify"
        )


def _groups(by: str, groups: Mapping[str, Summary]) -> Table:
    """Return a line a group: how many of its promises were broken."""
    table = _table(by, "cases", "due", "broken", "share", *Clock, "whole p50", "p90")
    for name, one in _worst_first(groups) if by != "hour" else groups.items():
        every = one.promises["all"]
        clocks = [_share(one.promises[clock]) for clock in Clock]
        took = one.stages.get(Stage.WHOLE)
        times = [minutes(took.percentiles_ms[percent]) if took else "-" for percent in (50, 90)]
        counts = (str(one.cases), str(every.due), str(every.broken), _percent(every.share))
        table.add_row(name, *counts, *clocks, *times)
    return table


def _worst_first(groups: Mapping[str, Summary]) -> list[tuple[str, Summary]]:
    return sorted(groups.items(), key=lambda one: (-(one[1].promises["all"].share or 0.0), one[0]))


def _figures(one: Summary) -> dict[str, Any]:
    return {
        "cases": one.cases,
        "ended": one.ended,
        "ended_at_community": one.ended_at_community,
        "share_at_community": one.share_at_community,
        "returns": one.returns,
        "reopens": one.reopens,
        "promises": {
            name: {"due": said.due, "broken": said.broken, "share": said.share}
            for name, said in one.promises.items()
        },
        "stages": {
            stage.value: {
                "cases": took.cases,
                **{f"p{percent}_ms": ms for percent, ms in took.percentiles_ms.items()},
            }
            for stage, took in one.stages.items()
        },
        "spent": {name: round(share, 4) for name, share in one.spent.items()},
    }


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _share(one: Promised) -> str:
    return f"{one.broken}/{one.due}" if one.due else "-"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, CITY_ZONE)
