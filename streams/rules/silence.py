"""Silence rule: a vessel that is not heard any more, told apart by why.

- `vessel.silent`: it was where it can be heard, and others of its feed still
  are. Moderate after the warning time of its class, Severe after the second.
- `vessel.out-of-coverage`: its last fix was at the edge of the shore stations'
  reach or heading out of it. Minor. (A BeiDou terminal is heard everywhere.)
- nothing, when it was in a harbour, or when its whole feed is silent: then
  time counts from the moment the feed is heard again.

Each silence is told once, and the next fix clears it, with its length.

State: of each vessel its last fix and what was told, of each feed (key
`feed:<source>`) when anything was heard on it. So vessels of one feed are
judged together, and a fix not newer than the state is skipped.
"""

from collections.abc import Mapping
from enum import IntEnum

import msgspec
import numpy as np

from schemas.alerts import Alert, Severity, Transition
from schemas.positions import PositionBatch
from streams.geo.fences import FenceIndex, FencePurpose, metres_per_degree
from streams.rule import Verdict
from streams.vessels.alerts import (
    KNOT_M_PER_S,
    Desk,
    Finding,
    Said,
    Setting,
    covering_by_row,
    fix_rows,
    in_order,
)
from streams.vessels.register import VesselClass, class_of

NAME = "silence"
SILENT, OUT_OF_COVERAGE = "vessel.silent", "vessel.out-of-coverage"
FEED = "feed:"

_LOOK_AGAIN_MS = 60_000
_MOORED_STATUSES = frozenset({1, 5, 6})
_CLASS_B_STATUS = -1
"""Messages 18 and 19 say no navigational status."""


class Patience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long one class of vessels may be silent: warned of, then told as serious."""

    warn_s: int
    alert_s: int


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters. No official hours are known.

    Attributes:
        beidou: Ten-minute fixes: 0.84 % of real intervals are over 30 min, and
            112 of 569 boats ever are silent for 2 h (measured).
        class_a: Under way, every 2 to 10 s (M.1371-5).
        class_a_moored: At anchor or moored, every 3 min.
        class_b: Every 30 s to 3 min.
        moored_kn: Slower than this is as if moored.
        feed_gap_s: A feed on which nothing came for this long was down.
        edge_m: Nearer to the edge of coverage than this is at the edge.
    """

    version: str = "1"
    beidou: Patience = Patience(warn_s=1_800, alert_s=7_200)
    class_a: Patience = Patience(warn_s=1_200, alert_s=3_600)
    class_a_moored: Patience = Patience(warn_s=3_600, alert_s=10_800)
    class_b: Patience = Patience(warn_s=1_800, alert_s=7_200)
    moored_kn: float = 0.5
    feed_gap_s: int = 900
    edge_m: float = 2_000.0


