"""The doors of one process: what they share, and all of them together until the end."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from deploy.errors import Fault, ungrouped
from feeds.intake.http import openapi
from feeds.intake.http.body import Limits
from feeds.intake.http.door import Door, Given
from feeds.intake.http.server import listening
from feeds.intake.intake import Intake
from feeds.intake.keys import KeyFile
from feeds.intake.ledger import Ledger
from feeds.intake.memory import Memory, MemoryInUseError
from feeds.intake.metrics import IntakeMetrics
from feeds.intake.publisher import Publisher
from schemas import contract
from streams.city.model import City

OtherDoor = Callable[[Intake, Publisher, asyncio.Event], Coroutine[Any, Any, None]]
"""A door beside HTTP: runs until the event is set."""


class Plan(NamedTuple):
    """What to open.

    Attributes:
        address, prefix: Of Kafka, and before topic names.
        host, port: Of the HTTP door; port 0 takes a free one.
        keys: The file of keys.
        memory: Folder in which is remembered what was published.
        others: Further doors.
        limits: Of HTTP requests.
    """

    address: str
    prefix: str
    host: str
    port: int
    keys: Path
    memory: Path
    others: Sequence[OtherDoor] = ()
    limits: Limits = Limits()


async def serve(city: City, plan: Plan, opened: Callable[[int], None]) -> None:
    """Keep the doors open until SIGINT or SIGTERM.

    Args:
        city: Whose doors.
        plan: Which.
        opened: Told the port, once HTTP is answered.

    Raises:
        Fault: The port is taken, or another process has the memory open.
    """
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, over.set)
    await keep_open(city, plan, opened, over)


async def keep_open(
    city: City, plan: Plan, opened: Callable[[int], None], over: asyncio.Event
) -> None:
    """As `serve`, until `over` is set."""
    logging.getLogger("aiohttp").setLevel(logging.ERROR)
    async with AsyncExitStack() as stack:
        try:
            memory = Memory(plan.memory)
        except MemoryInUseError as used:
            raise Fault(str(used), "End the other one, or give another --state.") from used
        stack.callback(memory.close)
        publisher = await stack.enter_async_context(Publisher(plan.address, plan.prefix))
        ledger = Ledger(lateness_ms(city), IntakeMetrics(), time.time_ns() // 1_000_000)
        intake = Intake(city, publisher, memory, ledger)
        documents = {
            "/openapi.json": openapi.document_json(),
            **{f"/{name}": text.encode() for name, text in contract.documents().items()},
        }
        door = Door(Given(intake, publisher, KeyFile(plan.keys), documents, plan.limits))
        try:
            port = await stack.enter_async_context(listening(door, plan.host, plan.port))
        except OSError as error:
            raise Fault(
                f"The door cannot listen on {plan.host}:{plan.port}: {error.strerror or error}",
                "Give another --port.",
            ) from error
        opened(port)
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                for other in plan.others:
                    group.create_task(other(intake, publisher, over))
                await over.wait()


def lateness_ms(city: City) -> dict[str, int]:
    """Return for each source how old an event may be before the rules leave it out."""
    return {
        name: one.timing.out_of_orderness_ms + one.timing.allowed_lateness_ms
        for name, one in city.sources.items()
    }
