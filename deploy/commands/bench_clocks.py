"""`citybrain bench clocks`: thousands of open cases on one worker."""

import tempfile
from pathlib import Path

import click
from rich.console import Console

from deploy.bench import clocks
from deploy.errors import Exit
from deploy.options import own_kafka_option, report_option, write_report


@click.command()
@click.option("--cases", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option(
    "--spread",
    "spread_s",
    type=click.IntRange(min=5),
    default=90,
    show_default=True,
    help="They open within so many seconds.",
)
@report_option
@own_kafka_option
def command(*, cases: int, spread_s: int, json_file: Path | None, broker: str | None) -> None:
    """Deadlines told late by how much, and how fast a killed worker has its clocks again.

    Lateness is the broker's time of the breach on case.events minus its deadline.
    Exit code 1: a breach was lost, or told under two ids, or later than 1 s at p99, or
    the worker took 10 s or more to come back. It runs for six minutes, and needs a core
    for the worker: on a machine that is busy with other work look at its CPU seconds.

    Example: citybrain bench clocks --cases 1000 --spread 20
    """
    course = clocks.course_of(cases, spread_s)
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="citybrain-bench-clocks-") as folder:
        result = clocks.measure(course, broker, Path(folder), progress.print)
    click.echo(clocks.as_table(result))
    if json_file is not None:
        told = {
            "course": course._asdict(),
            "lateness": [one._asdict() for one in result.lateness],
            "recovered_s": result.recovered_s,
            "state_s": result.state_s,
            "cpu_s": result.cpu_s,
            "repeated": result.repeated,
            "right": result.is_right,
        }
        write_report(json_file, told)
    if not result.is_right:
        raise click.exceptions.Exit(Exit.FINDING)
