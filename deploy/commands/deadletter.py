"""`citybrain deadletter`: why records were refused, and sending them again."""

import asyncio
import functools
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import click

from deploy import deadletters, render
from deploy.errors import Exit
from deploy.options import broker_option
from schemas.deadletter import DeadLetter
from schemas.records import Reason, Stage


@click.group()
def command() -> None:
    """See why records were refused, and send them again."""


def _chosen_letters(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose dead letters; the command gets a `choice`."""

    @click.option("--id", "ids", multiple=True, help="The dead letter's own id.")
    @click.option("--topic", "topics", multiple=True, help="Read from this topic.")
    @click.option(
        "--reason", "reasons", multiple=True, type=_one_of(Reason), help="Refused for this."
    )
    @click.option(
        "--stage", "stages", multiple=True, type=_one_of(Stage), help="Refused at this stage."
    )
    @click.option("--max", "most", type=click.IntRange(min=1), help="At most so many.")
    @broker_option
    @functools.wraps(function)
    def choosing(
        *,
        ids: tuple[str, ...],
        topics: tuple[str, ...],
        reasons: tuple[str, ...],
        stages: tuple[str, ...],
        most: int | None,
        address: str,
        prefix: str,
        **others: Any,
    ) -> None:
        choice = deadletters.Choice(
            frozenset(ids),
            frozenset(Reason(name) for name in reasons),
            frozenset(Stage(name) for name in stages),
            frozenset(topics),
        )
        function(address=address, prefix=prefix, choice=choice, most=most, **others)

    return choosing


def _one_of(names: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([str(name) for name in names])


def _gather(
    address: str, prefix: str, choice: deadletters.Choice, most: int | None
) -> list[DeadLetter]:
    async def gather() -> list[DeadLetter]:
        return [letter async for letter in deadletters.chosen(address, prefix, choice, most)]

    return asyncio.run(gather())


@command.command("list")
@_chosen_letters
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, raw bytes and all.")
def list_letters(
    *,
    address: str,
    prefix: str,
    choice: deadletters.Choice,
    most: int | None,
    as_json: bool,
) -> None:
    """Show the dead letters kept, oldest first, and count them by reason.

    Example: citybrain deadletter list --topic vessel.nmea --reason checksum
    """
    letters = _gather(address, prefix, choice, most)
    for letter in letters:
        if as_json:
            click.echo(deadletters.as_json(letter))
            continue
        click.echo(f"{letter.id}  {render.line(deadletters.as_json(letter).encode())}")
        click.echo(f"    {deadletters.excerpt(letter)}")
    for name, count in deadletters.by_reason(letters):
        click.echo(f"{count:>8}  {name}", err=True)
    click.echo(f"{len(letters):>8}  in all", err=True)


@command.command("replay")
@_chosen_letters
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def replay_letters(
    *,
    address: str,
    prefix: str,
    choice: deadletters.Choice,
    most: int | None,
    dry_run: bool,
) -> None:
    """Send the original bytes of chosen dead letters to their topic again.

    Key, value and headers are the original ones; the header
    citybrain-replayed-from tells the dead letter's id. What is refused again
    becomes a new dead letter. Exit code 1: no dead letter was chosen.

    Example: citybrain deadletter replay --reason unknown-unit --dry-run
    """
    if choice == deadletters.Choice():
        raise click.UsageError("Say which: --id, --topic, --reason or --stage.")
    letters = deadletters.originals(_gather(address, prefix, choice, most))
    if not letters:
        click.echo("No dead letter is chosen by that.", err=True)
        raise click.exceptions.Exit(Exit.FINDING)
    if dry_run:
        for letter in letters:
            click.echo(f"would send {letter.id} to {letter.topic}: {deadletters.excerpt(letter)}")
    else:
        asyncio.run(deadletters.replay(address, prefix, letters))
    verb = "would be sent" if dry_run else "sent"
    for name, count in deadletters.by_reason(letters):
        click.echo(f"{count:>8}  {verb}  {name}", err=True)
