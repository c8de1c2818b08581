"""Which devices of the register are heard: online, unknown, offline, dead.

A device is silent when its feed has come further than its class is allowed since
it was heard last: measured on the feed's own time, so that the end of a whole feed
makes nobody silent (that is told of the feed). `device.silent` is told once a
silence, and ended by the next event. A device that never spoke has a status and
no alert: what has not begun cannot fail. Silent for thirty days it is dead, and
its alert ends: nobody waits for it.

State, per device: its newest event, how it stands, and the onset that is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Alert, Severity, Transition
from schemas.devices import DeviceState, DeviceStatus
from schemas.heard import Heard
from schemas.ids import uuid5
from schemas.units import KINDS
from streams.devices.feeds import Feed
from streams.keyed import Columns

NAME = "devices"
SILENT = "device.silent"
CAMERA = "camera"

STATE = np.dtype([("seen_ms", "<i8"), ("onset_ms", "<i8"), ("standing", "<i8"), ("due_ms", "<i8")])
UNKNOWN, ONLINE, OFFLINE, DEAD = range(4)
_WORDS = {False: "已静默", True: "静默结束，共"}
_STATES = (DeviceState.UNKNOWN, DeviceState.ONLINE, DeviceState.OFFLINE, DeviceState.DEAD)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[devices]` of rules.toml.

    Attributes:
        silent_s: Longest silence by class: a kind of reading, or `camera`.
        otherwise_s: Of any other class.
        dead_s: Silent for so long a device is given up.
        pause_s: After a pause of the whole feed of so long, time counts anew.
    """

    silent_s: dict[str, int] = msgspec.field(default_factory=dict)
    otherwise_s: int = 900
    dead_s: int = 30 * 86_400
    pause_s: int = 300

    def __post_init__(self) -> None:
        for name in self.silent_s:
            if name != CAMERA and name not in KINDS:
                raise ValueError(f"{name!r} is neither a kind of reading nor {CAMERA!r}")
        if min(*self.silent_s.values(), self.otherwise_s, self.pause_s) <= 0:
            raise ValueError("silent_s, otherwise_s and pause_s must be above 0")
        if self.dead_s <= max([*self.silent_s.values(), self.otherwise_s]):
            raise ValueError("dead_s must be above every silent_s")

    def allowed_ms(self, device_class: str) -> int:
        """Return the longest silence of a class."""
        return self.silent_s.get(device_class, self.otherwise_s) * 1000


class Device(NamedTuple):
    """A device of the register."""

    code: str
    source: str
    device_class: str
    lon_deg: float
    lat_deg: float


