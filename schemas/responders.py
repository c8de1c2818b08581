"""Units that can be sent: how each stands."""

from enum import StrEnum

from schemas.envelope import Envelope


class UnitState(StrEnum):
    """Whether a unit can be sent; a unit that says BUSY is so with what no order tells."""

    FREE = "free"
    BUSY = "busy"
    OFF = "off"
    UNREACHABLE = "unreachable"


class UnitStatus(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """How a unit stands since one change; `subject` is the unit's code.

    `event_time_ms` is when it was decided (wall time). Of its places only the newest
    is kept: this is for sending somebody, not for watching people.

    Attributes:
        state: Off and unreachable by its own word or the desk's, busy by an order too.
        orders: How many orders it has that are not handled.
        seen_time_ms: When it was at the place, by its own clock; absent if it never told.
        lon_deg, lat_deg: The place, WGS-84.
    """

    state: UnitState
    orders: int = 0
    seen_time_ms: int | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None
