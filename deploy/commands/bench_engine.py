"""`citybrain bench engine`: the engine beside stock Faust and a bare loop."""

import asyncio
import tempfile
from pathlib import Path

import click
from rich.console import Console

from deploy.bench import report
from deploy.bench.engine import Contestant, Plan, kafka, measure
from deploy.bench.workload import Workload
from deploy.errors import Exit
from deploy.options import own_kafka_option, report_option, write_report


@click.command()
@click.option("--events", type=click.IntRange(min=1), default=2_000_000, show_default=True)
@click.option("--devices", type=click.IntRange(min=1), default=9_400, show_default=True)
@click.option(
    "--contestant",
    "names",
    multiple=True,
    type=click.Choice([str(name) for name in Contestant]),
    help="Only this one; may be given again. [default: all]",
)
@click.option(
    "--faust-events",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Stock Faust gets no more than these, and its figures are scaled.",
)
@report_option
@own_kafka_option
def command(
    *,
    events: int,
    devices: int,
    names: tuple[str, ...],
    faust_events: int,
    json_file: Path | None,
    broker: str | None,
) -> None:
    """Decode, geofence among 484 grids, threshold with state: events per second.

    The same seeded readings go to the engine, to stock Faust and to a bare loop,
    each in a process of its own, on real Kafka. CPU seconds per million events
    are the figure to trust on a busy machine. Exit code 1: a count is wrong.

    Example: citybrain bench engine --events 200000 --contestant ours
    """
    chosen = [Contestant(name) for name in dict.fromkeys(names)] or list(Contestant)
    plan = Plan(chosen, Workload(events, devices), faust_events)
    progress = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-bench-kafka-") as folder,
        kafka(broker, Path(folder)) as address,
    ):
        results = asyncio.run(measure(plan, address, progress.print))
    click.echo(report.as_table(plan, results))
    for note in report.notes(plan, results):
        click.echo(note)
    if json_file is not None:
        write_report(json_file, report.as_json(plan, results))
    if not all(result.is_right for result in results):
        raise click.exceptions.Exit(Exit.FINDING)
