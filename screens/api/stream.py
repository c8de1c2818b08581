"""The live streams: server-sent events and WebSocket, the same frames on both."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from screens.access.session import still_valid
from screens.hub.frames import Frame
from screens.hub.hub import Look
from screens.hub.subscription import Subscription, SubscriptionError, parse
from screens.screen import CutError, Screen
from screens.web import KNOWLEDGE, METRICS, SETTINGS, TICKER, Refused, person_of

routes = web.RouteTableDef()
OPEN_STREAMS = web.AppKey("open_streams", Counter[str])
_MOST_SAID_BYTES = 64 * 1024
_SUBSCRIBE_WITHIN_S = 30.0
_SEND_BUFFER_BYTES = 256 * 1024


class _Hold:
    """Counts a stream while it is open; refuses one too many of a user."""

    def __init__(self, request: web.Request, transport: str) -> None:
        self._app = request.app
        self._user = person_of(request).user
        self._gauge = self._app[METRICS].screens.labels(transport)

    def __enter__(self) -> None:
        streams = self._app[OPEN_STREAMS]
        most = self._app[SETTINGS].most_streams
        if streams[self._user] >= most:
            raise Refused(429, "too-many-streams", f"{most} of them are open; close some")
        streams[self._user] += 1
        self._gauge.inc()

    def __exit__(self, *_: object) -> None:
        self._app[OPEN_STREAMS][self._user] -= 1
        self._gauge.dec()


@routes.get("/api/v1/stream")
async def sse(request: web.Request) -> web.StreamResponse:
    """Stream the frames of the query's subscription; Last-Event-ID or `cursor` resumes."""
    seen = _subscription(request, request.query)
    since = request.headers.get("Last-Event-ID", "") or request.query.get("cursor", "")
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    with _Hold(request, "sse"):
        _bound(request)
        await response.prepare(request)

        async def send(frame: Frame) -> None:
            await response.write(frame.as_sse)

        look = request.app[KNOWLEDGE].hub.open(seen)
        try:
            await _screen(request, look, since, send).run()
        except CutError:
            _abort(request)
        except ConnectionError:
            pass  # it went
        finally:
            look.close()
    return response


@routes.get("/api/v1/ws")
async def websocket(request: web.Request) -> web.StreamResponse:
    """Send the frames of the newest `subscribe` that the screen said."""
    _check_origin(request)
    socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=_MOST_SAID_BYTES)
    with _Hold(request, "ws"):
        _bound(request)
        await socket.prepare(request)
        playing: asyncio.Task[None] | None = None
        try:
            while True:
                wait_s = _SUBSCRIBE_WITHIN_S if playing is None else None
                try:
                    message = await socket.receive(timeout=wait_s)
                except TimeoutError:
                    await socket.close(code=1008, message=b"subscribe within 30 s")
                    break
                if message.type is not WSMsgType.TEXT:
                    break
                try:
                    seen, since = _said(request, message.data)
                except Refused as refused:
                    await socket.send_str(_error(refused).decode())
                    continue
                await _end(playing)
                playing = asyncio.create_task(_play(request, socket, seen, since))
        finally:
            await _end(playing)
    return socket


async def _play(
    request: web.Request, socket: web.WebSocketResponse, seen: Subscription, since: str
) -> None:
    async def send(frame: Frame) -> None:
        await socket.send_str(frame.as_text)

    look = request.app[KNOWLEDGE].hub.open(seen)
    try:
        await _screen(request, look, since, send).run()
        await socket.close(code=1008, message=b"sign in again")
    except CutError:
        _abort(request)
    except ConnectionError:
        pass  # it went
    except Exception:
        _abort(request)  # a screen that stays open and is told nothing would look calm
        raise
    finally:
        look.close()


def _screen(request: web.Request, look: Look, since: str, send: Any) -> Screen:
    app = request.app
    return Screen(
        look=look,
        since=since,
        send=send,
        ticker=app[TICKER],
        metrics=app[METRICS],
        may_stay=still_valid(request),
        cut_after_s=app[SETTINGS].cut_after_s,
    )


def _subscription(request: web.Request, said: Mapping[str, Any]) -> Subscription:
    try:
        return parse(said, person_of(request).scope)
    except SubscriptionError as error:
        raise Refused(400, "bad-subscription", str(error)) from None


def _said(request: web.Request, text: str) -> tuple[Subscription, str]:
    try:
        said = orjson.loads(text)["subscribe"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = None
    if not isinstance(said, dict):
        raise Refused(400, "bad-subscription", 'say {"subscribe":{"layers":["alerts"]}}')
    cursor = said.get("cursor") or ""
    return _subscription(request, said), str(cursor)


def _error(refused: Refused) -> bytes:
    return orjson.dumps({"type": "error", "reason": refused.reason, "hint": refused.hint})


def _check_origin(request: web.Request) -> None:
    """Refuse a WebSocket of another site: browsers send cookies with it all the same."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise Refused(403, "wrong-origin", "open it from this gateway's own page")


def _bound(request: web.Request) -> None:
    """Keep little under way in the kernel: what lies there only grows old."""
    carrier = request.get_extra_info("socket")
    if carrier is not None:
        carrier.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER_BYTES)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
