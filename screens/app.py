"""The gateway's application: its parts, its routes, what holds for every answer."""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import aiohttp_session
from aiohttp import web

from screens.access import session
from screens.access.accounts import Accounts
from screens.access.audit import AuditLog
from screens.access.throttle import Throttle
from screens.api import (
    city,
    commands,
    devices,
    export,
    field,
    history,
    matters,
    openapi,
    service,
    stream,
    venues,
    vessels,
)
from screens.api import session as signing
from screens.basemap import Basemap
from screens.known.knowledge import Knowledge
from screens.metrics import Metrics
from screens.reader import Reader
from screens.settings import Settings
from screens.ticker import Ticker
from screens.web import (
    ACCOUNTS,
    AUDIT,
    KNOWLEDGE,
    METRICS,
    READER,
    SETTINGS,
    TICKER,
    Refused,
)
from streams.city.model import City

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Failure:
    """Why the gateway cannot go on, once it cannot."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.error: BaseException | None = None

    def set(self, error: BaseException) -> None:
        """Note the first one."""
        self.error = self.error or error
        self.came.set()


FAILURE = web.AppKey("failure", Failure)
POLICY = web.AppKey("policy", str)

_MOST_BODY_BYTES = 256 * 1024
_AT_ONCE = 2
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{more}; "
    "font-src 'self'; connect-src 'self'{more}; worker-src 'self'; manifest-src 'self'; "
    "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
ROUTES = (
    signing.routes,
    city.routes,
    stream.routes,
    vessels.routes,
    devices.routes,
    venues.routes,
    matters.routes,
    commands.routes,
    field.routes,
    export.routes,
    history.routes,
    openapi.routes,
    service.routes,
)
"""In this order: the page's files take what nobody else does, so `service` is the last."""


def create_app(settings: Settings, known: City) -> web.Application:
    """Return the application; it reads Kafka from its start to its clean-up.

    Raises:
        BrokenLogError: The audit log's chain is broken, or another gateway holds it.
    """
    app = web.Application(client_max_size=_MOST_BODY_BYTES)
    now_ms = time.time_ns() // 1_000_000
    app[SETTINGS] = settings
    app[KNOWLEDGE] = Knowledge(known, f"{now_ms}-{secrets.token_hex(4)}", now_ms)
    app[READER] = Reader(settings.broker, settings.prefix, app[KNOWLEDGE])
    app[METRICS] = Metrics()
    app[TICKER] = Ticker(app[KNOWLEDGE], app[METRICS], settings.tick_s, settings.health_s)
    app[FAILURE] = Failure()
    app[POLICY] = policy(settings.basemap)
    app[ACCOUNTS] = Accounts(settings.folder / "users.json")
    app[AUDIT] = AuditLog(settings.folder / "audit.jsonl")
    app[session.ENDED] = {}
    app[signing.THROTTLE] = Throttle()
    app[signing.AT_ONCE] = asyncio.Semaphore(_AT_ONCE)
    app[stream.OPEN_STREAMS] = Counter()
    app[history.ONE_AT_A_TIME] = asyncio.Semaphore(1)
    app[commands.SENDER] = commands.Sender(settings.broker)
    app[city.DRAWN] = {}
    app[devices.BLIND] = devices.BlindSpots(app[KNOWLEDGE])
    app.middlewares.append(_answers)
    cookies = session.storage(settings.folder, behind_tls=settings.behind_tls)
    app.middlewares.append(aiohttp_session.session_middleware(cookies))
    app.middlewares.append(session.guard)
    for routes in ROUTES:
        app.add_routes(routes)
    app.on_response_prepare.append(_harden)
    app.cleanup_ctx.append(_work)
    return app


async def _work(app: web.Application) -> AsyncIterator[None]:
    """Read and tick while the application runs."""

    def look(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            app[FAILURE].set(error)

    tasks = [asyncio.create_task(part.run()) for part in (app[READER], app[TICKER])]
    for task in tasks:
        task.add_done_callback(look)
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
    await app[commands.SENDER].close()
    app[AUDIT].close()


def policy(basemap: Basemap | None) -> str:
    """Return the page's policy: it asks its gateway, and for a foreign basemap those it names."""
    origins = basemap.origins if basemap is not None else ()
    return _POLICY.format(more="".join(f" {origin}" for origin in origins))


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", request.app[POLICY])
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what went wrong into an answer in words, and count all answers by route."""
    try:
        response = await handler(request)
    except Refused as refused:
        response = refused.answer()
    except web.HTTPException as plain:
        response = Refused(plain.status, plain.reason.lower().replace(" ", "-"), "").answer()
        for name in ("Allow",):
            if name in plain.headers:
                response.headers[name] = plain.headers[name]
    except Exception:
        logging.getLogger(__name__).exception("%s %s", request.method, request.path)
        response = Refused(500, "fault", "the gateway failed at it; its log says how").answer()
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    request.app[METRICS].requests.labels(route, str(response.status)).inc()
    return response
