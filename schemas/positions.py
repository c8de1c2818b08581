"""A position: where a vessel was, and what it said of itself."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.envelope import Envelope

POSITION_KINDS = frozenset({"vessel.position", "vessel.static", "vessel.safety-text"})
"""A fix; name, call sign and type without a place; a text as in AIS message 14."""


class Position(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """What a vessel or beacon reported; `subject` is its MMSI (or BeiDou id).

    Kinds: `vessel.position` (a fix), `vessel.static` (name, call sign, type;
    no place) and `vessel.safety-text` (`text`, as in AIS message 14). One
    topic carries all three, so that a vessel's own order holds.

    Attributes:
        lon_deg, lat_deg: Degrees; absent when not available (AIS 181, 91).
        sog_kn: Speed over ground in knots; absent at AIS 102.3.
        cog_deg: Course over ground; absent at AIS 360.
        heading_deg: True heading; absent at AIS 511.
        nav_status: AIS navigational status 0-15; absent when not said.
        accuracy_m: Radius within which the fix lies, as the receiver says.
        msg_type: AIS message number it came from.
        name, call_sign, imo, ship_type, gear: As the vessel says.
        text: Of a safety text.
        station: Who received it.
    """

    lon_deg: float | None = None
    lat_deg: float | None = None
    sog_kn: float | None = None
    cog_deg: float | None = None
    heading_deg: float | None = None
    nav_status: int | None = None
    accuracy_m: float | None = None
    msg_type: int | None = None
    name: str | None = None
    call_sign: str | None = None
    imo: int | None = None
    ship_type: int | None = None
    gear: str | None = None
    text: str | None = None
    station: str | None = None


class PositionBatch(NamedTuple):
    """Positions as columns, one entry a report; NaN (or -1) where not said.

    `lon_deg`/`lat_deg` are WGS-84. `extra` holds the whole `Position` for rows
    of kind `vessel.static` and `vessel.safety-text`, None for plain fixes.
    """

    source: Sequence[str]
    kind: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    sog_kn: NDArray[np.float64]
    cog_deg: NDArray[np.float64]
    heading_deg: NDArray[np.float64]
    nav_status: NDArray[np.int64]
    offset: NDArray[np.int64]
    row: NDArray[np.int64]
    extra: Sequence[Position | None]
