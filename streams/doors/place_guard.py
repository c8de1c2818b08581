"""The place guard: places outside the city, and devices that are not where they are registered."""

from streams.city.box import Box
from streams.doors.verdict import Code, Outcome, Verdict, rejected
from streams.geo.gcj02 import distance_m, shifted

SUSPECT_M = 150.0
"""A fixed device may report a place so far from its registered one."""

_LIKE_M = 60.0  # nearer than this to the shifted place is taken as the shift


def outside(lon_deg: float, lat_deg: float, box: Box) -> Verdict | None:
    """Return the verdict on a place outside city and sea; None for one inside."""
    if box.holds(lon_deg, lat_deg):
        return None
    said = f"({lon_deg:g}, {lat_deg:g}) lies outside city and sea"
    if box.holds(lat_deg, lon_deg):
        return rejected(Code.OUTSIDE_CITY, "lat_deg", f"{said}: longitude and latitude are swapped")
    return rejected(Code.OUTSIDE_CITY, "lon_deg", f"{said}: leave the place out, or mend it")


def suspect(
    lon_deg: float, lat_deg: float, registered_lon_deg: float, registered_lat_deg: float
) -> Verdict | None:
    """Return the warning on a device far from its registered place; None when it is near.

    The event is taken all the same: a fire is reported by whoever sees it. The
    hint says whether the distance is that between WGS-84 and GCJ-02.
    """
    off_m = distance_m(lon_deg, lat_deg, registered_lon_deg, registered_lat_deg)
    if off_m <= SUSPECT_M:
        return None
    hint = f"{off_m:.0f} m from the registered place"
    if distance_m(lon_deg, lat_deg, *shifted(registered_lon_deg, registered_lat_deg)) <= _LIKE_M:
        hint += ": just as GCJ-02 differs from WGS-84; convert before sending"
    elif distance_m(*shifted(lon_deg, lat_deg), registered_lon_deg, registered_lat_deg) <= _LIKE_M:
        hint += ": just as WGS-84 differs from GCJ-02; the register's place was not converted"
    else:
        hint += ": was the device moved, or its place mistyped?"
    return Verdict(Outcome.ACCEPTED, Code.POSITION_SUSPECT, "lon_deg", hint)
