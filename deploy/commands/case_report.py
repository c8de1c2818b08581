"""`citybrain case report`: how a span of time went, counted again from the log."""

import asyncio
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn

from deploy import casereport
from deploy.options import broker_option, city_option, open_city, report_option, write_report


@click.command("report")
@click.option(
    "--from",
    "from_ms",
    callback=casereport.instant,
    metavar="DAY|TIME",
    help="Cases known from then on.  [default: the first of this month]",
)
@click.option(
    "--until",
    "until_ms",
    callback=casereport.instant,
    metavar="DAY|TIME",
    help="And before then; a day itself is not in it.  [default: now]",
)
@click.option(
    "--by",
    type=click.Choice(list(casereport.BY)),
    multiple=True,
    help="A table more; may be given again.",
)
@report_option
@city_option
@broker_option
def command(
    *,
    from_ms: int | None,
    until_ms: int | None,
    by: tuple[str, ...],
    json_file: Path | None,
    city_dir: Path,
    address: str,
    prefix: str,
) -> None:
    """Count promises, stages and time from the log of all cases.

    Percentiles are exact: p90 is the shortest time that nine of ten cases did not
    exceed. Days and hours are the city's. A case counts when the city could know of
    it; only stories that are whole, as they were written, are counted.

    \b
    Example: citybrain case report
             citybrain case report --by community --by hour
             citybrain case report --from 2026-05-01 --until 2026-06-01 --json may.json
    """
    if from_ms is None:
        from_ms = casereport.month_of(time.time_ns() // 1_000_000)
    if until_ms is not None and until_ms <= from_ms:
        raise click.UsageError("--until is to be later than --from")
    span = casereport.Span(from_ms, until_ms)
    city = open_city(city_dir).code
    said = TextColumn("reading the log of cases: {task.completed:,.0f} steps")
    told = Console(stderr=True)
    with Progress(said, console=told, transient=True, disable=not told.is_terminal) as progress:
        task = progress.add_task("", total=None)
        report = asyncio.run(
            casereport.read(
                address,
                prefix,
                span,
                list(dict.fromkeys(by)),
                lambda count: progress.update(task, completed=count),
            )
        )
    if json_file is not None:
        write_report(json_file, casereport.as_json(report, city))
    console = casereport.console()
    for table in casereport.tables(report):
        console.print(table, highlight=False, markup=False)
