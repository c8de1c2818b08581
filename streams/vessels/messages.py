"""AIS messages to positions: units, "not available" to None, and the instant.

pyais turns bits into physical units; which values mean "not available" is Rec.
ITU-R M.1371-5, annex 8, tables 48 to 90.
"""

from collections.abc import Sequence
from typing import Any

import pyais
from pyais.exceptions import AISBaseException

from schemas.positions import Position

POSITION = "vessel.position"
STATIC = "vessel.static"
SAFETY_TEXT = "vessel.safety-text"

_LONG_RANGE = 27
_SAR_AIRCRAFT = 9
_AID_TO_NAVIGATION = 21
_EXTENDED_CLASS_B = 19
_FIXES = frozenset({1, 2, 3, 4, 9, 18, 19, 21, 27})
_STATICS = frozenset({5, 19, 24})
_SAFETY = 14
USED_TYPES = _FIXES | _STATICS | {_SAFETY}
"""Message numbers that become positions; others are counted and left."""

_SOG_NOT_AVAILABLE_KN = {_LONG_RANGE: 63.0, _SAR_AIRCRAFT: 1023.0}
_HEADING_NOT_AVAILABLE = 511
_FULL_CIRCLE_DEG = 360
_SECONDS_IN_MINUTE = 60
_ROUND_DEG = 6
"""A degree's sixth decimal is 0.11 m; AIS's own step is 1/600,000 degree."""


class UndecodableError(ValueError):
    """The payload is no message of its type; the text says what is wrong."""


def message_type(payload: bytes) -> int:
    """Return the message number that the first armoured character carries; -1 for none."""
    if not payload:
        return -1
    armoured = payload[0] - 48
    return armoured - 8 if armoured > 40 else armoured  # noqa: PLR2004 - M.1371 armouring


def decode_message(
    sentences: Sequence[bytes], source: str, station: str, received_ms: int
) -> list[Position]:
    """Decode one message.

    Args:
        sentences: Its sentences in order of their number, checksums agreed.
        source: Whom the positions come from.
        station: Who received them.
        received_ms: When, UTC; the message's own second is set beside it.

    Returns:
        One position; of message 19 two, its fix and its static part.

    Raises:
        UndecodableError: The bits do not make such a message.
    """
    try:
        message: Any = pyais.decode(*sentences)
    except (AISBaseException, ValueError, KeyError, IndexError, TypeError, OverflowError) as fault:
        raise UndecodableError(f"{type(fault).__name__}: {fault}"[:160]) from fault
    number = int(message.msg_type)
    if not getattr(message, "mmsi", None):
        raise UndecodableError("no MMSI")
    own: dict[str, Any] = {
        "source": source,
        "subject": f"{int(message.mmsi):09d}",
        "msg_type": number,
        "station": station or None,
        "event_time_ms": received_ms,
    }
    if number == _SAFETY:
        return [Position(kind=SAFETY_TEXT, text=_text(message.text), **own)]
    found = []
    if number in _FIXES:
        found.append(_fix(message, number, own))
    if number in _STATICS:
        found.append(Position(kind=STATIC, **_card(message), **own))
    return found


def _fix(message: Any, number: int, own: dict[str, Any]) -> Position:
    lon_deg, lat_deg = _place(message)
    own = own | {"event_time_ms": instant_ms(own["event_time_ms"], _second(message))}
    if number == _AID_TO_NAVIGATION:
        own["name"] = _text(getattr(message, "name", None))
    status = getattr(message, "status", None)
    return Position(
        kind=POSITION,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        sog_kn=_speed(message, number),
        cog_deg=_angle(getattr(message, "course", None)),
        heading_deg=_heading(message),
        nav_status=None if status is None else int(status),
        **own,
    )


def _place(message: Any) -> tuple[float | None, float | None]:
    """Return both or neither: half a place is no place."""
    lon_deg, lat_deg = getattr(message, "lon", None), getattr(message, "lat", None)
    if lon_deg is None or lat_deg is None or abs(lon_deg) > 180 or abs(lat_deg) > 90:  # noqa: PLR2004 - the globe
        return None, None
    return round(float(lon_deg), _ROUND_DEG), round(float(lat_deg), _ROUND_DEG)


def _speed(message: Any, number: int) -> float | None:
    speed_kn = getattr(message, "speed", None)
    if speed_kn is None or speed_kn >= _SOG_NOT_AVAILABLE_KN.get(number, 102.3):
        return None
    return float(speed_kn)


def _angle(degrees: float | None) -> float | None:
    if degrees is None or not 0 <= degrees < _FULL_CIRCLE_DEG:
        return None
    return float(degrees)


def _heading(message: Any) -> float | None:
    heading = getattr(message, "heading", None)
    return None if heading in (None, _HEADING_NOT_AVAILABLE) else _angle(heading)


def _second(message: Any) -> int:
    """Return the UTC second of the fix; 60 when it is not told (message 27 has none)."""
    second = getattr(message, "second", None)
    return _SECONDS_IN_MINUTE if second is None else int(second)


def instant_ms(received_ms: int, second: int) -> int:
    """Return the instant nearest to `received_ms` that has this UTC second.

    Seconds 60 to 63 say "not available", "manual", "estimated" and
    "inoperative": then the time of reception stands in.
    """
    if not 0 <= second < _SECONDS_IN_MINUTE:
        return received_ms
    minute_ms = received_ms - received_ms % 60_000
    at_ms = minute_ms + second * 1000
    if at_ms - received_ms >= 30_000:  # noqa: PLR2004 - half a minute
        return at_ms - 60_000
    if received_ms - at_ms > 30_000:  # noqa: PLR2004 - half a minute
        return at_ms + 60_000
    return at_ms


def _card(message: Any) -> dict[str, Any]:
    """Return what a static message says of its vessel."""
    ship_type = getattr(message, "ship_type", None)
    return {
        "name": _text(getattr(message, "shipname", None)),
        "call_sign": _text(getattr(message, "callsign", None)),
        "imo": int(getattr(message, "imo", None) or 0) or None,
        "ship_type": None if ship_type is None else int(ship_type),
    }


def _text(raw: str | None) -> str | None:
    """Return a six-bit text without its padding; None when it says nothing."""
    return (raw or "").partition("@")[0].strip() or None
