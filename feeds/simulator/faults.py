"""Devices that are not as they should be: late, doubled, dropped, wrong clocks, garbled.

A few of a thousand, always the same ones under one seed; the rest of the city is
sound. Life safety is left alone, so that each refused record has one cause.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from feeds.recordings import KeyedRecord
from feeds.simulator.devices import right
from feeds.simulator.dice import players, share, throw
from feeds.simulator.sensors import Sensors
from schemas.topics import SENSOR_READINGS, reading_topic
from streams.city.model import City, SensorRecord

_FAULT, _DROPS, _GARBLES = 61, 62, 63  # purposes of throws
_LATE_MS: Final = 20_000
_TWICE_MS: Final = 5_000
_AHEAD_MS: Final = 8 * 3_600_000  # local time sent as UTC
_DROP_MS: Final = 600_000
_DROPPED: Final = 0.3  # of its ten-minute spans a dropping device is silent in
_GARBLED: Final = 1 / 30  # of its records a garbling device spoils
_BOOT_MS: Final = 946_684_800_000  # 2000-01-01, what a clock without a battery starts at
_DAY_MS: Final = 86_400_000


class Shares(NamedTuple):
    """Which share of the sensors has which fault."""

    late: float = 0.002
    twice: float = 0.002
    dropping: float = 0.005
    ahead: float = 0.0004
    boot: float = 0.0003
    garbling: float = 0.0003


SOUND: Final = Shares(0, 0, 0, 0, 0, 0)
"""A city without faults."""


class Split(NamedTuple):
    """Sensors by what is wrong with them."""

    sound: list[SensorRecord]
    faulty: dict[str, list[SensorRecord]]


def split(city: City, seed: int, shares: Shares) -> Split:
    """Return which sensors of a city are sound, and which have which fault."""
    sensors = list(city.sensors.values())
    drawn = share(throw(players(seed, [sensor.code for sensor in sensors]), 0, _FAULT))
    bounds = np.cumsum(shares)
    found = Split([], {name: [] for name in Shares._fields})
    for sensor, number in zip(sensors, np.searchsorted(bounds, drawn, "right"), strict=True):
        is_meant = number < len(bounds) and reading_topic(sensor.kind) == SENSOR_READINGS
        (found.faulty[Shares._fields[number]] if is_meant else found.sound).append(sensor)
    return found


class Faulty:
    """The faulty sensors of a city."""

    def __init__(
        self, city: City, faulty: dict[str, list[SensorRecord]], seed: int, hz: float
    ) -> None:
        self._of = {name: Sensors(city, members, seed, hz) for name, members in faulty.items()}
        self._seed = seed

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return what they send in [from, until), late ones at the instant of sending."""
        on_time = {
            name: sensors.between(from_ms, until_ms)
            for name, sensors in self._of.items()
            if name in {"twice", "dropping", "garbling"}
        }
        return [
            *_later(self._of["late"], from_ms, until_ms, _LATE_MS),
            *on_time["twice"],
            *_later(self._of["twice"], from_ms, until_ms, _TWICE_MS),
            *self._but_dropped(on_time["dropping"]),
            *self._garbled(on_time["garbling"]),
            *self._of["ahead"].between(from_ms, until_ms, _ahead),
            *self._of["boot"].between(from_ms, until_ms, _booted),
        ]

    def _but_dropped(self, records: Iterable[KeyedRecord]) -> list[KeyedRecord]:
        return [
            record
            for record in records
            if self._drawn(record, record.event_time_ms // _DROP_MS, _DROPS) >= _DROPPED
        ]

    def _garbled(self, records: Iterable[KeyedRecord]) -> list[KeyedRecord]:
        found = []
        for record in records:
            drawn = self._drawn(record, record.event_time_ms, _GARBLES) / _GARBLED
            value = record.value
            if drawn < 1:
                spoilt = (value[: len(value) // 2], value.replace(b'"unit"', b'"Unit"'),
                          value.replace(b"Z", b""), b"")  # fmt: skip
                value = spoilt[int(drawn * len(spoilt))]
            found.append(record._replace(value=value))
        return found

    def _drawn(self, record: KeyedRecord, when: int, what: int) -> float:
        who = players(self._seed, [record.key.decode()])
        return float(share(throw(who, when, what))[0])


def _later(sensors: Sensors, from_ms: int, until_ms: int, by_ms: int) -> list[KeyedRecord]:
    """Return what `sensors` said `by_ms` ago, sent now."""
    return [
        record._replace(event_time_ms=record.event_time_ms + by_ms)
        for record in sensors.between(from_ms - by_ms, until_ms - by_ms, right)
    ]


def _ahead(at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    return at_ms + _AHEAD_MS


def _booted(at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    return _BOOT_MS + at_ms % _DAY_MS
