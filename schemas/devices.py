"""A device's status: whether a sensor or a camera of the register is heard."""

from enum import StrEnum

from schemas.envelope import Envelope


class DeviceState(StrEnum):
    """UNKNOWN was not heard yet, OFFLINE is silent, DEAD so long that nobody waits."""

    ONLINE = "online"
    UNKNOWN = "unknown"
    OFFLINE = "offline"
    DEAD = "dead"


class DeviceStatus(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """How a device stands since one change; `subject` is the device.

    `event_time_ms` is the instant of the change, on the feed's own time.

    Attributes:
        device_class: What it is: the kind of its readings, or `camera`.
        state: How it stands.
        reason: Why, in one of the rule's named reasons.
        last_seen_time_ms: Event time of its newest event; absent if it never spoke.
        time_out_s: The silence that its class is allowed.
    """

    device_class: str
    state: DeviceState
    reason: str = ""
    last_seen_time_ms: int | None = None
    time_out_s: int | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None