class Told(IntEnum):
    """How much of a silence was told."""

    NOTHING = 0
    WARNED = 1
    ALERTED = 2


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one vessel, or about one feed.

    Attributes:
        as_of_ms: The newest fix; of a feed the newest on it.
        resumed_ms: Of a feed: since when it is heard without a pause.
        feed, place, sog_kn, cog_deg: Of the vessel's newest fix.
        warn_s, alert_s: Those of its class; 0 in a harbour: never.
        told, kind, onset_ms: What was told of the present silence.
        due_ms: When to look whether it is silent.
    """

    as_of_ms: int
    resumed_ms: int = 0
    feed: str = ""
    place: tuple[float, float] = (0.0, 0.0)
    sog_kn: float = 0.0
    cog_deg: float = 0.0
    warn_s: int = 0
    alert_s: int = 0
    told: Told = Told.NOTHING
    kind: str = ""
    onset_ms: int = 0
    due_ms: int | None = None


def evaluate(
    batch: PositionBatch, prior: Mapping[str, Heard], setting: Setting[Params]
) -> Verdict[Heard]:
    """Return which silences began, and ended, with the fixes in `batch`.

    Args:
        batch: Fixes of vessels' main tracks, in event-time order of each source.
        prior: State before the batch.
        setting: Parameters, fences, register.
    """
    alerts: list[Alert] = []
    changed: dict[str, Heard | None] = {}
    rows = fix_rows(batch)
    covering = covering_by_row(setting.fences, batch, rows)
    for row in rows.tolist():
        subject, at_ms = batch.subject[row], int(batch.event_time_ms[row])
        feed_key = FEED + batch.source[row]
        pulse = changed.get(feed_key) or prior.get(feed_key)
        if pulse is not None and _is_gap(pulse, at_ms, setting.params):
            # What was silent before the pause is told by what the feed showed then.
            states = {**prior, **{key: one for key, one in changed.items() if one is not None}}
            due = _due(states, batch.source[row], pulse.as_of_ms)
            settled = close(due, states, pulse.as_of_ms, setting)
            alerts += settled.alerts
            changed |= settled.changed
        last = changed.get(subject) or prior.get(subject)
        is_new = last is None or at_ms > last.as_of_ms
        if last is not None and is_new:
            before = changed.get(FEED + last.feed) or prior.get(FEED + last.feed)
            _heard_again(Desk(subject, setting, alerts), last, before, at_ms)
        if pulse is None or at_ms > pulse.as_of_ms:
            # Also by a fix that its vessel has seen: a crash may have kept the
            # vessel's state and not yet the feed's.
            changed[feed_key] = _beat(pulse, at_ms, setting.params)
        if is_new:
            changed[subject] = _heard(batch, row, covering.get(row, ()), setting)
    return Verdict(in_order(alerts), changed)


def close(
    keys: list[str], prior: Mapping[str, Heard], watermark_ms: int, setting: Setting[Params]
) -> Verdict[Heard]:
    """Tell the silences that have lasted long enough, by what their feeds show."""
    alerts: list[Alert] = []
    changed: dict[str, Heard | None] = {}
    for subject in keys:
        last = prior.get(subject)
        if last is None:
            continue
        pulse = prior.get(FEED + last.feed)
        now = _settled(Desk(subject, setting, alerts), last, pulse, watermark_ms)
        if now.due_ms is not None and now.due_ms <= watermark_ms:
            # The feed has not come so far: look again, but not at once.
            late_ms = (watermark_ms - now.due_ms) // _LOOK_AGAIN_MS + 1
            due_ms = now.due_ms + late_ms * _LOOK_AGAIN_MS
            now = msgspec.structs.replace(now, due_ms=due_ms)
        if now != last:
            changed[subject] = now
    return Verdict(in_order(alerts), changed)


def _is_gap(pulse: Heard, at_ms: int, params: Params) -> bool:
    """Return whether a feed was down until just now."""
    return at_ms - pulse.as_of_ms > params.feed_gap_s * 1000


def _due(states: Mapping[str, Heard], feed: str, until_ms: int) -> list[str]:
    """Return the vessels of a feed that are to be looked at by an instant."""
    return [
        subject
        for subject, one in states.items()
        if one.feed == feed and one.due_ms is not None and one.due_ms <= until_ms
    ]


def _beat(pulse: Heard | None, at_ms: int, params: Params) -> Heard:
    """Return the state of a feed on which something was just heard."""
    if pulse is None or _is_gap(pulse, at_ms, params):
        return Heard(at_ms, at_ms)
    return Heard(at_ms, pulse.resumed_ms)


def _heard(
    batch: PositionBatch, row: int, covering: tuple[int, ...], setting: Setting[Params]
) -> Heard:
    """Return the state after one fix."""
    at_ms, sog_kn = int(batch.event_time_ms[row]), float(batch.sog_kn[row])
    cog_deg = float(batch.cog_deg[row])
    fences = setting.fences.fences
    in_harbour = any(fences[at].purpose is FencePurpose.HARBOUR for at in covering)
    patience = _patience(batch, row, setting.params)
    now = Heard(
        feed=batch.source[row],
        as_of_ms=at_ms,
        place=(float(batch.lon_deg[row]), float(batch.lat_deg[row])),
        sog_kn=0.0 if np.isnan(sog_kn) or np.isnan(cog_deg) else sog_kn,
        cog_deg=0.0 if np.isnan(cog_deg) else cog_deg,
    )
    if in_harbour:
        return now
    due_ms = at_ms + patience.warn_s * 1000
    return msgspec.structs.replace(
        now, warn_s=patience.warn_s, alert_s=patience.alert_s, due_ms=due_ms
    )


def _patience(batch: PositionBatch, row: int, params: Params) -> Patience:
    status, sog_kn = int(batch.nav_status[row]), float(batch.sog_kn[row])
    if class_of(batch.subject[row]) is VesselClass.BEIDOU:
        return params.beidou
    if status == _CLASS_B_STATUS:
        return params.class_b
    is_moored = status in _MOORED_STATUSES or sog_kn < params.moored_kn
    return params.class_a_moored if is_moored else params.class_a


def _settled(desk: Desk[Params], last: Heard, pulse: Heard | None, now_ms: int) -> Heard:
    """Return the state after what a silence up to `now_ms` makes due."""
    if pulse is None or last.due_ms is None:
        return last
    now, shown_ms = last, min(now_ms, pulse.as_of_ms)
    since_ms = max(last.as_of_ms, pulse.resumed_ms)
    if now.told is Told.NOTHING:
        warn_ms = since_ms + last.warn_s * 1000
        if shown_ms < warn_ms:
            return msgspec.structs.replace(now, due_ms=max(warn_ms, last.due_ms))
        kind = OUT_OF_COVERAGE if _leaves_coverage(desk, last) else SILENT
        now = msgspec.structs.replace(now, told=Told.WARNED, kind=kind, onset_ms=warn_ms)
        _tell(desk, now, Transition.ONSET, warn_ms, Severity.MODERATE)
        if kind == OUT_OF_COVERAGE:
            return msgspec.structs.replace(now, due_ms=None)
    # Counted from the warning, so that a pause of the feed before it does not count.
    alert_ms = now.onset_ms + (last.alert_s - last.warn_s) * 1000
    if now.told is Told.WARNED and shown_ms >= alert_ms:
        now = msgspec.structs.replace(now, told=Told.ALERTED, due_ms=None)
        _tell(desk, now, Transition.UPDATE, alert_ms, Severity.SEVERE)
        return now
    return msgspec.structs.replace(now, due_ms=alert_ms)


def _heard_again(desk: Desk[Params], last: Heard, pulse: Heard | None, at_ms: int) -> None:
    """Tell what the silence made due before its end, then its end."""
    now = _settled(desk, last, pulse, at_ms)
    if now.told is not Told.NOTHING:
        _tell(desk, now, Transition.CLEAR, at_ms, Severity.MODERATE)


_WORDS = {
    Transition.ONSET: "已静默",
    Transition.UPDATE: "持续静默",
    Transition.CLEAR: "恢复报位，静默",
}


def _tell(
    desk: Desk[Params], now: Heard, transition: Transition, at_ms: int, severity: Severity
) -> None:
    if now.kind == OUT_OF_COVERAGE:
        severity = Severity.MINOR
    finding = Finding(NAME, desk.params.version, now.kind, desk.subject, now.onset_ms, severity)
    silent_s = (at_ms - now.as_of_ms) / 1000
    where = "，最后船位在岸站覆盖边缘" if now.kind == OUT_OF_COVERAGE else ""
    limit_s = float(now.alert_s if transition is Transition.UPDATE else now.warn_s)
    reason = {
        Transition.ONSET: "at-edge-of-coverage" if now.kind == OUT_OF_COVERAGE else "others-heard",
        Transition.UPDATE: "still-silent",
        Transition.CLEAR: "heard-again",
    }[transition]
    words = f"{_WORDS[transition]} {silent_s / 60:.0f} 分钟{where}"
    desk.tell(finding, transition, at_ms, Said(words, reason, now.place, silent_s, limit_s, "s"))


def _leaves_coverage(desk: Desk[Params], last: Heard) -> bool:
    """Return whether the last fix was at the edge of coverage, or on its way out.

    A ring of eight points `edge_m` around the fix, and the place that its course
    and speed lead to within the warning time: all must be covered.
    """
    fences = desk.fences
    reached = [fence for fence in fences.fences if fence.purpose is FencePurpose.COVERAGE]
    if not reached or class_of(desk.subject) is VesselClass.BEIDOU:
        return False
    bearings = np.radians(np.array([*range(0, 360, 45), last.cog_deg, 0.0]))
    ahead_m = last.sog_kn * KNOT_M_PER_S * last.warn_s
    steps_m = np.array([*[desk.params.edge_m] * 8, ahead_m, 0.0])
    east_m, north_m = metres_per_degree(last.place[1])
    lon_deg = last.place[0] + steps_m * np.sin(bearings) / east_m
    lat_deg = last.place[1] + steps_m * np.cos(bearings) / north_m
    return not _covered(fences, lon_deg, lat_deg).all()


def _covered(
    fences: FenceIndex,
    lon_deg: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    lat_deg: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    covered = np.zeros(len(lon_deg), dtype=np.bool_)
    points, found = fences.covering(lon_deg, lat_deg)
    for point, at in zip(points.tolist(), found.tolist(), strict=True):
        covered[point] |= fences.fences[at].purpose is FencePurpose.COVERAGE
    return covered
