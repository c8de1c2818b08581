"""One readable line for each record of a topic; unknown shapes stay JSON."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import orjson

# People in the city read its own time; the offset is always shown beside it.
CITY_ZONE: Final = ZoneInfo("Asia/Shanghai")

_VALUE_CHARS = 100

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
