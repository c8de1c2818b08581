"""A reading: one value of one property, by one sensor, at one instant."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.envelope import Envelope


class Reading(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """What a sensor measured. `kind` names the property: `noise.laeq`, `water.level`.

    Attributes:
        value: The number, in `unit`; converted to the kind's own unit at decode.
        unit: As in `units.KINDS`; mandatory.
        lon_deg: Longitude of a sensor that moves or that no registry knows.
        lat_deg: Latitude, likewise.
    """

    value: float
    unit: str
    lon_deg: float | None = None
    lat_deg: float | None = None


class ReadingBatch(NamedTuple):
    """Readings as columns, one entry a reading, arrays read-only.

    `value` is in the unit that `units.KINDS` names for the kind. `lon_deg` and
    `lat_deg` are WGS-84, NaN where the reading has none. `row` is the index of
    the record in its `RawBatch`, `offset` its offset: several readings of one
    pack share them.
    """

    source: Sequence[str]
    kind: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    offset: NDArray[np.int64]
    row: NDArray[np.int64]
