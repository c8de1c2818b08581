"""Detections rule: what cameras claim to see becomes alerts, repeats folded into a count.

An alert is about one kind before one camera. It begins sure when enough of the
latest detections are confident, doubtful when they are only worth a look: then
it is marked, for it may support what others notice but sends nobody by itself.
A doubtful alert becomes sure by an update, never the other way
round. Detections that go on raise its count and are told at a bounded pace; it
ends when nothing was seen for `clear_s`.

State, per kind and camera: which of the latest detections were sure, and the open
alert with its count. A detection no newer than the state is a redelivery, or a
second object of the same frame: it is skipped.
"""

from collections.abc import Mapping
from operator import attrgetter

import msgspec
import numpy as np

from schemas.alerts import Alert, Severity, Transition
from schemas.detections import DetectionBatch
from schemas.ids import uuid5
from streams.claims.watched import Params, Watched
from streams.rule import RowNote, Verdict

__all__ = ["NAME", "Params", "Sight", "Watched", "close", "evaluate"]

NAME = "detections"
_TOO_UNSURE, _UNWATCHED = "confidence-too-low", "kind-not-watched"
_BETWEEN = "\x1f"
_REASONS = {
    Transition.ONSET: "seen",
    Transition.UPDATE: "seen-again",
    Transition.CLEAR: "not-seen",
}


