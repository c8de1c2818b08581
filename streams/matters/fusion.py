"""Fusion: an alert joins the incident that another sense has opened near it.

Near is within metres and within seconds of event time of what the incident has
seen, by a link of the city's rules. Distance is measured to where the incident
began, so that a street of stalls does not grow into one incident, stall by stall.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from schemas.incidents import Link
from streams.geo.fences import distance_m, metres_per_degree
from streams.matters.groups import Group, Part
from streams.matters.policy import LinkKinds, is_any

BY_HAND = "by-hand"


class Cells:
    """Groups by the cell of a grid that they began in: those near a place without all pairs.

    Rows of cells are `cell_m` high. Each row has its own width in degrees, wide
    enough everywhere in it, so a place's neighbours are in at most 3 x 3 cells.
    """

    def __init__(self, cell_m: float) -> None:
        self._row_deg = cell_m / metres_per_degree(0.0)[1]
        self._cell_m = cell_m
        self._cells: dict[tuple[int, int], set[str]] = {}

    def add(self, name: str, lon_deg: float, lat_deg: float) -> None:
        """Put `name` at a place."""
        self._cells.setdefault(self._cell(lon_deg, lat_deg), set()).add(name)

    def drop(self, name: str, lon_deg: float, lat_deg: float) -> None:
        """Take `name` away from its place."""
        cell = self._cell(lon_deg, lat_deg)
        names = self._cells.get(cell, set())
        names.discard(name)
        if not names:
            self._cells.pop(cell, None)

    def near(self, lon_deg: float, lat_deg: float) -> Iterator[str]:
        """Give the names of all within a cell's height of a place, and some more."""
        row = math.floor(lat_deg / self._row_deg)
        for at in (row - 1, row, row + 1):
            column = math.floor(lon_deg / self._width_deg(at))
            for across in (column - 1, column, column + 1):
                yield from self._cells.get((at, across), ())

    def _cell(self, lon_deg: float, lat_deg: float) -> tuple[int, int]:
        row = math.floor(lat_deg / self._row_deg)
        return row, math.floor(lon_deg / self._width_deg(row))

    def _width_deg(self, row: int) -> float:
        """Return how many degrees are a cell's width where the row is nearest to a pole."""
        lat_deg = min(89.9, max(abs(row), abs(row + 1)) * self._row_deg)
        return self._cell_m / metres_per_degree(lat_deg)[0]


def place_of(part: Part) -> tuple[float, float] | None:
    """Return where a matter began."""
    if part.lon_deg is None or part.lat_deg is None:
        return None
    return part.lon_deg, part.lat_deg


class Host(NamedTuple):
    """An incident to join, and why."""

    group: Group
    link: Link


def find_host(
    part: Part,
    groups: Iterable[Group],
    links: Sequence[LinkKinds],
    apart: Mapping[str, object],
) -> Host | None:
    """Return the incident that `part` joins: the nearest, then the newest; None for none.

    Args:
        part: A matter that has just begun.
        groups: Incidents that may be near.
        links: The city's.
        apart: Pairs (`pair`) that a person has split.
    """
    best: tuple[float, float, str] | None = None
    found: Host | None = None
    for group in groups:
        link = _link(part, group, links)
        if link is None or any(pair(part.key, other.key) in apart for other in group.parts):
            continue
        rank = (link.distance_m, link.gap_s, group.incident_id)
        if best is None or rank < best:
            best, found = rank, Host(group, link)
    return found


def link_by_hand(part: Part, group: Group) -> Link:
    """Return why `part` is in `group` when a person has put it there."""
    here, there = place_of(part), place_of(group.parts[0])
    apart_m = distance_m(here, there) if here and there else -1.0
    return _said(part, apart_m, _gap_s(part, group), BY_HAND)


def pair(one: str, other: str) -> str:
    """Return the name of two matters together, whichever comes first."""
    return "\x1e".join(sorted((one, other)))


def _link(part: Part, group: Group, links: Sequence[LinkKinds]) -> Link | None:
    here, there = place_of(part), place_of(group.parts[0])
    if here is None or there is None or group.merged_into:
        return None
    apart_m, gap_s = distance_m(here, there), _gap_s(part, group)
    for link in links:
        near = apart_m <= link.within_m and gap_s <= link.within_s
        if near and _joins(part.kind, group.kind, link):
            return _said(part, apart_m, gap_s, link.name)
    return None


def _joins(kind: str, other: str, link: LinkKinds) -> bool:
    if not (is_any(kind, link.kinds) and is_any(other, link.kinds)):
        return False
    return kind != other or is_any(kind, link.alike)


def _gap_s(part: Part, group: Group) -> float:
    """Return the seconds of event time between a matter's onset and what the group has seen."""
    first_ms = min(one.first_ms for one in group.parts)
    last_ms = max(one.last_ms for one in group.parts)
    after_ms = 0 if group.fires else part.opened_ms - last_ms
    return max(after_ms, first_ms - part.opened_ms, 0) / 1000


def _said(part: Part, apart_m: float, gap_s: float, why: str) -> Link:
    return Link(
        alert_id=part.alert_ids[-1],
        kind=part.kind,
        sense=part.sense,
        distance_m=round(apart_m, 1),
        gap_s=gap_s,
        why=why,
    )


def began_at(group: Group) -> tuple[float, float] | None:
    """Return where an incident began, None without a place."""
    return place_of(group.parts[0])
