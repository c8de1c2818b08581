"""`citybrain conform`: the verdicts that the doors would give on a file."""

import time
from collections import Counter
from pathlib import Path

import click
import msgspec

from deploy.errors import Exit
from deploy.options import city_option, open_city
from feeds.intake.conformance import KINDS, NMEA, verdicts_on
from feeds.intake.http.answers import VerdictBody
from schemas.instants import parse_instant
from schemas.refused import Refusal
from streams.doors.sender import ALL, Sender
from streams.doors.sorting import RECORDS
from streams.doors.verdict import Outcome


def _instant(_ctx: click.Context, _param: click.Parameter, given: str | None) -> int:
    if given is None:
        return time.time_ns() // 1_000_000
    at_ms = parse_instant(given)
    if isinstance(at_ms, Refusal):
        raise click.BadParameter(at_ms.hint)
    return at_ms


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "kind", required=True, type=click.Choice(KINDS), help="What is in it.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    help="As which it would be sent; SenML needs one.  [default: any that is declared]",
)
@click.option("--at", "now_ms", callback=_instant, help="When it would be sent.  [default: now]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a verdict.")
@click.option("--all", "every", is_flag=True, help="The accepted ones too.")
@city_option
def command(
    *,
    file: Path,
    kind: str,
    sources: tuple[str, ...],
    now_ms: int,
    as_json: bool,
    every: bool,
    city_dir: Path,
) -> None:
    """Say what the doors would answer to FILE, without a broker; exit code 1 when not all is taken.

    JSON as for POST /v1/events: an object, an array, or (.jsonl, .ndjson) one
    object a line; an NMEA log one sentence a line. Lines are counted from 1,
    items of an array from 0, as in a door's answer.

    \b
    Examples:
      citybrain conform sample.json --as reading --source noise
      citybrain conform log.nmea --as nmea
      citybrain conform old.jsonl --as position --at 2026-05-01T20:30:00+08:00
    """
    sender = Sender("conform", sources or ALL)
    body, lines = file.read_bytes(), file.suffix in {".jsonl", ".ndjson"}
    told = verdicts_on(body, kind, sender, open_city(city_dir), now_ms, lines=lines)
    numbers = _line_numbers(body) if kind == NMEA or (lines and kind in RECORDS) else []
    counts: Counter[Outcome] = Counter()
    for index, verdict in told:
        counts[verdict.outcome] += 1
        if verdict.outcome is Outcome.ACCEPTED and not verdict.code and not every:
            continue
        if as_json:
            click.echo(msgspec.json.encode(VerdictBody(index, *verdict)))
        else:
            place = f"line {numbers[index]}" if numbers else f"item {index}"
            field = f" {verdict.field}:" if verdict.field else ""
            click.echo(f"{place}: {verdict.outcome} {verdict.code}{field} {verdict.hint}".rstrip())
    summary = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    click.echo(summary, err=True)
    if counts[Outcome.REJECTED]:
        raise click.exceptions.Exit(Exit.FINDING)


def _line_numbers(body: bytes) -> list[int]:
    """Return the numbers of the lines that hold something; none where the file is an array."""
    if body.lstrip()[:1] == b"[":
        return []
    return [number for number, line in enumerate(body.splitlines(), 1) if line.strip()]
