"""The door guard for positions: is the datum declared, can the place be real?

Nothing is converted here: GCJ-02 and BD-09 are refused, because their inverse
is only approximate and a fence half a kilometre off is worse than no position.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.envelope import Datum
from schemas.records import Reason
from schemas.refused import Refusal

TAKEN = frozenset({Datum.WGS84, Datum.CGCS2000})
"""Taken as they are: CGCS2000 agrees with WGS-84 within decimetres."""

# A box round China and its seas, in degrees: longitude 73 to 136, latitude 3 to 54.
_CHINA_LON = (73.0, 136.0)
_CHINA_LAT = (3.0, 54.0)
_MAX_LON, _MAX_LAT = 180.0, 90.0


def check_places(lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> dict[int, Refusal]:
    """Return, by index, why a place cannot be real; NaN in both means no place."""
    said = ~(np.isnan(lon_deg) & np.isnan(lat_deg))
    if not said.any():
        return {}
    fine = (np.abs(lon_deg) <= _MAX_LON) & (np.abs(lat_deg) <= _MAX_LAT)
    fine &= (lon_deg != 0) | (lat_deg != 0)
    # Latitude first: the place lies in the Arctic, and turned round in China.
    fine &= ~((lat_deg >= _CHINA_LON[0]) & (lon_deg >= _CHINA_LAT[0]) & (lon_deg <= _CHINA_LAT[1]))
    return {
        i: _explain_place(float(lon_deg[i]), float(lat_deg[i]))
        for i in np.flatnonzero(said & ~fine).tolist()
    }


def _explain_place(lon_deg: float, lat_deg: float) -> Refusal:
    if np.isnan(lon_deg) or np.isnan(lat_deg):
        name = "lon_deg" if np.isnan(lon_deg) else "lat_deg"
        return Refusal(Reason.MISSING_FIELD, name, "a place needs both lon_deg and lat_deg")
    if lon_deg == 0 and lat_deg == 0:
        hint = "(0, 0): the receiver had no fix; leave the place out"
        return Refusal(Reason.OUT_OF_RANGE, "lon_deg", hint)
    in_china = _CHINA_LON[0] <= lat_deg <= _CHINA_LON[1] and (
        _CHINA_LAT[0] <= lon_deg <= _CHINA_LAT[1]
    )
    if in_china or (abs(lat_deg) > _MAX_LAT >= abs(lon_deg)):
        hint = f"({lon_deg:g}, {lat_deg:g}): longitude and latitude look swapped"
        return Refusal(Reason.OUT_OF_RANGE, "lat_deg", hint)
    name, most = ("lon_deg", _MAX_LON) if abs(lon_deg) > _MAX_LON else ("lat_deg", _MAX_LAT)
    said = lon_deg if name == "lon_deg" else lat_deg
    hint = f"{said:g} is no {name}: degrees lie within {most:g}; minutes or micro-degrees?"
    return Refusal(Reason.OUT_OF_RANGE, name, hint)


def check_datums(
    source: Sequence[str],
    own: Sequence[Datum | None] | None,
    placed: NDArray[np.bool_],
    declared: Mapping[str, Datum],
) -> dict[int, Refusal]:
    """Return, by index, why the datum of a placed row is not taken.

    Args:
        source: Who said it.
        own: The datum that each row says of itself; None when no row does.
        placed: Which rows have a place at all.
        declared: Datum that the city's files declare for a source.
    """
    if not placed.any():
        return {}
    if own is None:
        # Texts are not hashed where one source sent all: that would cost ten times more.
        one = source.count(source[0]) == len(source)
        if all(declared.get(name) in TAKEN for name in (source[:1] if one else set(source))):
            return {}
    refusals: dict[int, Refusal] = {}
    for i in np.flatnonzero(placed).tolist():
        datum = (own[i] if own is not None else None) or declared.get(source[i])
        if datum not in TAKEN:
            refusals[i] = explain_datum(source[i], datum)
    return refusals


def explain_datum(source: str, datum: Datum | None) -> Refusal:
    """Return why `datum` is not taken from `source`."""
    if datum is None:
        hint = f"say datum, or declare one for source {source[:64]!r} in the city's files"
        return Refusal(Reason.DATUM_UNDECLARED, "datum", hint)
    hint = f"{datum} is shifted by half a kilometre or more: convert to wgs84 before sending"
    return Refusal(Reason.DATUM_UNSUPPORTED, "datum", hint)
