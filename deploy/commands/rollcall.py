"""`citybrain rollcall`: which boats are not in harbour yet."""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import click
import numpy as np
import orjson

from deploy import topic_reader
from deploy.errors import Exit
from deploy.options import broker_option, city_option, open_city
from schemas.codec import decode, decode_positions
from schemas.commands import CommandReply
from schemas.incidents import IncidentCommand
from schemas.records import RawBatch
from schemas.refused import Refused
from schemas.topics import INCIDENT_COMMANDS, INCIDENT_REPLIES, VESSEL_POSITIONS
from streams.city.model import City
from streams.vessels.calls import Called, newest_calls
from streams.vessels.rollcall import Answer, Fix, RollCall, Whereabouts, roll_call

_HOUR_MS = 3_600_000


@click.command()
@city_option
@broker_option
@click.option(
    "--hours",
    type=click.FloatRange(min=0.1),
    default=24.0,
    show_default=True,
    help="How far back positions are looked for.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a boat.")
def command(*, city_dir: Path, address: str, prefix: str, hours: float, as_json: bool) -> None:
    """List the boats of the register that are not in harbour, with counts by latitude.

    With each: whether its skipper was called, answered, and when he promised to be in
    harbour, as `citybrain incident roll-call` was told. The exit code is 1 as long as
    one is missing.

    \b
    Example: citybrain rollcall
             citybrain rollcall --hours 6 --json
    """
    known = open_city(city_dir)
    now_ms = time.time_ns() // 1_000_000
    since_ms = now_ms - round(hours * _HOUR_MS)
    fixes = asyncio.run(newest_fixes(address, prefix + VESSEL_POSITIONS, since_ms, known))
    calls = asyncio.run(skippers_called(address, prefix, since_ms))
    call = roll_call(known.vessels, fixes, known.fences, now_ms, calls=calls)
    for line in _json(call) if as_json else _lines(call, now_ms):
        click.echo(line)
    if call.missing:
        raise click.exceptions.Exit(Exit.FINDING)


async def newest_fixes(address: str, topic: str, since_ms: int, city: City) -> dict[str, Fix]:
    """Return the newest fix of each subject among the records since `since_ms`."""
    fixes: dict[str, Fix] = {}
    reader = topic_reader.read(
        address, [topic], from_beginning=True, until_end=True, since_ms=since_ms
    )
    async with aclosing(reader):
        async for records in reader:
            if not records:
                continue
            raw = RawBatch(
                VESSEL_POSITIONS,
                0,
                np.array([one.offset for one in records], np.int64),
                np.array([one.timestamp for one in records], np.int64),
                [one.key for one in records],
                [one.value for one in records],
            )
            batch, _ = decode_positions(raw, city.datums)
            rows = zip(
                batch.subject,
                batch.lon_deg.tolist(),
                batch.lat_deg.tolist(),
                batch.event_time_ms.tolist(),
                strict=True,
            )
            for subject, lon_deg, lat_deg, at_ms in rows:
                is_newer = subject not in fixes or at_ms >= fixes[subject].at_ms
                if lon_deg == lon_deg and is_newer:  # noqa: PLR0124 - NaN is no place
                    fixes[subject] = Fix(lon_deg, lat_deg, at_ms)
    return fixes


async def skippers_called(address: str, prefix: str, since_ms: int) -> dict[str, Called]:
    """Return the newest call to each boat's skipper since `since_ms`, by the boat's code."""
    commands: list[IncidentCommand] = []
    accepted: set[str] = set()
    topics = [prefix + INCIDENT_COMMANDS, prefix + INCIDENT_REPLIES]
    reader = topic_reader.read(
        address, topics, from_beginning=True, until_end=True, since_ms=since_ms
    )
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                try:
                    if record.topic == topics[0]:
                        commands.append(decode(IncidentCommand, record.value or b""))
                    elif (reply := decode(CommandReply, record.value or b"")).accepted:
                        accepted.add(reply.command_id)
                except Refused:
                    continue  # it is in the dead letters
    return newest_calls(commands, accepted)


def _lines(call: RollCall, now_ms: int) -> list[str]:
    """Return the list for people: counts by band, then boat by boat."""
    lines = [f"{'latitude':<14}{'at sea':>8}{'unheard':>9}{'in harbour':>12}"]
    for band, counts in call.bands.items():
        at_sea, unheard, in_harbour = (counts[one] for one in Whereabouts)
        lines.append(f"{band:<14}{at_sea:>8}{unheard:>9}{in_harbour:>12}")
    called = [one.called for one in call.missing if one.called]
    answers = (
        f"{len(called)} called, {sum(one.answered for one in called)} answered, "
        f"{sum(one.arrives_ms is not None for one in called)} promised to come"
    )
    missing = f"{len(call.missing)} of {len(call.answers)} boats are not in harbour"
    lines.append(f"{missing}; {answers}" if called else missing)
    for one in call.missing:
        ago = "never heard" if one.fix is None else f"{_ago(now_ms - one.fix.at_ms)} ago"
        boat = f"{one.vessel.code}  {one.vessel.name}"
        said = f"  {_answer(one.called, now_ms)}" if one.called else ""
        lines.append(f"  {boat}  {one.whereabouts}  {one.band}  {ago}{said}")
    return lines


def _answer(called: Called, now_ms: int) -> str:
    """Return what came of a call: `called 0 h 5 min ago by coast-1: arrives in 1 h 55 min`."""
    how = "answered" if called.answered else "no answer"
    if called.arrives_ms is not None and called.is_broken(now_ms):
        how = f"promised to be in {_ago(now_ms - called.arrives_ms)} ago"
    elif called.arrives_ms is not None:
        how = f"arrives in {_ago(called.arrives_ms - now_ms)}"
    return f"called {_ago(now_ms - called.at_ms)} ago by {called.by}: {how}, {called.words}"


def _json(call: RollCall) -> list[str]:
    return [orjson.dumps(_said(one)).decode() for one in call.answers]


def _said(one: Answer) -> dict[str, object]:
    return {
        "code": one.vessel.code,
        "name": one.vessel.name,
        "whereabouts": one.whereabouts.value,
        "band": one.band,
        "harbour": one.harbour,
        "lon_deg": one.fix.lon_deg if one.fix else None,
        "lat_deg": one.fix.lat_deg if one.fix else None,
        "at_ms": one.fix.at_ms if one.fix else None,
        "called": one.called._asdict() if one.called else None,
    }


def _ago(span_ms: int) -> str:
    hours, minutes = divmod(max(0, span_ms) // 60_000, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
