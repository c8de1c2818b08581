"""`citybrain bench backtest`: how much faster than the world rules can be tried."""

import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from deploy.backtest import Backtest
from deploy.bench.report import machine
from deploy.options import city_option, open_city
from feeds.recordings import KeyedRecord
from feeds.simulator.whole import Simulator, rates_at
from streams.operator import Send

_BEGIN_MS = 1_764_054_000_000
"""2025-11-25 15:00 in the city: an ordinary afternoon."""

_STEP_MS = 10_000
_MINUTE_MS = 60_000


class _Played:
    """A simulated stretch, and the CPU seconds that making it took."""

    def __init__(self, simulator: Simulator, minutes: int) -> None:
        self._simulator = simulator
        self._end_ms = _BEGIN_MS + minutes * _MINUTE_MS
        self.made_s = 0.0

    def records(self, bar: Progress) -> Iterator[KeyedRecord]:
        """Yield the records in order of time."""
        task = bar.add_task("minutes of the city", total=(self._end_ms - _BEGIN_MS) // _MINUTE_MS)
        for from_ms in range(_BEGIN_MS, self._end_ms, _STEP_MS):
            began_s = time.process_time()
            batch = self._simulator.between(from_ms, min(from_ms + _STEP_MS, self._end_ms))
            self.made_s += time.process_time() - began_s
            yield from batch
            bar.advance(task, _STEP_MS / _MINUTE_MS)


def _drop(_: Send) -> None:
    """Keep nothing of what is sent: `Counts` has counted it."""


@click.command()
@click.option("--minutes", type=click.IntRange(min=1), default=60, show_default=True)
@click.option(
    "--rate",
    "hz",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    help="Reports a second of each sensor; noise monitors always say one a second.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@city_option
def command(*, minutes: int, hz: float, seed: int, city_dir: Path) -> None:
    """A simulated hour of the whole city through every rule, without a broker.

    Tells how many times as fast as the world that is, on one core; making the events
    is not counted.

    Example: citybrain bench backtest --minutes 10
    """
    city = open_city(city_dir)
    played = _Played(Simulator(city, seed, rates_at(hz)), minutes)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        began_s = time.process_time()
        counts = Backtest(city, _drop).run(played.records(bar), drain_s=0)
        spent_s = time.process_time() - began_s - played.made_s
    click.echo(
        f"{minutes} min of the city, {counts.records:,} records, {counts.sent['alerts']:,} alerts:"
        f" {spent_s:.1f} CPU s, {spent_s * 1e6 / counts.records:.1f} a million,"
        f" {minutes * 60 / spent_s:.0f} times as fast as the world"
    )
    click.echo(machine())
