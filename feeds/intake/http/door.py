"""The HTTP door's requests: who asks, for what, and the answer.

Dispatch is a table of paths over aiohttp's plain server, from which the OpenAPI
document is made too: what is not in the table is answered 404 or 405.
"""

import asyncio
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Mapping
from math import isinf
from typing import Final, NamedTuple

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from feeds.intake.forms import CE_HEADER, JSON, MAX_ITEMS, MEDIA_TYPES, Item, part_body
from feeds.intake.http import page
from feeds.intake.http.answers import Problem, batch_response, json_response
from feeds.intake.http.body import Limits, read_body
from feeds.intake.intake import Intake
from feeds.intake.keys import Key, KeyFile, KeyFileError
from feeds.intake.publisher import BrokerDownError, Publisher
from feeds.intake.quota import Bucket, retry_after_s
from schemas.envelope import Envelope
from schemas.refused import Refusal
from streams.doors.sorting import RECORDS

Handler = Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[web.StreamResponse]]

POST_PATHS: Final[Mapping[str, type[Envelope] | None]] = {
    "/v1/events": None,
    **{f"/v1/{name}s": record for name, record in RECORDS.items()},
}
"""Where events are posted; None takes all kinds."""

_BASIC: Final = {"WWW-Authenticate": 'Basic realm="feeds", charset="UTF-8"'}
_BEARER: Final = {"WWW-Authenticate": 'Bearer realm="intake"'}
_MAX_BUCKETS: Final = 10_000


class Given(NamedTuple):
    """What the door stands on."""

    intake: Intake
    publisher: Publisher
    keys: KeyFile
    documents: Mapping[str, bytes]
    limits: Limits = Limits()


