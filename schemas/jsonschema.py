"""JSON Schema 2020-12 of the wire, made from the records; what changed breaks whom.

`schemas/json/` holds what `export` says, for integrators without Python. A
field's description is its line in the record's docstring, so neither can rot.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from schemas.envelope import Envelope
from schemas.examples import EXAMPLES
from schemas.readings import Reading
from schemas.units import KINDS
from schemas.wire import to_wire, wire_fields, wire_type

_TIME = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$",
}


def export() -> dict[str, str]:
    """Return file name and JSON Schema text of each record's wire form."""
    return {
        file_name(cls): json.dumps(schema_of(cls), indent=2, ensure_ascii=False) + "\n"
        for cls in EXAMPLES
    }


def file_name(cls: type[Envelope]) -> str:
    """Return the name of the file that holds a record's schema."""
    return f"{re.sub('(?<=[a-z])(?=[A-Z])', '-', cls.__name__).lower()}.json"


def schema_of(cls: type[Envelope]) -> dict[str, Any]:
    """Return the JSON Schema of one record's wire form."""
    whole = msgspec.json.schema(wire_type(cls, strict=False))
    defs = whole["$defs"]
    struct = defs[f"{cls.__name__}Wire"]
    told = _descriptions(Envelope) | _descriptions(cls)
    properties: dict[str, Any] = {}
    for field in wire_fields(cls):
        said = _plain(_inlined(struct["properties"][field.wire_name], defs), field.is_time)
        said["description"] = told.get(field.name, field.wire_name.replace("_", " "))
        if not field.required and field.default not in (None, ""):
            said["default"] = msgspec.to_builtins(field.default)
        properties[field.wire_name] = said
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": cls.__name__,
        "description": _first_line(cls),
        "type": "object",
        "required": struct["required"],
        "properties": properties,
        "examples": [to_wire(example) for example in EXAMPLES[cls]],
    }
    if cls is Reading:
        _tell_kinds(schema)
    elif cls.KINDS is not None:
        lines = "; ".join(f"`{kind}`: {what}" for kind, what in cls.KINDS.items())
        properties["kind"]["description"] += f" One of: {lines}"
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))
    return plain


def _tell_kinds(schema: dict[str, Any]) -> None:
    """Add to a reading's schema which kinds there are, their units and ranges."""
    schema["properties"]["kind"]["enum"] = list(KINDS)
    schema["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": {
                "properties": {
                    "unit": {"enum": [spec.unit, *spec.accepted]},
                    "value": {
                        "description": f"{spec.description} "
                        f"{spec.low:g} to {spec.high:g} {spec.unit}."
                    },
                }
            },
        }
        for kind, spec in KINDS.items()
    ]


class Change(StrEnum):
    """How a new contract breaks who wrote or read by the old one."""

    REMOVED = "removed"
    RENAMED = "renamed"
    NARROWED = "narrowed"
    REQUIRED = "required"


class Breaking(NamedTuple):
    """One breaking change: the field, how it breaks, in words."""

    field: str
    change: Change
    what: str

    def __str__(self) -> str:
        return f"{self.field} {self.change}: {self.what}"


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Breaking]:
    """Return the breaking changes from `old` to `new`, both as `schema_of` gives.

    Adding an optional field, or taking more values than before, breaks nobody.
    """
    before, after = old["properties"], new["properties"]
    added = [name for name in after if name not in before]
    found: list[Breaking] = []
    for name, was in before.items():
        if name not in after:
            heir = next((a for a in added if _alike(was, after[a])), None)
            if heir is None:
                found.append(Breaking(name, Change.REMOVED, "it was there before"))
            else:
                found.append(Breaking(name, Change.RENAMED, f"it is called {heir} now"))
            continue
        found += [Breaking(name, Change.NARROWED, what) for what in _narrowed(was, after[name])]
    for name in new["required"]:
        if name not in old["required"]:
            what = "it could be absent before" if name in before else "it is new"
            found.append(Breaking(name, Change.REQUIRED, what))
    return found + _narrowed_units(old, new)


