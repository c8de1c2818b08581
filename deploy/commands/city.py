"""`citybrain city`: a city's files."""

from pathlib import Path

import click

from deploy.cities import LONGGANG, check_city
from deploy.errors import Exit


@click.group()
def command() -> None:
    """Check a city's files."""


@command.command()
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=LONGGANG
)
def check(folder: Path) -> None:
    """Say all that is wrong with the city in FOLDER, each with its place and cure.

    Without FOLDER: the city that comes with the program. Exit code 1: there is
    something.

    Example: citybrain city check deploy/cities/longgang
    """
    findings = check_city(folder)
    for finding in findings:
        click.echo(f"{folder / finding.file}{str(finding).removeprefix(finding.file)}")
    if findings:
        click.echo(f"{len(findings)} finding{'s' * (len(findings) > 1)}", err=True)
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(f"{folder}: nothing wrong")
