"""Where each noise sensor listens: its venue, its limits, whether a loudspeaker may speak."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from streams.noise.ladder import Params, Reason
from streams.noise.limits import NoiseLimits, Venue


class NoiseSensor(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule needs to know of a sensor.

    Attributes:
        venue: Code of the venue that it listens at, or "".
        area_class: Where it belongs to no venue: the class of its area.
        sample_s: What one of its readings covers; None as the rule's parameters.
    """

    venue: str = ""
    area_class: str = ""
    sample_s: int | None = None


class Post(NamedTuple):
    """One sensor, placed.

    Attributes:
        sensor: Its id.
        venue: Its venue, or None.
        place: Its index in the limits.
        sample_ms: What one of its readings covers.
        size: Samples in a window.
        mute: Why it has no loudspeaker at any hour, or None.
        mute_at_night: Why it has none at night, or None.
    """

    sensor: str
    venue: Venue | None
    place: int
    sample_ms: int
    size: int
    mute: Reason | None
    mute_at_night: Reason | None

    @property
    def subject(self) -> str:
        """What its alerts are about: the venue, else the sensor."""
        return self.venue.code if self.venue else self.sensor

    @property
    def name(self) -> str:
        """The same to people."""
        return self.venue.name if self.venue else self.sensor


class Setting(NamedTuple):
    """All that the noise rule is told: parameters, limits, placed sensors."""

    params: Params
    limits: NoiseLimits
    posts: Mapping[str, Post]


def place_sensors(
    params: Params,
    limits: NoiseLimits,
    venues: Mapping[str, Venue],
    sensors: Mapping[str, NoiseSensor],
) -> Setting:
    """Return the rule's setting.

    Raises:
        ValueError: A sensor at an unknown venue, at no venue and in no class
            that has limits, or with samples longer than the window; the
            message names it.
    """
    posts = {
        sensor_id: _post(sensor_id, sensor, params, limits, venues)
        for sensor_id, sensor in sensors.items()
    }
    return Setting(params, limits, posts)


def _post(
    sensor_id: str,
    sensor: NoiseSensor,
    params: Params,
    limits: NoiseLimits,
    venues: Mapping[str, Venue],
) -> Post:
    venue = venues.get(sensor.venue)
    if sensor.venue and venue is None:
        raise ValueError(f"noise sensor {sensor_id} listens at the unknown venue {sensor.venue!r}")
    area_class = venue.area_class if venue else sensor.area_class
    place = limits.place(sensor.venue, area_class)
    if place is None:
        raise ValueError(f"noise sensor {sensor_id}: no limits for class {area_class!r}")
    sample_s = sensor.sample_s or params.sample_s
    if params.window_s % sample_s:
        raise ValueError(
            f"noise sensor {sensor_id}: a window of {params.window_s} s"
            f" is not a whole number of samples of {sample_s} s"
        )
    is_silent = venue is not None and venue.use in params.silent_uses
    is_quiet = area_class in params.night_quiet_classes
    return Post(
        sensor=sensor_id,
        venue=venue,
        place=place,
        sample_ms=sample_s * 1000,
        size=params.window_s // sample_s,
        mute=Reason.NO_LOUDSPEAKER if is_silent else None,
        mute_at_night=Reason.NIGHT_QUIET if is_quiet else None,
    )
