"""The NMEA doors: a TCP client, a TCP server, a UDP listener.

TCP is read only as fast as the broker acknowledges, so a sender waits while
Kafka is away. A datagram waits in a bounded queue; beyond it, it is counted as
dropped. A station has one connection at a time: a newer one takes its place,
because a receiver that lost its power comes back while the old one still hangs.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

from tenacity import AsyncRetrying, wait_random_exponential

from feeds.intake.publisher import Outgoing, Publisher
from feeds.nmea.metrics import NmeaMetrics
from feeds.nmea.station import MOST_STRANGE_LINES, PEER, Connection, datagram, deliver

log = logging.getLogger(__name__)

READ_BYTES: Final = 65_536
IDLE_S: Final = 600.0
"""A client that hears nothing for so long connects again: its peer may be gone."""

LONGEST_BACK_OFF_S: Final = 60.0
MOST_CONNECTIONS: Final = 256
QUEUE_BYTES: Final = 4 * 1024 * 1024
_BATCH_RECORDS: Final = 2000
_FINISH_S: Final = 5.0


class Address(NamedTuple):
    """Where a door listens or connects: `tcp://host:port`, `udp://host:port`."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


class NmeaDoor:
    """One door.

    Args:
        address: Where.
        station: Key of what it hears; `{peer}` in it becomes the sender's address.
        publisher: Where sentences go.
        metrics: What happened.
    """

    def __init__(
        self, address: Address, station: str, publisher: Publisher, metrics: NmeaMetrics
    ) -> None:
        self.address = address
        self._station = station
        self._publisher = publisher
        self._metrics = metrics
        self._readers: dict[str, asyncio.Task[None]] = {}
        self.port = address.port

    async def listen_tcp(self, over: asyncio.Event, ready: asyncio.Event | None = None) -> None:
        """Take connections until `over`."""
        server = await asyncio.start_server(self._accepted, self.address.host, self.address.port)
        self.port = server.sockets[0].getsockname()[1]
        if ready is not None:
            ready.set()
        async with server:
            await over.wait()
            server.close()
            await self._end_readers()

    async def connect_tcp(self, over: asyncio.Event) -> None:
        """Keep a connection to the address until `over`, however often it is cut."""
        async with asyncio.TaskGroup() as group:  # what fails is not waited out
            keeping = group.create_task(self._keep_connected())
            await over.wait()
            keeping.cancel()

    async def listen_udp(self, over: asyncio.Event, ready: asyncio.Event | None = None) -> None:
        """Take datagrams until `over`; those in the queue are still published then."""
        queue = DatagramQueue(self._station, str(self.address), self._metrics)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: queue, local_addr=(self.address.host, self.address.port)
        )
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
        self.port = raw.getsockname()[1]
        if ready is not None:
            ready.set()
        try:
            async with asyncio.TaskGroup() as group:  # what fails is not waited out
                publishing = group.create_task(self._publish_datagrams(queue))
                await over.wait()
                transport.close()
                queue.close()
                await asyncio.wait({publishing}, timeout=_FINISH_S)
                publishing.cancel()
        finally:
            transport.close()

    # -- TCP --------------------------------------------------------------

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peername = writer.get_extra_info("peername")
        if peername is None:  # gone again before it was taken
            self._end(writer, "cut")
            return
        peer = str(peername[0])
        station = self._station.replace(PEER, peer)
        if len(self._readers) >= MOST_CONNECTIONS and station not in self._readers:
            self._end(writer, "too-many")
            return
        mine = asyncio.current_task()
        older = self._readers.get(station)
        if mine is None:
            raise RuntimeError("a connection is taken outside a task")
        self._readers[station] = mine
        if older is not None:
            # Its last sentences are published before the first ones of this connection.
            older.cancel()
            await asyncio.wait({older})
        try:
            await self._read(reader, writer, station, idle_s=None)
        finally:
            if self._readers.get(station) is mine:
                del self._readers[station]

    async def _read(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        station: str,
        idle_s: float | None,
    ) -> None:
        """Publish what a connection says until it ends, each run before the next is read."""
        door = str(self.address)
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        said = Connection(station)
        reason, cancelled = "closed", False
        self._metrics.connections.labels(door).inc()
        try:
            while data := await asyncio.wait_for(reader.read(READ_BYTES), idle_s):
                before = said.lines.passed_over
                await self._deliver(said.take(data))
                self._metrics.passed_over.labels(door).inc(said.lines.passed_over - before)
                if said.is_strange:
                    reason = "not-nmea"
                    words = "%s: %s is closed: %d lines in a row hold no sentence"
                    log.warning(words, door, station, MOST_STRANGE_LINES)
                    break
        except TimeoutError:
            reason = "idle"
        except OSError:
            reason = "cut"
        except asyncio.CancelledError:
            reason, cancelled = "ended-here", True
        finally:
            self._metrics.connections.labels(door).dec()
            try:
                await self._deliver(said.rest())
            finally:
                self._end(writer, reason)  # only now: whoever waits for it knows all is published
        if cancelled:
            raise asyncio.CancelledError

    async def _deliver(self, records: list[Outgoing]) -> None:
        """Publish, also when the connection ends meanwhile: what was read is not lost."""
        if not records:
            return
        delivery = asyncio.ensure_future(deliver(self._publisher, records))
        try:
            await asyncio.shield(delivery)
        except asyncio.CancelledError:
            await asyncio.wait({delivery}, timeout=_FINISH_S)
            if delivery.cancel():
                log.warning("%s: %d sentences were read and are lost", self.address, len(records))
            else:
                self._count(records)
            raise
        self._count(records)

    def _count(self, records: Sequence[Outgoing]) -> None:
        self._metrics.records.labels(str(self.address)).inc(len(records))

    async def _keep_connected(self) -> None:
        station = self._station.replace(PEER, self.address.host)
        while True:
            retrying = AsyncRetrying(wait=wait_random_exponential(0.2, LONGEST_BACK_OFF_S))
            async for attempt in retrying:
                with attempt:
                    reader, writer = await asyncio.open_connection(*self.address[1:])
            began_s = asyncio.get_running_loop().time()
            await self._read(reader, writer, station, IDLE_S)
            if asyncio.get_running_loop().time() - began_s < 1:
                await asyncio.sleep(1)  # whoever accepts and closes at once is not hammered

    async def _end_readers(self) -> None:
        readers = list(self._readers.values())
        for reader in readers:
            reader.cancel()
        if readers:
            await asyncio.wait(readers, timeout=_FINISH_S + 1)

    def _end(self, writer: asyncio.StreamWriter, reason: str) -> None:
        self._metrics.ended.labels(str(self.address), reason).inc()
        writer.close()

    # -- UDP --------------------------------------------------------------

    async def _publish_datagrams(self, queue: "DatagramQueue") -> None:
        while records := await queue.some():
            await deliver(self._publisher, records)
            self._count(records)


class DatagramQueue(asyncio.DatagramProtocol):
    """Datagrams that wait for the broker; bounded by their bytes.

    Args:
        station: As of the door.
        door: Its name in the metrics.
        metrics: Where drops are counted.
    """

    def __init__(self, station: str, door: str, metrics: NmeaMetrics) -> None:
        self._station = station
        self._waiting: list[Outgoing] = []
        self._waiting_bytes = 0
        self._dropped = metrics.dropped.labels(door)
        self._news = asyncio.Event()
        self._closed = False

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one datagram, or count it as dropped."""
        if self._waiting_bytes + len(data) > QUEUE_BYTES:
            self._dropped.inc()
            return
        records = datagram(self._station.replace(PEER, addr[0]), data)
        self._waiting_bytes += sum(len(one.value) for one in records)
        self._waiting += records
        self._news.set()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._news.set()

    async def some(self) -> list[Outgoing]:
        """Return the oldest records that wait; none when the queue is closed and empty."""
        while not self._waiting and not self._closed:
            self._news.clear()
            await self._news.wait()
        taken, self._waiting = self._waiting[:_BATCH_RECORDS], self._waiting[_BATCH_RECORDS:]
        self._waiting_bytes -= sum(len(one.value) for one in taken)
        return taken
