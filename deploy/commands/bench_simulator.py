"""`citybrain bench simulator`: what the simulated city itself costs, without a broker."""

import time
from collections import Counter
from pathlib import Path

import click

from deploy.options import city_option, open_city
from feeds.simulator.whole import Simulator, rates_at

_START_MS = 1_764_072_000_000  # an evening
_STEP_MS = 250


@click.command()
@click.option("--seconds", type=click.IntRange(min=1), default=60, show_default=True)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@city_option
def command(*, seconds: int, rate: float, city_dir: Path) -> None:
    """Make the whole city's events, throw them away, and tell the CPU that it took.

    Example: citybrain bench simulator --seconds 60
    """
    began_s = time.process_time()
    simulator = Simulator(open_city(city_dir), 1, rates_at(rate))
    built_s = time.process_time() - began_s
    made: Counter[str] = Counter()
    began_s = time.process_time()
    until_ms = _START_MS + seconds * 1000
    for batch in simulator.batches(_START_MS, until_ms, _STEP_MS):
        made.update(record.topic for record in batch)
    spent_s = time.process_time() - began_s
    total = made.total()
    click.echo(f"city and simulator made in {built_s:.1f} CPU s")
    for topic, count in made.most_common():
        click.echo(f"  {topic:24} {count / seconds:10,.1f}/s")
    click.echo(
        f"{total:,} events of {seconds} s in {spent_s:.2f} CPU s: "
        f"{spent_s / total * 1e6:.2f} CPU s per million, {spent_s / seconds:.1%} of a core live"
    )
