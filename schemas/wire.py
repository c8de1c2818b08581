"""The wire form of the records, derived from the records themselves.

On the wire a record is a flat JSON object. Each `x_time_ms` field is `x_time`,
an RFC 3339 text; every optional field may be absent or null. Names that the
contract does not know are tolerated, so that it can grow. A field may be a list
of small structs, which have the same form.
"""

import re
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields as fields_of

from schemas.envelope import SCHEMA_VERSION, Envelope
from schemas.instants import format_instant, parse_instant
from schemas.records import Reason
from schemas.refused import Refusal, Refused, unknown_kind

R = TypeVar("R", bound=Envelope)
S = TypeVar("S", bound=msgspec.Struct)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
SaltedHash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16,128}$")]
Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]  # what every JSON reader holds
NavStatus = Annotated[int, msgspec.Meta(ge=0, le=15)]
_INFINITY = float("inf")
_NARROWED: dict[str, Any] = {
    "source": Name,
    "kind": Name,
    "subject": Name,
    "confidence": Share,
    "place_confidence": Share,
    "plate_hash": SaltedHash,
    "nav_status": NavStatus,
}


class WireField(NamedTuple):
    """One field of a record and its form on the wire.

    Attributes:
        name, wire_name: In code and on the wire: `event_time_ms`, `event_time`.
        type: On the wire, without the null that stands for absence.
        required: It must be there.
        default: What its absence means.
        is_time: It is an instant.
        items: The struct type that it is a list of, if it is one.
    """

    name: str
    wire_name: str
    type: Any
    required: bool
    default: Any
    is_time: bool
    items: Any = None


@cache
def wire_fields(cls: type[msgspec.Struct]) -> tuple[WireField, ...]:
    """Return the wire form of each field of `cls`, the envelope's first."""
    found = []
    narrow = _narrowed if issubclass(cls, Envelope) else lambda _, annotated: annotated
    for field in fields_of(cls):
        is_time = field.name.endswith("_time_ms")
        wire_name = field.name.removesuffix("_ms") if is_time else field.name
        wire_type = str if is_time else narrow(field.name, field.type)
        required = field.required
        default = None if required else field.default
        if not required and field.default is msgspec.NODEFAULT:
            default = field.default_factory()
        items = _items_of(field.type)
        found.append(WireField(field.name, wire_name, wire_type, required, default, is_time, items))
    return tuple(found)


def _items_of(annotated: Any) -> type[msgspec.Struct] | None:
    """Return S of `tuple[S, ...]` where S is a struct."""
    of = get_args(annotated)[0] if get_origin(annotated) is tuple else None
    return of if isinstance(of, type) and issubclass(of, msgspec.Struct) else None


def _narrowed(name: str, annotated: Any) -> Any:
    """Return the type on the wire: what the record says, with bounds."""
    if name in _NARROWED:
        return _NARROWED[name]
    return Whole if annotated in (int, int | None) else annotated


@cache
def wire_type(cls: type[msgspec.Struct], *, strict: bool) -> type[msgspec.Struct]:
    """Return the struct that the wire form of `cls` decodes into.

    An absent optional field is None there. Without cyclic garbage collection:
    it never holds cycles.

    Args:
        cls: The record.
        strict: Names that the contract does not know are an error.
    """
    columns = [
        (f.wire_name, said) if f.required else (f.wire_name, said | None, None)
        for f in wire_fields(cls)
        for said in [tuple[wire_type(f.items, strict=strict), ...] if f.items else f.type]  # type: ignore[misc]
    ]
    return msgspec.defstruct(
        f"{cls.__name__}Wire",
        columns,
        kw_only=True,
        frozen=True,
        gc=False,
        forbid_unknown_fields=strict,
        module=__name__,
    )


def from_wire(cls: type[R], wire: msgspec.Struct) -> R:
    """Return the record that `wire` says.

    Raises:
        Refused: A time is no instant, the kind is none of the record's, or the
            sender's contract is newer.
    """
    refusal = check_schema(getattr(wire, "schema", None))
    kind: str = getattr(wire, "kind", "")
    if refusal is None and cls.KINDS is not None and kind not in cls.KINDS:
        refusal = unknown_kind(kind, cls.KINDS)
    if refusal is not None:
        raise Refused(refusal)
    return _said(cls, wire)


