"""`citybrain simulate`: a city of sources, seeded, into the input topics."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import click

from deploy import simulating
from deploy.answering import answer
from deploy.errors import Fault
from deploy.feeding import Pace
from deploy.options import broker_option, city_option, open_city, speed_option
from deploy.pouring import pour
from feeds.people import People
from feeds.simulator.scenarios import SCENARIOS

_PATIENCE_S = 120.0
_LOOK_S = 0.2


def _told(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's
    """Print the scenarios and end, when that is asked."""
    if not asked or ctx.resilient_parsing:
        return
    for scenario in SCENARIOS.values():
        click.echo(f"{scenario.name:20} {scenario.duration_s / 60:5.1f} min  {scenario.title}")
    ctx.exit()


@click.command()
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_told,
    help="Name the scenarios, and end.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all dice.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True, max=1000),
    metavar="HZ",
    help="Reports a second of each sensor of the whole city; cameras and boats a tenth "
    "of it.  [default: 1; with --scenario only a small part of the city plays]",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds of the city's time.  [default: as long as the scenarios, else until Ctrl-C]",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Choice(list(SCENARIOS)),
    metavar="NAME",
    help="A story to play; several are played side by side. See --list.",
)
@speed_option
@click.option(
    "--answer",
    "answers",
    is_flag=True,
    help="Let loudspeakers answer reminders, and crews their orders.",
)
@city_option
@broker_option
def command(
    *,
    seed: int,
    rate: float | None,
    duration: float | None,
    scenarios: tuple[str, ...],
    speed: float | None,
    answers: bool,
    city_dir: Path,
    address: str,
    prefix: str,
) -> None:
    """Publish a simulated city: the calm whole of it, or stories amid a part of it.

    The same seed and times give the same bytes. At a speed other than 1 the
    stretch of time lies in the past and ends about now, for what has not
    happened yet is refused; so it needs an end: --duration, or a scenario. The
    people of a story hear what the agents say, and answer, as much faster.

    \b
    Examples:
      citybrain simulate --rate 1
      citybrain simulate --scenario square-dance-police --answer
      citybrain simulate --scenario fire --scenario gas --speed 10
      citybrain simulate --scenario joint-handling
    """
    if speed != 1 and duration is None and not scenarios:
        raise click.UsageError("--speed other than 1 needs an end: give --duration or --scenario.")
    city = open_city(city_dir)
    rate = 1.0 if rate is None and not scenarios else rate
    now_ms = time.time_ns() // 1_000_000
    plan = simulating.Plan(city, seed, scenarios, rate, now_ms, duration, speed)
    if speed != 1:
        plan = plan._replace(start_ms=now_ms - round(simulating.length_s(plan) * 1000))
    try:
        simulating.stories(plan)
    except ValueError as lacks:
        raise Fault(str(lacks), "Play it with another city, or give this one what it lacks.") from (
            lacks
        )
    sent = asyncio.run(_play(plan, address, prefix, answers=answers))
    click.echo(f"{sent} records sent", err=True)


async def _play(plan: simulating.Plan, address: str, prefix: str, *, answers: bool) -> int:
    """Play until the end, or until Ctrl-C; what was sent is acknowledged either way."""
    over, listening = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, over.set)
    desks = [story.desk for story in simulating.stories(plan)]
    hurry = max(1.0, plan.speed or simulating.HURRY)
    people = People(plan.seed, plan.city.code, desks, crews=answers, hurry=hurry)
    sent = 0
    try:
        async with asyncio.TaskGroup() as group:
            if answers or not people.is_done:
                group.create_task(answer(address, prefix, people, over, listening))
                await listening.wait()
            for batches in simulating.acts(plan):
                sent += await pour(
                    address,
                    batches,
                    Pace(plan.speed),
                    prefix=prefix,
                    over=over,
                    progress=_progress,
                )
            await _finished(people, over)
            if answers and not over.is_set():
                click.echo("played; answers go on until Ctrl-C", err=True)
            elif not answers:
                over.set()
    except* Fault as faults:
        raise faults.exceptions[0] from None
    return sent


async def _finished(people: People, over: asyncio.Event) -> None:
    """Wait until the people of the stories have said all.

    Raises:
        Fault: They wait for something that does not come.
    """
    given_up_s = time.monotonic() + _PATIENCE_S
    while not people.is_done and not over.is_set():
        if time.monotonic() > given_up_s:
            left = people.waiting
            raise Fault(
                f"{len(left)} steps of the stories' people were not due, first: {left[0]}",
                "They wait for what the agents say: does `citybrain worker` run on this Kafka?",
            )
        await asyncio.sleep(_LOOK_S)


def _progress(sent: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{sent:,} records")
        sys.stderr.flush()
