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
    git = _git(against)
    kept = {path.name: path.read_bytes() for path in sorted(KEPT.glob("*.json"))}
    drifted = contract.drift(kept)
    for finding in drifted:
        click.echo(f"drift: {finding}")
    if drifted:
        click.echo("Write them again with: citybrain schema export")
    broken = [words for name in kept for words in _breaking(git, name, against)] if git else []
    for words in broken:
        click.echo(f"breaks readers: {words}")
    if drifted or broken:
        raise click.exceptions.Exit(Exit.FINDING)
    end = ", and break no reader" if git else "; what breaks readers is seen in a git checkout"
    click.echo(f"{len(kept)} documents are as the code says{end}.")


def _git(commit: str) -> str | None:
    """Return git where the schemas stand in a checkout; None elsewhere.

    Raises:
        click.UsageError: The checkout has no such commit.
    """
    git = shutil.which("git")
    if git is None or _run(git, "rev-parse", "HEAD").returncode:
        return None
    if _run(git, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").returncode:
        raise click.UsageError(f"--against: there is no commit {commit!r} in this checkout")
    return git


def _run(git: str, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603  # found on the path
        [git, *words], cwd=KEPT, capture_output=True, check=False
    )


def _breaking(git: str, name: str, commit: str) -> list[str]:
    """Return how the schema `name` breaks readers of the one in `commit`."""
    new = jsonschema.export().get(name)
    if new is None:
        return []
    shown = _run(git, "show", f"{commit}:./{name}")
    if shown.returncode:  # the schema is new
        return []
    found = jsonschema.breaking(json.loads(shown.stdout), json.loads(new))
    return [f"{name}: {one}" for one in found]
