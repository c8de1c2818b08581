"""What each kind of sensor measures in a calm city: its rhythm of the day, its jitter.

Levels are made up to look alive and to stay calm: below the city's own limits
by a margin, at every hour (`calm_under`). They are no model of any real place.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from feeds.simulator.dice import Bits, bell, share, throw

Floats = NDArray[np.float64]

_MINUTES_AN_HOUR = 60
_DAY_MS: Final = 86_400_000
_YEAR_MS: Final = 31_556_952_000  # mean Gregorian
_COLDEST_MS: Final = 1_700_000_000  # 20 January, into the year
_TIDE_MS: Final = 44_714_164  # M2, the moon's semidiurnal tide: 12.4206 h
_PARKED_MS: Final = 1_800_000
_TO_FAST, _TO_STAY = 1, 2  # purposes of throws


class Moment(NamedTuple):
    """When levels are asked for: an instant and its local hour, 0 to 24."""

    at_ms: int
    hour: float


class Devices(NamedTuple):
    """Some sensors of one kind.

    Attributes:
        who: By which they throw dice.
        own: 0 to 1 for each: what sets it apart from the others of its kind.
        limit_db: Of noise meters the limit that holds, by minute of the day and
            device; empty for all other kinds.
    """

    who: Bits
    own: Floats
    limit_db: Floats


class Instrument(NamedTuple):
    """One kind of sensor.

    Attributes:
        unit: In which it says its values.
        step: Smallest difference that it tells.
        low, high: Ends of its scale.
        level: Its calm values at a moment; the bits are this reading's throws.
    """

    unit: str
    step: float
    low: float
    high: float
    level: Callable[[Moment, Devices, Bits], Floats]


def _curve(hourly: Sequence[float], hour: float) -> float:
    """Return a curve of 24 hourly values at an hour, the last joined to the first."""
    before = int(hour) % 24
    part = hour - int(hour)
    return hourly[before] * (1 - part) + hourly[(before + 1) % 24] * part


# How loud a place is below its limit, in dB: quietest before dawn.
_BELOW_LIMIT: Final = (14, 15, 16, 16, 15, 13, 14, 12, 11, 11, 11, 11,
                       11, 12, 12, 11, 11, 10, 10, 9.5, 9.5, 11, 12, 13)  # fmt: skip
# What share of all bays is taken.
_PARKED: Final = (0.82, 0.83, 0.84, 0.84, 0.84, 0.82, 0.76, 0.66, 0.70, 0.74, 0.74, 0.72,
                  0.70, 0.72, 0.74, 0.74, 0.72, 0.70, 0.72, 0.74, 0.76, 0.78,
                  0.80, 0.81)  # fmt: skip


def _noise(now: Moment, devices: Devices, bits: Bits) -> Floats:
    minute = int(now.hour * _MINUTES_AN_HOUR) % len(devices.limit_db)
    calm_db = devices.limit_db[minute] - _curve(_BELOW_LIMIT, now.hour) - 4 * devices.own
    level_db: Floats = calm_db + 1.2 * bell(bits)
    return level_db


def _temperature(now: Moment, devices: Devices, bits: Bits) -> Floats:
    season = math.cos(2 * math.pi * (now.at_ms - _COLDEST_MS) / _YEAR_MS)
    warmest_hour = 14
    day = math.cos(2 * math.pi * (now.hour - warmest_hour) / 24)
    return 18.5 - 9.5 * season + 3.5 * day + 2 * devices.own + 0.1 * bell(bits)


def _water(now: Moment, devices: Devices, bits: Bits) -> Floats:
    tide = math.sin(2 * math.pi * now.at_ms / _TIDE_MS)
    return 0.45 + 0.2 * devices.own + 0.2 * devices.own * tide + 0.005 * bell(bits)


def _gas(_now: Moment, devices: Devices, bits: Bits) -> Floats:
    return np.abs(1.5 * devices.own + 0.3 * bell(bits))


def _toxic(_now: Moment, devices: Devices, bits: Bits) -> Floats:
    return np.abs(0.4 * devices.own + 0.1 * bell(bits))


def _nothing(_now: Moment, devices: Devices, _bits: Bits) -> Floats:
    return np.zeros(len(devices.who))


def _tilt(_now: Moment, devices: Devices, bits: Bits) -> Floats:
    return np.abs(1.0 * devices.own + 0.1 * bell(bits))


def _parking(now: Moment, devices: Devices, _bits: Bits) -> Floats:
    """Return whether bays are taken; who parks stays, so a bay decides twice an hour."""
    shift_ms = (devices.own * _PARKED_MS).astype(np.int64)
    stays = throw(devices.who, (now.at_ms + shift_ms) // _PARKED_MS, _TO_STAY)
    taken: Floats = (share(stays) < _curve(_PARKED, now.hour)).astype(np.float64)
    return taken


def _battery(now: Moment, devices: Devices, _bits: Bits) -> Floats:
    """Return a charge that sinks by some tenths a day and is renewed at 60 %."""
    spent = (now.at_ms / _DAY_MS * 0.3 + 40 * devices.own) % 40
    left: Floats = 100 - spent
    return left


INSTRUMENTS: Final[Mapping[str, Instrument]] = {
    "noise.laeq": Instrument("dB(A)", 0.1, 0, 160, _noise),
    "temperature.air": Instrument("Cel", 0.1, -40, 120, _temperature),
    "water.level": Instrument("m", 0.01, -10, 20, _water),
    "gas.combustible": Instrument("%LEL", 0.1, 0, 100, _gas),
    "gas.toxic": Instrument("ppm", 0.1, 0, 100, _toxic),
    "smoke.alarm": Instrument("1", 1, 0, 1, _nothing),
    "manhole.tilt": Instrument("deg", 0.1, 0, 180, _tilt),
    "parking.occupied": Instrument("1", 1, 0, 1, _parking),
    "battery.level": Instrument("%", 0.1, 0, 100, _battery),
}
"""Kinds that the simulator plays; sensors of others are silent."""
