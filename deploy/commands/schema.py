"""`citybrain schema`: the wire contracts as JSON Schemas and AsyncAPI."""

import json
import shutil
import subprocess
from pathlib import Path

import click

import schemas
from deploy.errors import Exit
from schemas import contract, jsonschema

KEPT = Path(schemas.__file__).parent / "json"


@click.group()
def command() -> None:
    """Export the JSON Schemas and the AsyncAPI document, or check them for drift."""


@command.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=KEPT,
    help="Folder to write to.  [default: schemas/json]",
)
def export(folder: Path) -> None:
    """Write the JSON Schema of every record on the wire, and AsyncAPI of the topics.

    Example: citybrain schema export --to /tmp/schemas
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = contract.documents()
    for name, text in files.items():
        (folder / name).write_text(text)
    click.echo(f"{len(files)} documents in {folder}")


@command.command()
@click.option(
    "--against", metavar="COMMIT", default="HEAD", show_default=True, help="What readers have now."
)
def check(against: str) -> None:
    """Say what differs from schemas/json, and what would break a reader (exit code 1).

    Breaking changes are looked for against a commit, in a checkout with git.

    Example: citybrain schema check --against origin/main
    """
    kept = {path.name: path.read_bytes() for path in sorted(KEPT.glob("*.json"))}
    drifted = contract.drift(kept)
    for finding in drifted:
        click.echo(f"drift: {finding}")
    if drifted:
        click.echo("Write them again with: citybrain schema export")
    broken = [words for name in kept for words in _breaking(name, against)]
    for words in broken:
        click.echo(f"breaks readers: {words}")
    if drifted or broken:
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(f"{len(kept)} documents are as the code says, and break no reader.")


def _breaking(name: str, commit: str) -> list[str]:
    """Return how the schema `name` breaks readers of the one in `commit`."""
    git = shutil.which("git")
    new = jsonschema.export().get(name)
    if git is None or new is None:
        return []
    shown = subprocess.run(  # noqa: S603  # found on the path
        [git, "show", f"{commit}:./{name}"], cwd=KEPT, capture_output=True, check=False
    )
    if shown.returncode:  # no checkout, or the schema is new
        return []
    found = jsonschema.breaking(json.loads(shown.stdout), json.loads(new))
    return [f"{name}: {one}" for one in found]
