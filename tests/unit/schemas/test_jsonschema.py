import copy
import json
import re
from pathlib import Path

import pytest

from schemas import jsonschema
from schemas.codec import encode
from schemas.contract import drift
from schemas.examples import EXAMPLES
from schemas.jsonschema import Change, breaking, export, schema_of
from schemas.positions import Position
from schemas.readings import Reading
from schemas.units import KINDS

FOLDER = Path(jsonschema.__file__).parent / "json"


def files():
    return {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}


def test_the_committed_schemas_say_what_the_records_say():
    assert drift(files()) == []


def test_a_schema_that_was_changed_by_hand_is_found():
    changed = files() | {"alert.json": b"{}", "cat.json": b"{}"}
    del changed["reading.json"]

    assert drift(changed) == [
        "alert.json: differs from the code; export it again",
        "cat.json: nothing in the code has this name",
        "reading.json: missing",
    ]


def takes(said, value):
    types = said["type"] if isinstance(said["type"], list) else [said["type"]]
    python = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "array": (list, tuple),
        "null": type(None),
    }
    return (
        any(isinstance(value, python[name]) for name in types)
        and ("enum" not in said or value in said["enum"])
        and ("pattern" not in said or re.search(said["pattern"], value) is not None)
    )


@pytest.mark.parametrize("cls", EXAMPLES, ids=lambda cls: cls.__name__)
def test_every_example_fits_its_schema(cls):
    schema = schema_of(cls)

    for example in schema["examples"]:
        assert set(schema["required"]) <= example.keys() <= schema["properties"].keys()
        for name, value in example.items():
            assert takes(schema["properties"][name], value), name
    assert len(schema["examples"]) == len(EXAMPLES[cls])
    assert schema["examples"] == [json.loads(encode(one)) for one in EXAMPLES[cls]]


def test_a_schema_is_described_and_has_no_time_in_milliseconds():
    for name, text in export().items():
        schema = json.loads(text)
        assert schema["description"], name
        for field, said in schema["properties"].items():
            assert said["description"], field
            assert not field.endswith("_time_ms")


def test_a_readings_schema_names_each_kinds_units():
    rules = {
        rule["if"]["properties"]["kind"]["const"]: rule["then"]["properties"]
        for rule in schema_of(Reading)["allOf"]
    }

    assert set(rules) == set(KINDS)
    assert rules["water.level"]["unit"]["enum"] == ["m", "cm", "mm"]
    assert "-50 to 50 m" in rules["water.level"]["value"]["description"]


def changed(cls, change):
    new = copy.deepcopy(schema_of(cls))
    change(new)
    return [(found.field, found.change) for found in breaking(schema_of(cls), new)]


def add(schema, name="colour", said=None):
    schema["properties"][name] = said or {"type": ["string", "null"], "description": "New."}


def add_required(schema):
    add(schema)
    schema["required"].append("colour")


def rename(schema):
    add(schema, "call", said=schema["properties"].pop("call_sign"))


@pytest.mark.parametrize(
    ("cls", "change", "found"),
    [
        (Position, lambda schema: schema, []),
        (Position, add, []),
        (Position, lambda s: s["required"].remove("source"), []),
        (Position, lambda s: s["properties"]["nav_status"].update(maximum=20), []),
        (Reading, lambda s: s["properties"]["kind"]["enum"].append("tide"), []),
        (Position, lambda s: s["properties"].pop("imo"), [("imo", Change.REMOVED)]),
        (Position, rename, [("call_sign", Change.RENAMED)]),
        (Position, add_required, [("colour", Change.REQUIRED)]),
        (Position, lambda s: s["required"].append("name"), [("name", Change.REQUIRED)]),
        (
            Position,
            lambda s: s["properties"]["sog_kn"].update(type=["integer", "null"]),
            [("sog_kn", Change.NARROWED)],
        ),
        (
            Position,
            lambda s: s["properties"]["nav_status"].update(maximum=9),
            [("nav_status", Change.NARROWED)],
        ),
        (
            Position,
            lambda s: s["properties"]["name"].update(maxLength=20),
            [("name", Change.NARROWED)],
        ),
        (
            Position,
            lambda s: s["properties"]["text"].update(enum=["a"]),
            [("text", Change.NARROWED)],
        ),
        (
            Reading,
            lambda s: s["properties"]["kind"]["enum"].remove("noise.laeq"),
            [("kind", Change.NARROWED)],
        ),
        (
            Reading,
            lambda s: s["allOf"][2]["then"]["properties"]["unit"]["enum"].remove("cm"),
            [("unit", Change.NARROWED)],
        ),
    ],
)
def test_a_breaking_change_is_found_and_named(cls, change, found):
    assert changed(cls, change) == found
