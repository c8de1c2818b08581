"""Kinds of readings: their unit, the units taken for it, what is physical.

A reading is converted once, at the door, to its kind's own unit. Outside the
physical range a value says that the sensor is broken or the unit is wrong, so
it is refused; limits that matter to people are the rules' own.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.records import Reason
from schemas.refused import Refusal, unknown_kind


class Scale(NamedTuple):
    """An exact conversion: (value + shift) * times / over."""

    times: float = 1.0
    over: float = 1.0
    shift: float = 0.0

    def convert(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `values` in the kind's own unit."""
        if self == _SAME:
            return values
        with np.errstate(over="ignore"):  # infinite then, and so out of any range
            return (values + self.shift) * self.times / self.over


class KindSpec(NamedTuple):
    """What a kind of reading is measured in.

    Attributes:
        unit: Its own unit, UCUM's spelling but for the noise and gas trades'.
        accepted: Other units, each with its conversion.
        low, high: Physical range in `unit`, both ends allowed.
        description: What is measured, and where the range is from.
        flag: True for a yes or no, said as 1 or 0.
        urgent: True for life safety (fire, gas, flood): it rides the urgent lane.
    """

    unit: str
    accepted: Mapping[str, Scale]
    low: float
    high: float
    description: str
    flag: bool = False
    urgent: bool = False

    def scale(self, unit: str) -> Scale | None:
        """Return how `unit` becomes the kind's own; None if it is not taken."""
        return _SAME if unit == self.unit else self.accepted.get(unit)

    @property
    def units(self) -> str:
        """The units taken, the kind's own first."""
        return ", ".join((self.unit, *self.accepted))


_SAME = Scale()

KINDS: Mapping[str, KindSpec] = MappingProxyType(
    {
        "noise.laeq": KindSpec(
            "dB(A)",
            {},
            0,
            160,
            "A-weighted equivalent level over the sensor's own second or minute; above "
            "160 dB lies no microphone's range.",
        ),
        "noise.lamax": KindSpec(
            "dB(A)", {}, 0, 160, "Highest A-weighted level within the sensor's own interval."
        ),
        "water.level": KindSpec(
            "m",
            {"cm": Scale(over=100), "mm": Scale(over=1000)},
            -50,
            50,
            "Stage above the station's own zero (1985 national height datum unless the city's "
            "files say otherwise).",
            urgent=True,
        ),
        "smoke.alarm": KindSpec(
            "1", {}, 0, 1, "The detector's own alarm bit.", flag=True, urgent=True
        ),
        "temperature.air": KindSpec(
            "Cel",
            {"degF": Scale(5, 9, -32), "K": Scale(shift=-273.15)},
            -90,
            1000,
            "Air temperature; the lowest ever measured outdoors is -89.2, a fire reaches 1000.",
            urgent=True,
        ),
        "gas.combustible": KindSpec(
            "%LEL",
            {"%VOL": Scale(times=20), "ppm": Scale(over=500)},
            0,
            2000,
            "Combustible gas as a share of the lower explosive limit; %VOL and ppm are read as "
            "methane, whose limit is 5 %VOL, so pure methane is 2000 %LEL.",
            urgent=True,
        ),
        "gas.toxic": KindSpec(
            "ppm",
            {"ppb": Scale(over=1000)},
            0,
            10_000,
            "Toxic gas by volume in air.",
            urgent=True,
        ),
        "manhole.tilt": KindSpec("deg", {}, 0, 180, "Tilt of a manhole cover from its seat."),
        "parking.occupied": KindSpec("1", {}, 0, 1, "Whether a bay is taken.", flag=True),
        "battery.level": KindSpec(
            "%", {"%EL": _SAME, "/100": _SAME, "/": Scale(times=100)}, 0, 100, "Charge left."
        ),
        "load.level": KindSpec("%", {}, 0, 100, "A generic share, used to measure the system."),
    }
)


def convert(
    kinds: Sequence[str], units: Sequence[str], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[int, Refusal]]:
    """Return `values` in their kinds' own units, and refusals by index.

    Args:
        kinds: Kind of each value.
        units: Unit in which each value is said.
        values: What was said; never modified.
    """
    count = len(kinds)
    if not count:
        return values, {}
    if kinds.count(kinds[0]) == count and units.count(units[0]) == count:
        return _convert_group(kinds[0], units[0], values, np.arange(count))
    codes = _codes(kinds) * count + _codes(units)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    converted, refusals = values.copy(), dict[int, Refusal]()
    for index in np.split(order, starts):
        kind, unit = kinds[index[0]], units[index[0]]
        converted[index], refused = _convert_group(kind, unit, values[index], index)
        refusals |= refused
    return converted, refusals


def _codes(words: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each word, the same for the same word."""
    known = {word: code for code, word in enumerate(dict.fromkeys(words))}
    return np.fromiter(map(known.__getitem__, words), np.int64, len(words))


def _convert_group(
    kind: str, unit: str, values: NDArray[np.float64], index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], dict[int, Refusal]]:
    """Convert values of one kind and unit; `index` is where they stand in the batch."""
    refusal = check_kind(kind, unit)
    if refusal is not None:
        return values, dict.fromkeys(index.tolist(), refusal)
    spec = KINDS[kind]
    scale = spec.scale(unit) or _SAME
    converted = scale.convert(values)
    physical = (converted >= spec.low) & (converted <= spec.high)
    if physical.all():
        return converted, {}
    return converted, {
        int(index[i]): _out_of_range(kind, unit, float(values[i]))
        for i in np.flatnonzero(~physical).tolist()
    }


def check_kind(kind: str, unit: str) -> Refusal | None:
    """Return why a reading of `kind` in `unit` is not taken, None if it is."""
    spec = KINDS.get(kind)
    if spec is None:
        return unknown_kind(kind, KINDS)
    if spec.scale(unit) is None:
        hint = f"{kind} takes {spec.units}, not {unit[:32]!r}"
        return Refusal(Reason.UNKNOWN_UNIT, "unit", hint)
    return None


def _out_of_range(kind: str, unit: str, value: float) -> Refusal:
    spec = KINDS[kind]
    if not np.isfinite(value):
        return Refusal(Reason.NOT_FINITE, "value", "leave a reading without a number out")
    hint = f"{kind} lies in {spec.low:g} to {spec.high:g} {spec.unit}; {value:g} {unit} does not"
    for other in (spec.unit, *spec.accepted):
        said = (spec.scale(other) or _SAME).convert(np.array([value]))
        if other != unit and spec.low <= said[0] <= spec.high:
            return Refusal(Reason.OUT_OF_RANGE, "value", f"{hint}; did you mean {other}?")
    return Refusal(Reason.OUT_OF_RANGE, "value", hint)
