"""The city's sensors: every one of the register at its pace, calm."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from feeds.recordings import KeyedRecord
from feeds.simulator.devices import Clock, Said, records, right, roster, turns
from feeds.simulator.dice import share, throw
from feeds.simulator.instruments import INSTRUMENTS, Devices, Floats, Instrument, Moment
from schemas.topics import reading_topic
from schemas.units import KINDS
from streams.city.model import City, SensorRecord
from streams.local_time import MINUTES_A_DAY, UtcOffsets, local_time
from streams.threshold_kinds import Direction, Params

_MS: Final = 1000
_OWN = 21  # purpose of a throw
_LIMIT_SPAN: Final = 15
"""Minutes before and after a change of the limit in which the quieter one is kept to."""
_CALM_SHARE: Final = 0.7
"""How near to where an alert would clear a calm value may come, as a share of it."""


def period_ms(sensor: SensorRecord, hz: float) -> int:
    """Return how long between two reports; what a reading covers leaves no gap."""
    asked_ms = max(1, round(_MS / hz))
    return asked_ms if sensor.sample_s is None else min(asked_ms, sensor.sample_s * _MS)


def hour_of(at_ms: int, offsets: UtcOffsets) -> float:
    """Return the local hour of an instant, 0 to 24, to the minute."""
    return float(local_time(np.array([at_ms]), offsets).minute_of_day[0]) / 60


class Sensors:
    """Some sensors of a city.

    Args:
        city: Their limits, so that they stay below.
        sensors: Which ones; those of kinds that nobody plays are silent.
        seed: Of the dice.
        hz: Reports a second of each, unless its samples are shorter.
    """

    def __init__(self, city: City, sensors: Iterable[SensorRecord], seed: int, hz: float) -> None:
        groups: dict[tuple[str, int], list[SensorRecord]] = defaultdict(list)
        for sensor in sensors:
            if sensor.kind in INSTRUMENTS:
                groups[sensor.kind, period_ms(sensor, hz)].append(sensor)
        self._groups = [
            _Group(city, members, seed, period) for (_, period), members in sorted(groups.items())
        ]

    def between(self, from_ms: int, until_ms: int, clock: Clock = right) -> list[KeyedRecord]:
        """Return what they say in [from, until), in order of time within each kind.

        Args:
            from_ms: First instant.
            until_ms: First instant that is no longer meant.
            clock: What the devices take for the time.
        """
        found: list[KeyedRecord] = []
        for group in self._groups:
            found += group.between(from_ms, until_ms, clock)
        return found


class _Group:
    """Sensors of one kind and period."""

    def __init__(self, city: City, members: list[SensorRecord], seed: int, period_ms: int) -> None:
        kind = members[0].kind
        by_code = {sensor.code: sensor for sensor in members}
        self._offsets = city.utc_offsets
        self._instrument = INSTRUMENTS[kind]
        self._roster = roster(seed, list(by_code), period_ms)
        ordered = [by_code[name] for name in self._roster.names]
        own = share(throw(self._roster.who, 0, _OWN))
        limit_db = _quiet_limits(city, self._roster.names) if kind == "noise.laeq" else np.empty(0)
        self._devices = Devices(self._roster.who, own, limit_db)
        self._low, self._high = _calm_range(city, kind, self._instrument)
        self._tails = _tails(self._instrument)
        topic = reading_topic(kind)
        self._said = Said(
            (topic,) * len(ordered),
            tuple(sensor.code.encode() for sensor in ordered),
            tuple(_head(sensor, self._instrument.unit) for sensor in ordered),
        )

    def between(self, from_ms: int, until_ms: int, clock: Clock) -> list[KeyedRecord]:
        found: list[KeyedRecord] = []
        for turn in turns(self._roster, from_ms, until_ms):
            now = Moment(turn.begin_ms, hour_of(turn.begin_ms, self._offsets))
            devices = self._part(turn.first, turn.end)
            bits = throw(devices.who, turn.at_ms)
            level = np.clip(self._instrument.level(now, devices, bits), self._low, self._high)
            numbers = np.rint((level - self._instrument.low) / self._instrument.step)
            tails = [self._tails[number] for number in numbers.astype(np.int64).tolist()]
            found += records(self._said, turn, tails, clock)
        return found

    def _part(self, first: int, end: int) -> Devices:
        who, own, limit_db = self._devices
        return Devices(who[first:end], own[first:end], limit_db[..., first:end])


def _head(sensor: SensorRecord, unit: str) -> bytes:
    facts = {"source": sensor.source, "kind": sensor.kind, "subject": sensor.code, "unit": unit}
    return json.dumps(facts, separators=(",", ":"))[:-1].encode() + b',"event_time":"'


def _tails(instrument: Instrument) -> list[bytes]:
    """Return the end of a record for every value on the instrument's scale."""
    count = round((instrument.high - instrument.low) / instrument.step) + 1
    values = (instrument.low + instrument.step * np.arange(count)).round(6)
    return [b'","value":%s}' % f"{value:g}".encode() for value in values.tolist()]


def _calm_range(city: City, kind: str, instrument: Instrument) -> tuple[float, float]:
    """Return between which values nothing of this kind is worth an alert."""
    params: Params = city.params["threshold"]
    limits = params.kinds.get(kind)
    if limits is None or not limits.levels or KINDS[kind].flag:
        return instrument.low, instrument.high
    mildest = (limits.clear or limits.levels)[0]
    if limits.direction is Direction.BELOW:
        return mildest + (1 - _CALM_SHARE) * abs(mildest), instrument.high
    return instrument.low, mildest - (1 - _CALM_SHARE) * abs(mildest)


def _quiet_limits(city: City, names: tuple[str, ...]) -> Floats:
    """Return the limit by minute of the day and meter: the lowest of any day, and of soon."""
    limits = city.limits
    places = [
        limits.place(heard.venue, city.venues[heard.venue].area_class)
        if heard.venue
        else limits.place("", heard.area_class)
        for heard in (city.noise_sensors[name] for name in names)
    ]
    lowest: NDArray[np.float64] = limits.limit_db[limits.holds].min(axis=1).T
    near = [np.roll(lowest, by, axis=0) for by in range(-_LIMIT_SPAN, _LIMIT_SPAN + 1)]
    quiet = np.minimum.reduce(near)
    assert quiet.shape[0] == MINUTES_A_DAY  # noqa: S101 - as `NoiseLimits.holds` promises
    index = np.array([place if place is not None else 0 for place in places], np.int64)
    by_meter: Floats = quiet[:, index]
    return by_meter
