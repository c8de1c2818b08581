"""Who acts in a story: devices of the city's own registers, always the same ones."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from streams.city.model import CameraRecord, City, SensorRecord
from streams.geo.fences import distance_m
from streams.noise.limits import Venue


class Placed(Protocol):
    """Something that stands somewhere."""

    @property
    def lon_deg(self) -> float: ...

    @property
    def lat_deg(self) -> float: ...


_P = TypeVar("_P", bound=Placed)


def nearest(to: Placed, among: Iterable[_P], count: int = 1) -> list[_P]:
    """Return the `count` that stand nearest, nearest first."""

    def away_m(one: _P) -> float:
        return distance_m((to.lon_deg, to.lat_deg), (one.lon_deg, one.lat_deg))

    return sorted(among, key=away_m)[:count]


def sensors(city: City, kind: str) -> list[SensorRecord]:
    """Return the sensors of a kind, by code; the city must have some.

    Raises:
        ValueError: It has none.
    """
    found = sorted(
        (one for one in city.sensors.values() if one.kind == kind), key=lambda one: one.code
    )
    if not found:
        raise ValueError(f"the city has no sensor of {kind}; this scenario needs one")
    return found


def cameras(city: City, near: Placed, count: int = 1) -> list[CameraRecord]:
    """Return the cameras nearest to something.

    Raises:
        ValueError: The city has no camera.
    """
    found = nearest(near, city.cameras.values(), count)
    if not found:
        raise ValueError("the city has no camera; this scenario needs one")
    return found


def crews(city: City, department: str) -> frozenset[str]:
    """Return the codes of a department's units: which of them goes depends on who is free.

    Raises:
        ValueError: It has none.
    """
    units = city.roster.units.values()
    found = frozenset(unit.code for unit in units if unit.department == department)
    if not found:
        raise ValueError(f"the city has no unit of {department}; this scenario needs one")
    return found


def speaking_venues(city: City) -> list[Venue]:
    """Return the venues whose loudspeaker may speak at any hour, by code.

    Raises:
        ValueError: The city has none.
    """
    noise = city.params["noise"]
    found = [
        venue
        for code, venue in sorted(city.venues.items())
        if code in city.speakers
        and venue.use not in noise.silent_uses
        and venue.area_class not in noise.night_quiet_classes
    ]
    if not found:
        raise ValueError("the city has no venue whose loudspeaker may speak at night too")
    return found


def venue_sensors(city: City, venue: Venue) -> list[SensorRecord]:
    """Return the noise meters of a venue, by code."""
    return [
        city.sensors[code]
        for code, heard in sorted(city.noise_sensors.items())
        if heard.venue == venue.code
    ]


def fishing_boat(city: City, gear: str, number: int) -> str:
    """Return the MMSI of a boat with AIS of a gear without special permits, by code.

    Raises:
        ValueError: The city has not so many.
    """
    boats = {
        boat.code: boat.mmsi
        for boat in city.vessels.values()
        if boat.gear == gear and boat.mmsi and not boat.permits
    }
    if len(boats) <= number:
        raise ValueError(f"the city has too few boats of {gear} with AIS for this scenario")
    return boats[sorted(boats)[number]]


def gauges(city: City) -> list[SensorRecord]:
    """Return the water gauges that have stages of their own, by code.

    Raises:
        ValueError: The city has none.
    """
    found = [one for one in sensors(city, "water.level") if one.code in city.stages]
    if not found:
        raise ValueError("no gauge of the city has stages; this scenario needs one")
    return found
