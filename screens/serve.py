"""Runs the gateway until it is told to end."""

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

from screens.app import FAILURE, create_app
from screens.settings import Settings
from streams.city.model import City

_GRACE_S = 3.0


async def serve(settings: Settings, city: City, listening: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: How to run.
        city: Whose screens.
        listening: Is told the address once it takes connections.

    Raises:
        NoBrokerError: No Kafka answers.
        OSError: The port is taken.
        BrokenLogError: The audit log is broken, or another gateway's.
    """
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, over.set)
    app = create_app(settings, city)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        port = runner.addresses[0][1]
        listening(f"http://{settings.host}:{port}/")
        waits = [asyncio.create_task(event.wait()) for event in (over, app[FAILURE].came)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if (error := app[FAILURE].error) is not None:
            raise error
    finally:
        await runner.cleanup()
