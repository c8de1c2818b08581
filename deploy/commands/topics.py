"""`citybrain topics`: the cluster's topics against the table."""

import click

from deploy import topics_admin
from deploy.errors import Exit
from deploy.options import broker_option
from schemas.topics import TOPICS, Topic


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
def apply(address: str, prefix: str, partitions: dict[str, int]) -> None:
    """Create missing topics and set configs; add partitions only by --partitions.

    Adding partitions to a topic in use moves keys away from their state: do it
    before a city's first event. Exit code 1: something still differs.

    Example: citybrain topics apply --partitions sensor.readings=16
    """
    table, numbers = _prefixed(prefix, partitions)
    mended, left = topics_admin.apply(address, table, numbers)
    for gap in mended:
        click.echo(f"mended  {gap}")
    _tell(left, f"{len(TOPICS)} topics are as the table says.")


@command.command()
@_partitions_option
@broker_option
def check(address: str, prefix: str, partitions: dict[str, int]) -> None:
    """Say what differs from the table (exit code 1), and change nothing.

    Example: citybrain topics check --broker kafka:9092
    """
    table, numbers = _prefixed(prefix, partitions)
    left = topics_admin.check(address, table, numbers)
    _tell(left, f"{len(TOPICS)} topics are as the table says.")


def _prefixed(prefix: str, partitions: dict[str, int]) -> tuple[dict[str, Topic], dict[str, int]]:
    numbers = {prefix + name: number for name, number in partitions.items()}
    return topics_admin.prefixed(TOPICS, prefix), numbers


def _tell(left: list[topics_admin.Difference], fine: str) -> None:
    for gap in left:
        click.echo(f"differs {gap}")
    if any(gap.aspect is topics_admin.Aspect.PARTITIONS for gap in left):
        click.echo("Partitions are added only by: citybrain topics apply --partitions TOPIC=N")
    if left:
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(fine)
