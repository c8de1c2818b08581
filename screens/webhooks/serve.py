"""The webhooks of a file, all at work: a courier an endpoint."""

import asyncio
import contextlib
import logging
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from screens.webhooks.courier import Courier, Kafka, open_session
from screens.webhooks.endpoints import Endpoints
from screens.webhooks.metrics import WebhookMetrics

log = logging.getLogger(__name__)

_LARGEST_REQUEST: Final = 8 << 20
_BACK_OFF_S: Final = 5.0
_FINISH_S: Final = 5.0


async def serve(
    endpoints: Endpoints, kafka: Kafka, metrics: WebhookMetrics, over: asyncio.Event
) -> None:
    """Tell every endpoint what it asked for, until `over`.

    Who is in the middle of an attempt then, or waits for a Kafka that is away, has
    some seconds to finish; what does not come to its end is for the next run.

    Raises:
        KafkaError: Kafka does not answer at the start.
    """
    letters = AIOKafkaProducer(
        bootstrap_servers=kafka.address,
        acks="all",
        enable_idempotence=True,
        max_request_size=_LARGEST_REQUEST,
    )
    try:
        await letters.start()
        async with open_session(endpoints.allowed) as session, asyncio.TaskGroup() as group:
            couriers = [
                group.create_task(
                    _keep(one.name, Courier(one, kafka, session, letters, metrics), over)
                )
                for one in endpoints.all
            ]
            await over.wait()
            _, late = await asyncio.wait(couriers, timeout=_FINISH_S)
            for courier in late:
                courier.cancel()
    finally:
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(letters.stop(), _FINISH_S)


async def _keep(name: str, courier: Courier, over: asyncio.Event) -> None:
    """Keep one courier at work; one that fails by Kafka does not end the others."""
    while not over.is_set():
        try:
            await courier.run(over)
        except (KafkaError, OSError) as error:
            log.error("%s: %r; again in %.0f s", name, error, _BACK_OFF_S)  # noqa: TRY400
            await _pause(over, _BACK_OFF_S)


async def _pause(over: asyncio.Event, wait_s: float) -> None:
    waiting = asyncio.create_task(over.wait())
    await asyncio.wait({waiting}, timeout=wait_s)
    waiting.cancel()
