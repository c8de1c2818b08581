"""What dispatch asks of a city, answered from its files."""

from collections.abc import Callable

import numpy as np

from schemas.incidents import Incident
from schemas.instants import format_instant
from streams.city.model import City
from streams.local_time import local_time
from streams.matters.casework import Directory
from streams.matters.routing import AreaChain

_DAY_MS = 86_400_000


def place_of(city: City) -> Callable[[Incident], AreaChain | None]:
    """Return what tells the areas of an incident's place, None outside all."""

    def where(incident: Incident) -> AreaChain | None:
        if incident.lon_deg is None or incident.lat_deg is None:
            return city.areas.chain_of(incident.area)
        return city.areas.chain_at(incident.lon_deg, incident.lat_deg)

    return where


def month_of(city: City) -> Callable[[int], str]:
    """Return what tells the local month of a wall instant in ms: `2026-05`."""

    def month(at_ms: int) -> str:
        day = int(local_time(np.array([at_ms]), city.utc_offsets).day_number[0])
        return format_instant(day * _DAY_MS)[:7]

    return month


def department_of(city: City) -> Callable[[str], str]:
    """Return what tells the department of a unit by its code, "" for none."""
    departments = {unit.code: unit.department for unit in city.roster.units.values()}
    return lambda code: departments.get(code, "")


def directory_of(city: City) -> Directory:
    """Return the city as dispatch sees it."""

    def minute_of_day(at_ms: int) -> int:
        return int(local_time(np.array([at_ms]), city.utc_offsets).minute_of_day[0])

    return Directory(
        city.routing, city.roster, city.areas, city.speakers.get, minute_of_day, city.enforcement
    )
