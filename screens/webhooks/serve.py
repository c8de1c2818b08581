"""The webhooks of a file, all at work: a courier an endpoint."""

import asyncio
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


async def serve(
    endpoints: Endpoints, kafka: Kafka, metrics: WebhookMetrics, over: asyncio.Event
) -> None:
    """Tell every endpoint what it asked for, until `over`.

    Raises:
        KafkaError: Kafka does not answer at the start.
    """
    letters = AIOKafkaProducer(
        bootstrap_servers=kafka.address,
        acks="all",
        enable_idempotence=True,
        max_request_size=_LARGEST_REQUEST,
    )
    await letters.start()
    try:
        async with open_session(endpoints.allowed) as session, asyncio.TaskGroup() as group:
            for endpoint in endpoints.all:
                courier = Courier(endpoint, kafka, session, letters, metrics)
                group.create_task(_keep(endpoint.name, courier, over))
    finally:
        await letters.stop()


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
