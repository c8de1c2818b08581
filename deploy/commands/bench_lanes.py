"""`citybrain bench lanes`: fire alerts while the common lane is overloaded."""

import asyncio
import tempfile
from pathlib import Path

import click

from deploy.bench.lanes import Plan, measure
from deploy.broker import EmbeddedBroker
from deploy.errors import Exit
from deploy.options import city_option

AIM_P99_S = 2.0
"""Of a fire alert, with parking at ten times its load."""


@click.command()
@click.option("--seconds", type=click.IntRange(min=5), default=30, show_default=True)
@click.option(
    "--times",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Parking readings, as a multiple of every bay at 1 Hz.",
)
@click.option(
    "--alarms",
    "alarms_each_s",
    type=click.FloatRange(min=0, min_open=True, max=50),
    default=5.0,
    show_default=True,
    help="Smoke alarms a second, each of another detector.",
)
@city_option
def command(*, seconds: int, times: float, alarms_each_s: float, city_dir: Path) -> None:
    """Time fire alerts while parking readings come at ten times their load.

    Kafka and the workers of both lanes run here. Exit code 1: an alert did not come,
    or one in a hundred took longer than 2 s.

    Example: citybrain bench lanes --seconds 30 --times 10
    """
    with tempfile.TemporaryDirectory(prefix="citybrain-bench-lanes-") as name:
        folder = Path(name)
        with EmbeddedBroker(folder) as address:
            plan = Plan(city_dir, seconds, times, alarms_each_s)
            found = asyncio.run(measure(plan, address, folder, _say))
    click.echo(f"parking readings  {found.parking}, {found.parking / seconds:.0f}/s")
    click.echo(f"fire alarms       {found.alarms}, {found.told} told")
    click.echo(
        f"event to alert    p50 {found.p50_s:.3f} s, p99 {found.p99_s:.3f} s,"
        f" worst {found.worst_s:.3f} s"
    )
    click.echo(f"common lane done  {found.behind_s:.1f} s after the end")
    if found.told < found.alarms or found.p99_s > AIM_P99_S:
        raise click.exceptions.Exit(Exit.FINDING)


def _say(words: str) -> None:
    click.echo(words, err=True)
