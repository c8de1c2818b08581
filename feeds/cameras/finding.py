"""A finding: what one message of a platform says, before the city's table is asked."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from schemas.instants import parse_instant
from schemas.records import Reason
from schemas.refused import Refusal

LOCAL = ZoneInfo("Asia/Shanghai")
"""In which GA/T 1400 and GB/T 28181 say their times, without saying so."""

PERSONS = frozenset({"person", "people", "human", "face", "pedestrian", "body", "ispeople"})
"""Words for persons, in small letters: nobody is followed here, whatever a platform sees."""


class Finding(NamedTuple):
    """What a platform believes it saw.

    Attributes:
        camera: The platform's id of the camera.
        labels: Its words for what it saw, the plainest first.
        places: Its zones, rules or tollgates.
        at_ms: When.
        event: Its own id of the event.
        confidence: 0 to 1; None when it says none.
        many: How many; None when it does not count.
        snapshot: Reference to a picture.
        plate: In clear, only until it is hashed.
    """

    camera: str
    labels: tuple[str, ...]
    at_ms: int
    event: str
    places: tuple[str, ...] = ()
    confidence: float | None = None
    many: int | None = None
    snapshot: str | None = None
    plate: str = ""


Said: TypeAlias = Finding | Refusal
Read: TypeAlias = Callable[[bytes], list[Said]]
"""A mapper: one message in, what it says out; each part that says nothing is a refusal."""


def no_person() -> Refusal:
    """Return why a person is never a detection."""
    hint = "persons are not followed here; send crowds as a count, without who is in them"
    return Refusal(Reason.PERSON, "label", hint)


def is_person(label: str) -> bool:
    """Return whether a platform's word stands for a person."""
    return label.lower() in PERSONS


def json_object(body: bytes) -> Mapping[str, Any] | Refusal:
    """Return a body as one JSON object."""
    try:
        told = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        return Refusal(Reason.NOT_JSON, hint=f"send one JSON object: {str(error)[:120]}")
    if not isinstance(told, dict):
        return Refusal(Reason.NOT_JSON, hint="send one JSON object")
    return told


def epoch_s(value: object, field: str) -> int | Refusal:
    """Return an instant given in seconds since 1970, in milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**33:
        return Refusal(Reason.BAD_TIME, field, "seconds since 1970 expected")
    return round(value * 1000)


def local_instant(text: object, form: str, field: str) -> int | Refusal:
    """Return the instant that a local time of the city names.

    Args:
        text: Such as `20160912220107`.
        form: For strptime.
        field: Where it stood.
    """
    try:
        at = datetime.strptime(str(text), form).replace(tzinfo=LOCAL)
    except ValueError:
        return Refusal(Reason.BAD_TIME, field, f"{str(text)[:40]!r} is no local time {form}")
    return round(at.timestamp() * 1000)


def utc_instant(text: object, field: str) -> int | Refusal:
    """Return the instant of an RFC 3339 text; without an offset it is UTC, as ONVIF has it."""
    said = str(text or "").replace(" ", "T")
    told = parse_instant(said)
    if isinstance(told, Refusal) and told.reason is Reason.NAIVE_TIME:
        told = parse_instant(f"{said}Z")
    return told._replace(field=field) if isinstance(told, Refusal) else told


def text_of(said: Mapping[str, Any], name: str) -> str:
    """Return a field as text, "" when it is absent or no scalar."""
    value = said.get(name)
    return str(value)[:256] if isinstance(value, str | int | float) else ""
