"""Fences rule: harbours left and entered, closed water entered, stays that are too long.

Alerts, each from onset to clear of one visit (`visit` is its id):

- `vessel.harbour` while a vessel is in a harbour,
- `vessel.no-go` while it is in closed water; a notice when it cut through,
- `vessel.dwell` from the moment its stay in a watched fence is too long.

State, per vessel: its whereabouts (see `streams.geo.geofence`) and its open alerts.
A fix not newer than the state is a redelivery, and is skipped.
"""

from collections.abc import Mapping

import msgspec

from schemas.alerts import Alert, Severity, Transition
from schemas.positions import PositionBatch
from streams.geo import geofence
from streams.geo.fences import FenceIndex, FencePurpose
from streams.geo.words import UNSEEN, FenceTransition, Fix, GeofenceParams, Whereabouts, Word
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

NAME = "fences"
HARBOUR, NO_GO, DWELL = "vessel.harbour", "vessel.no-go", "vessel.dwell"

_ENTERED = frozenset({Word.ENTER, Word.FOUND})
_LEFT = frozenset({Word.EXIT, Word.LOST, Word.OUTSIDE})
_SEVERITY = {HARBOUR: Severity.MINOR, NO_GO: Severity.SEVERE, DWELL: Severity.MODERATE}
_KIND_ON_ENTRY = {FencePurpose.HARBOUR: HARBOUR, FencePurpose.NO_GO: NO_GO}
_WORDS = {
    Word.ENTER: "进入",
    Word.FOUND: "首次报位即在",
    Word.EXIT: "驶出",
    Word.LOST: "失联，最后船位在",
    Word.OUTSIDE: "再次报位已不在",
    Word.CROSS: "穿越",
    Word.DWELL: "停留过久：",
}


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters.

    Attributes:
        lost_after_s: A visit to closed or watched water ends as `lost` after
            this silence (2 h for ten-minute fixes).
        max_gap_s: No crossing is read into a longer pause between two fixes.
        max_speed_kn: Nor into a faster jump.
    """

    version: str = "1"
    lost_after_s: float = 7_200.0
    max_gap_s: float = 1_200.0
    max_speed_kn: float = 40.0


class Open(msgspec.Struct, frozen=True, array_like=True):
    """An alert that has its onset but not its clear."""

    kind: str
    fence: str
    onset_ms: int


class Visits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one vessel."""

    where: Whereabouts = UNSEEN
    open: tuple[Open, ...] = ()
    due_ms: int | None = None


def evaluate(
    batch: PositionBatch, prior: Mapping[str, Visits], setting: Setting[Params]
) -> Verdict[Visits]:
    """Return what the fixes in `batch` mean for the fences.

    Args:
        batch: Fixes of vessels' main tracks (see `streams.vessels.tracks`), each
            vessel's in event-time order; rows without a place are skipped.
        prior: Visits before the batch.
        setting: Parameters, fences, register.
    """
    alerts: list[Alert] = []
    changed: dict[str, Visits | None] = {}
    rows, params = fix_rows(batch), _geofence_params(setting.params)
    covering = covering_by_row(setting.fences, batch, rows)
    for row in rows.tolist():
        subject = batch.subject[row]
        last = changed.get(subject) or prior.get(subject) or Visits()
        here = covering.get(row, ())
        fix = Fix(
            subject,
            int(batch.event_time_ms[row]),
            float(batch.lon_deg[row]),
            float(batch.lat_deg[row]),
        )
        told, where = geofence.step(setting.fences, last.where, fix, here, params)
        if where != last.where:
            changed[subject] = _after(Desk(subject, setting, alerts), last, told, where)
    return Verdict(in_order(alerts), changed)


def close(
    keys: list[str], prior: Mapping[str, Visits], watermark_ms: int, setting: Setting[Params]
) -> Verdict[Visits]:
    """Return what has fallen due up to `watermark_ms` without a fix."""
    alerts: list[Alert] = []
    changed: dict[str, Visits | None] = {}
    params = _geofence_params(setting.params)
    for subject in keys:
        last = prior.get(subject)
        if last is None:
            continue
        told, where = geofence.at_time(setting.fences, last.where, subject, watermark_ms, params)
        if where != last.where:
            changed[subject] = _after(Desk(subject, setting, alerts), last, told, where)
    return Verdict(in_order(alerts), changed)


def _geofence_params(params: Params) -> GeofenceParams:
    return GeofenceParams(
        lost_after_s=params.lost_after_s,
        max_gap_s=params.max_gap_s,
        max_speed_kn=params.max_speed_kn,
    )


def _after(
    desk: Desk[Params], last: Visits, told: list[FenceTransition], where: Whereabouts
) -> Visits:
    """Return the state after `told`, having told its alerts."""
    still = list(last.open)
    for one in told:
        if one.word in _LEFT:
            ended = [this for this in still if _ends(this, one)]
            still = [this for this in still if this not in ended]
            for this in ended:
                _tell(desk, this, Transition.CLEAR, one)
        elif (begun := _begun(one, desk.fences)) is not None and not _goes_on(begun, still):
            transition = Transition.NOTICE if one.word is Word.CROSS else Transition.ONSET
            still += [begun] if transition is Transition.ONSET else []
            _tell(desk, begun, transition, one)
    return Visits(where, tuple(still), where.due_ms)


def _ends(this: Open, one: FenceTransition) -> bool:
    """Return whether a word ends an alert: a boat in harbour may switch its sender off."""
    return this.fence == one.fence and not (one.word is Word.LOST and this.kind == HARBOUR)


def _goes_on(begun: Open, still: list[Open]) -> bool:
    return any(this.kind == begun.kind and this.fence == begun.fence for this in still)


def _begun(one: FenceTransition, fences: FenceIndex) -> Open | None:
    """Return the alert that a word begins; None when it begins none."""
    if one.purpose is None:
        return None
    if one.word in _ENTERED and one.purpose in _KIND_ON_ENTRY:
        return Open(_KIND_ON_ENTRY[one.purpose], one.fence, one.since_ms)
    if one.word is Word.CROSS and one.purpose is FencePurpose.NO_GO:
        return Open(NO_GO, one.fence, one.at_ms)
    if one.word is Word.DWELL and fences.index_of(one.fence) is not None:
        return Open(DWELL, one.fence, one.at_ms)
    return None


def _tell(desk: Desk[Params], this: Open, transition: Transition, one: FenceTransition) -> None:
    at = desk.fences.index_of(one.fence)
    name = one.fence if at is None else desk.fences.fences[at].name
    finding = Finding(
        NAME,
        f"{desk.params.version}/{one.fences_version}",
        this.kind,
        desk.subject,
        this.onset_ms,
        _SEVERITY[this.kind],
        this.fence,
    )
    said = Said(
        f"{_WORDS[one.word]}{name}",
        f"{one.word} {one.why}",
        (one.lon_deg, one.lat_deg),
        value=(one.at_ms - one.since_ms) / 1000,
        unit="s",
        visit=one.visit or None,
    )
    desk.tell(finding, transition, one.at_ms, said)
