"""What a threshold alert says, with one plain Chinese sentence."""

import math

from schemas.alerts import Alert, Transition
from schemas.ids import uuid5
from schemas.units import KINDS
from streams.hysteresis import Move, Reason
from streams.threshold_kinds import Direction, Kind, Setting


def alert(
    rule: str, move: Move, key: tuple[str, str], setting: Setting, place: tuple[float, float]
) -> Alert:
    """Return the alert message of one move.

    Args:
        rule: The rule's name.
        move: The move.
        key: The kind of reading, and the sensor.
        setting: What is watched; has the sensor.
        place: Longitude and latitude in degrees, NaN when not known.
    """
    kind, subject = key
    watched = setting.watched[setting.ladder_of(kind, subject)]
    transition = _transition(move)
    alert_id = uuid5(rule, subject, kind, move.onset_ms)
    lon_deg, lat_deg = (None if math.isnan(degrees) else float(degrees) for degrees in place)
    return Alert(
        source="citybrain.threshold",
        kind=watched.finding or f"{kind}.exceeded",
        subject=subject,
        event_time_ms=move.at_ms,
        id=uuid5(alert_id, transition, move.at_ms, move.rung),
        alert_id=alert_id,
        rule=rule,
        rule_version=setting.version,
        transition=transition,
        severity=watched.severity[max(move.rung or move.was, 1) - 1],
        onset_time_ms=move.onset_ms,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        value=move.value,
        limit=watched.levels[max(move.rung, 1) - 1],
        unit=watched.unit,
        reason=move.reason,
        sentence=_sentence(move, transition, (kind, subject), watched),
        life_safety=watched.life_safety,
    )


def _transition(move: Move) -> Transition:
    if not move.rung:
        return Transition.CLEAR
    return Transition.UPDATE if move.was else Transition.ONSET


def _sentence(move: Move, transition: Transition, key: tuple[str, str], watched: Kind) -> str:
    kind, subject = key
    label = watched.label or kind
    if move.reason is Reason.NOT_SEEN:
        return f"{subject} {label}已 {watched.unseen_s} 秒没有数据，告警就此结束"
    lasted_s = (move.at_ms - move.onset_ms) // 1000
    lasted = f"，已持续 {lasted_s} 秒" if lasted_s else ""
    if KINDS[kind].flag:  # a yes or a no has neither value nor limit worth telling
        ended = "，告警解除" if transition is Transition.CLEAR else lasted
        return f"{subject} {label}{ended}"
    read = f"{subject} {label} {move.value:g} {watched.unit}"
    falls = watched.direction is Direction.BELOW
    if transition is Transition.CLEAR:
        good = (watched.clear or watched.levels)[0]
        side = "以上" if falls else "以下"
        return f"{read}，已恢复到 {good:g} {watched.unit} {side}，告警解除"
    limit = watched.levels[move.rung - 1]
    head = f"{read}，{'低于' if falls else '超过'}限值 {limit:g} {watched.unit}"
    if transition is Transition.ONSET:
        return head + lasted
    return f"{head}，{'升' if move.rung > move.was else '降'}至第 {move.rung} 级"
