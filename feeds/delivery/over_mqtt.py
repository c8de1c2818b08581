"""Through an MQTT broker: readings, each as a message of its device's topic, at QoS 1."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import aiomqtt

from feeds.delivery.delivery import PATIENCE_S, DeliveryError
from feeds.recordings import KeyedRecord
from schemas.topics import SENSOR_READINGS, SENSOR_READINGS_URGENT

TOPIC: Final = "city/{source}/{device}/reading"
"""As docs/examples/doors.toml subscribes to."""

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_AT_ONCE: Final = 500
_MANY: Final = 65_535  # what MQTT can number


class MqttDelivery:
    """Delivers through one MQTT broker.

    Args:
        url: `mqtt://host:port`; `mqtts://` encrypts, and checks the broker's name by the
            certificates that this machine trusts. `user@` before the host signs in.
        password: Of that user.
        sources: The source of each device.
    """

    carries = frozenset({SENSOR_READINGS, SENSOR_READINGS_URGENT})

    def __init__(self, url: str, password: str, sources: Mapping[str, str]) -> None:
        self.url = url
        self._password = password
        self._client: aiomqtt.Client | None = None
        self._sources = sources
        self._sent = 0

    async def open(self) -> None:
        """Connect."""
        parts = urlsplit(self.url)
        client = aiomqtt.Client(
            parts.hostname or "",
            parts.port or _PORTS[parts.scheme],
            username=parts.username,
            password=self._password if parts.username else None,
            timeout=PATIENCE_S,
            tls_params=aiomqtt.TLSParameters() if parts.scheme == "mqtts" else None,
        )
        client.pending_calls_threshold = _MANY
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            raise DeliveryError(
                f"No MQTT broker takes us at {self.url}: {error}", _cure(error)
            ) from None
        self._client = client

    async def send(self, records: Sequence[KeyedRecord]) -> None:
        """Publish; returns when the broker has acknowledged all."""
        if self._client is None:
            raise RuntimeError("not opened")
        for first in range(0, len(records), _AT_ONCE):
            some = records[first : first + _AT_ONCE]
            try:
                await asyncio.gather(*(self._publish(self._client, record) for record in some))
            except aiomqtt.MqttError as error:
                raise DeliveryError(
                    f"{self.url} went away after {self._sent:,} messages: {error}",
                    "See the broker's log.",
                ) from None
            self._sent += len(some)

    async def finish(self) -> None:
        """Nothing is left to wait for: `send` waits."""

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            try:
                await self._client.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                return  # it was cut, and that was told

    def told(self) -> str:
        """Return what the broker acknowledged; what the door refuses is a dead letter."""
        return f"{self._sent:,} sent, each acknowledged by the MQTT broker"

    async def _publish(self, client: aiomqtt.Client, record: KeyedRecord) -> None:
        device = record.key.decode()
        topic = TOPIC.format(source=self._sources[device], device=device)
        await client.publish(topic, record.value, qos=1)


def _cure(error: aiomqtt.MqttError) -> str:
    if isinstance(error, aiomqtt.MqttCodeError):  # it answered, and refused
        return "Write mqtt://USER@HOST:PORT, and the user's password in CITYBRAIN_MQTT_PASSWORD."
    if "CERTIFICATE" in str(error):
        return "A certificate of your own: name the file of its authority in SSL_CERT_FILE."
    return "Start it (Debian: `mosquitto`), or mend the address."
