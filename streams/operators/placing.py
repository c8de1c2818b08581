"""Where events are that say no place: at their device, as the register has it."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from schemas.envelope import Datum

B = TypeVar("B", bound=tuple[Any, ...])

Place = tuple[float, float]
"""Longitude and latitude in WGS-84 degrees."""


def placed(batch: B, places: Mapping[str, Place]) -> B:
    """Give rows of `batch` without a place that of their subject, NaN where none is known."""
    rows: Any = batch
    unplaced = np.flatnonzero(np.isnan(rows.lon_deg))
    if not len(unplaced):
        return batch
    nowhere = (np.nan, np.nan)
    found = np.array(
        [places.get(rows.subject[row], nowhere) for row in unplaced.tolist()], np.float64
    )
    lon_deg, lat_deg = rows.lon_deg.copy(), rows.lat_deg.copy()
    lon_deg[unplaced], lat_deg[unplaced] = found[:, 0], found[:, 1]
    moved: B = rows._replace(lon_deg=lon_deg, lat_deg=lat_deg)
    return moved


def place_of(batch: Any, row: int) -> tuple[float | None, float | None, Datum | None]:
    """Return a row's place and datum as a record says them, None for none."""
    lon_deg, lat_deg = float(batch.lon_deg[row]), float(batch.lat_deg[row])
    if np.isnan(lon_deg):
        return None, None, None
    return lon_deg, lat_deg, Datum.WGS84
