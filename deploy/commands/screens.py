"""`citybrain screens`: the gateway to the operations centre's screens."""

import asyncio
from pathlib import Path

import click

from deploy.errors import Fault
from deploy.options import broker_option, city_option, open_city, state_option
from deploy.topic_reader import quiet_clients
from screens.access.audit import BrokenLogError
from screens.basemap import basemap_of
from screens.reader import NoBrokerError
from screens.serve import serve
from screens.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True)
@state_option("Folder that holds screens/: users, the key of sessions, the audit log.")
@click.option(
    "--basemap",
    default="",
    metavar="STYLE",
    envvar="CITYBRAIN_BASEMAP",
    show_envvar=True,
    help="A MapLibre style, by address or in a file, to be drawn under the city's own lines.",
)
@click.option("--behind-tls", is_flag=True, help="People come by https: cookies go over it alone.")
@city_option
@broker_option
def command(
    *,
    host: str,
    port: int,
    state: Path,
    basemap: str,
    behind_tls: bool,
    city_dir: Path,
    address: str,
    prefix: str,
) -> None:
    """Serve the page, the live streams and the REST API until Ctrl-C.

    Make somebody who may sign in first: citybrain users add.

    \b
    Examples:
      citybrain screens --port 8080
      citybrain screens --host 0.0.0.0 --behind-tls --broker kafka:9092
      citybrain screens --basemap https://maps.example.org/dark.json
    """
    try:
        style = basemap_of(basemap) if basemap else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--basemap") from None
    settings = Settings(
        broker=address,
        prefix=prefix,
        data_dir=state.resolve(),
        host=host,
        port=port,
        behind_tls=behind_tls,
        basemap=style,
    )
    city = open_city(city_dir)
    quiet_clients()
    try:
        asyncio.run(serve(settings, city, lambda where: click.echo(f"screens: {where}")))
    except NoBrokerError as error:
        raise Fault(
            f"No Kafka answers at {address}: {error}",
            "Check CITYBRAIN_BROKER or --broker, or start one: citybrain broker start --detach",
        ) from None
    except OSError as error:
        if error.filename is not None:
            raise Fault(f"{error.filename}: {error.strerror}", "Give another --state.") from None
        what = f"Cannot listen on {host}:{port}: {error.strerror}"
        raise Fault(what, "Give another --port, or --host.") from None
    except BrokenLogError as error:
        raise Fault(f"The audit log must not be written to: {error}") from None