class Sight(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of one kind before one camera.

    Attributes:
        as_of_ms: Its newest detection.
        sure_bits: Of the latest ones, a bit each: confident.
        onset_ms: First detection of the open alert; None while there is none.
        sure: Whether the open alert is sure.
        count: Detections folded into it.
        told_ms: Its latest message; `updates` how many were updates.
        confidence, number, snapshot: The best of it.
        place: (lon, lat) of its newest detection, NaN when not known.
        due_ms: When it ends if nothing more is seen.
    """

    as_of_ms: int
    sure_bits: int = 0
    onset_ms: int | None = None
    sure: bool = False
    count: int = 0
    told_ms: int = 0
    updates: int = 0
    confidence: float = 0.0
    number: int = 0
    snapshot: str = ""
    place: tuple[float, float] = (float("nan"), float("nan"))
    due_ms: int | None = None


def evaluate(batch: DetectionBatch, prior: Mapping[str, Sight], params: Params) -> Verdict[Sight]:
    """Return the alerts that the detections of `batch` imply.

    Args:
        batch: Detections, each camera's in event-time order.
        prior: State before the batch, by kind and camera.
        params: What is watched.

    Returns:
        Alerts by event time; a note for each detection that is set aside.
    """
    alerts: list[Alert] = []
    changed: dict[str, Sight | None] = {}
    notes: list[RowNote] = []
    columns = (batch.kind, batch.subject, batch.event_time_ms.tolist(), batch.confidence.tolist())
    rows = zip(*columns, strict=True)
    for row, (kind, camera, at_ms, confidence) in enumerate(rows):
        watched = params.kinds.get(kind)
        if watched is None or confidence < watched.doubtful:
            notes.append(RowNote(row, _UNWATCHED if watched is None else _TOO_UNSURE))
            continue
        key = f"{kind}{_BETWEEN}{camera}"
        last = changed.get(key) or prior.get(key) or Sight(-1)
        if at_ms <= last.as_of_ms:
            continue
        if last.due_ms is not None and last.due_ms <= at_ms:
            last = _ended(key, last, params, alerts)
        changed[key] = _seen(key, _taken(batch, row, last, watched), watched, params, alerts)
    return Verdict(sorted(alerts, key=attrgetter("event_time_ms")), changed, notes)


def close(
    keys: list[str], prior: Mapping[str, Sight], watermark_ms: int, params: Params
) -> Verdict[Sight]:
    """End what was not seen any more up to `watermark_ms`."""
    alerts: list[Alert] = []
    changed: dict[str, Sight | None] = {}
    for key in keys:
        last = prior.get(key)
        if last is not None and last.due_ms is not None and last.due_ms <= watermark_ms:
            changed[key] = _ended(key, last, params, alerts)
    return Verdict(sorted(alerts, key=attrgetter("event_time_ms")), changed)


def _taken(batch: DetectionBatch, row: int, last: Sight, watched: Watched) -> Sight:
    """Return the state with one detection taken in, nothing told yet."""
    at_ms, confidence = int(batch.event_time_ms[row]), float(batch.confidence[row])
    kept = (1 << watched.of_last) - 1
    best = confidence > last.confidence
    return Sight(
        as_of_ms=at_ms,
        sure_bits=(last.sure_bits << 1 | (confidence >= watched.confident)) & kept,
        onset_ms=at_ms if last.onset_ms is None else last.onset_ms,
        sure=last.sure,
        count=last.count + 1,
        told_ms=last.told_ms,
        updates=last.updates,
        confidence=confidence if best else last.confidence,
        number=max(last.number, int(batch.number[row])),
        snapshot=batch.snapshot[row] if best or not last.snapshot else last.snapshot,
        place=(float(batch.lon_deg[row]), float(batch.lat_deg[row])),
        due_ms=at_ms + watched.clear_s * 1_000,
    )


def _seen(key: str, now: Sight, watched: Watched, params: Params, alerts: list[Alert]) -> Sight:
    """Return the state after what one detection makes worth telling was told."""
    sure = now.sure or now.sure_bits.bit_count() >= watched.at_least
    is_new = not now.told_ms
    rested = now.as_of_ms >= now.told_ms + params.fold_ms(now.updates)
    if not (is_new or rested or sure is not now.sure):
        return now
    now = msgspec.structs.replace(
        now, sure=sure, told_ms=now.as_of_ms, updates=0 if is_new else now.updates + 1
    )
    transition = Transition.ONSET if is_new else Transition.UPDATE
    alerts.append(_alert(key, now, transition, now.as_of_ms, params))
    return now


def _ended(key: str, last: Sight, params: Params, alerts: list[Alert]) -> Sight:
    """Return the state once nothing was seen for long enough."""
    if last.due_ms is not None and key.partition(_BETWEEN)[0] in params.kinds:
        alerts.append(_alert(key, last, Transition.CLEAR, last.due_ms, params))
    return Sight(last.as_of_ms)


def _alert(key: str, now: Sight, transition: Transition, at_ms: int, params: Params) -> Alert:
    kind, _, camera = key.partition(_BETWEEN)
    watched, onset_ms = params.kinds[kind], now.onset_ms or 0
    alert_id = uuid5(NAME, kind, camera, onset_ms)
    placed = all(map(np.isfinite, now.place))
    return Alert(
        source="citybrain.detections",
        kind=kind,
        subject=camera,
        event_time_ms=at_ms,
        id=uuid5(alert_id, transition, at_ms),
        alert_id=alert_id,
        rule=NAME,
        rule_version=params.version,
        transition=transition,
        severity=watched.severity if now.sure else Severity.UNKNOWN,
        onset_time_ms=onset_ms,
        lon_deg=now.place[0] if placed else None,
        lat_deg=now.place[1] if placed else None,
        value=float(now.number) if now.number else None,
        unit="1" if now.number else None,
        reason=_REASONS[transition],
        sentence=_sentence(camera, now, transition, watched),
        life_safety=watched.life_safety,
        confidence=now.confidence,
        doubtful=not now.sure,
        count=now.count,
        snapshot=now.snapshot or None,
    )


def _sentence(camera: str, now: Sight, transition: Transition, watched: Watched) -> str:
    number = f"，最多 {now.number} 个" if now.number else ""
    if transition is Transition.CLEAR:
        end = f"已 {watched.clear_s / 60:g} 分钟未再见"
        return f"{camera} {end}{watched.label}{number}，共 {now.count} 次，告警解除"
    doubt = "" if now.sure else "疑似"
    unsure = "" if now.sure else "，把握不足，待其他来源印证"
    folded = f"，已 {now.count} 次" if now.count > 1 else ""
    return f"{camera} {doubt}{watched.label}{number}，置信度 {now.confidence:.0%}{folded}{unsure}"