def _narrowed_units(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Breaking]:
    before, after = _units(old), _units(new)
    return [
        Breaking("unit", Change.NARROWED, f"{kind} does not take {unit} any more")
        for kind, units in before.items()
        if kind in after
        for unit in units
        if unit not in after[kind]
    ]


def _units(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        rule["if"]["properties"]["kind"]["const"]: rule["then"]["properties"]["unit"]["enum"]
        for rule in schema.get("allOf", ())
    }


_TELLING = ("description", "default", "title")
_LEAST = ("minimum", "minLength", "minItems")
_MOST = ("maximum", "maxLength", "maxItems")


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two properties take the same values and say the same."""
    values = {key: value for key, value in one.items() if key != "default"}
    return values == {key: value for key, value in other.items() if key != "default"}


def _narrowed(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in what `now` takes less than `was`."""
    found = []
    lost = _types(was) - _types(now) - ({"integer"} if "number" in _types(now) else set())
    if lost:
        found.append(f"{', '.join(sorted(lost))} is not taken any more")
    if "enum" in now:
        gone = set(was["enum"]) - set(now["enum"]) if "enum" in was else {"any other value"}
        if gone:
            found.append(f"{', '.join(sorted(map(str, gone)))} is not taken any more")
    for key in (*_LEAST, *_MOST):
        if key not in now:
            continue
        tighter = key not in was or (now[key] > was[key] if key in _LEAST else now[key] < was[key])
        if tighter:
            found.append(f"{key} is {now[key]}, it was {was.get(key, 'free')}")
    return found + [
        f"{key} is {now[key]}, it was {was.get(key, 'free')}"
        for key in ("pattern", "format", "items", "prefixItems")
        if key in now and now[key] != was.get(key)
    ]


def _types(said: Mapping[str, Any]) -> set[str]:
    types = said.get("type", "string")
    return {types} if isinstance(types, str) else set(types)


def _inlined(said: Any, defs: Mapping[str, Any]) -> Any:
    """Return a schema with its references replaced by what they refer to."""
    if isinstance(said, list):
        return [_inlined(entry, defs) for entry in said]
    if not isinstance(said, dict):
        return said
    if "$ref" in said:
        target = defs[said["$ref"].removeprefix("#/$defs/")]
        return {key: value for key, value in target.items() if key not in _TELLING}
    return {key: _inlined(value, defs) for key, value in said.items() if key != "default"}


def _plain(said: dict[str, Any], is_time: bool) -> dict[str, Any]:  # noqa: FBT001 - as the field says
    """Return a property without `anyOf`: its types as a list, null among them."""
    variants = said.pop("anyOf", [said])
    plain: dict[str, Any] = {}
    types: list[str] = []
    for variant in variants:
        types.append(variant.get("type", "string"))
        plain |= dict(_TIME) if is_time and types[-1] == "string" else variant
    if len(types) > 1:
        plain["type"] = types
        if "enum" in plain:
            plain["enum"] = [*plain["enum"], None]
    return {"type": types[0]} | plain


def _first_line(cls: type[Envelope]) -> str:
    return (cls.__doc__ or "").partition("\n")[0].strip()


_ATTRIBUTE = re.compile(r"^ {8}(\w[\w, .]*): (.*)$")


def _descriptions(cls: type[Envelope]) -> dict[str, str]:
    """Return what the docstring's Attributes say, by field in code."""
    told: dict[str, str] = {}
    names: list[str] = []
    _, _, attributes = (cls.__doc__ or "").partition("Attributes:\n")
    for line in attributes.splitlines():
        head = _ATTRIBUTE.match(line)
        if head is not None:
            names = [
                name.strip() for name in head[1].replace("...", ",").split(",") if name.strip()
            ]
            told |= dict.fromkeys(names, head[2])
        elif line.strip():
            told |= {name: f"{told[name]} {line.strip()}" for name in names}
    return told
