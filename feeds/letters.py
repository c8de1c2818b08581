"""Dead letters of the doors that cannot answer: what came in, whole, and why it was refused."""

import hashlib
from base64 import b64encode
from typing import Final

import msgspec

from feeds.intake.publisher import Outgoing
from schemas.codec import encode
from schemas.deadletter import DeadLetter
from schemas.ids import uuid5
from schemas.items import MAX_VALUE_BYTES
from schemas.records import Reason, Stage
from schemas.refused import Refusal
from schemas.topics import DEADLETTER


class _Named(msgspec.Struct, gc=False):
    subject: str = ""


NOT_ON_KAFKA: Final = -1
"""Partition and offset of what never stood on a topic."""


def letter(topic: str, value: bytes, refusal: Refusal, came_by: str, now_ms: int) -> Outgoing:
    """Return the record that puts a refused message among the dead letters.

    Its id is a function of where the message came in and of its bytes, so a
    message that is delivered twice is one letter.

    Args:
        topic: The input topic that it was meant for, and is sent to when it is replayed.
        value: What came in; more than a record may hold is cut, and the hint says so.
        refusal: Why.
        came_by: Where: an MQTT topic.
        now_ms: When.
    """
    hint = f"{refusal.hint}; it came by {came_by}"
    if len(value) > MAX_VALUE_BYTES:
        hint = f"{hint}; value of {len(value)} bytes cut"
    said = DeadLetter(
        source=f"citybrain.{Stage.DOOR}",
        kind="deadletter",
        subject=topic,
        event_time_ms=now_ms,
        id=uuid5("door", came_by, hashlib.sha256(value).hexdigest()),
        ingest_time_ms=now_ms,
        topic=topic,
        partition=NOT_ON_KAFKA,
        offset=NOT_ON_KAFKA,
        stage=Stage.DOOR,
        reason=refusal.reason,
        field=refusal.field,
        hint=hint,
        key=_key_of(value),
        value=b64encode(value[:MAX_VALUE_BYTES]).decode(),
    )
    return Outgoing(DEADLETTER, topic.encode(), encode(said))


def _key_of(value: bytes) -> str | None:
    """Return the key under which it is sent again, in base64: the subject that it names."""
    try:
        subject = msgspec.json.decode(value, type=_Named).subject
    except (ValueError, RecursionError):
        return None
    return b64encode(subject.encode()).decode() if subject else None


def refusal_of(code: str, field: str, hint: str) -> Refusal:
    """Return a verdict's code as a refusal; what only doors say goes into the hint."""
    try:
        return Refusal(Reason(code), field, hint)
    except ValueError:
        return Refusal(Reason.REFUSED_AT_DOOR, field, f"{code}: {hint}")
