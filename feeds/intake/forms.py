"""The forms in which bodies come: parted into items, one JSON object each.

A JSON object or array of them, JSON lines, a SenML pack (RFC 8428), and
CloudEvents 1.0 (structured, batched, binary). An item of our own form stays as
it was sent, byte for byte; SenML and CloudEvents are written anew.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from schemas.items import MAX_DEPTH, depth_of, reader
from schemas.readings import Reading
from schemas.records import Reason
from schemas.refused import Refusal
from schemas.senml import Resolver, is_senml
from schemas.wire import explain

MAX_ITEMS: Final = 1000

JSON, NDJSON = "application/json", "application/x-ndjson"
SENML = "application/senml+json"
CLOUDEVENT, CLOUDEVENTS = "application/cloudevents+json", "application/cloudevents-batch+json"

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "": JSON,
    JSON: JSON,
    NDJSON: NDJSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    SENML: SENML,
    CLOUDEVENT: CLOUDEVENT,
    CLOUDEVENTS: CLOUDEVENTS,
}
"""Media types that are taken, each with the form that it stands for."""

CE_HEADER: Final = "ce-"

_BLANK = b" \t\r\n"
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_CE_VERSION = "1.0"


class Item(NamedTuple):
    """One item of a body: its place, and what it says, or why it says nothing."""

    number: int
    said: bytes | Refusal


Items = list[Item] | Refusal
"""The items of a body; or, of one that cannot be parted, why."""


def part_body(
    body: bytes, form: str, source: str, now_ms: int, headers: Mapping[str, str] | None = None
) -> Items:
    """Return the items of a body.

    Args:
        body: Decompressed.
        form: A value of `MEDIA_TYPES`.
        source: For SenML, which has no word for it.
        now_ms: To which SenML's relative times are relative.
        headers: `ce-…` headers in lower case, when the body is a CloudEvent's
            data (binary mode); else None.
    """
    if headers:
        return [Item(0, _binary_event(headers, body))]
    parted = _PARTERS[form](body)
    if isinstance(parted, Refusal):
        return parted
    if form == SENML or (form == JSON and body.lstrip(_BLANK)[:1] == b"[" and is_senml(parted[0])):
        return _resolve_senml(parted, source, now_ms)
    if form in (CLOUDEVENT, CLOUDEVENTS):
        return [Item(index, _structured_event(raw)) for index, raw in enumerate(parted)]
    return list(map(Item._make, enumerate(parted)))


def _part_json(body: bytes) -> list[bytes] | Refusal:
    first = body.lstrip(_BLANK)[:1]
    return _part_array(body) if first == b"[" else _part_object(body)


def _part_object(body: bytes) -> list[bytes] | Refusal:
    return [body] if body.strip(_BLANK) else _EMPTY


def _part_array(body: bytes) -> list[bytes] | Refusal:
    try:
        items = [bytes(item) for item in _RAWS.decode(body)]
    except (ValueError, RecursionError) as error:
        refusal = explain(error, body)
        return refusal._replace(hint=f"send a JSON array of events: {error!s:.120}")
    return items or _EMPTY


def _part_lines(body: bytes) -> list[bytes] | Refusal:
    return [line for line in body.splitlines() if line.strip(_BLANK)] or _EMPTY


_EMPTY: Final = Refusal(Reason.INCOMPLETE, hint="the body holds no event")
_PARTERS: Final[Mapping[str, Callable[[bytes], list[bytes] | Refusal]]] = {
    JSON: _part_json,
    NDJSON: _part_lines,
    SENML: _part_array,
    CLOUDEVENT: _part_object,
    CLOUDEVENTS: _part_array,
}


def _resolve_senml(items: list[bytes], source: str, now_ms: int) -> Items:
    wire = reader(Reading).wire
    found: Iterable[tuple[int, Any]] = Resolver(wire, source, now_ms).resolve(items)
    resolved = [
        Item(part, said if isinstance(said, Refusal) else _ENCODER.encode(_said(said)))
        for part, said in found
    ]
    return resolved or _EMPTY


_ENCODER: Final = msgspec.json.Encoder()


def _said(wire: Any) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(wire).items() if value is not None}


# CloudEvents 1.0: its attributes, and what they are called here.
_ATTRIBUTES: Final = {
    "id": "id",
    "source": "source",
    "type": "kind",
    "subject": "subject",
    "time": "event_time",
    "traceparent": "trace",
    "datum": "datum",
}


def _structured_event(raw: bytes) -> bytes | Refusal:
    if depth_of(raw) > MAX_DEPTH:
        return Refusal(Reason.TOO_DEEP, hint=f"nested deeper than {MAX_DEPTH}; events are flat")
    try:
        event = _OBJECT.decode(raw)
    except (ValueError, RecursionError) as error:
        return explain(error, raw)
    if "data_base64" in event:
        return Refusal(Reason.WRONG_TYPE, "data_base64", "send data as a JSON object")
    return _event(event, event.get("data"))


def _binary_event(headers: Mapping[str, str], body: bytes) -> bytes | Refusal:
    attributes = {name.removeprefix(CE_HEADER): text for name, text in headers.items()}
    if depth_of(body) > MAX_DEPTH:
        return Refusal(Reason.TOO_DEEP, hint=f"nested deeper than {MAX_DEPTH}; events are flat")
    try:
        data = _OBJECT.decode(body)
    except (ValueError, RecursionError) as error:
        return explain(error, body)
    return _event(attributes, data)


def _event(attributes: Mapping[str, Any], data: Any) -> bytes | Refusal:
    """Return the event that a CloudEvent says: its attributes, and its data beside them."""
    version = attributes.get("specversion")
    if version != _CE_VERSION:
        return Refusal(Reason.UNKNOWN_SCHEMA, "specversion", "CloudEvents 1.0 is read")
    for name in ("id", "source", "type"):
        if not attributes.get(name):
            return Refusal(Reason.MISSING_FIELD, name, "a CloudEvent says id, source and type")
    if not isinstance(data, dict):
        return Refusal(Reason.WRONG_TYPE, "data", "data is an object: value, unit, lon_deg …")
    said = dict(data)
    for name, ours in _ATTRIBUTES.items():
        if attributes.get(name) is not None:
            said[ours] = attributes[name]
    try:
        return _ENCODER.encode(said)
    except (ValueError, RecursionError) as error:
        return explain(error, b"")
