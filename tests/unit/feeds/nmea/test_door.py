"""A door whose publisher fails ends with that failure, and does not stand there deaf."""

import asyncio
import socket

import pytest
from prometheus_client import CollectorRegistry

from feeds.nmea.door import Address, NmeaDoor
from feeds.nmea.metrics import NmeaMetrics

FIX = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24\r\n"


class BrokenError(Exception):
    """A fault of ours, which no repetition mends."""


class Broken:
    """Publishes nothing, for a reason that is not Kafka's."""

    async def publish_many(self, records):
        raise BrokenError(f"{len(records)} records")


def door(way, port):
    address = Address(way, "127.0.0.1", port)
    return NmeaDoor(address, "shore", Broken(), NmeaMetrics(CollectorRegistry()))


def test_a_listener_for_datagrams_ends_with_its_publishers_failure():
    async def story():
        listener, ready = door("udp", 0), asyncio.Event()
        running = asyncio.create_task(listener.listen_udp(asyncio.Event(), ready))
        await ready.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(FIX, ("127.0.0.1", listener.port))
        await asyncio.wait_for(running, 60)

    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(story())

    assert failed.group_contains(BrokenError)


def test_a_client_ends_with_its_publishers_failure():
    async def story():
        async def shore_station(_reader, writer):
            writer.write(FIX)
            writer.close()

        server = await asyncio.start_server(shore_station, "127.0.0.1", 0)
        async with server:
            client = door("tcp", server.sockets[0].getsockname()[1])
            await asyncio.wait_for(client.connect_tcp(asyncio.Event()), 60)

    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(story())

    assert failed.group_contains(BrokenError)
