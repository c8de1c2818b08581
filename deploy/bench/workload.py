"""The work: seeded readings of many devices, and what any engine must make of them.

Every device stands at a fixed place in or near a city of 484 grids and sends a
reading in turn. What must come out is counted here by a plain loop over the
events, which knows nothing of the engines.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from streams.geo.areas import NamedArea

SOURCE = "bench"
KIND = "load.level"
RAISE_AT = 80.0
"""Beyond it a device is in alarm; at or under `CLEAR_AT` it no longer is."""
CLEAR_AT = 70.0

GRID_SIDE = 22
"""484 grids are 22 x 22."""
COMMUNITIES = 102
"""Longgang's; each grid belongs to one."""
_EDGE_POINTS = 10  # 4 edges a grid: 40 vertices
_WEST_DEG, _SOUTH_DEG, _WIDTH_DEG, _HEIGHT_DEG = 114.1, 22.5, 0.5, 0.4
_OUTSIDE_DEG = 0.005  # some devices stand just outside the city
_BEGIN_MS = 1_777_600_000_000  # 2026-05-01, in no way special
_ROUND_MS = 60_000  # each device sends once a minute
_CHUNK = 50_000
# Shares of readings: one in 2000 raises an alarm, some fall between the two levels.
_SHARE_BEYOND, _SHARE_BETWEEN = 0.0005, 0.006


class Workload(msgspec.Struct, frozen=True):
    """How many events of how many devices, and the seed of their values."""

    events: int
    devices: int
    seed: int = 1


class Expected(msgspec.Struct, frozen=True):
    """What every engine must find: alarms raised and cleared, events inside a grid."""

    onsets: int
    clears: int
    inside: int


class Chunk(NamedTuple):
    """Some events in their order: device number, event time and value of each."""

    device: NDArray[np.int64]
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]


def chunks(work: Workload) -> Iterator[Chunk]:
    """Yield the events; those of a smaller workload are the first of a larger one."""
    for first in range(0, work.events, _CHUNK):
        dice = np.random.default_rng((work.seed, first))
        share, place = dice.random(_CHUNK), dice.random(_CHUNK)
        value = 20 + 45 * place
        value[share < _SHARE_BETWEEN] = 71 + 8 * place[share < _SHARE_BETWEEN]
        value[share < _SHARE_BEYOND] = 81 + 18 * place[share < _SHARE_BEYOND]
        number = np.arange(first, min(first + _CHUNK, work.events))
        time_ms = _BEGIN_MS + number * _ROUND_MS // work.devices
        yield Chunk(number % work.devices, time_ms, value[: len(number)].round(2))


def device_names(work: Workload) -> list[str]:
    """Return the name of each device."""
    return [f"device-{number:05}" for number in range(work.devices)]


def places(work: Workload) -> NDArray[np.float64]:
    """Return longitude and latitude of each device in degrees, shape (devices, 2)."""
    dice = np.random.default_rng((work.seed, 1, 1))
    low = np.array([_WEST_DEG, _SOUTH_DEG]) - _OUTSIDE_DEG
    size = np.array([_WIDTH_DEG, _HEIGHT_DEG]) + 2 * _OUTSIDE_DEG
    spots: NDArray[np.float64] = (low + size * dice.random((work.devices, 2))).round(6)
    return spots


def values(work: Workload, chunk: Chunk) -> list[bytes]:
    """Return each event of `chunk` as it goes over the wire."""
    heads = [
        f'{{"source":"{SOURCE}","kind":"{KIND}","subject":"{name}","unit":"%",'
        f'"lon_deg":{lon_deg},"lat_deg":{lat_deg},"event_time":"'
        for name, (lon_deg, lat_deg) in zip(device_names(work), places(work).tolist(), strict=True)
    ]
    times = np.datetime_as_string(chunk.time_ms.astype("datetime64[ms]")).tolist()
    return [
        f'{heads[device]}{time}Z","value":{value}}}'.encode()
        for device, time, value in zip(
            chunk.device.tolist(), times, chunk.value.tolist(), strict=True
        )
    ]


def expected(work: Workload) -> Expected:
    """Return what must come out of `work`, found one event at a time."""
    in_alarm = [False] * work.devices
    is_inside = _inside(work).tolist()
    onsets = clears = inside = 0
    for chunk in chunks(work):
        for device, value in zip(chunk.device.tolist(), chunk.value.tolist(), strict=True):
            inside += is_inside[device]
            if not in_alarm[device] and value > RAISE_AT:
                in_alarm[device] = True
                onsets += 1
            elif in_alarm[device] and value <= CLEAR_AT:
                in_alarm[device] = False
                clears += 1
    return Expected(onsets, clears, inside)


def grids(seed: int = 1) -> list[NamedArea]:
    """Return 484 grids of 40 vertices that tile a city, with crooked borders."""
    dice = np.random.default_rng((seed, 2, 2))
    side, step = GRID_SIDE, 1 / GRID_SIDE
    corner = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), axis=-1) * step
    corner[1:-1, 1:-1] += (dice.random((side - 1, side - 1, 2)) - 0.5) * step * 0.4
    along = np.arange(_EDGE_POINTS) / _EDGE_POINTS
    # Both neighbours of an edge take the very same points, so nothing gapes or overlaps.
    sag = np.sin(along * math.pi)[:, None] * step * 0.1
    east = corner[:, :-1, None] + along[:, None] * (corner[:, 1:] - corner[:, :-1])[:, :, None]
    north = corner[:-1, :, None] + along[:, None] * (corner[1:] - corner[:-1])[:, :, None]
    east[1:-1] += sag * np.array([0, 1]) * (dice.random((side - 1, side, 1, 1)) - 0.5)
    north[:, 1:-1] += sag * np.array([1, 0]) * (dice.random((side, side - 1, 1, 1)) - 0.5)
    scale, origin = np.array([_WIDTH_DEG, _HEIGHT_DEG]), np.array([_WEST_DEG, _SOUTH_DEG])
    found = []
    for row in range(side):
        for column in range(side):
            south, top = east[row, column], east[row + 1, column]
            west, right = north[row, column], north[row, column + 1]
            # The far edges run the other way round, so their last corner is their first.
            back_top = np.concatenate((corner[row + 1, column + 1][None], top[:0:-1]))
            back_west = np.concatenate((corner[row + 1, column][None], west[:0:-1]))
            ring = np.concatenate((south, right, back_top, back_west)) * scale + origin
            found.append(NamedArea(f"grid-{row:02}-{column:02}", shapely.Polygon(ring)))
    return found


def _inside(work: Workload) -> NDArray[np.bool_]:
    """Return whether each device stands inside the city."""
    city = shapely.union_all([grid.geometry for grid in grids(work.seed)])
    lon_deg, lat_deg = places(work).T
    return np.asarray(shapely.intersects_xy(city, lon_deg, lat_deg))
