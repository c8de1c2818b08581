"""NMEA over real sockets into a real Kafka."""

import asyncio
import gzip
import random
import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import numpy as np
import pyais
import pytest
from prometheus_client import CollectorRegistry

from deploy import processes, topics_admin
from feeds.nmea.door import Address, NmeaDoor
from feeds.nmea.metrics import NmeaMetrics
from schemas.records import RawBatch, Reason
from schemas.topics import TOPICS, VESSEL_NMEA, VESSEL_POSITIONS
from streams.vessels.ais import Pending, decode_nmea
from streams.vessels.nmea import CONNECTION_BEGINS

pytestmark = pytest.mark.kafka

FIX = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"


class Counted:
    """The metrics of a door, to be read back."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.metrics = NmeaMetrics(self.registry)

    def value(self, name, **labels):
        return self.registry.get_sample_value(f"citybrain_nmea_{name}", labels) or 0.0

    def total(self, name):
        return sum(
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == f"citybrain_nmea_{name}"
        )


@asynccontextmanager
async def listening(kafka, station, way="tcp"):
    """Give a door that listens at a free port, and its metrics."""
    counted, over, ready = Counted(), asyncio.Event(), asyncio.Event()
    async with kafka.publisher() as publisher:
        address = Address(way, "127.0.0.1", 0)
        door = NmeaDoor(address, station, publisher, counted.metrics)
        listen = door.listen_tcp if way == "tcp" else door.listen_udp
        running = asyncio.create_task(listen(over, ready))
        await ready.wait()
        try:
            yield door, counted
        finally:
            over.set()
            await running


async def send(port, *chunks, end=True):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
    if end:
        writer.write_eof()
        await reader.read()  # the door closes when it has published
        writer.close()
    return writer


def said(records, station):
    return [record.value for record in records if record.key == station.encode()]


def decoded(values):
    raw = RawBatch(
        topic="vessel.nmea",
        partition=0,
        offsets=np.arange(len(values)),
        ingest_time_ms=np.zeros(len(values), np.int64),
        keys=[b"one"] * len(values),
        values=values,
    )
    return decode_nmea(raw, Pending())


def static(name):
    message = {"type": 5, "mmsi": 412_420_001, "shipname": name}
    return [line.encode() for line in pyais.encode_dict(message, sentence_type="VDM")]


@asynccontextmanager
async def agent(kafka, prefix, folder):
    """Run the real agent `nmea`."""
    words = ["worker", "nmea", "--broker", kafka.address, "--prefix", prefix, "--state", folder]
    with (folder / "worker.log").open("ab") as log:
        command = [sys.executable, "-m", "deploy.cli", *map(str, words)]
        child = processes.spawn(command, output=log)
    try:
        yield
    finally:
        processes.end([child], 10)


@pytest.mark.recordings
def test_a_real_log_over_tcp_gives_the_positions_that_its_replay_gives(
    kafka, recordings, tmp_path, until
):
    log = recordings / "ais" / "dma_ais-sample.txt.gz"
    live = kafka
    other = type(kafka)(kafka.address, f"{kafka.prefix}replay-")
    topics_admin.apply(other.address, topics_admin.prefixed(TOPICS, other.prefix), {})
    command = [sys.executable, "-m", "deploy.cli", "replay", str(log), "--as", "nmea"]
    place = ["--source", "shore", "--speed", "max", "--broker", other.address]
    subprocess.run([*command, *place, "--prefix", other.prefix], check=True, timeout=90)
    stream = gzip.decompress(log.read_bytes())
    dice = random.Random(1)
    cuts = sorted(dice.sample(range(1, len(stream)), 400))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    async def positions(of):
        records = await of.read(VESSEL_POSITIONS)
        return [(one.partition, one.key, one.value) for one in records]

    async def story():
        async with listening(live, "shore") as (door, counted):
            await send(door.port, *chunks)
            sent = counted.total("records_total")
        folders = [tmp_path / "live", tmp_path / "replay"]
        for folder in folders:
            folder.mkdir()
        async with agent(live, live.prefix, folders[0]), agent(other, other.prefix, folders[1]):

            async def all_there():
                found = [await positions(live), await positions(other)]
                return found if len(found[0]) == len(found[1]) > 20_000 else None

            found = await until("positions of both ways", all_there)
        return sent, found

    sent, (over_tcp, replayed) = asyncio.run(story())

    assert sent > 26_000
    assert over_tcp == replayed


def test_half_a_message_at_a_cut_is_refused_and_the_next_connection_is_whole(kafka, until):
    first, second = static("BEFORE THE CUT")
    again_first, again_second = static("AFTER IT")

    async def story():
        async with listening(kafka, "cut") as (door, _):
            # The cut falls into the second sentence of a message of two.
            await send(door.port, first + b"\r\n" + second[:20])
            await send(door.port, again_first + b"\r\n" + again_second + b"\r\n")
        return said(await kafka.read(VESSEL_NMEA), "cut")

    values = asyncio.run(story())
    found = decoded(values)

    begin = CONNECTION_BEGINS + b"\r\n"
    assert values == [begin + first, second[:20], begin + again_first, again_second]
    assert [position.name for _, position in found.positions] == ["AFTER IT"]
    assert sorted(one.reason for one in found.rejects) == [Reason.CHECKSUM, Reason.INCOMPLETE]


def test_a_newer_connection_of_a_station_takes_the_place_of_the_older(kafka, until):
    async def story():
        async with listening(kafka, "twice") as (door, counted):
            older = await send(door.port, FIX + b"\n", end=False)
            await until("first sentence", lambda: counted.total("records_total") == 1)
            await send(door.port, FIX + b"\n")
            ended = counted.value(
                "connections_ended_total", door=str(door.address), reason="closed"
            )
            older.close()
            return ended, said(await kafka.read(VESSEL_NMEA), "twice")

    ended, values = asyncio.run(story())

    assert values == [CONNECTION_BEGINS + b"\r\n" + FIX] * 2
    assert ended == 1


def test_what_is_no_nmea_is_ended_and_a_long_line_is_handed_on_cut(kafka, until):
    async def story():
        async with listening(kafka, "noise-{peer}") as (door, counted):
            await send(door.port, b"\x00\x01" * 40_000 + b"\n" + FIX + b"\n")
            await send(door.port, b"GET / HTTP/1.1\r\n" * 500)
            name = str(door.address)
            reasons = [
                counted.value("connections_ended_total", door=name, reason=reason)
                for reason in ("closed", "not-nmea")
            ]
            return reasons, counted.total("passed_over_bytes_total")

    reasons, passed_over = asyncio.run(story())
    values = said(asyncio.run(kafka.read(VESSEL_NMEA)), "noise-127.0.0.1")
    found = decoded(values)

    assert reasons == [1, 1]
    assert passed_over > 78_000
    assert found.used == 1
    assert found.rejects[0].reason is Reason.TOO_LARGE


def test_datagrams_carry_whole_lines_and_are_published_by_sender(kafka, until):
    first, second = static("BY RADIO")

    async def story():
        async with listening(kafka, "radio-{peer}", way="udp") as (door, counted):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.connect(("127.0.0.1", door.port))
                sender.send(first + b"\r\n" + second + b"\r\n")
                sender.send(FIX)
                sender.send(b"")
                await until("datagrams", lambda: counted.total("records_total") == 3)
        return said(await kafka.read(VESSEL_NMEA), "radio-127.0.0.1")

    values = asyncio.run(story())

    assert values == [first, second, FIX]
    assert [position.name for _, position in decoded(values).positions] == ["BY RADIO", None]


def test_a_client_comes_back_after_every_cut_and_ends_when_told(kafka, until):
    async def story():
        calls = 0

        async def shore_station(_reader, writer):
            nonlocal calls
            calls += 1
            writer.write(FIX + b"\r\n" + FIX[: 10 * calls])
            writer.close()

        server = await asyncio.start_server(shore_station, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        counted, over = Counted(), asyncio.Event()
        async with server, kafka.publisher() as publisher:
            address = Address("tcp", "127.0.0.1", port)
            door = NmeaDoor(address, "calls", publisher, counted.metrics)
            running = asyncio.create_task(door.connect_tcp(over))
            await until("second call", lambda: counted.total("records_total") >= 4)
            over.set()
            await running
        return said(await kafka.read(VESSEL_NMEA), "calls")

    values = asyncio.run(story())

    begin = CONNECTION_BEGINS + b"\r\n"
    assert values[:4] == [begin + FIX, FIX[:10], begin + FIX, FIX[:20]]
