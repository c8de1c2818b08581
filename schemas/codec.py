"""Bytes to columns and rejects, records to bytes.

Nothing that comes from outside raises here: each record ends in columns or in
a `Reject` that says which field is wrong and what would be right. In columns a
value is in its kind's own unit, an instant in milliseconds, a place in WGS-84.
"""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from schemas.claims import decode_complaints, decode_detections
from schemas.columns import (
    check_place_columns,
    decode_positions,
    decode_readings,
    float_column,
    take_place,
)
from schemas.deadletter import DeadLetter
from schemas.envelope import Datum, Envelope
from schemas.ids import uuid5
from schemas.items import MAX_VALUE_BYTES, read_items, reader
from schemas.records import Headers, RawBatch, Reject
from schemas.refused import Refusal, Refused
from schemas.wire import explain, from_wire, to_wire

__all__ = [
    "Refused",
    "dead_letter",
    "decode",
    "decode_complaints",
    "decode_detections",
    "decode_positions",
    "decode_readings",
    "decode_records",
    "encode",
    "revive",
]

# With a value of the largest size, all in base64, they fit into a dead letter.
_KEPT_KEY_BYTES = _KEPT_HEADER_BYTES = 64 * 1024

R = TypeVar("R", bound=Envelope)
_ENCODER = msgspec.json.Encoder()


def encode(record: Envelope) -> bytes:
    """Return `record` as the wire says it, without fields at their default.

    Raises:
        ValueError: A number is not finite, or an instant is beyond year 9999.
    """
    return _ENCODER.encode(to_wire(record))


def decode(cls: type[R], raw: bytes) -> R:
    """Return the record that `raw` says.

    Raises:
        Refused: It says none; reason, field and hint say why.
    """
    try:
        wire = reader(cls).one.decode(raw)
    except (ValueError, RecursionError) as error:
        raise Refused(explain(error, raw)) from None
    return from_wire(cls, wire)


def decode_records(
    raw: RawBatch,
    cls: type[R],
    datums: Mapping[str, Datum] | None = None,
    unknown: Counter[str] | None = None,
) -> tuple[list[tuple[int, R]], list[Reject]]:
    """Return (row, record) for each record of a low-rate topic, and what is refused.

    Args:
        raw: The records.
        cls: What they say.
        datums: As in `decode_readings`; None where places are our own.
        unknown: Counts fields that the contract does not know, by name.
    """
    placed = datums is not None and "lon_deg" in reader(cls).known
    items = read_items(raw, cls, take_place if placed else _take_nothing, unknown, keep=True)
    refusals: dict[int, Refusal] = {}
    if datums is not None and placed:
        lon_deg, lat_deg = float_column(items, "lon_deg"), float_column(items, "lat_deg")
        refusals = check_place_columns(items, lon_deg, lat_deg, datums)
    records: list[tuple[int, R]] = []
    for i, (row, wire) in enumerate(zip(items.row.tolist(), items.wires, strict=True)):
        try:
            record = from_wire(cls, wire)
        except Refused as refused:
            refusals[i] = refused.refusal
            continue
        if i not in refusals:
            records.append((row, record))
    return records, items.rejects(refusals)


def _take_nothing(_: Sequence[Any]) -> dict[str, list[Any]]:
    return {}


def dead_letter(
    raw: RawBatch, reject: Reject, now_ms: int, late_by_ms: int | None = None
) -> DeadLetter:
    """Return the dead letter of one refused event, with all of its record.

    What is larger than any record may be (it came small, by compression) is cut,
    so that the letter can be sent, and `hint` says so: a letter that Kafka does
    not take would end the worker again and again. Sent again, it is refused again.

    But for `ingest_time_ms` it is a function of the record and the reject, so
    that a replay says the same. Its event time is the broker's record time.
    """
    row = reject.row
    offset = int(raw.offsets[row])
    part = reject.field[1:].partition("]")[0] if reject.field.startswith("[") else ""
    key, value, headers, cut = _sendable(
        raw.keys[row], raw.values[row], raw.headers[row] if raw.headers else ()
    )
    return DeadLetter(
        source=f"citybrain.{reject.stage}",
        kind="deadletter",
        subject=raw.topic,
        event_time_ms=int(raw.ingest_time_ms[row]),
        id=uuid5("deadletter", raw.topic, raw.partition, offset, part),
        ingest_time_ms=now_ms,
        topic=raw.topic,
        partition=raw.partition,
        offset=offset,
        stage=reject.stage,
        reason=reject.reason,
        field=reject.field,
        hint=f"{reject.hint}; {cut}" if cut else reject.hint,
        key=_to_base64(key),
        value=_to_base64(value),
        headers=tuple((name, b64encode(value or b"").decode()) for name, value in headers),
        late_by_ms=late_by_ms,
    )


def revive(
    letter: DeadLetter,
) -> tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]:
    """Return (topic, key, value, headers) of the record that `letter` holds."""
    headers = [(name, b64decode(value)) for name, value in letter.headers]
    return letter.topic, _from_base64(letter.key), _from_base64(letter.value), headers


def _sendable(
    key: bytes | None, value: bytes | None, headers: Headers
) -> tuple[bytes | None, bytes | None, Headers, str]:
    """Return key, value and headers as a letter can hold them, and what was cut."""
    cut = []
    if value is not None and len(value) > MAX_VALUE_BYTES:
        cut.append(f"value of {len(value)} bytes cut")
        value = value[: MAX_VALUE_BYTES + 1]  # still too large for whoever reads it again
    if key is not None and len(key) > _KEPT_KEY_BYTES:
        cut.append(f"key of {len(key)} bytes cut")
        key = key[:_KEPT_KEY_BYTES]
    if sum(len(name) + len(said or b"") for name, said in headers) > _KEPT_HEADER_BYTES:
        cut.append("headers left out")
        headers = ()
    return key, value, headers, ", ".join(cut)


def _to_base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def _from_base64(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
