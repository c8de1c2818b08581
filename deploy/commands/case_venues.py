"""`citybrain case venues`: complaints about noise, and what reminders did, venue by venue."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import orjson
from rich import box
from rich.table import Table

from deploy import casereport
from deploy.options import broker_option, city_option, open_city
from schemas.cases import CaseRecord
from schemas.dispatch import Reminder
from schemas.envelope import Envelope
from schemas.incidents import Incident
from schemas.topics import CASES_LATEST, INCIDENTS_LATEST, REMINDERS
from streams.city.model import City
from streams.directory import month_of
from streams.matters.loudness import COMPLAINT, Key, Loudness, loudness, venue_near
from streams.matters.policy import IncidentParams, is_any

_R = TypeVar("_R", bound=Envelope)
_COLUMNS = ("complaints", "too loud", "reminders", "worked", "sent")


@click.command("venues")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@city_option
@broker_option
def command(*, as_json: bool, city_dir: Path, address: str, prefix: str) -> None:
    """Count complaints about noise by venue and month, beside the reminders that worked.

    A complaint belongs to the venue whose noise it joined, else to the nearest one
    within the reach of the city's link `noise`; repeats of one ticket count once.
    `worked`: reminders after which it ended with nobody sent; `sent`: with somebody.

    Example: citybrain case venues
    """
    city = open_city(city_dir)
    counts = asyncio.run(_count(address, prefix, city))
    if as_json:
        for key, one in counts.items():
            click.echo(orjson.dumps(key._asdict() | one._asdict()))
        return
    table = Table(box=box.SIMPLE)
    for name in ("month", "venue"):
        table.add_column(name, no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for key, one in counts.items():
        table.add_row(key.month, f"{key.venue} {city.venues[key.venue].name}", *map(str, one))
    if counts:
        casereport.console().print(table, highlight=False, markup=False)
    click.echo(f"{len({key.venue for key in counts})} of {len(city.venues)} venues")


async def _count(address: str, prefix: str, city: City) -> dict[Key, Loudness]:
    async def newest(topic: str, record: type[_R], key: Callable[[_R], str]) -> dict[str, _R]:
        return {key(one): one async for one in casereport.each(address, prefix + topic, record)}

    params: IncidentParams = city.params["incidents"]
    within_m = max(
        (one.within_m for one in params.links if is_any(COMPLAINT, one.kinds)), default=0
    )
    return loudness(
        await newest(INCIDENTS_LATEST, Incident, lambda one: one.incident_id),
        await newest(CASES_LATEST, CaseRecord, lambda one: one.case_id),
        await newest(REMINDERS, Reminder, lambda one: one.reminder_id),
        venue_near(city.venues.values(), within_m),
        month_of(city),
    )
