"""`citybrain intake`: the doors through which events come in."""

import asyncio
import gc
from pathlib import Path

import click

from deploy import doors, intake, topics_admin
from deploy.options import broker_option, city_option, open_city, state_option
from streams.doors.sorting import LANES

_DEFAULT_PORT = 8087


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_PORT,
    show_default=True,
    envvar="CITYBRAIN_INTAKE_PORT",
    show_envvar=True,
    help="Port of the HTTP door; 0 takes a free one.",
)
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CITYBRAIN_KEYS",
    show_envvar=True,
    help="File of keys.  [default: keys.json in the state folder]",
)
@click.option(
    "--doors",
    "doors_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="CITYBRAIN_DOORS",
    show_envvar=True,
    help="File of further doors: NMEA over TCP and UDP, MQTT.",
)
@city_option
@state_option("Folder of what this service keeps.")
@broker_option
def command(
    *,
    host: str,
    port: int,
    keys_file: Path | None,
    doors_file: Path | None,
    city_dir: Path,
    state: Path,
    address: str,
    prefix: str,
) -> None:
    """Open the doors: HTTP, and what else is asked for, until Ctrl-C.

    Events are answered for once Kafka has acknowledged them. One process serves
    a state folder; it remembers there for 24 hours what was published.

    \b
    Examples:
      citybrain intake --port 8087
      citybrain intake --doors docs/examples/doors.toml
    """
    city = open_city(city_dir)
    others = [doors.doors_of(doors_file, city)] if doors_file is not None else []
    topics_admin.partition_counts(address, prefix, sorted({one.topic for one in LANES.values()}))
    plan = intake.Plan(
        address=address,
        prefix=prefix,
        host=host,
        port=port,
        keys=keys_file or state / "keys.json",
        memory=state / "intake",
        others=others,
    )
    for line in doors.said(doors_file, city) if doors_file is not None else ():
        click.echo(line, err=True)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # requests are freed by reference counts
    asyncio.run(
        intake.serve(city, plan, lambda at: click.echo(f"intake: http://{host}:{at}", err=True))
    )
