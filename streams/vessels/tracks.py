"""Tracks: two hulls on one identity told apart, before any rule sees them.

A fix that the last one can be followed by at no plausible speed does not
belong to that hull. One such fix is a fault of measurement: it is noted as
`position-suspect` and kept from the rules. When both places go on sending in
turns, two hulls share the identity: an alert is raised and the second hull's
fixes stay apart, so that fences and silence are judged on one track. When only
the new place goes on, the vessel is there and the old place was the fault.

State, per identity: the two tracks. A fix not newer than the state is a
redelivery or late: it changes nothing here, and is handed on when it lies on
the main track, for the rules have their own memory of what they saw.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Alert, Severity, Transition
from schemas.positions import PositionBatch
from streams.geo.fences import distance_m
from streams.rule import RowNote
from streams.vessels.alerts import KNOT_M_PER_S, Finding, Said, Setting, vessel_alert
from streams.vessels.register import VESSELS, class_of, is_net_marker

NAME = "identity"
KIND = "vessel.identity-conflict"
SUSPECT = "position-suspect"
SECOND_HULL = "second-hull"


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters.

    Attributes:
        max_speed_kn: Faster is not one hull.
        slack_m: Let pass whatever the speed: a fix's second is known to the
            minute's second only, so half a minute at 60 kn is 926 m.
        fixes: How many fixes each place must have before anything is decided.
        turns: How often the sender must have changed place for a conflict.
        adopt_s: The new place is believed when the old one is silent this long;
            longer than any class's interval of reports near the shore (3 min).
        window_s: A second place that is silent this long is forgotten.
        clear_s: A conflict ends when the second hull is silent this long.
    """

    version: str = "1"
    max_speed_kn: float = 60.0
    slack_m: float = 1_000.0
    fixes: int = 3
    turns: int = 3
    adopt_s: int = 900
    window_s: int = 7_200
    clear_s: int = 21_600


class Track(msgspec.Struct, frozen=True, array_like=True):
    """Where one hull was last, and how many fixes it has sent since it was two."""

    at_ms: int
    lon_deg: float
    lat_deg: float
    fixes: int = 0


