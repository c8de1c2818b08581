"""`citybrain bench city`: the whole city live, and the highest rate that it holds."""

import asyncio
import tempfile
from pathlib import Path

import click
from rich.console import Console

from deploy.bench import city_report
from deploy.bench.city import Plan, measure
from deploy.broker import EmbeddedBroker
from deploy.errors import Exit
from deploy.options import city_option, report_option, write_report


@click.command()
@click.option(
    "--times",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    default=(1.0, 2.0, 5.0, 10.0, 15.0, 20.0),
    show_default=True,
    help="Rate, as a multiple of the whole city at 1 Hz; may be given again, rising.",
)
@click.option("--seconds", type=click.IntRange(min=15), default=30, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--probes",
    "probes_each_s",
    type=click.FloatRange(min=0, min_open=True, max=50),
    default=5.0,
    show_default=True,
    help="Alarming events a second, of each of four kinds, whose alerts are timed.",
)
@report_option
@city_option
def command(
    *,
    times: tuple[float, ...],
    seconds: int,
    seed: int,
    probes_each_s: float,
    json_file: Path | None,
    city_dir: Path,
) -> None:
    """The whole city at 1 Hz on this machine, then as many times that as it holds.

    9,400 sensors at 1 Hz, 9,700 cameras at 0.1 Hz, 400 vessels, complaints, simulated
    from a seed and sent as the wall clock passes; all agents and Kafka run here. Told
    are event to alert, CPU and memory. 10 x is the load of ten such cities. It ends at
    the first rate that is not held. Exit code 1: the first rate was not.

    Example: citybrain bench city --times 1 --seconds 60
    """
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="citybrain-bench-city-") as name:
        folder = Path(name)
        plan = Plan(city_dir, seed, seconds, sorted(times), probes_each_s)
        node = EmbeddedBroker(folder)
        with node as address:
            running = node.running()
            pid = None if running is None else running.pid
            laps = asyncio.run(measure(plan, address, pid, folder, progress.print))
    click.echo(city_report.as_table(laps))
    for note in city_report.notes(laps):
        click.echo(note)
    if json_file is not None:
        write_report(json_file, city_report.as_json(laps))
    if not laps[0].is_held:
        raise click.exceptions.Exit(Exit.FINDING)
