"""The one list of rules: a new rule joins here, and its parameters in rules.toml."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import numpy as np

from streams import skew
from streams.city.model import City
from streams.devices import feeds, watching
from streams.matters.casework import DispatchParams
from streams.matters.policy import IncidentParams
from streams.noise.posts import place_sensors
from streams.rules import (
    complaints,
    detections,
    distress,
    fences,
    moratorium,
    noise,
    silence,
    speed,
    threshold,
)
from streams.vessels import tracks
from streams.vessels.alerts import Setting

WATER = "water.level"


class RuleEntry(NamedTuple):
    """One rule as the operators run it.

    Attributes:
        rule: Its module: `NAME`, `evaluate`, `close`.
        params: Its table in rules.toml.
        state: The type of a key's state, or the dtype of a row of columns.
        setting: Makes what the rule is told, from the city and its table.
        by_data: Closed by the time that the feed's own rows account for, not by
            a silent feed's wall time: for rules about silence.
        sifts: Its verdict names the rows that the rules after it may see.
    """

    rule: Any
    params: type[msgspec.Struct]
    state: Any
    setting: Callable[[City, Any], Any]
    by_data: bool = False
    sifts: bool = False

    @property
    def is_columnar(self) -> bool:
        """Whether its state is `keyed.Columns`."""
        return isinstance(self.state, np.dtype)


def _alone(_city: City, params: Any) -> Any:
    return params


def _threshold(city: City, params: Any) -> Any:
    return threshold.setting_of(params, {WATER: city.stages})


def _noise(city: City, params: Any) -> Any:
    return place_sensors(params, city.limits, city.venues, city.noise_sensors)


def _vessels(city: City, params: Any) -> Any:
    return Setting(params, city.fences, city.vessels, tuple(city.closures.values()))


READING_RULES: Mapping[str, RuleEntry] = MappingProxyType(
    {
        threshold.NAME: RuleEntry(threshold, threshold.Params, threshold.STATE, _threshold),
        noise.NAME: RuleEntry(noise, noise.Params, noise.Hearing, _noise),
    }
)

DETECTION_RULES: Mapping[str, RuleEntry] = MappingProxyType(
    {detections.NAME: RuleEntry(detections, detections.Params, detections.Sight, _alone)}
)

COMPLAINT_RULES: Mapping[str, RuleEntry] = MappingProxyType(
    {complaints.NAME: RuleEntry(complaints, complaints.Params, complaints.Chain, _alone)}
)

# Distress comes before the identities are sifted: a beacon's call is never set
# aside because another sender uses its number.
POSITION_RULES: Mapping[str, RuleEntry] = MappingProxyType(
    {
        distress.NAME: RuleEntry(distress, distress.Params, distress.Call, _vessels),
        tracks.NAME: RuleEntry(tracks, tracks.Params, tracks.Tracks, _vessels, sifts=True),
        fences.NAME: RuleEntry(fences, fences.Params, fences.Visits, _vessels),
        speed.NAME: RuleEntry(speed, speed.Params, speed.Pace, _vessels),
        moratorium.NAME: RuleEntry(moratorium, moratorium.Params, moratorium.Voyage, _vessels),
        silence.NAME: RuleEntry(silence, silence.Params, silence.Heard, _vessels, by_data=True),
    }
)

PARAMS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        **{name: entry.params for name, entry in READING_RULES.items()},
        **{name: entry.params for name, entry in POSITION_RULES.items()},
        **{name: entry.params for name, entry in DETECTION_RULES.items()},
        **{name: entry.params for name, entry in COMPLAINT_RULES.items()},
        "incidents": IncidentParams,
        "dispatch": DispatchParams,
        skew.NAME: skew.Params,
        feeds.NAME: feeds.Params,
        watching.NAME: watching.Params,
    }
)
"""The tables that a city's rules.toml may have, by name."""


def settings(entries: Mapping[str, RuleEntry], city: City) -> dict[str, Any]:
    """Return what each rule of `entries` is told by `city`, by rule name."""
    return {name: entry.setting(city, city.params[name]) for name, entry in entries.items()}
