"""What the routes share: the gateway's parts by key, answers, and faults in words."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from screens.access.accounts import Accounts
from screens.access.audit import AuditLog
from screens.access.people import Person
from screens.known.knowledge import Knowledge
from screens.metrics import Metrics
from screens.reader import Reader
from screens.settings import Settings
from screens.ticker import Ticker

SETTINGS = web.AppKey("settings", Settings)
KNOWLEDGE = web.AppKey("knowledge", Knowledge)
READER = web.AppKey("reader", Reader)
TICKER = web.AppKey("ticker", Ticker)
ACCOUNTS = web.AppKey("accounts", Accounts)
AUDIT = web.AppKey("audit", AuditLog)
METRICS = web.AppKey("metrics", Metrics)
PERSON = web.RequestKey("person", Person)


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure
    """A request that gets a plain answer instead of what it wanted.

    Args:
        status: HTTP status.
        reason: A name, for programs.
        hint: What is wrong and what would be right, for people.
        headers: More headers of the answer.
    """

    def __init__(
        self, status: int, reason: str, hint: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.hint = status, reason, hint
        self.headers = dict(headers or {})

    def answer(self) -> web.Response:
        """Return the answer."""
        body = {"error": {"reason": self.reason, "hint": self.hint}}
        return json_answer(body, self.status, self.headers)


def json_answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return `body` as JSON, not to be kept by anybody on the way."""
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def person_of(request: web.Request) -> Person:
    """Return who asks; only routes behind the sign-in may call it."""
    return request[PERSON]


def remote_of(request: web.Request) -> str:
    """Return the address of who asks: behind TLS, what the proxy in front saw last."""
    if request.app[SETTINGS].behind_tls:
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if told:
            return told
    return request.remote or ""


async def json_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        Refused: It is none.
    """
    if request.content_type != "application/json":
        raise Refused(415, "not-json", "send application/json")
    try:
        said = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise Refused(400, "not-json", "the body is not JSON") from None
    if not isinstance(said, dict):
        raise Refused(400, "not-json", "send one JSON object")
    return said


def not_found(what: str, name: str) -> Refused:
    """Return that there is no such thing, or none that this person may see."""
    return Refused(404, "not-found", f"there is no {what} {name[:80]!r} here")
