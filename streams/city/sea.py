"""A city's sea: its closed seasons with their waters, and the register of vessels."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import shapely

from streams.city.model import Closure, Gear
from streams.city.registers import by_code
from streams.city.rows import ClosureRow, SeasonRow
from streams.city.text import CityText
from streams.city.time import instant_ms
from streams.geo.fences import Fence, FencePurpose
from streams.vessels.register import VesselRecord, register

MORATORIUM, VESSELS = "moratorium.toml", "vessels.csv"


def read_closures(
    text: CityText, zone: ZoneInfo, fences: list[Fence]
) -> tuple[list[Closure], list[Fence]]:
    """Return the closures, and the fences of their bands."""
    data = text.toml(MORATORIUM)
    text.no_others(MORATORIUM, data, ("closures",))
    rows = by_code(text, MORATORIUM, text.array(MORATORIUM, data, "closures", ClosureRow))
    closures, bands = [], []
    taken = {fence.id for fence in fences}
    for at, (code, found) in enumerate(rows.items()):
        row: ClosureRow = found.record
        fence_id = f"moratorium-{code}"
        if fence_id in taken:
            what = f"a fence is called {fence_id!r}, which is this closure's"
            text.at(MORATORIUM, ("closures", at, "code"), what, "rename one of the two")
            continue
        spans = _seasons(text, zone, at, row.seasons)
        band = row.band
        box = shapely.box(band.west_deg, band.south_deg, band.east_deg, band.north_deg)
        bands.append(
            Fence(
                id=fence_id,
                name=row.name,
                purpose=FencePurpose.MORATORIUM,
                geometry=box,
                enter_fixes=1,
                windows_ms=tuple(spans),
            )
        )
        closures.append(
            Closure(
                code=code,
                name=row.name,
                fence=fence_id,
                gears=frozenset(str(gear) for gear in row.gears),
                unless_permit=row.unless_permit,
                seasons_ms=tuple(spans),
                assumed_ms=frozenset(instant_ms(s.from_, zone) for s in row.seasons if s.assumed),
            )
        )
    return closures, bands


def _seasons(
    text: CityText, zone: ZoneInfo, at: int, seasons: tuple[SeasonRow, ...]
) -> list[tuple[int, int]]:
    """Return the seasons as instants, ascending; a wrong or doubled one is a finding."""
    spans = []
    last: datetime | None = None
    for number, season in enumerate(seasons):
        path = ("closures", at, "seasons", number)
        if season.until <= season.from_:
            text.at(MORATORIUM, path, "the season ends before it begins", "mend the dates")
        elif last is not None and season.from_ < last:
            text.at(
                MORATORIUM, path, "the season begins within the one before", "put them in order"
            )
        last = season.until
        spans.append((instant_ms(season.from_, zone), instant_ms(season.until, zone)))
    return spans


def read_vessels(
    text: CityText, fences: list[Fence], closures: list[Closure]
) -> dict[str, VesselRecord]:
    """Return the register by subject; what it names must be among fences and closures."""
    rows = by_code(text, VESSELS, text.csv(VESSELS, VesselRecord))
    harbours = {fence.id for fence in fences if fence.purpose is FencePurpose.HARBOUR}
    permits = {closure.unless_permit for closure in closures}
    seen: dict[str, VesselRecord] = {}
    for code, row in rows.items():
        vessel: VesselRecord = row.record
        find = partial(text.find, VESSELS, row.line, code)
        if vessel.home_harbour and vessel.home_harbour not in harbours:
            find(f"unknown harbour {vessel.home_harbour!r}", "name a fence of purpose harbour")
        if vessel.gear and vessel.gear not in set(Gear):
            find(f"unknown gear {vessel.gear!r}", f"known: {', '.join(Gear)}")
        for permit in vessel.permits:
            if permit not in permits:
                find(
                    f"no closure knows the permit {permit!r}",
                    "see unless_permit in moratorium.toml",
                )
        try:
            mine = register([vessel])
        except ValueError as error:
            find(str(error), "give it an MMSI or a BeiDou number")
            continue
        for subject in mine:
            if subject in seen:
                find(
                    f"{subject} is registered to {seen[subject].code!r} too", "mend one of the two"
                )
        seen.update(mine)
    return seen