def _said(cls: type[S], wire: msgspec.Struct) -> S:
    said: dict[str, Any] = {}
    for field in wire_fields(cls):
        value = getattr(wire, field.wire_name)
        if value is None:
            continue
        if field.is_time:
            value = parse_instant(value)
            if isinstance(value, Refusal):
                raise Refused(value._replace(field=field.wire_name))
        elif field.items:
            value = tuple(_said(field.items, one) for one in value)
        said[field.name] = value
    return cls(**said)


def to_wire(record: msgspec.Struct) -> dict[str, Any]:
    """Return `record` as the wire says it, without what is at its default.

    A NaN in an optional field says that there is none, as it does in columns.

    Raises:
        ValueError: A number is infinite, or a required one is NaN.
    """
    said: dict[str, Any] = {}
    # Plain tuples: reading the fields of a NamedTuple would be half of the cost.
    for name, wire_name, _, required, default, is_time, items in wire_fields(type(record)):
        value = getattr(record, name)
        if not required and (value is None or value == default):
            continue
        if is_time:
            value = format_instant(value)
        elif isinstance(value, float) and not abs(value) < _INFINITY:
            if not required and value != value:  # noqa: PLR0124 - NaN alone differs from itself
                continue
            raise ValueError(f"{name} of {_name_of(record)} is {value}")
        elif items:
            value = [to_wire(one) for one in value]
        said[wire_name] = value
    return said


def _name_of(record: msgspec.Struct) -> str:
    return f"{getattr(record, 'kind', '')} {getattr(record, 'subject', '')}".strip()


def check_schema(version: int | None) -> Refusal | None:
    """Return why a record of that contract version is not read, None if it is."""
    if version is None or 1 <= version <= SCHEMA_VERSION:
        return None
    hint = f"version {version} is not known here, the newest is {SCHEMA_VERSION}; update first"
    return Refusal(Reason.UNKNOWN_SCHEMA, "schema", hint)


_AT = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]*)`")
_NO_NUMBER = re.compile(rb'"(\w{1,64})"\s*:\s*[+-]?(?:nan|inf(?:inity)?)\b', re.IGNORECASE)
_HINTS = {
    "unit": "unit is mandatory: say what the value is measured in",
    "event_time": "say when it happened, as RFC 3339 text with an offset",
    "source": "say who publishes it, as the city's sources name it",
    "plate_hash": "a salted hash in hex, 16 to 128 digits; never a plate in clear",
    "datum": "one of wgs84, cgcs2000, gcj02, bd09",
}


def explain(error: Exception, raw: bytes) -> Refusal:
    """Return the refusal that stands for an error of `msgspec` on `raw`."""
    if isinstance(error, RecursionError):
        return Refusal(Reason.TOO_DEEP, hint="events are flat: nest nothing")
    if isinstance(error, UnicodeDecodeError):
        return Refusal(Reason.NOT_JSON, hint="text is not UTF-8")
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        return _explain_value(text)
    odd = _NO_NUMBER.search(raw)
    if odd is not None:
        field = odd[1].decode()
        return Refusal(Reason.NOT_FINITE, field, "JSON has no NaN or infinity; leave it out")
    if not raw.strip():
        return Refusal(Reason.NOT_JSON, hint="the value is empty")
    return Refusal(Reason.NOT_JSON, hint=f"send one JSON object: {text[:120]}")


def _explain_value(text: str) -> Refusal:
    at = _AT.search(text)
    field = at[1].replace("[...]", "") if at else ""
    missing = _MISSING.search(text)
    if missing is not None:
        name = missing[1]
        where = f"{field}.{name}" if field else name
        return Refusal(Reason.MISSING_FIELD, where, _HINTS.get(name, f"{name} is mandatory"))
    what = _AT.sub("", text)[:120]  # it may quote what was sent
    hint = f"{what}; {_HINTS[field]}" if field in _HINTS else what
    if "length >= 1" in text:
        return Refusal(Reason.MISSING_FIELD, field, "it is empty")
    if "out of range" in text:
        return Refusal(Reason.NOT_FINITE, field, "too large for a number of 64 bits")
    if field == "value" and "got `bool`" in text:
        hint = "say 1 or 0, a truth value is no number"
    narrowed = " >= " in text or " <= " in text or "length" in text
    return Refusal(Reason.OUT_OF_RANGE if narrowed else Reason.WRONG_TYPE, field, hint)
