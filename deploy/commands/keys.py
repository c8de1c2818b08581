"""`citybrain keys`: the keys with which integrators publish."""

import os
import time
from pathlib import Path

import click

from deploy.broker import DEFAULT_DATA
from deploy.errors import Exit, Fault
from deploy.options import city_option, open_city
from feeds.intake.forms import MAX_ITEMS
from feeds.intake.keys import DEFAULT_BURST, DEFAULT_RATE, Key, KeyFile, KeyFileError
from schemas.instants import format_instant
from streams.doors.sorting import LANES

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


def _open(_ctx: click.Context, _param: click.Parameter, given: Path) -> KeyFile:
    file = KeyFile(given)
    try:
        file.keys()
    except KeyFileError as error:
        raise Fault(str(error), "Mend it, or name another file with --file.") from error
    return file


_file_option = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=lambda: Path(os.environ.get("CITYBRAIN_DATA", DEFAULT_DATA)) / "keys.json",
    show_default="keys.json in the folder of CITYBRAIN_DATA, else in .citybrain",
    envvar="CITYBRAIN_KEYS",
    show_envvar=True,
    callback=_open,
    help="File of keys.",
)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@click.group()
def command() -> None:
    """Make, list, replace and end the keys with which integrators publish.

    The file keeps hashes: a key itself is shown once, when it is made. A running
    door sees a change at once.
    """


@command.command()
@click.option(
    "--source",
    "sources",
    multiple=True,
    required=True,
    help="As which it publishes; may be given again.",
)
@click.option("--label", default="", help="For people: who has it.")
@click.option("--kind", "kinds", multiple=True, help="Only these, `noise.*` too.  [default: all]")
@click.option("--subject-prefix", default="", help="With which every subject must begin.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_RATE,
    show_default=True,
    help="Events a second in the long run.",
)
@click.option(
    "--burst",
    type=click.IntRange(min=1),
    default=DEFAULT_BURST,
    show_default=True,
    help=f"Events at once; a batch (up to {MAX_ITEMS}) must fit.",
)
@click.option("--days", type=click.IntRange(min=1), help="Ends after so many.  [default: never]")
@city_option
@_file_option
def new(
    *,
    sources: tuple[str, ...],
    label: str,
    kinds: tuple[str, ...],
    subject_prefix: str,
    rate: float,
    burst: int,
    days: int | None,
    city_dir: Path,
    file: KeyFile,
) -> None:
    """Make a key and show it, this once, on standard output.

    \b
    Examples:
      citybrain keys new --source noise --label "meters of the old town"
      citybrain keys new --source iot --kind "gas.*" --subject-prefix LG-gas- --days 90
    """
    known = open_city(city_dir).sources
    unknown = [name for name in sources if name not in known and name != "*"]
    if unknown:
        raise click.UsageError(
            f"no source {unknown[0]!r} in the city's sources.toml; known: {', '.join(known)}"
        )
    for pattern in kinds:
        if "*" not in pattern and pattern not in LANES:
            raise click.UsageError(f"no kind {pattern!r}; known: {', '.join(LANES)}")
    now_ms = _now_ms()
    key = Key(
        id="",
        label=label,
        sha256="",
        sources=sources,
        kinds=kinds or ("*",),
        subject_prefix=subject_prefix,
        rate_per_s=rate,
        burst=burst,
        ends_ms=None if days is None else now_ms + days * _DAY_MS,
    )
    click.echo(file.add(key, now_ms))


@command.command(name="list")
@_file_option
def list_keys(*, file: KeyFile) -> None:
    """List the keys: id, sources, kinds, quota, until when, label.

    Example: citybrain keys list
    """
    now_ms, keys = _now_ms(), file.keys()
    if not keys:
        click.echo("no key yet; make one: citybrain keys new --source NAME", err=True)
    for key in keys.values():
        state = "good" if key.is_good(now_ms) else "ended"
        until = "" if key.ends_ms is None else f" until {format_instant(key.ends_ms)}"
        subjects = f" {key.subject_prefix}*" if key.subject_prefix else ""
        click.echo(
            f"{key.id}  {state}{until}  {','.join(key.sources)}  {','.join(key.kinds)}{subjects}  "
            f"{key.rate_per_s:g}/s, {key.burst} at once  {key.label}"
        )


@command.command()
@click.argument("key_id", metavar="ID")
@_file_option
def revoke(*, key_id: str, file: KeyFile) -> None:
    """End a key at once.

    Example: citybrain keys revoke 3f9a01bc
    """
    if file.revoke(key_id, _now_ms()) is None:
        _no_such(key_id)
    click.echo(f"{key_id} is ended", err=True)


@command.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap",
    "overlap_h",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="Hours for which the old one is still taken.",
)
@_file_option
def rotate(*, key_id: str, overlap_h: float, file: KeyFile) -> None:
    """Make a key's successor, of the same scope, and show it; the old one ends later.

    Example: citybrain keys rotate 3f9a01bc --overlap 48
    """
    token = file.rotate(key_id, round(overlap_h * _HOUR_MS), _now_ms())
    if token is None:
        _no_such(key_id)
    click.echo(token)


def _no_such(key_id: str) -> None:
    click.echo(f"no key {key_id} that is still taken; see: citybrain keys list", err=True)
    raise click.exceptions.Exit(Exit.FINDING)
