"""Skew: devices whose clocks are ahead, told from event time less ingest time.

Only a clock that is ahead can be told: a reading that is old on arrival may have
waited in a gateway. A device counts as ahead while the median of its latest
events says so (of 50 events, 30 s); single events do not. Those that
are refused for being in the future count too, else the worst clocks went unseen.

A device is followed from its first event that is ahead until so many in a row are
not, so that of a city whose clocks are right nothing is kept, and a look at its
events is one comparison of columns.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from schemas.alerts import Alert, Severity, Transition
from schemas.ids import uuid5
from streams.skew_words import Facts, cause, sentence

NAME = "skew"
KIND = "device.clock-ahead"

# All of them are one row of state, which stays below 1 MB, an eighth of the
# largest record that the changelog takes.
MOST_DEVICES = 2_000
FORGET_MS = 3_600_000
_SNAPSHOT_VERSION = 1

_Key = tuple[str, str]


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table `[skew]` of rules.toml.

    Attributes:
        limit_s: A median further ahead of ingest time than this is a wrong clock.
        of_last: How many of a device's latest events the median is of.
    """

    limit_s: float = 30
    of_last: int = 50

    def __post_init__(self) -> None:
        if self.limit_s <= 0 or not 1 <= self.of_last <= 100:  # noqa: PLR2004 - bounds the row of state
            raise ValueError("limit_s must be above 0, of_last 1 to 100")


class _Device(msgspec.Struct, array_like=True):
    """What is known of one device.

    Attributes:
        ahead_ms: Event time less ingest time of its latest events, oldest first.
            Those before the first were not ahead.
        heard_ms: Ingest time of the latest.
        onset_ms: Since when it is flagged (ingest time); None while it is not.
    """

    source: str
    subject: str
    ahead_ms: list[int]
    heard_ms: int
    onset_ms: int | None = None


class _Saved(msgspec.Struct, array_like=True):
    version: int
    next_offset: int
    devices: list[_Device]


class Clocks:
    """The clocks of the devices of one partition.

    At most `MOST_DEVICES` are followed. When there are more, a new one takes the
    place of one that was not heard for `FORGET_MS`, and waits while there is none:
    devices that push each other out would never be heard for long enough.
    """

    def __init__(self, params: Params) -> None:
        self._params = params
        self._limit_ms = round(params.limit_s * 1000)
        self._devices: dict[_Key, _Device] = {}  # the one not heard for longest comes first
        self._next_offset = 0
        self._moved = False

    def __len__(self) -> int:
        """Return how many devices are followed."""
        return len(self._devices)

    def look(self, batch: Any, first_new: int) -> list[Alert]:
        """Return which clocks turn out to be ahead, or right again.

        Args:
            batch: Columns `source`, `subject`, `event_time_ms`, `ingest_time_ms`
                and `offset`, in the order of their offsets.
            first_new: Rows of offsets before it are redeliveries. So are those
                before what was looked at last: after a crash this state may be
                newer than the rest.
        """
        ahead_ms = batch.event_time_ms - batch.ingest_time_ms
        is_ahead = ahead_ms > self._limit_ms
        if not is_ahead.any() and not self._has_one_of(batch):
            return []
        fresh = np.flatnonzero(batch.offset >= max(first_new, self._next_offset))
        if not len(fresh):
            return []
        self._next_offset = int(batch.offset[-1]) + 1
        self._moved = True
        return list(self._follow(batch, fresh.tolist(), ahead_ms.tolist()))

    def changes(self) -> bytes | None:
        """Return the whole state if it moved since the last call."""
        if not self._moved:
            return None
        self._moved = False
        saved = _Saved(_SNAPSHOT_VERSION, self._next_offset, list(self._devices.values()))
        return msgspec.msgpack.encode(saved)

    def restore(self, raw: bytes) -> None:
        """Become what `changes` wrote.

        Raises:
            ValueError: When another version wrote it.
        """
        saved = msgspec.msgpack.decode(raw, type=_Saved)
        if saved.version != _SNAPSHOT_VERSION:
            raise ValueError(f"clocks of version {saved.version}, not {_SNAPSHOT_VERSION}")
        self._next_offset = saved.next_offset
        self._devices = {(one.source, one.subject): one for one in saved.devices}

    def _has_one_of(self, batch: Any) -> bool:
        if not self._devices:
            return False
        devices = zip(batch.source, batch.subject, strict=True)
        return not self._devices.keys().isdisjoint(devices)

    def _follow(self, batch: Any, rows: list[int], ahead_ms: list[int]) -> Iterator[Alert]:
        sources, subjects = batch.source, batch.subject
        for row in rows:
            key = (sources[row], subjects[row])
            if ahead_ms[row] <= self._limit_ms and key not in self._devices:
                continue
            at_ms = int(batch.ingest_time_ms[row])
            device = self._devices.pop(key, None) or self._new(key, at_ms)
            if device is None:
                continue
            device.heard_ms = at_ms
            device.ahead_ms.append(ahead_ms[row])
            del device.ahead_ms[: -self._params.of_last]
            alert = self._judge(device)
            if alert is not None:
                yield alert
            if device.onset_ms is not None or max(device.ahead_ms) > self._limit_ms:
                self._devices[key] = device

    def _new(self, key: _Key, at_ms: int) -> _Device | None:
        """Return a device to follow, None while there is no room for it."""
        if len(self._devices) >= MOST_DEVICES:
            longest = next(iter(self._devices))
            if at_ms - self._devices[longest].heard_ms < FORGET_MS:
                return None
            del self._devices[longest]
        return _Device(*key, [], at_ms)

    def _judge(self, device: _Device) -> Alert | None:
        """Flag a device, or take its flag away, if its latest event decides so."""
        median_ms = self._median_ms(device.ahead_ms)
        if median_ms is None or (median_ms > self._limit_ms) is (device.onset_ms is not None):
            return None
        if device.onset_ms is not None:
            onset_ms, device.onset_ms = device.onset_ms, None
            return self._alert(device, Transition.CLEAR, onset_ms, median_ms)
        device.onset_ms = device.heard_ms
        return self._alert(device, Transition.ONSET, device.onset_ms, median_ms)

    def _median_ms(self, ahead_ms: list[int]) -> int | None:
        """Return the (lower) median; None while it lies among the events before the first.

        They were not ahead, so all of them sort before those that are.
        """
        before = self._params.of_last - len(ahead_ms)
        place = (self._params.of_last - 1) // 2 - before
        return sorted(ahead_ms)[place] if place >= 0 else None

    def _alert(
        self, device: _Device, transition: Transition, onset_ms: int, median_ms: int
    ) -> Alert:
        params = self._params
        facts = Facts(
            device.source, device.subject, median_ms / 1000, params.limit_s, params.of_last
        )
        alert_id = uuid5(NAME, device.source, device.subject, onset_ms)
        return Alert(
            source="citybrain.skew",
            kind=KIND,
            subject=device.subject,
            # Never the device's own time: that is what is wrong.
            event_time_ms=device.heard_ms,
            id=uuid5(alert_id, transition, device.heard_ms),
            alert_id=alert_id,
            rule=NAME,
            transition=transition,
            severity=Severity.MINOR,
            onset_time_ms=onset_ms,
            value=facts.median_s,
            limit=params.limit_s,
            unit="s",
            reason=cause(facts.median_s) if transition is Transition.ONSET else "",
            sentence=sentence(transition, facts),
            inputs=(f"source:{device.source}",),
        )
