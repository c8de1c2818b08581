"""One readable line for each record of a topic; unknown shapes stay JSON."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import orjson

# People in the city read its own time; the offset is always shown beside it.
CITY_ZONE: Final = ZoneInfo("Asia/Shanghai")

_VALUE_CHARS = 100
_ID_CHARS = 13

Fields: TypeAlias = Mapping[str, Any]


def decode(value: bytes | None) -> dict[str, Any] | None:
    """Return the JSON object in `value`, or None when it is anything else."""
    try:
        fields = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def local_time(text: object) -> str:
    """Return an RFC 3339 text in the city's time: `2025-03-22 08:00:01+08:00`."""
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    if instant.tzinfo is None:
        return str(text)
    return instant.astimezone(CITY_ZONE).isoformat(sep=" ", timespec="seconds")


def _join(*parts: object) -> str:
    return "  ".join(str(part) for part in parts if part not in (None, ""))


def _measure(fields: Fields) -> str:
    if fields.get("value") is None:
        return ""
    limit = f" (limit {fields['limit']:g})" if fields.get("limit") is not None else ""
    return f"{fields['value']:.4g} {fields.get('unit', '')}".rstrip() + limit


def _place(fields: Fields) -> str:
    if fields.get("lon_deg") is None or fields.get("lat_deg") is None:
        return ""
    return f"{fields['lon_deg']:.4f},{fields['lat_deg']:.4f}"


def _alert(fields: Fields) -> str:
    rung = f"rung {fields['rung']}" if fields.get("rung") else ""
    what = fields.get("sentence") or _join(fields.get("area"), _measure(fields), _place(fields))
    return _join(
        f"{fields['severity']:<8}",
        f"{fields['transition']:<10}",
        fields.get("kind"),
        fields.get("subject"),
        rung,
        what,
    )


def _incident(fields: Fields) -> str:
    count = f"{fields.get('alert_count', 0)} alerts"
    what = fields.get("sentence") or fields.get("area")
    head = (f"{fields['change']:<9}", fields.get("severity"), fields.get("kind"))
    return _join(*head, fields.get("subject"), count, what)


def _order(fields: Fields) -> str:
    clock = ""
    if fields.get("clock"):
        clock = f"clock {fields['clock']} {fields.get('clock_note', '')}".rstrip()
        clock += f", due {local_time(fields.get('deadline_time'))}"
    unit = f"→ {fields.get('unit_name') or fields.get('unit')} ({fields.get('level')})"
    what = fields.get("sentence") or fields.get("incident_kind")
    return _join(f"{fields['change']:<9}", fields.get("state"), unit, clock, what)


def _reminder(fields: Fields) -> str:
    words = f"“{fields.get('text', '')}”"
    return _join(fields.get("venue"), fields.get("subject"), fields["text_id"], words)


def _step(fields: Fields) -> str:
    state, to = fields.get("from_state"), fields["to_state"]
    moved = to if state == to else f"{state} → {to}"
    said = _join(fields["action"], fields.get("clock"), fields.get("unit"), fields.get("reason"))
    by = f"by {fields['by']}" if fields.get("by") else ""
    return _join(fields["case_id"][:_ID_CHARS], f"{fields.get('seq', 0):>3}", moved, said, by)


def _case(fields: Fields) -> str:
    broken = ", ".join(fields.get("breaches", ()))
    owner = fields.get("unit_name") or fields.get("unit")
    return _join(
        fields["case_id"][:_ID_CHARS],
        f"{fields['state']:<10}",
        fields.get("incident_kind"),
        fields.get("area") or fields.get("community"),
        f"→ {owner}" if owner else "",
        f"broken: {broken}" if broken else "",
    )


def _reply(fields: Fields) -> str:
    how = "accepted" if fields["accepted"] else f"refused: {fields.get('reason')}"
    case = fields.get("case_id", "")[:_ID_CHARS]
    return _join(fields.get("action"), how, fields.get("hint"), case or fields.get("incident_id"))


def _figures(fields: Fields) -> str:
    share = fields.get("share_at_community")
    ended = f"{fields.get('ended', 0)} ended"
    if share is not None:
        ended += f", {share:.0%} at community level"
    clocks = [f"{one['clock']} {one['kept']}/{one['due']}" for one in fields.get("clocks", ())]
    reminders = fields.get("reminders")
    return _join(
        fields["subject"],
        fields["period"],
        f"{fields.get('cases', 0)} cases",
        ended,
        f"kept: {', '.join(clocks)}" if clocks else "",
        f"{fields['returns']} returns" if fields.get("returns") else "",
        f"{fields['reopens']} reopened" if fields.get("reopens") else "",
        f"{fields.get('reminders_worked', 0)} of {reminders} reminders worked" if reminders else "",
    )


def _dead_letter(fields: Fields) -> str:
    where = f"{fields.get('topic')}/{fields.get('partition')}@{fields.get('offset')}"
    late = f"late by {fields['late_by_ms'] / 1000:.1f} s" if fields.get("late_by_ms") else ""
    why = f"{fields['stage']}: {fields.get('reason')}"
    return _join(where, why, fields.get("field"), late, fields.get("hint"))


def _event(fields: Fields) -> str:
    more = fields.get("name") or fields.get("text") or fields.get("action")
    speed = f"{fields['sog_kn']:g} kn" if fields.get("sog_kn") is not None else ""
    confidence = f"confidence {fields['confidence']:g}" if "confidence" in fields else ""
    measure, place = _measure(fields), _place(fields)
    return _join(fields.get("kind"), fields.get("subject"), measure, place, speed, confidence, more)


# The field that only this shape has -> its line. The first that fits is taken.
_SHAPES: Final[tuple[tuple[str, Callable[[Fields], str]], ...]] = (
    ("to_state", _step),
    ("last_hash", _case),
    ("accepted", _reply),
    ("period", _figures),
    ("stage", _dead_letter),
    ("order_id", _order),
    ("text_id", _reminder),
    ("alert_count", _incident),
    ("transition", _alert),
    ("event_time", _event),
)


def line(value: bytes | None) -> str:
    """Return one line for a record's value: its time, then what it says."""
    if value is None:
        return "(null)"
    fields = decode(value)
    if fields is None:
        return value[:_VALUE_CHARS].decode(errors="backslashreplace").strip()
    for mark, shape in _SHAPES:
        # An update from the field also names an order, without being one.
        if mark in fields and not (shape is _order and "change" not in fields):
            try:
                return _join(local_time(fields.get("event_time", "")), shape(fields))
            except (KeyError, TypeError, ValueError):  # not what its fields promise: show it raw
                break
    return value.decode(errors="replace")
