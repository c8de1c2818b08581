"""A city of files: parsed, checked against each other, and refused with all that is wrong.

Pure: files come as bytes by their path in the city's folder. See
`deploy/cities/longgang` for each file's form.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.city.enforcementfile import read_enforcement
from streams.city.findings import CityFault, Finding, misfit
from streams.city.geometry import read_fences
from streams.city.model import ApprovedText, City, SourceDecl
from streams.city.places import COMMUNITIES, read_places
from streams.city.platformfile import read_platforms
from streams.city.registers import by_code
from streams.city.rows import CommunityRow, HeadRow, SourceRow
from streams.city.sea import read_closures, read_vessels
from streams.city.text import CityText
from streams.city.time import offset_pairs
from streams.geo.fences import FenceIndex
from streams.lateness import Timing
from streams.local_time import utc_offsets
from streams.matters.routing import Level, Roster, Routing, Unit, faults

CITY, SOURCES, RULES = "city.toml", "sources.toml", "rules.toml"
ROUTING, UNITS, TEXTS = "routing.toml", "units.toml", "texts.toml"

ParamTypes = Mapping[str, type[msgspec.Struct]]


def parse_city(files: Mapping[str, bytes], params: ParamTypes | None = None) -> City:
    """Return the city that `files` describe.

    Args:
        files: Contents by path in the city's folder, such as `areas/grids.csv`.
        params: The type of each rule's table in rules.toml; a table without a
            type is then a finding, a type without a table takes its defaults.
            None converts nothing.

    Raises:
        CityFault: With every finding, not only the first; of files that cannot be
            read, only that.
    """
    text = CityText(files)
    city = _parse(text, params)
    if city is None or text.findings:
        raise CityFault(text.told)
    return city


def city_findings(
    files: Mapping[str, bytes], params: ParamTypes | None = None
) -> tuple[Finding, ...]:
    """Return all that is wrong with `files`, as `parse_city` does; nothing for a good city."""
    text = CityText(files)
    _parse(text, params)
    return text.told


def _parse(text: CityText, params: ParamTypes | None) -> City | None:
    files = text.files
    head = text.convert(CITY, (), text.toml(CITY), HeadRow) if CITY in files else None
    zone = _zone(text, head)
    if head is None or zone is None:
        text.text(CITY)
        return None
    offsets = utc_offsets(offset_pairs(zone))
    texts, sources = _texts(text), _sources(text)
    places = read_places(text, head, texts, sources, offsets)
    fences = read_fences(text, head.box, zone)
    closures, bands = read_closures(text, zone, fences)
    vessels = read_vessels(text, fences, closures)
    registered = places.cameras if places is not None else {}
    platforms = read_platforms(text, sources, registered)
    routing, roster = _routing(text)
    enforcement = read_enforcement(text, roster)
    rules, converted = _rules(text, params)
    if places is None or routing is None or text.findings:
        return None
    return City(
        code=head.code,
        name_zh=head.name_zh,
        name_en=head.name_en,
        version=_version(files),
        box=head.box,
        areas=places.areas,
        fences=FenceIndex([*fences, *bands]),
        venues=places.venues,
        speakers=places.speakers,
        limits=places.limits,
        noise_sensors=places.noise_sensors,
        sensors=places.sensors,
        cameras=places.cameras,
        stages=places.stages,
        platforms=platforms,
        vessels=vessels,
        closures={closure.fence: closure for closure in closures},
        sources=sources,
        routing=routing,
        roster=roster,
        enforcement=enforcement,
        rules=rules,
        params=converted,
        texts=texts,
        utc_offsets=offsets,
    )


def _zone(text: CityText, head: HeadRow | None) -> ZoneInfo | None:
    if head is None:
        return None
    try:
        return ZoneInfo(head.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        what = f"unknown time zone {head.timezone!r}"
        text.at(CITY, ("timezone",), what, "write an IANA name such as Asia/Shanghai")
        return None


def _texts(text: CityText) -> dict[str, ApprovedText]:
    return {
        name: found
        for name, table in text.toml(TEXTS).items()
        if (found := text.convert(TEXTS, (name,), table, ApprovedText)) is not None
    }


def _sources(text: CityText) -> dict[str, SourceDecl]:
    sources = {}
    for name, table in text.toml(SOURCES).items():
        row = text.convert(SOURCES, (name,), table, SourceRow)
        if row is not None:
            timing = Timing(
                out_of_orderness_ms=round(row.out_of_orderness_s * 1000),
                allowed_lateness_ms=round(row.allowed_lateness_s * 1000),
                idle_ms=round(row.idle_s * 1000),
                future_ms=round(row.future_s * 1000),
            )
            sources[name] = SourceDecl(
                name=name,
                source_class=row.source_class,
                datum=row.datum,
                timing=timing,
                filters=row.filters,
            )
    return sources


def _routing(text: CityText) -> tuple[Routing | None, Roster]:
    routing = text.convert(ROUTING, (), text.toml(ROUTING), Routing)
    data = text.toml(UNITS)
    text.no_others(UNITS, data, ("units",))
    units = by_code(text, UNITS, text.array(UNITS, data, "units", Unit))
    for at, table in enumerate(data.get("units", ())):
        if isinstance(table, dict) and table.get("duty") == []:
            what, cure = "nobody is ever on duty", "name hours, or leave `duty` out for always"
            text.at(UNITS, ("units", at, "duty"), what, cure)
    roster = Roster(row.record for row in units.values())
    served = {unit.area for unit in roster.units.values() if unit.level is Level.COMMUNITY}
    # Read a second time, for the names alone: its faults were noted with the areas.
    communities = {
        row.record.code: row.line for row in CityText(text.files).csv(COMMUNITIES, CommunityRow)
    }
    for code, line in communities.items():
        if code not in served:
            what = f"no unit serves the community {code!r}"
            text.find(COMMUNITIES, line, code, what, f"add one of its level to {UNITS}")
    for code, row in units.items():
        unit: Unit = row.record
        if unit.level is Level.COMMUNITY and unit.area not in communities:
            what = f"the unit {code!r} serves the unknown community {unit.area!r}"
            text.find(UNITS, row.line, code, what, f"name one of {COMMUNITIES}")
    if routing is not None:
        for sentence in faults(routing, roster):
            cure = f"mend {ROUTING}, or add the unit to {UNITS}"
            text.find(ROUTING, _line_naming(text, ROUTING, sentence), "", sentence, cure)
    return routing, roster


def _line_naming(text: CityText, file: str, sentence: str) -> int:
    """Return the first line of a file that holds a name which `sentence` quotes, last one first."""
    lines = text.files[file].decode().splitlines()
    for name in reversed(re.findall(r"'([^']+)'", sentence)):
        for number, line in enumerate(lines, start=1):
            if f'"{name}"' in line:
                return number
    return 1


def _rules(
    text: CityText, params: ParamTypes | None
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the tables as they are, and those with a type converted."""
    tables: dict[str, dict[str, Any]] = {}
    for name, table in text.toml(RULES).items():
        if isinstance(table, dict):
            tables[name] = table
        else:
            text.at(RULES, (name,), "a key outside every table", "put it under its [rule]")
    converted: dict[str, Any] = {}
    for name in tables if params is not None else ():
        if params is not None and name not in params:
            error = msgspec.ValidationError(f"unknown field `{name}`")
            text.at(RULES, (name,), *misfit(error, params)[1:])
    for name, kind in (params or {}).items():
        found = text.convert(RULES, (name,), tables.get(name, {}), kind)
        if found is not None:
            converted[name] = found
    return tables, converted


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return digest.hexdigest()[:12]