class Watch:
    """The devices of one feed with their state.

    Args:
        source: The feed.
        devices: Those of the register that are on it.
        params: How long they may be silent.
    """

    def __init__(self, source: str, devices: Sequence[Device], params: Params) -> None:
        self._source = source
        self._params = params
        self._devices = list(devices)
        self._place = {device.code: at for at, device in enumerate(devices)}
        self._allowed_ms = np.array(
            [params.allowed_ms(device.device_class) for device in devices], np.int64
        )
        self._known_slots: NDArray[np.int64] | None = None
        self.columns = Columns(STATE)

    def hear(self, said: Heard, feed: Feed) -> Iterator[Alert | DeviceStatus]:
        """Take in who was heard, and yield what that changes."""
        mine = [
            (self._place[code], said.event_time_ms - ago_ms)
            for code, ago_ms in zip(said.devices, said.ago_ms, strict=True)
            if code in self._place
        ]
        if not mine:
            return
        places, seen_ms = np.array(mine, np.int64).T
        slots = self._slots()[places]
        rows = self.columns.rows[slots]
        allowed_ms = self._allowed_ms[places]
        newer = seen_ms > rows["seen_ms"]
        since_ms = np.maximum(rows["seen_ms"], feed.resumed_ms)
        was_silent = (rows["standing"] == ONLINE) & (seen_ms - since_ms >= allowed_ms)
        for at in np.flatnonzero(newer & ((rows["standing"] != ONLINE) | was_silent)).tolist():
            device = self._devices[int(places[at])]
            onset_ms = int(rows["onset_ms"][at])
            if was_silent[at]:
                onset_ms = int(since_ms[at] + allowed_ms[at])
                yield self._alert(device, Transition.ONSET, onset_ms, onset_ms)
            if onset_ms:
                yield self._alert(device, Transition.CLEAR, int(seen_ms[at]), onset_ms)
            yield self._status(device, ONLINE, int(seen_ms[at]), int(seen_ms[at]), "heard")
        rows["seen_ms"] = np.maximum(rows["seen_ms"], seen_ms)
        rows["standing"][newer] = ONLINE
        rows["onset_ms"][newer] = 0
        self.columns.put(slots, rows)

    def judge(self, feed: Feed) -> Iterator[Alert | DeviceStatus]:
        """Yield who has become silent, or is given up, by what the feed has come to."""
        if not self._devices:
            return
        slots, allowed_ms = self._slots(), self._allowed_ms
        rows = self.columns.rows[slots]
        since_ms = np.maximum(rows["seen_ms"], feed.resumed_ms)
        silent_ms = feed.time_ms - since_ms
        waits = rows["standing"] <= ONLINE
        silent = waits & (silent_ms >= allowed_ms)
        # A device is given up by its own silence, however often its feed paused.
        gone_ms = np.where(rows["seen_ms"] > 0, rows["seen_ms"], since_ms)
        gone_ms += self._params.dead_s * 1000
        dead = (rows["standing"] == OFFLINE) & (feed.time_ms >= gone_ms)
        moved = np.flatnonzero(silent | dead)
        for at in moved.tolist():
            device = self._devices[at]
            seen_ms = int(rows["seen_ms"][at])
            if dead[at]:
                rows["standing"][at] = DEAD
                at_ms = int(gone_ms[at])
                if onset_ms := int(rows["onset_ms"][at]):
                    yield self._alert(device, Transition.CLEAR, at_ms, onset_ms, "given-up")
                rows["onset_ms"][at] = 0
                yield self._status(device, DEAD, at_ms, seen_ms, "given-up")
                continue
            at_ms = int(since_ms[at] + allowed_ms[at])
            if rows["standing"][at] == ONLINE:
                rows["onset_ms"][at] = at_ms
                yield self._alert(device, Transition.ONSET, at_ms, at_ms)
            rows["standing"][at] = OFFLINE
            reason = "silent" if seen_ms else "never-heard"
            yield self._status(device, OFFLINE, at_ms, seen_ms, reason)
        if len(moved):
            self.columns.put(slots[moved], rows[moved])

    def _slots(self) -> NDArray[np.int64]:
        """Return the slot of each device, in their order; asked first after a restore."""
        if self._known_slots is None:
            self._known_slots = self.columns.slots([device.code for device in self._devices])
        return self._known_slots

    def _alert(
        self,
        device: Device,
        transition: Transition,
        at_ms: int,
        onset_ms: int,
        reason: str = "",
    ) -> Alert:
        allowed_s = self._params.allowed_ms(device.device_class) / 1000
        alert_id = uuid5(NAME, device.code, onset_ms)
        silent_s = allowed_s + (at_ms - onset_ms) / 1000
        is_over = transition is Transition.CLEAR
        return Alert(
            source="citybrain.devices",
            kind=SILENT,
            subject=device.code,
            event_time_ms=at_ms,
            id=uuid5(alert_id, transition, at_ms),
            alert_id=alert_id,
            rule=NAME,
            transition=transition,
            severity=Severity.MODERATE if _is_urgent(device.device_class) else Severity.MINOR,
            onset_time_ms=onset_ms,
            lon_deg=device.lon_deg,
            lat_deg=device.lat_deg,
            value=silent_s,
            limit=allowed_s,
            unit="s",
            reason=reason or ("heard-again" if is_over else "others-heard"),
            sentence=f"{device.code} {_WORDS[is_over]} {silent_s / 60:.0f} 分钟",
        )

    def _status(
        self, device: Device, standing: int, at_ms: int, seen_ms: int, reason: str
    ) -> DeviceStatus:
        return DeviceStatus(
            source="citybrain.devices",
            kind="device.status",
            subject=device.code,
            event_time_ms=at_ms,
            device_class=device.device_class,
            state=_STATES[standing],
            reason=reason,
            last_seen_time_ms=seen_ms or None,
            time_out_s=self._params.allowed_ms(device.device_class) // 1000,
            lon_deg=device.lon_deg,
            lat_deg=device.lat_deg,
        )


def _is_urgent(device_class: str) -> bool:
    spec = KINDS.get(device_class)
    return spec is not None and spec.urgent


def register_of(city: Any) -> Mapping[str, list[Device]]:
    """Return the sensors and cameras of `city` by the feed that they are on."""
    found: dict[str, list[Device]] = {}
    for one in city.sensors.values():
        device = Device(one.code, one.source, one.kind, one.lon_deg, one.lat_deg)
        found.setdefault(one.source, []).append(device)
    for one in city.cameras.values():
        device = Device(one.code, one.source, CAMERA, one.lon_deg, one.lat_deg)
        found.setdefault(one.source, []).append(device)
    return found
