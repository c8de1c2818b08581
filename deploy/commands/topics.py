"""`citybrain topics`: the cluster's topics against the table."""

import click

from deploy import topics_admin
from deploy.errors import Exit
from deploy.options import broker_option
from schemas.topics import TOPICS


@click.group()
def command() -> None:
    """Make the cluster's topics equal to the table, or say what differs."""


def _numbers(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> dict[str, int]:
    """Read TOPIC=N options."""
    numbers: dict[str, int] = {}
    for text in given:
        name, _, number = text.partition("=")
        if name not in TOPICS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(TOPICS)}")
        if not number.isdigit() or int(number) < 1:
            raise click.BadParameter(f"{text!r} is not TOPIC=N, for example sensor.readings=8")
        numbers[name] = int(number)
    return numbers


_partitions_option = click.option(
    "--partitions",
    multiple=True,
    metavar="TOPIC=N",
    callback=_numbers,
    help="Want N partitions, not the table's number; may be given again.",
)


@command.command()
@_partitions_option
@broker_option
def apply(address: str, partitions: dict[str, int]) -> None:
    """Create missing topics and set configs; add partitions only by --partitions.

    Adding partitions to a topic in use moves keys away from their state: do it
    before a city's first event. Exit code 1: something still differs.

    Example: citybrain topics apply --partitions sensor.readings=16
    """
    mended, left = topics_admin.apply(address, TOPICS, partitions)
    for gap in mended:
        click.echo(f"mended  {gap}")
    _tell(left, f"{len(TOPICS)} topics are as the table says.")


@command.command()
@_partitions_option
@broker_option
def check(address: str, partitions: dict[str, int]) -> None:
    """Say what differs from the table (exit code 1), and change nothing.

    Example: citybrain topics check --broker kafka:9092
    """
    left = topics_admin.check(address, TOPICS, partitions)
    _tell(left, f"{len(TOPICS)} topics are as the table says.")


def _tell(left: list[topics_admin.Difference], fine: str) -> None:
    for gap in left:
        click.echo(f"differs {gap}")
    if any(gap.aspect is topics_admin.Aspect.PARTITIONS for gap in left):
        click.echo("Partitions are added only by: citybrain topics apply --partitions TOPIC=N")
    if left:
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(fine)
