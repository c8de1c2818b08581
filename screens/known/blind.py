"""Where the city is blind: micro-grids with no working sense of a kind, and why."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from schemas.instants import format_instant
from screens.known.feeds import FeedHealth
from screens.known.knowledge import Knowledge
from streams.city.model import CameraRecord, SensorRecord

CAMERA = "camera"


class Why(StrEnum):
    """Why a micro-grid has no working sense of a kind; the first that holds."""

    NONE_INSTALLED = "none-installed"
    FEED_DOWN = "feed-down"
    NEVER_HEARD = "never-heard"
    SILENT = "silent"
    OFFLINE = "offline"


class Blind(NamedTuple):
    """One micro-grid that a kind of sense does not reach.

    Attributes:
        micro_grid, community: Where.
        why: The reason.
        devices: Codes of those that stand there, at most five.
        since_ms: When the last of them was heard; None when none ever was.
    """

    micro_grid: str
    community: str
    why: Why
    devices: tuple[str, ...] = ()
    since_ms: int | None = None


class _Post(NamedTuple):
    code: str
    source: str
    heard_ms: int
    works: bool
    offline: bool


Found: TypeAlias = dict[str, tuple[int, list[Blind]]]


def look(knowledge: Knowledge, now_ms: int) -> Found:
    """Return, by kind, how many micro-grids it reaches and those that it does not.

    A camera that nobody reports as offline or dead is taken to work: a quiet street
    sends nothing. A sensor works when it was heard lately enough for its kind.
    """
    posts = _posts(knowledge)
    down = {feed.feed for feed in knowledge.feeds.look(now_ms) if _is_down(feed)}
    areas = knowledge.city.areas
    found = {}
    for kind in sorted({kind for kind, _ in posts}):
        blind, working = [], 0
        for micro_grid in areas.codes:
            there = posts.get((kind, micro_grid), [])
            if any(post.works for post in there):
                working += 1
                continue
            chain = areas.chain_of(micro_grid)
            community = chain.community if chain else ""
            heard_ms = max((post.heard_ms for post in there), default=0)
            codes = tuple(post.code for post in there[:5])
            why = _why(there, down)
            blind.append(Blind(micro_grid, community, why, codes, heard_ms or None))
        found[kind] = (working, blind)
    return found


def as_json(blind: Blind) -> Mapping[str, Any]:
    """Return one entry as screens get it."""
    said: dict[str, Any] = {"micro_grid": blind.micro_grid, "reason": blind.why}
    if blind.devices:
        said["devices"] = blind.devices
        said["since"] = None if blind.since_ms is None else format_instant(blind.since_ms)
    return said


def _is_down(feed: FeedHealth) -> bool:
    return feed.stale


def _why(there: list[_Post], down: set[str]) -> Why:
    if not there:
        return Why.NONE_INSTALLED
    if all(post.offline for post in there):
        return Why.OFFLINE
    if all(post.source in down for post in there):
        return Why.FEED_DOWN
    return Why.SILENT if any(post.heard_ms for post in there) else Why.NEVER_HEARD


def _posts(knowledge: Knowledge) -> dict[tuple[str, str], list[_Post]]:
    """Return the devices of the registers by kind and micro-grid."""
    city, sensors = knowledge.city, knowledge.sensors
    records: list[SensorRecord | CameraRecord] = [*city.sensors.values(), *city.cameras.values()]
    lon = np.array([record.lon_deg for record in records])
    lat = np.array([record.lat_deg for record in records])
    posts: dict[tuple[str, str], list[_Post]] = {}
    for record, owner in zip(records, city.areas.locate(lon, lat).tolist(), strict=True):
        if owner < 0:
            continue
        offline = knowledge.devices.state(record.code) in {"offline", "dead"}
        row = sensors.row_of.get(record.code)
        if record.code in city.cameras or row is None:
            kind, heard_ms, works = CAMERA, 0, not offline
        else:
            kind, heard_ms = sensors.kinds[row], int(sensors.time_ms[row])
            works = heard_ms > 0 and not sensors.stale[row] and not offline
        post = _Post(record.code, record.source, heard_ms, works, offline)
        posts.setdefault((kind, city.areas.codes[owner]), []).append(post)
    return posts