class Tracks(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hulls of one identity.

    Attributes:
        as_of_ms: Event time of the newest fix taken.
        main, other: The track that rules see, and a second place if there is one.
        on_other: Whether the last fix was the other's.
        turns: How often the sender changed place since there are two.
        conflict_ms: When the conflict was told; None while there is none.
        is_net_marker, named_ms: Its own name is that of a beacon on a net, as
            of when it said it.
        beacon_ms: Until when it was one before it was named a vessel: fixes of then
            are no vessel's, also when they are delivered again.
        due_ms: When a second place that stays silent is to be forgotten.
    """

    as_of_ms: int = -1
    main: Track | None = None
    other: Track | None = None
    on_other: bool = False
    turns: int = 0
    conflict_ms: int | None = None
    is_net_marker: bool = False
    named_ms: int = -1
    beacon_ms: int = -1
    due_ms: int | None = None


class Split(NamedTuple):
    """What became of a batch.

    Attributes:
        main: Rows for the rules about vessels, ascending: fixes of the main
            hull of what is a vessel, and its messages without a place.
        alerts: Onsets and clears of conflicts, in event-time order.
        changed: New state of each identity that moved.
        notes: Fixes of vessels kept from the rules, and why: to be counted.
    """

    main: NDArray[np.int64]
    alerts: list[Alert]
    changed: dict[str, Tracks | None]
    notes: list[RowNote]


def evaluate(batch: PositionBatch, prior: Mapping[str, Tracks], setting: Setting[Params]) -> Split:
    """Split a batch into tracks.

    Args:
        batch: Positions, each identity's in event-time order.
        prior: Tracks before the batch.
        setting: Parameters and the register; fences are not looked at.
    """
    main: list[int] = []
    split = Split(np.empty(0, np.int64), [], {}, [])
    columns = (batch.subject, batch.event_time_ms.tolist(), batch.lon_deg.tolist())
    rows = zip(*columns, batch.lat_deg.tolist(), batch.extra, strict=True)
    for row, (subject, at_ms, lon_deg, lat_deg, said) in enumerate(rows):
        last = split.changed.get(subject) or prior.get(subject) or Tracks()
        now = last
        if said is not None and said.name and at_ms > now.named_ms:
            is_marker = is_net_marker(said.name)
            beacon_ms = at_ms if now.is_net_marker and not is_marker else now.beacon_ms
            now = msgspec.structs.replace(
                now, is_net_marker=is_marker, named_ms=at_ms, beacon_ms=beacon_ms
            )
        if np.isnan(lon_deg) or np.isnan(lat_deg):
            main += [row] if _is_vessel(subject, now, setting) else []
        elif at_ms > now.beacon_ms and _is_vessel(subject, now, setting):
            walk = _Walk(subject, now, setting, split.alerts)
            reason = walk.take(Track(at_ms, lon_deg, lat_deg))
            now = walk.now
            if reason:
                split.notes.append(RowNote(row, reason))
            else:
                main.append(row)
        if now != last:
            split.changed[subject] = now
    return split._replace(main=np.array(main, dtype=np.int64))


def close(
    keys: list[str], prior: Mapping[str, Tracks], watermark_ms: int, setting: Setting[Params]
) -> Split:
    """Forget second places that stayed silent up to `watermark_ms`."""
    split = Split(np.empty(0, np.int64), [], {}, [])
    for subject in keys:
        last = prior.get(subject)
        if last is not None:
            walk = _Walk(subject, last, setting, split.alerts)
            walk.settle(watermark_ms)
            if walk.now != last:
                split.changed[subject] = walk.now
    return split


def _is_vessel(subject: str, tracks: Tracks, setting: Setting[Params]) -> bool:
    record = setting.registry.get(subject)
    if record is not None and record.gear:
        return record.gear != "net-marker"
    return class_of(subject) in VESSELS and not tracks.is_net_marker


class _Walk:
    """One identity on its way through one fix."""

    def __init__(
        self, subject: str, now: Tracks, setting: Setting[Params], alerts: list[Alert]
    ) -> None:
        self.subject, self.now, self.setting, self.alerts = subject, now, setting, alerts
        self.params = setting.params

    def take(self, fix: Track) -> str:
        """Put a fix on its track; return why the rules shall not see it, "" if they shall."""
        now = self.now
        main, other = now.main, now.other
        if main is None:
            self._put(as_of_ms=fix.at_ms, main=fix)
            return ""
        if fix.at_ms <= now.as_of_ms:
            return self._aside() if other and _nearer(fix, other, main) else ""
        self.settle(fix.at_ms)
        now, other = self.now, self.now.other
        self._put(as_of_ms=fix.at_ms)
        fits_main = self._fits(main, fix)
        if other is None:
            return self._alone(fix, fits_main=fits_main)
        if self._fits(other, fix) and not (fits_main and _nearer(fix, main, other)):
            return self._on_other(fix, other)
        if fits_main:
            turns = now.turns + now.on_other
            main = msgspec.structs.replace(fix, fixes=main.fixes + 1)
            self._put(main=main, on_other=False, turns=turns)
            self._judge(fix)
            return ""
        if now.conflict_ms is None:
            self._open_other(fix)
        return SUSPECT

    def settle(self, at_ms: int) -> None:
        """Forget a second place that has been silent for too long."""
        now = self.now
        if now.due_ms is None or now.due_ms > at_ms:
            return
        if now.conflict_ms is not None and now.main is not None:
            said = Said("的同号双船现象已结束", "second-hull-silent", _place(now.main))
            self._tell(Transition.CLEAR, now.due_ms, said)
        self._put(other=None, on_other=False, turns=0, conflict_ms=None, due_ms=None)

    def _alone(self, fix: Track, *, fits_main: bool) -> str:
        if fits_main:
            self._put(main=fix)
            return ""
        self._open_other(fix)
        return SUSPECT

    def _open_other(self, fix: Track) -> None:
        """Begin a second place; what there was before of turns is void."""
        main = msgspec.structs.replace(self.now.main, fixes=0) if self.now.main else None
        other = msgspec.structs.replace(fix, fixes=1)
        due_ms = self._due(fix.at_ms)
        self._put(main=main, other=other, on_other=True, turns=1, due_ms=due_ms)

    def _on_other(self, fix: Track, other: Track) -> str:
        now, fixes = self.now, other.fixes + 1
        other = msgspec.structs.replace(fix, fixes=fixes)
        turns = now.turns + (not now.on_other)
        self._put(other=other, on_other=True, turns=turns, due_ms=self._due(fix.at_ms))
        self._judge(fix)
        main = self.now.main
        if main is not None and self._is_there_now(fix, main, fixes):
            self._put(main=other, other=main, on_other=False)
            return ""
        return self._aside()

    def _is_there_now(self, fix: Track, main: Track, fixes: int) -> bool:
        """Return whether only the new place goes on sending: then the vessel is there."""
        silent_ms = fix.at_ms - main.at_ms
        enough = fixes >= self.params.fixes and silent_ms >= self.params.adopt_s * 1000
        return enough and self.now.conflict_ms is None

    def _judge(self, fix: Track) -> None:
        now, params = self.now, self.params
        main, other = now.main, now.other
        if now.conflict_ms is not None or main is None or other is None:
            return
        if min(main.fixes, other.fixes) < params.fixes or now.turns < params.turns:
            return
        self._put(conflict_ms=fix.at_ms, due_ms=self._due(fix.at_ms, params.clear_s))
        apart_km = distance_m(_place(main), _place(other)) / 1000
        said = Said(
            f"在相距 {apart_km:.1f} km 的两处轮流发送船位，一号两船，航迹已分开",
            "two-hulls",
            _place(self.now.main or fix),
            value=apart_km,
            unit="km",
        )
        self._tell(Transition.ONSET, fix.at_ms, said)

    def _aside(self) -> str:
        return SUSPECT if self.now.conflict_ms is None else SECOND_HULL

    def _due(self, at_ms: int, after_s: int | None = None) -> int:
        if after_s is None:
            is_told = self.now.conflict_ms is not None
            after_s = self.params.clear_s if is_told else self.params.window_s
        return at_ms + after_s * 1000

    def _fits(self, track: Track, fix: Track) -> bool:
        seconds = max(0, fix.at_ms - track.at_ms) / 1000
        reach_m = self.params.max_speed_kn * KNOT_M_PER_S * seconds + self.params.slack_m
        return distance_m(_place(track), _place(fix)) <= reach_m

    def _tell(self, transition: Transition, at_ms: int, said: Said) -> None:
        onset_ms = self.now.conflict_ms
        if onset_ms is None:
            raise ValueError("a conflict is told only after it began")
        finding = Finding(
            NAME, self.params.version, KIND, self.subject, onset_ms, Severity.MODERATE
        )
        self.alerts.append(vessel_alert(finding, transition, at_ms, said, self.setting.registry))

    def _put(self, **changes: object) -> None:
        self.now = msgspec.structs.replace(self.now, **changes)


def _place(track: Track) -> tuple[float, float]:
    return track.lon_deg, track.lat_deg


def _nearer(fix: Track, one: Track, than: Track) -> bool:
    return distance_m(_place(fix), _place(one)) < distance_m(_place(fix), _place(than))
