"""A small seeded generator: a square where people dance too loud, and some boats.

It serves a demonstration where there are no recordings, and beside them, so
that each kind of finding is seen within minutes. Everything is a function of
the seed and of the instant: the same call gives the same events. The places are
those of `deploy/cities/longgang`.
"""

import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.envelope import Envelope
from schemas.positions import Position
from schemas.readings import Reading
from schemas.topics import SENSOR_READINGS, VESSEL_POSITIONS

_MINUTE_MS: Final = 60_000
# The evening repeats: dancing from the first minute for 26, then quiet, in which
# the noise rule's whole ladder (reminder, grid worker, police) can run and clear.
CYCLE_MS: Final = 40 * _MINUTE_MS
_DANCE_MS: Final = range(_MINUTE_MS, 27 * _MINUTE_MS)
_MUSIC_DB: Final = 74.0
_STREET_DB: Final = 40.0  # quiet enough for every class of area at night
_JITTER_DB: Final = 1.5

_SAMPLE_MS: Final = 1000
_FIX_MS: Final = 10_000
_KM_PER_DEG_LAT: Final = 111.195  # of a sphere of 6,371 km
_KM_PER_NM: Final = 1.852

_DANCED: Final = ("LG-noise-square-central-1", "LG-noise-square-riverside-1")
_STREETS: Final = tuple(f"LG-noise-{number:03d}" for number in range(1, 9))


class Event(NamedTuple):
    """One event to publish: where, under which key, when it happened, what it says."""

    topic: str
    key: str
    event_time_ms: int
    record: Envelope


class _Boat(NamedTuple):
    """A boat that goes to and fro between two points.

    `seen_ms` is the part of each cycle in which it reports.
    """

    mmsi: str
    name: str
    from_deg: tuple[float, float]
    to_deg: tuple[float, float]
    speed_kn: float
    seen_ms: range = range(CYCLE_MS)
    nav_status: int = 7


_BOATS: Final = (
    # Into the no-go zone off Bacao and out again.
    _Boat("412420002", "ZHEPINGYU 00019", (120.755, 27.45), (120.815, 27.45), 10.0),
    # Too fast in the channel.
    _Boat("412420004", "ZHEPINGYU 00021", (120.676, 27.485), (120.718, 27.485), 9.0),
    # Quietly fishing.
    _Boat("412420000", "ZHECANGYU 00017", (120.95, 27.30), (120.99, 27.33), 3.0),
    # Falls silent where the shore stations hear well.
    _Boat(
        "412420003",
        "ZHEPINGYU 00020",
        (120.90, 27.52),
        (120.94, 27.54),
        4.0,
        range(6 * _MINUTE_MS),
    ),
    # A search and rescue transmitter wakes up: distress.
    _Boat(
        "970012345",
        "SART ACTIVE",
        (121.02, 27.38),
        (121.021, 27.381),
        0.5,
        range(8 * _MINUTE_MS, 14 * _MINUTE_MS),
        nav_status=14,
    ),
)


def city(seed: int, start_ms: int) -> Iterator[Event]:
    """Yield the events of the small city from `start_ms` on, in time order, without end.

    Args:
        seed: Of the dice.
        start_ms: Event time of the first event; the story begins there.
    """
    dice = random.Random(seed)
    at_ms = start_ms
    while True:
        since_ms = (at_ms - start_ms) % CYCLE_MS
        yield from _readings(dice, at_ms, since_ms)
        if since_ms % _FIX_MS == 0:
            yield from _fixes(at_ms, since_ms)
        at_ms += _SAMPLE_MS


def _readings(dice: random.Random, at_ms: int, since_ms: int) -> Iterator[Event]:
    for device in _DANCED:
        base_db = _MUSIC_DB if since_ms in _DANCE_MS else _STREET_DB
        yield _reading("noise", device, at_ms, dice.gauss(base_db, _JITTER_DB))
    for device in _STREETS:
        yield _reading("iot", device, at_ms, dice.gauss(_STREET_DB, _JITTER_DB))


def _reading(source: str, device: str, at_ms: int, level_db: float) -> Event:
    record = Reading(
        source=source,
        kind="noise.laeq",
        subject=device,
        event_time_ms=at_ms,
        value=round(level_db, 1),
        unit="dB(A)",
    )
    return Event(SENSOR_READINGS, device, at_ms, record)


def _fixes(at_ms: int, since_ms: int) -> Iterator[Event]:
    for boat in _BOATS:
        if since_ms not in boat.seen_ms:
            continue
        lon_deg, lat_deg, cog_deg = _place(boat, since_ms)
        record = Position(
            source="ais",
            kind="vessel.position",
            subject=boat.mmsi,
            event_time_ms=at_ms,
            lon_deg=round(lon_deg, 6),
            lat_deg=round(lat_deg, 6),
            sog_kn=boat.speed_kn,
            cog_deg=round(cog_deg, 1),
            nav_status=boat.nav_status,
            msg_type=1,
        )
        yield Event(VESSEL_POSITIONS, boat.mmsi, at_ms, record)


def _place(boat: _Boat, since_ms: int) -> tuple[float, float, float]:
    """Return where a boat is, and its course, after `since_ms` of going to and fro."""
    (west_deg, south_deg), (east_deg, north_deg) = boat.from_deg, boat.to_deg
    east_km = (east_deg - west_deg) * _KM_PER_DEG_LAT * math.cos(math.radians(south_deg))
    north_km = (north_deg - south_deg) * _KM_PER_DEG_LAT
    way_km = boat.speed_kn * _KM_PER_NM * since_ms / 3_600_000
    legs, share = divmod(way_km / math.hypot(east_km, north_km), 1.0)
    back = int(legs) % 2 == 1
    share = 1.0 - share if back else share
    course_deg = math.degrees(math.atan2(east_km, north_km)) + (180.0 if back else 0.0)
    return (
        west_deg + (east_deg - west_deg) * share,
        south_deg + (north_deg - south_deg) * share,
        course_deg % 360.0,
    )
