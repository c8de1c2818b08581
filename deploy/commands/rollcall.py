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
from schemas.codec import decode_positions
from schemas.records import RawBatch
from schemas.topics import VESSEL_POSITIONS
from streams.city.model import City
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

    The exit code is 1 as long as one is missing.

    \b
    Example: citybrain rollcall
             citybrain rollcall --hours 6 --json
    """
    known = open_city(city_dir)
    now_ms = time.time_ns() // 1_000_000
    since_ms = now_ms - round(hours * _HOUR_MS)
    fixes = asyncio.run(newest_fixes(address, prefix + VESSEL_POSITIONS, since_ms, known))
    call = roll_call(known.vessels, fixes, known.fences, now_ms)
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


def _lines(call: RollCall, now_ms: int) -> list[str]:
    """Return the list for people: counts by band, then boat by boat."""
    lines = [f"{'latitude':<14}{'at sea':>8}{'unheard':>9}{'in harbour':>12}"]
    for band, counts in call.bands.items():
        at_sea, unheard, in_harbour = (counts[one] for one in Whereabouts)
        lines.append(f"{band:<14}{at_sea:>8}{unheard:>9}{in_harbour:>12}")
    lines.append(f"{len(call.missing)} of {len(call.answers)} boats are not in harbour")
    for one in call.missing:
        ago = "never heard" if one.fix is None else f"{_ago(now_ms - one.fix.at_ms)} ago"
        boat = f"{one.vessel.code}  {one.vessel.name}"
        lines.append(f"  {boat}  {one.whereabouts}  {one.band}  {ago}")
    return lines


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
    }


def _ago(span_ms: int) -> str:
    hours, minutes = divmod(max(0, span_ms) // 60_000, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
