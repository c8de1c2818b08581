"""The API's description, made from the routes themselves: none can be forgotten."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from schemas.responders import UnitState
from screens.access.session import COOKIE, CSRF_HEADER
from screens.web import json_answer

routes = web.RouteTableDef()
_PATH = re.compile(r"\{([a-z]+)(?::[^}]*)?\}")
_OPEN = frozenset({("POST", "/api/v1/session")})

_SUBSCRIPTION = {
    "layers": "Layers with commas; none means all.",
    "box": "west,south,east,north in degrees, WGS-84; widened to hundredths of a degree.",
    "zoom": "Of the map, 0 to 24: the size of clusters.",
    "kinds": "Kinds with commas; none means all.",
}
_QUERY: Mapping[str, Mapping[str, str]] = {
    "/api/v1/stream": {**_SUBSCRIPTION, "cursor": "Where to resume; as Last-Event-ID."},
    "/api/v1/history": {**_SUBSCRIPTION, "at": "RFC 3339, within the last 24 hours."},
    "/api/v1/vessels/{id}/track": {"hours": "At most 24, the default."},
    "/api/v1/sensors/{id}/series": {"minutes": "At most 1440; 60 is the default."},
    "/api/v1/search": {"q": "1 to 100 characters."},
    "/api/v1/blind": {"kind": "A kind of sense, for its micro-grids one by one."},
    "/api/v1/export/{layer}.{form}": {"box": _SUBSCRIPTION["box"], "kinds": _SUBSCRIPTION["kinds"]},
}
_TEXT = {"type": "string"}
_FIELD = ("POST", "/api/v1/field/cases/{case}/{action}")
_UNIT = ("POST", "/api/v1/field/units/{unit}")
_BODY: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("POST", "/api/v1/session"): {
        "required": ["user", "password"],
        "properties": {"user": _TEXT, "password": {"type": "string", "format": "password"}},
    },
    ("POST", "/api/v1/vessels/{id}/reveal"): {
        "required": ["reason"],
        "properties": {"reason": {"type": "string", "minLength": 4, "maxLength": 500}},
    },
    ("POST", "/api/v1/commands"): {
        "required": ["topic", "action"],
        "description": "Further fields are those of CaseCommand or IncidentCommand, "
        "without by and role; schemas/json has them.",
        "properties": {
            "topic": {"enum": ["case", "incident"]},
            "action": _TEXT,
            "id": {"type": "string", "description": "Chosen by the sender: safe to send twice."},
        },
    },
    _FIELD: {
        "properties": {
            "unit": {"type": "string", "description": "The unit that is spoken for."},
            "order_id": {"type": "string", "description": "Empty: the unit's own order."},
            "reason": {"type": "string", "description": "Mandatory with return."},
            "photo": {"type": "string", "description": "Reference of a photo, never its bytes."},
            "at_lon_deg": {"type": "number"},
            "at_lat_deg": {"type": "number"},
            "id": {"type": "string", "description": "Chosen by the sender: safe to send twice."},
        },
    },
    _UNIT: {
        "properties": {
            "state": {"enum": [one.value for one in UnitState]},
            "at_lon_deg": {"type": "number"},
            "at_lat_deg": {"type": "number"},
            "id": {"type": "string", "description": "Chosen by the sender: safe to send twice."},
        },
    },
}


@routes.get("/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """Describe the API."""
    return json_answer(document(request.app))


def document(app: web.Application) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an application's routes under /api."""
    paths: dict[str, dict[str, Any]] = {}
    for route in app.router.routes():
        if route.resource is None or route.method in {"HEAD", "*"}:
            continue
        path = _PATH.sub(r"{\1}", route.resource.canonical)
        if path.startswith("/api/"):
            paths.setdefault(path, {})[route.method.lower()] = _operation(
                route.method, path, inspect.getdoc(route.handler) or ""
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Longgang city brain: screens",
            "version": "1",
            "description": "Sign in with POST /api/v1/session and keep the cookie; whatever "
            f"changes something needs the session's csrf in {CSRF_HEADER}. Streams are told "
            "in docs/screens.md.",
        },
        "security": [{"session": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["reason", "hint"],
                            "properties": {"reason": _TEXT, "hint": _TEXT},
                        }
                    },
                }
            },
        },
    }


def _operation(method: str, path: str, words: str) -> dict[str, Any]:
    summary, _, more = words.partition("\n\n")
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers = {"4XX": {"description": "Why not: a reason and a hint.", "content": error}}
    said: dict[str, Any] = {
        "summary": " ".join(summary.split()),
        "responses": {"202" if path.endswith("/commands") else "200": {"description": "As said."}}
        | answers,
    }
    if (method, path) in {_FIELD, _UNIT}:
        said["responses"] |= {
            "202": {"description": "Sent, and not answered yet; it will be."},
            "409": {
                "description": "Refused: the reason, and what would be right.",
                "content": error,
            },
        }
    if more:
        said["description"] = more
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in re.findall(r"\{([a-z]+)\}", path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": _TEXT}
        for name, text in _QUERY.get(path, {}).items()
    ]
    if (method, path) not in _OPEN and method != "GET":
        parameters.append({"name": CSRF_HEADER, "in": "header", "required": True, "schema": _TEXT})
    if parameters:
        said["parameters"] = parameters
    if (method, path) in _OPEN:
        said["security"] = []
    body = _BODY.get((method, path))
    if body is not None:
        content = {"application/json": {"schema": {"type": "object", **body}}}
        said["requestBody"] = {"required": True, "content": content}
    return said
