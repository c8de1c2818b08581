"""Through an NMEA listener: sentences behind their tag blocks, over TCP or UDP."""

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from feeds.delivery.delivery import PATIENCE_S, DeliveryError
from feeds.recordings import KeyedRecord
from schemas.topics import VESSEL_NMEA

_REACH_S: Final = 10.0
_LAST_WORD_S: Final = 0.2  # a datagram that nobody takes is told of by the system, if at all
_CURE: Final = "Have `citybrain intake --doors` listen there, or mend the address."


class TcpDelivery:
    """Sends lines as a receiver does that connects to the door.

    Args:
        url: `tcp://host:port`.
    """

    carries = frozenset({VESSEL_NMEA})

    def __init__(self, url: str) -> None:
        self.url = url
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._sent = 0

    async def open(self) -> None:
        """Connect."""
        parts = urlsplit(self.url)
        reaching = asyncio.open_connection(parts.hostname, parts.port)
        try:
            self._link = await asyncio.wait_for(reaching, _REACH_S)
        except (OSError, TimeoutError) as error:
            raise DeliveryError(
                f"No NMEA door at {self.url}: {error or 'it does not answer'}", _CURE
            ) from None

    async def send(self, records: Sequence[KeyedRecord]) -> None:
        """Write lines; waits while the door does not read."""
        _, writer = self._opened()
        writer.write(b"".join(record.value + b"\r\n" for record in records))
        try:
            await writer.drain()
        except OSError as error:
            raise self._cut(error) from None
        self._sent += len(records)

    async def finish(self) -> None:
        """Say that this is the end, and wait until the door has read up to it."""
        reader, writer = self._opened()
        try:
            writer.write_eof()
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        except (OSError, TimeoutError) as error:
            raise self._cut(error) from None

    async def close(self) -> None:
        """Disconnect."""
        if self._link is not None:
            self._link[1].close()

    def told(self) -> str:
        """Return how much was sent; nobody answers to a sentence."""
        return f"{self._sent:,} sent, read by the door"

    def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._link is None:
            raise RuntimeError("not opened")
        return self._link

    def _cut(self, error: Exception) -> DeliveryError:
        why = str(error) or "it reads no more"
        return DeliveryError(f"{self.url} went away after {self._sent:,} lines: {why}", _CURE)


class UdpDelivery(asyncio.DatagramProtocol):
    """Sends each sentence as a datagram; what is lost on the way is lost.

    Args:
        url: `udp://host:port`.
    """

    carries = frozenset({VESSEL_NMEA})

    def __init__(self, url: str) -> None:
        self.url = url
        self._transport: asyncio.DatagramTransport | None = None
        self._refused: Exception | None = None
        self._sent = 0

    async def open(self) -> None:
        """Find the address; whether somebody listens shows when something is sent."""
        parts = urlsplit(self.url)
        try:
            self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: self, remote_addr=(parts.hostname or "", parts.port or 0)
            )
        except OSError as error:
            raise DeliveryError(f"No way to {self.url}: {error}", _CURE) from None

    async def send(self, records: Sequence[KeyedRecord]) -> None:
        """Send datagrams."""
        self._check()
        if self._transport is None:
            raise RuntimeError("not opened")
        for record in records:
            self._transport.sendto(record.value + b"\r\n")
        self._sent += len(records)

    async def finish(self) -> None:
        """Wait a moment for the word that nobody listens."""
        await asyncio.sleep(_LAST_WORD_S)
        self._check()

    async def close(self) -> None:
        """Let go of the socket."""
        if self._transport is not None:
            self._transport.close()

    def told(self) -> str:
        """Return how much was sent; nobody answers to a datagram."""
        return f"{self._sent:,} sent as datagrams, which nobody acknowledges"

    def error_received(self, exc: Exception) -> None:
        """Remember that nobody listens."""
        self._refused = exc

    def _check(self) -> None:
        if self._refused is not None:
            raise DeliveryError(f"Nobody listens at {self.url}: {self._refused}", _CURE)