class Door:
    """Answers requests; one a process."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._buckets: dict[str, Bucket] = {}
        self._routes: dict[str, dict[str, Handler]] = {
            path: {"POST": self._post_to(record)} for path, record in POST_PATHS.items()
        }
        self._routes |= {
            "/healthz": {"GET": self._health},
            "/readyz": {"GET": self._ready},
            "/metrics": {"GET": self._metrics},
        }
        self._by_source: dict[str, dict[str, Handler]] = {
            "/v1/feeds": {"GET": self._feed_json},
            "/feeds": {"GET": self._feed_page},
        }
        for path, document in given.documents.items():
            self._routes[path] = {"GET": _serve(document)}

    @property
    def limits(self) -> Limits:
        """What a request may be."""
        return self._given.limits

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing that a client does makes it raise."""
        handler, arguments = self._find(request)
        response = (
            handler.response()
            if isinstance(handler, Problem)
            else await handler(request, arguments)
        )
        self._given.intake.ledger.metrics.requests.labels(str(response.status)).inc()
        if request.can_read_body and not request.content.is_eof():
            response.force_close()  # what is left of the body is not read
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _find(self, request: web.BaseRequest) -> tuple[Handler | Problem, dict[str, str]]:
        path = request.path
        arguments: dict[str, str] = {}
        methods = self._routes.get(path)
        if methods is None:
            folder, _, last = path.rpartition("/")
            methods = self._by_source.get(folder) if last else None
            arguments = {"source": last}
        if methods is None:
            return Problem(404, "no-such-path", "see /openapi.json"), {}
        method = "GET" if request.method == "HEAD" else request.method
        handler = methods.get(method)
        if handler is None:
            allowed = ", ".join(methods)
            return Problem(405, "method", f"here: {allowed}", {"Allow": allowed}), {}
        return handler, arguments

    def _post_to(self, record: type[Envelope] | None) -> Handler:
        async def post(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            answer = await self._post(request, record)
            return answer.response() if isinstance(answer, Problem) else answer

        return post

    async def _post(
        self, request: web.BaseRequest, record: type[Envelope] | None
    ) -> web.StreamResponse | Problem:
        key = self._key_of(request)
        if isinstance(key, Problem):
            return key
        media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        headers = _cloudevent_headers(request)
        form = MEDIA_TYPES.get(media)
        if form is None or (headers and form != JSON):
            return Problem(415, "media-type", f"send one of {', '.join(filter(None, MEDIA_TYPES))}")
        body = await read_body(request, self._given.limits)
        if isinstance(body, Problem):
            return body
        now_ms = time.time_ns() // 1_000_000
        items = part_body(body, form, key.sender.only_source, now_ms, headers)
        if isinstance(items, Refusal):
            return Problem(400, str(items.reason), items.hint or items.reason)
        if len(items) > MAX_ITEMS:
            hint = f"{len(items)} items; the most is {MAX_ITEMS} a request"
            return Problem(413, "too-many-items", hint)
        return await self._take(items, key, now_ms, record)

    async def _take(
        self, items: list[Item], key: Key, now_ms: int, record: type[Envelope] | None
    ) -> web.StreamResponse | Problem:
        bucket = self._bucket(key)
        wait_s = bucket.take(len(items), time.monotonic())
        if isinf(wait_s):
            hint = f"{len(items)} items; this key takes {key.burst} at once"
            return Problem(413, "too-many-items", hint)
        if wait_s:
            hint = f"this key takes {key.rate_per_s:g} events a second"
            return Problem(429, "quota", hint, {"Retry-After": str(retry_after_s(wait_s))})
        said = [item.said for item in items]
        try:
            verdicts = await self._given.intake.take(said, key.sender, now_ms, record)
        except BrokerDownError as down:
            bucket.give_back(len(items))
            self._given.intake.ledger.metrics.unavailable.inc()
            hint = f"{down}; nothing is answered for: send the same again"
            return Problem(503, "broker-down", hint, {"Retry-After": str(down.retry_after_s)})
        return batch_response(verdicts, [item.number for item in items])

    def _bucket(self, key: Key) -> Bucket:
        bucket = self._buckets.get(key.id)
        if bucket is None or (bucket.rate_per_s, bucket.burst) != (key.rate_per_s, key.burst):
            if len(self._buckets) >= _MAX_BUCKETS:
                self._buckets.clear()
            bucket = Bucket(key.rate_per_s, key.burst, time.monotonic())
            self._buckets[key.id] = bucket
        return bucket

    def _key_of(self, request: web.BaseRequest, *, basic: bool = False) -> Key | Problem:
        """Return the key that a request carries: a bearer, or, for pages, a password."""
        scheme, _, said = request.headers.get("Authorization", "").partition(" ")
        token = said.strip() if scheme.lower() == "bearer" else ""
        if basic and scheme.lower() == "basic":
            token = _password(said)
        try:
            key = self._given.keys.find(token, time.time_ns() // 1_000_000) if token else None
        except KeyFileError:
            return Problem(503, "keys", "the door cannot read its keys", {"Retry-After": "10"})
        if key is not None:
            return key
        code = "wrong-key" if token else "no-key"
        hint = "send Authorization: Bearer cb_…; keys are made by `citybrain keys new`"
        return Problem(401, code, hint, _BASIC if basic else _BEARER)

    async def _feed_json(
        self, request: web.BaseRequest, arguments: Mapping[str, str]
    ) -> web.StreamResponse:
        found = self._feed(request, arguments["source"], basic=False)
        return found.response() if isinstance(found, Problem) else json_response(found)

    async def _feed_page(
        self, request: web.BaseRequest, arguments: Mapping[str, str]
    ) -> web.StreamResponse:
        found = self._feed(request, arguments["source"], basic=True)
        if isinstance(found, Problem):
            return found.response()
        return web.Response(text=page.html(found), headers=page.HEADERS)

    def _feed(self, request: web.BaseRequest, source: str, *, basic: bool) -> page.Feed | Problem:
        key = self._key_of(request, basic=basic)
        if isinstance(key, Problem):
            return key
        if not key.sender.speaks_for(source):
            return Problem(403, "foreign-source", "this key is of another source")
        intake = self._given.intake
        if source not in intake.city.sources:
            return Problem(404, "unknown-source", "the city declares no source of this name")
        return page.feed_of(source, intake.city, intake.ledger, time.time_ns() // 1_000_000)

    async def _health(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return json_response({"status": "ok"})

    async def _ready(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        if not self._given.publisher.is_up:
            return Problem(503, "broker-down", "Kafka was not reached yet").response()
        return json_response({"status": "ready"})

    async def _metrics(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        metrics = self._given.intake.ledger.metrics
        metrics.broker_up.set(self._given.publisher.is_up)
        metrics.in_flight_bytes.set(self._given.publisher.in_flight_bytes)
        body = await asyncio.to_thread(generate_latest, metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _serve(document: bytes) -> Handler:
    async def serve(_: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return web.Response(body=document, headers={"Content-Type": "application/json"})

    return serve


def _cloudevent_headers(request: web.BaseRequest) -> dict[str, str]:
    """Return the attributes of a CloudEvent in binary mode; none, where it is not one."""
    if f"{CE_HEADER}specversion" not in request.headers:
        return {}
    return {
        name.lower(): text
        for name, text in request.headers.items()
        if name.lower().startswith(CE_HEADER)
    }


def _password(said: str) -> str:
    try:
        return b64decode(said, validate=True).decode().partition(":")[2]
    except (Base64Error, ValueError):
        return ""
