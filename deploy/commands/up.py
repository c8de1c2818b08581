"""`citybrain up`: the whole city on one machine."""

from pathlib import Path

import click
from rich.console import Console

from deploy import up
from deploy.options import data_option


@click.command()
@click.option("--simulate", is_flag=True, help="Play a simulated city into the input topics.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulation.")
@click.option(
    "--broker",
    metavar="HOST:PORT[,…]",
    envvar="CITYBRAIN_BROKER",
    show_envvar=True,
    help="Kafka to use; default: the embedded one, started here.",
)
@click.option(
    "--prefix",
    default="",
    envvar="CITYBRAIN_PREFIX",
    show_envvar=True,
    help="Stands before every topic and group name.",
)
@data_option
def command(*, simulate: bool, seed: int, broker: str | None, prefix: str, data_dir: Path) -> None:
    """Start broker, topics, agents, HTTP door and screens; show the city until Ctrl-C.

    On a terminal a page is redrawn; elsewhere each alert, incident and order is
    one line. Ctrl-C ends all that was started here.

    Example: citybrain up --simulate
    """
    plan = up.Plan(data_dir.resolve(), broker, prefix, simulate, seed)
    up.run(plan, Console())
