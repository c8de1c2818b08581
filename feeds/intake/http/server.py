"""aiohttp's plain server with what a public door needs: silent connections are closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from feeds.intake.http.door import Door

MAX_CONNECTIONS: Final = 2_000
_KEEP_ALIVE_S: Final = 75.0
_LINGER_S: Final = 2.0  # so long a refused body is read on, so that the answer is seen
_SHUTDOWN_S: Final = 6.0
_BACKLOG: Final = 1024


class DoorServer(web.Server):
    """Serves a `Door`, bounds its connections, and closes those that say nothing."""

    def __init__(self, door: Door, head_s: float) -> None:
        super().__init__(
            self._serve,
            keepalive_timeout=_KEEP_ALIVE_S,
            lingering_time=_LINGER_S,
            access_log=None,
            auto_decompress=False,
        )
        self._door = door
        self._head_s = head_s
        self._silent: dict[Any, asyncio.TimerHandle] = {}

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        """Watch a new connection until its first request; refuse one too many."""
        super().connection_made(handler, transport)
        if len(self._connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._silent[handler] = loop.call_later(self._head_s, transport.abort)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Stop watching a connection."""
        self._spoke(handler)
        super().connection_lost(handler, exc)

    def _spoke(self, handler: Any) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self._spoke(request.protocol)
        return await self._door.answer(request)


@asynccontextmanager
async def listening(door: Door, host: str, port: int) -> AsyncIterator[int]:
    """Listen on `host`, give the port (0 takes a free one); end what is open at the end.

    Raises:
        OSError: The port is taken.
    """
    server = DoorServer(door, door.limits.head_s)
    socket_server = await asyncio.get_running_loop().create_server(
        server, host, port, backlog=_BACKLOG
    )
    try:
        yield int(socket_server.sockets[0].getsockname()[1])
    finally:
        socket_server.close()
        server.pre_shutdown()
        await server.shutdown(_SHUTDOWN_S)
        await socket_server.wait_closed()
