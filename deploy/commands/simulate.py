"""`citybrain simulate`: a city of sources, seeded, into the input topics."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import click

from deploy import simulating, vias
from deploy.answering import answer
from deploy.errors import Fault, ungrouped
from deploy.feeding import Pace
from deploy.options import (
    MAYBE_NO_BROKER,
    broker_option,
    city_option,
    embedded_address,
    open_city,
    speed_option,
)
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


def _vias(ctx: click.Context, _param: click.Parameter, urls: tuple[str, ...]) -> tuple[str, ...]:
    """Look at the addresses of the doors; with doors, Kafka need not be in reach."""
    for url in urls:
        try:
            vias.check(url)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    ctx.meta[MAYBE_NO_BROKER] = bool(urls)
    return urls


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
@click.option(
    "--via",
    "urls",
    multiple=True,
    is_eager=True,
    callback=_vias,
    metavar="URL",
    help="A door to go through instead of straight to Kafka; may be given several times: "
    "http://HOST:PORT (all but NMEA), mqtt://[USER@]HOST:PORT (readings; mqtts:// with TLS), "
    "tcp://HOST:PORT or udp://HOST:PORT (NMEA). What several carry goes by the first; what none "
    "carries is left out.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File that holds the key of the HTTP door.  [default: the key is in CITYBRAIN_KEY]",
)
@city_option
@broker_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    seed: int,
    rate: float | None,
    duration: float | None,
    scenarios: tuple[str, ...],
    speed: float | None,
    answers: bool,
    urls: tuple[str, ...],
    key_file: Path | None,
    city_dir: Path,
    address: str,
    prefix: str,
) -> None:
    """Publish a simulated city: the calm whole of it, or stories amid a part of it.

    The same seed and times give the same bytes. At a speed other than 1 the
    stretch of time lies in the past and ends about now, for what has not
    happened yet is refused; so it needs an end: --duration, or a scenario. The
    people of a story hear what the agents say, and answer, as much faster; they
    do so on Kafka, with --via too.

    \b
    The HTTP door wants a key, and one must do for all sources that are played:
      export CITYBRAIN_KEY=$(citybrain keys new --label simulator --source iot \\
        --source noise --source cameras --source beidou --source hotline)

    \b
    Examples:
      citybrain simulate --rate 1
      citybrain simulate --scenario square-dance-police --answer
      citybrain simulate --scenario fire --scenario gas --speed 10
      citybrain simulate --scenario joint-handling
      citybrain simulate --scenario fire --via http://127.0.0.1:8087
      citybrain simulate --via mqtt://127.0.0.1:1883 --via tcp://127.0.0.1:10110
      CITYBRAIN_MQTT_PASSWORD=… citybrain simulate --via mqtts://sim@broker.example:8883
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
    ways = _ways(urls, key_file, plan) if urls else None
    has_people = answers or any(story.desk.steps for story in simulating.stories(plan))
    if not address and has_people:
        address = embedded_address(ctx)
    sent = asyncio.run(_play(plan, address, prefix, ways, answers=answers))
    for line in ways.told() if ways is not None else [f"{sent} records sent"]:
        click.echo(line, err=True)


def _ways(urls: tuple[str, ...], key_file: Path | None, plan: simulating.Plan) -> vias.Ways:
    """Return the ways through the doors, and say what goes by which.

    Raises:
        click.UsageError: There is no key, or a door too many.
        Fault: The file of the key cannot be read.
    """
    key = os.environ.get("CITYBRAIN_KEY", "")
    if key_file is not None:
        try:
            key = key_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Fault(f"The key in {key_file} cannot be read: {error}") from None
    if not key and any(vias.needs_key(url) for url in urls):
        raise click.UsageError(
            "--via http://… needs a key, in CITYBRAIN_KEY or --key-file; make one with "
            "`citybrain keys new` (see simulate --help)."
        )
    password = os.environ.get("CITYBRAIN_MQTT_PASSWORD", "")
    if not password and any(vias.needs_password(url) for url in urls):
        raise click.UsageError("--via mqtt://USER@… needs a password, in CITYBRAIN_MQTT_PASSWORD.")
    try:
        ways = vias.Ways(urls, key, password, plan.city)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(ways.plan(simulating.topics(plan)), err=True)
    return ways


async def _play(
    plan: simulating.Plan, address: str, prefix: str, ways: vias.Ways | None, *, answers: bool
) -> int:
    """Play until the end, or until Ctrl-C; what was sent is acknowledged either way."""
    over, listening = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, over.set)
    desks = [story.desk for story in simulating.stories(plan)]
    hurry = max(1.0, plan.speed or simulating.HURRY)
    people = People(plan.seed, plan.city.code, desks, crews=answers, hurry=hurry)
    sent = 0
    with ungrouped():
        async with asyncio.TaskGroup() as group:
            if answers or not people.is_done:
                group.create_task(answer(address, prefix, people, over, listening))
                await listening.wait()
            if ways is not None:
                async with ways.open():
                    for batches in simulating.acts(plan):
                        await ways.carry(batches, Pace(plan.speed), over, _progress)
            else:
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
