"""One connection to an MQTT broker, whose messages are acknowledged by hand.

aiomqtt has no word for it, so its paho client is asked: `manual_ack`. A message
of QoS 1 that is not acknowledged stays in the broker's persistent session and
comes again on the next connection; the broker sends no more than its window of
them, so a Kafka that is away holds the publisher's queue in the broker.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, cast

import aiomqtt
from prometheus_client import Counter

MOST_AT_ONCE: Final = 500
_MOST_QOS_0: Final = 10_000
_KEEPALIVE_S: Final = 30


class Login(NamedTuple):
    """How to reach a broker.

    Attributes:
        host, port: Where.
        tls: Whether the connection is encrypted and the broker's name checked.
        client_id: Of the persistent session; one process at a time may have it.
        username, password: "" without.
    """

    host: str
    port: int
    tls: bool
    client_id: str
    username: str = ""
    password: str = ""


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """Holds all of QoS 1, which the broker bounds, and so much of QoS 0."""

    dropped: Counter

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if item.qos == 0 and self.qsize() >= _MOST_QOS_0:
            self.dropped.inc()
        else:
            super().put_nowait(item)


class Session:
    """A connection with its persistent session; use it as an async context.

    Args:
        login: Where and as whom.
        dropped: Counts messages of QoS 0 that find no room.
    """

    def __init__(self, login: Login, dropped: Counter) -> None:
        def inbox(maxsize: int) -> _Inbox:
            made = _Inbox(maxsize)
            made.dropped = dropped
            return made

        self._client = aiomqtt.Client(
            login.host,
            login.port,
            identifier=login.client_id,
            username=login.username or None,
            password=login.password or None,
            clean_session=False,
            keepalive=_KEEPALIVE_S,
            tls_params=aiomqtt.TLSParameters() if login.tls else None,
            queue_type=cast("Any", inbox),
        )
        self._paho = self._client._client  # noqa: SLF001  # see the module's docstring
        self._paho.manual_ack_set(True)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe at QoS 1, so that QoS 2 comes as QoS 1."""
        for topic in filters:
            await self._client.subscribe(topic, qos=1)

    async def some(self) -> list[aiomqtt.Message]:
        """Return the messages that have come, at least one, in their order.

        Raises:
            aiomqtt.MqttError: The connection was cut.
        """
        messages = self._client.messages
        found = [await anext(messages)]
        while len(messages) and len(found) < MOST_AT_ONCE:
            found.append(await anext(messages))
        return found

    def acknowledge(self, messages: Sequence[aiomqtt.Message]) -> None:
        """Acknowledge messages, in the order in which they came (MQTT-4.6.0-2)."""
        for message in messages:
            if message.qos:
                self._paho.ack(message.mid, message.qos)
