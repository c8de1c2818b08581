"""Speed rule: `vessel.speeding` when a vessel keeps over a fence's speed limit.

Where fences overlap the lowest limit holds. Over the limit counts from the
first fix over it and is believed when a fix shows it still, `hold_s` later; it
ends when the vessel kept to the limit less `margin_kn` for `clear_s`, left the
water with a limit, or is not heard any more.

State, per vessel: since when it is over, or has slowed down. A fix not newer
than the state is a redelivery, and is skipped.
"""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from schemas.alerts import Alert, Severity, Transition
from schemas.positions import PositionBatch
from streams.geo.fences import FenceIndex, FencePurpose
from streams.rule import Verdict
from streams.vessels.alerts import (
    Desk,
    Finding,
    Said,
    Setting,
    covering_by_row,
    fix_rows,
    in_order,
)

NAME = "speed"
KIND = "vessel.speeding"


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters.

    Attributes:
        hold_s: Over the limit this long before it is told.
        margin_kn: Below the limit by this much counts as slowed down.
        clear_s: Slowed down this long before it ends.
        silence_s: Ends when no fix came for this long.
    """

    version: str = "1"
    hold_s: int = 60
    margin_kn: float = 0.5
    clear_s: int = 60
    silence_s: int = 1_800


class Pace(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one vessel.

    Attributes:
        as_of_ms: Event time of the newest fix taken.
        fence: The fence whose limit it is over; "" for none.
        over_ms: Its first fix over that limit.
        slowed_ms: Its first fix well below it since; None while it is not.
        told: Whether the onset was told.
        peak_kn: Highest speed since `over_ms`.
        place: (lon, lat) of the newest fix.
        due_ms: When silence ends it.
    """

    as_of_ms: int = -1
    fence: str = ""
    over_ms: int = 0
    slowed_ms: int | None = None
    told: bool = False
    peak_kn: float = 0.0
    place: tuple[float, float] = (0.0, 0.0)
    due_ms: int | None = None


class _Limit:
    """The limit that holds at one fix: its fence and knots, or none."""

    def __init__(self, fences: FenceIndex, covering: Iterable[int], at_ms: int) -> None:
        found = [
            (fence.speed_limit_kn, fence.id, fence.name)
            for fence in (fences.fences[at] for at in covering)
            if fence.purpose is FencePurpose.SPEED_LIMIT
            and fence.speed_limit_kn is not None
            and fence.in_force(at_ms)
        ]
        self.knots, self.fence, self.name = min(found, default=(np.inf, "", ""))


def evaluate(
    batch: PositionBatch, prior: Mapping[str, Pace], setting: Setting[Params]
) -> Verdict[Pace]:
    """Return who began or ended to be too fast.

    Args:
        batch: Fixes of vessels' main tracks, each vessel's in event-time order.
        prior: State before the batch.
        setting: Parameters, fences, register.
    """
    alerts: list[Alert] = []
    changed: dict[str, Pace | None] = {}
    rows = fix_rows(batch)
    rows = rows[np.isfinite(batch.sog_kn[rows])]
    covering = covering_by_row(setting.fences, batch, rows)
    for row in rows.tolist():
        subject, at_ms = batch.subject[row], int(batch.event_time_ms[row])
        last = changed.get(subject) or prior.get(subject) or Pace()
        limit = _Limit(setting.fences, covering.get(row, ()), at_ms)
        if at_ms <= last.as_of_ms:
            continue
        desk = Desk(subject, setting, alerts)
        settled = _silence_ended(desk, last, at_ms)
        if settled != last:
            changed[subject] = last = settled
        if not (last.fence or limit.fence):
            continue
        place = (float(batch.lon_deg[row]), float(batch.lat_deg[row]))
        now = msgspec.structs.replace(last, as_of_ms=at_ms, place=place)
        changed[subject] = _judge(desk, now, float(batch.sog_kn[row]), limit)
    return Verdict(in_order(alerts), changed)


def close(
    keys: list[str], prior: Mapping[str, Pace], watermark_ms: int, setting: Setting[Params]
) -> Verdict[Pace]:
    """End what was not heard of up to `watermark_ms`."""
    alerts: list[Alert] = []
    changed: dict[str, Pace | None] = {}
    for subject in keys:
        last = prior.get(subject)
        if last is not None:
            now = _silence_ended(Desk(subject, setting, alerts), last, watermark_ms)
            if now != last:
                changed[subject] = now
    return Verdict(in_order(alerts), changed)


def _silence_ended(desk: Desk[Params], last: Pace, at_ms: int) -> Pace:
    if last.due_ms is None or last.due_ms > at_ms:
        return last
    return _ended(desk, last, last.due_ms, "not-heard")


def _judge(desk: Desk[Params], now: Pace, sog_kn: float, limit: _Limit) -> Pace:
    params, at_ms = desk.params, now.as_of_ms
    if now.fence and now.fence != limit.fence:
        now = _ended(desk, now, at_ms, "left")
    due_ms = at_ms + params.silence_s * 1000
    if sog_kn > limit.knots:
        begins = not now.fence
        now = msgspec.structs.replace(
            now,
            fence=limit.fence,
            over_ms=at_ms if begins else now.over_ms,
            slowed_ms=None,
            peak_kn=max(sog_kn, now.peak_kn),
            due_ms=due_ms,
        )
        if not now.told and at_ms - now.over_ms >= params.hold_s * 1000:
            now = msgspec.structs.replace(now, told=True)
            words = f"在{limit.name}超速：{sog_kn:.1f} 节，限速 {limit.knots:g} 节"
            said = Said(words, "over-limit", now.place, sog_kn, limit.knots, "kn")
            desk.tell(_finding(desk, now), Transition.ONSET, at_ms, said)
        return now
    if not now.fence:
        return now
    if not now.told:
        return Pace(as_of_ms=at_ms)
    if sog_kn > limit.knots - params.margin_kn:
        return msgspec.structs.replace(now, slowed_ms=None, due_ms=due_ms)
    slowed_ms = at_ms if now.slowed_ms is None else now.slowed_ms
    now = msgspec.structs.replace(now, slowed_ms=slowed_ms, due_ms=due_ms)
    if at_ms - slowed_ms >= params.clear_s * 1000:
        return _ended(desk, now, at_ms, "slowed-down")
    return now


def _ended(desk: Desk[Params], now: Pace, at_ms: int, reason: str) -> Pace:
    if now.told:
        words = f"超速结束，最高 {now.peak_kn:.1f} 节"
        said = Said(words, reason, now.place, now.peak_kn, None, "kn")
        desk.tell(_finding(desk, now), Transition.CLEAR, at_ms, said)
    return Pace(as_of_ms=now.as_of_ms)


def _finding(desk: Desk[Params], now: Pace) -> Finding:
    severity = Severity.MODERATE
    return Finding(NAME, desk.params.version, KIND, desk.subject, now.over_ms, severity, now.fence)
