"""The OpenAPI 3.1 document of the HTTP door, made from the code that answers."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from feeds.intake.forms import CLOUDEVENT, CLOUDEVENTS, JSON, MAX_ITEMS, NDJSON, SENML
from feeds.intake.http.answers import PROBLEM_TYPE, BatchBody, VerdictBody
from feeds.intake.http.body import ENCODINGS, MAX_BODY_BYTES, MAX_UNPACKED_BYTES
from feeds.intake.http.door import POST_PATHS
from feeds.intake.http.page import Feed
from schemas import jsonschema
from schemas.envelope import SCHEMA_VERSION, Envelope
from schemas.records import Reason
from streams.doors.sorting import LANES, RECORDS
from streams.doors.verdict import Code

_REFS: Final = "#/components/schemas/"
_WHY: Final[Mapping[str, str]] = {
    "400": "The body cannot be parted into events.",
    "401": "No key, or one that is not taken.",
    "408": "The body did not arrive in time.",
    "413": "Too many bytes, before or after decompression, or too many items.",
    "415": "A media type or content encoding that is not taken.",
    "429": "More than the key's quota.",
    "503": "Kafka does not acknowledge: nothing is answered for, send the same again.",
}
_RETRY: Final = {
    "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}
}


def document() -> dict[str, Any]:
    """Return the document."""
    schemas = {cls.__name__: _bare(cls) for cls in RECORDS.values()}
    _, bodies = msgspec.json.schema_components(
        [BatchBody, VerdictBody, Feed], ref_template=_REFS + "{name}"
    )
    schemas |= bodies
    schemas["VerdictBody"]["properties"]["code"]["description"] = (
        f"Of the contract: {', '.join(Reason)}. Of the door: {', '.join(Code)}."
    )
    schemas["Problem"] = {
        "type": "object",
        "required": ["status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "A bounded word, for programs."},
            "detail": {"type": "string", "description": "What would mend it."},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Longgang city brain: the HTTP door",
            "version": str(SCHEMA_VERSION),
            "description": "Events in; a verdict for each, once the broker has acknowledged.",
        },
        "security": [{"key": []}],
        "paths": {
            **{path: {"post": _post(path, record)} for path, record in POST_PATHS.items()},
            "/v1/feeds/{source}": {"get": _feed()},
            "/feeds/{source}": {"get": _feed_page()},
            "/healthz": {"get": _open("The process answers.", "200")},
            "/readyz": {"get": _open("Kafka was reached.", "200", "503")},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "cb_<id>_<secret>"},
                "password": {"type": "http", "scheme": "basic", "description": "The key."},
            },
            "schemas": schemas,
        },
    }


def document_json() -> bytes:
    """Return the document as it is served."""
    return json.dumps(document(), ensure_ascii=False).encode()


def _bare(cls: type[Envelope]) -> dict[str, Any]:
    schema = dict(jsonschema.schema_of(cls))
    del schema["$schema"]
    return schema


def _post(path: str, record: type[Envelope] | None) -> dict[str, Any]:
    refs = [{"$ref": _REFS + cls.__name__} for cls in RECORDS.values()]
    one = {"anyOf": refs} if record is None else {"$ref": _REFS + record.__name__}
    many = {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": one}
    event = {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "type": {"type": "string", "enum": list(LANES)},
            "subject": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
    }
    responses = {status: _problem(status) for status in _WHY}
    responses["202"] = _batch("Acknowledged by the broker, but for the items that say otherwise.")
    responses["422"] = _batch("Every item was refused.")
    return {
        "operationId": f"post{path.rpartition('/')[2].title()}",
        "summary": f"Publish up to {MAX_ITEMS} {path.rpartition('/')[2]}.",
        "description": (
            f"Up to {MAX_BODY_BYTES} bytes as sent, {MAX_UNPACKED_BYTES} decompressed. Content "
            f"encodings: {', '.join(ENCODINGS)}. The same event within 24 h is a duplicate."
        ),
        "parameters": [
            {
                "name": "Content-Encoding",
                "in": "header",
                "schema": {"type": "string", "enum": list(ENCODINGS)},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"anyOf": [one, many]}},
                NDJSON: {"schema": {"type": "string", "description": "One event a line."}},
                SENML: {"schema": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
                CLOUDEVENT: {"schema": event},
                CLOUDEVENTS: {"schema": {"type": "array", "minItems": 1, "items": event}},
            },
        },
        "responses": dict(sorted(responses.items())),
    }


def _batch(words: str) -> dict[str, Any]:
    return {"description": words, "content": {JSON: {"schema": {"$ref": _REFS + "BatchBody"}}}}


def _problem(status: str, words: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": words or _WHY[status],
        "content": {PROBLEM_TYPE: {"schema": {"$ref": _REFS + "Problem"}}},
    }
    return told | {"headers": _RETRY} if status in ("429", "503") else told


def _feed() -> dict[str, Any]:
    return {
        "operationId": "feed",
        "summary": "What a source has published, what was refused of it and why.",
        "parameters": [_SOURCE],
        "responses": {
            "200": {
                "description": "The feed.",
                "content": {JSON: {"schema": {"$ref": _REFS + "Feed"}}},
            },
            **_FEED_PROBLEMS,
        },
    }


def _feed_page() -> dict[str, Any]:
    return {
        "operationId": "feedPage",
        "summary": "The same as a page; a browser asks for the key as a password.",
        "security": [{"password": []}, {"key": []}],
        "parameters": [_SOURCE],
        "responses": {
            "200": {
                "description": "The page.",
                "content": {"text/html": {"schema": {"type": "string"}}},
            },
            **_FEED_PROBLEMS,
        },
    }


def _open(words: str, *statuses: str) -> dict[str, Any]:
    return {
        "summary": words,
        "security": [],
        "responses": {
            status: {"description": words} if status == "200" else _problem(status, f"Not: {words}")
            for status in statuses
        },
    }


_SOURCE: Final = {
    "name": "source",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[^/]+$"},
}
_FEED_PROBLEMS: Final = {
    "401": _problem("401"),
    "403": _problem("403", "The key is of another source."),
    "404": _problem("404", "No such source."),
    "503": _problem("503", "The door cannot read its keys."),
}
