"""`citybrain bench`: how fast this is on this machine. One module a benchmark."""

from collections.abc import Mapping
from typing import Final

import click

from deploy.lazy import LazyGroup

# name -> what it measures; its module is deploy/commands/bench_<name>.py.
BENCHMARKS: Final[Mapping[str, str]] = {
    "simulator": "What the simulated city itself costs.",
    "engine": "The engine beside stock Faust and a bare loop, on real Kafka.",
    "backtest": "A simulated hour of the whole city through every rule, without a broker.",
    "city": "The whole city live: event to alert, CPU, memory; the highest rate it holds.",
    "lanes": "Fire alerts while parking readings come at ten times their load.",
    "screens": "From an event to fifty screens, with the whole city talking.",
    "intake": "The doors: events a second, and the time to Kafka's acknowledgement.",
    "clocks": "Ten thousand open cases with four clocks each, on one worker.",
}


@click.group(cls=LazyGroup, members=BENCHMARKS, stem="bench_")
def command() -> None:
    """Measure this system on this machine."""
