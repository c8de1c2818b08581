"""`citybrain faults`: break it on purpose, and look at what became of it."""

import asyncio
import tempfile
import uuid
from pathlib import Path

import click
from rich.console import Console

from deploy.bench.engine import kafka
from deploy.errors import Exit
from deploy.faults import report
from deploy.faults import scenarios as stories
from deploy.faults.fleet import Place
from deploy.faults.kill import Plan, run
from deploy.faults.scenarios import acts
from deploy.options import city_option, own_kafka_option, report_option, write_report
from feeds.simulator.scenarios import SCENARIOS


@click.group()
def command() -> None:
    """Break the agents on purpose, and compare with a run that nobody broke."""


@command.command()
@click.option(
    "--times", type=click.IntRange(min=0), default=20, show_default=True, help="How many kills."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of load, moments, victims.")
@click.option(
    "--minutes",
    type=click.IntRange(min=20),
    default=24,
    show_default=True,
    help="Length of the load in event time.",
)
@click.option(
    "--rate", type=click.IntRange(min=1), default=1_000, show_default=True, help="Records a second."
)
@report_option
@own_kafka_option
@city_option
def kill(
    *,
    times: int,
    seed: int,
    minutes: int,
    rate: int,
    json_file: Path | None,
    broker: str | None,
    city_dir: Path,
) -> None:
    """Kill -9 agents at random under load: nothing may be lost or doubled.

    A seeded load goes through all agents, each a process of its own, on real
    Kafka. The alerts, incidents and first orders that come out are compared
    with those of the same load through the same rules without a broker. Exit
    code 1: something was lost, doubled, or is strange to that run.

    Example: citybrain faults kill --times 20 --seed 1
    """
    plan = Plan(seed, times, minutes, rate, city_dir)
    console, progress = Console(), Console(stderr=True, highlight=False)
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-faults-") as folder,
        kafka(broker, Path(folder)) as address,
    ):
        place = Place(address, f"faults-{uuid.uuid4().hex[:8]}-", Path(folder) / "agents", city_dir)
        result = asyncio.run(run(plan, place, progress.print))
    console.print(report.as_table(result))
    for sentence in report.sentences(plan, result):
        console.print(sentence, soft_wrap=True, highlight=False)
    if json_file is not None:
        write_report(json_file, report.figures(plan, result))
    if not result.is_right:
        raise click.exceptions.Exit(Exit.FINDING)


@command.command()
@click.option(
    "--scenario",
    "names",
    multiple=True,
    type=click.Choice(list(SCENARIOS)),
    metavar="NAME",
    help="A story; may be given again.  [default: all]",
)
@click.option(
    "--outage",
    "outage_s",
    type=click.FloatRange(min=0),
    default=180.0,
    show_default=True,
    metavar="S",
    help="How long no worker runs.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all dice.")
@click.option(
    "--speed",
    type=click.FloatRange(min=1),
    default=20.0,
    show_default=True,
    help="How many times as fast as the world; people hurry as much.",
)
@own_kafka_option
@city_option
def scenarios(
    *,
    names: tuple[str, ...],
    outage_s: float,
    seed: int,
    speed: float,
    broker: str | None,
    city_dir: Path,
) -> None:
    """Kill -9 all agents in the middle of stories, stay away, compare the ends.

    Each story is played undisturbed, then again: every agent is killed at a
    quarter, all at once in the middle, and none runs for --outage. Alerts,
    incidents, cases and orders are to end alike; a promise that broke meanwhile
    is to be told once, and as found late. Stories are played side by side, but
    for moratorium, typhoon-switch, and feed-outage, which takes twice 21 minutes
    at any --speed. Exit code 1: an end differs.

    \b
    Examples:
      citybrain faults scenarios --scenario city-task --outage 20
      citybrain faults scenarios
    """
    console, progress = Console(), Console(stderr=True, highlight=False)
    is_right = True
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-faults-") as folder,
        kafka(broker, Path(folder)) as address,
    ):
        for act, pace in acts(names or tuple(SCENARIOS), speed):
            plan = stories.Plan(act, seed, outage_s, pace, city=city_dir)
            mark = uuid.uuid4().hex[:8]
            calm, broken = (
                Place(address, f"{way}-{mark}-", Path(folder) / mark / way, city_dir)
                for way in ("calm", "broken")
            )
            verdict = asyncio.run(stories.run(plan, (calm, broken), progress.print))
            console.print(report.ends_as_table(", ".join(act), verdict))
            for fault in verdict.faults:
                console.print(fault, soft_wrap=True, highlight=False)
            is_right &= verdict.is_right
    if not is_right:
        raise click.exceptions.Exit(Exit.FINDING)
