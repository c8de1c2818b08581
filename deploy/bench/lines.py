"""The line doors under load: NMEA over TCP, and MQTT at QoS 1, until Kafka has it all.

Neither sender is told of Kafka's acknowledgement (TCP says nothing, an MQTT
broker answers for itself), so the times are those that a reader of the topic
sees, from the sending of one event to its reading, one after the other; the
acknowledgement is no later than that. The door is a process of its own; its CPU
seconds are read from the kernel.
"""

import asyncio
import shutil
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import aiomqtt
import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import processes, topics_admin
from deploy.bench.intake import wait_open
from deploy.bench.usage import cpu_taken_s
from deploy.errors import Fault
from deploy.ports import free_ports
from schemas.instants import format_instant
from schemas.topics import SENSOR_READINGS, TOPICS, VESSEL_NMEA

PROBES: Final = 300
_SENDERS: Final = 8
_DONE_S: Final = 300.0
_GRACE_S: Final = 8.0
_SENTENCE: Final = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24\r\n"
_DEVICE: Final = "LG-noise-001"  # of Longgang's register, source noise

Send = Callable[[int], Awaitable[object]]


class Door(NamedTuple):
    """A running `citybrain intake`, and the ports around it; `mqtt` is 0 without Mosquitto."""

    pid: int
    address: str
    prefix: str
    http: int
    nmea: int
    mqtt: int


class Measured(NamedTuple):
    """What came of one door: the load at full speed, then the times at a calm pace."""

    name: str
    events: int
    seconds: float
    cpu_s: float
    p50_ms: float
    p99_ms: float


@contextmanager
def open_door(address: str) -> Iterator[Door]:
    """Start a Mosquitto, where there is one, and a door of its own on fresh topics.

    Raises:
        Fault: The door did not open.
    """
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    topics_admin.apply(address, topics_admin.prefixed(TOPICS, prefix), {})
    with tempfile.TemporaryDirectory(prefix="citybrain-bench-lines-") as name:
        folder = Path(name)
        http, nmea, mqtt = free_ports(3)
        children = []
        doors = f'[[nmea]]\nlisten = "tcp://127.0.0.1:{nmea}"\nstation = "bench"\n'
        if (program := shutil.which("mosquitto", path="/usr/sbin:/usr/bin")) is not None:
            settings = folder / "mosquitto.conf"
            settings.write_text(f"listener {mqtt} 127.0.0.1\nallow_anonymous true\n")
            with (folder / "mosquitto.log").open("wb") as log:
                children.append(processes.spawn([program, "-c", str(settings)], output=log))
            doors += (
                f'[[mqtt]]\nurl = "mqtt://127.0.0.1:{mqtt}"\nclient_id = "bench"\n'
                '[[mqtt.routes]]\ntopic = "city/{source}/{device}/reading"\nas = "reading"\n'
            )
        else:
            mqtt = 0
        (folder / "doors.toml").write_text(doors)
        words = ["--port", str(http), "--doors", str(folder / "doors.toml"), "--state", name]
        place = ["--broker", address, "--prefix", prefix]
        with (folder / "intake.log").open("wb") as log:
            command = [sys.executable, "-m", "deploy.cli", "intake", *words, *place]
            door = processes.spawn(command, output=log)
        children.append(door)
        try:
            wait_open(nmea, folder / "intake.log")
            yield Door(door.pid, address, prefix, http, nmea, mqtt)
        finally:
            processes.end(children[::-1], _GRACE_S)
            topics_admin.remove(address, prefix)


async def measure_nmea(door: Door, sentences: int) -> Measured:
    """Send sentences over one TCP connection; the door closes it when Kafka has all."""
    cpu_s, began_s = cpu_taken_s(door.pid), time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.nmea)
    for begin in range(0, sentences, 1000):
        writer.write(_SENTENCE * min(1000, sentences - begin))
        await writer.drain()
    writer.write_eof()
    await reader.read()
    seconds, cpu_s = time.perf_counter() - began_s, cpu_taken_s(door.pid) - cpu_s
    writer.close()
    _, calm = await asyncio.open_connection("127.0.0.1", door.nmea)

    async def send(_: int) -> None:
        calm.write(_SENTENCE)
        await calm.drain()

    took_ms = await _round_trips(door, VESSEL_NMEA, send)
    calm.close()
    return _measured("NMEA over one TCP connection", sentences, seconds, cpu_s, took_ms)


async def measure_mqtt(door: Door, messages: int) -> Measured:
    """Publish readings at QoS 1 over some connections, until the door has settled all."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(aiomqtt.Client("127.0.0.1", door.mqtt))
            for _ in range(_SENDERS)
        ]
        await _until_value(door, "citybrain_mqtt_connected", 1)
        cpu_s, began_s = cpu_taken_s(door.pid), time.perf_counter()
        shares = [range(first, messages, _SENDERS) for first in range(_SENDERS)]
        await asyncio.gather(
            *(_publish(one, share) for one, share in zip(clients, shares, strict=True))
        )
        await _until_value(door, "citybrain_intake_accepted_total", messages)
        seconds, cpu_s = time.perf_counter() - began_s, cpu_taken_s(door.pid) - cpu_s

        async def send(number: int) -> None:
            await _publish(clients[0], range(messages + number, messages + number + 1))

        took_ms = await _round_trips(door, SENSOR_READINGS, send)
    name = f"MQTT at QoS 1, {_SENDERS} senders"
    return _measured(name, messages, seconds, cpu_s, took_ms)


def table(rows: list[Measured]) -> str:
    """Return the results as a Markdown table."""
    head = (
        "| door | events | events/s | CPU s per million | events/s on one core | p50 ms | p99 ms |"
    )
    lines = [head, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {row.name} | {row.events:,} | {row.events / row.seconds:,.0f} | "
        f"{row.cpu_s / row.events * 1e6:.0f} | {row.events / row.cpu_s:,.0f} | "
        f"{row.p50_ms:.1f} | {row.p99_ms:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


async def _publish(client: aiomqtt.Client, numbers: range) -> None:
    for number in numbers:
        event = {
            "kind": "noise.laeq",
            "id": f"bench-{number}",
            "event_time": format_instant(time.time_ns() // 1_000_000),
            "value": 50.0,
            "unit": "dB(A)",
        }
        await client.publish(f"city/noise/{_DEVICE}/reading", msgspec.json.encode(event), qos=1)


async def _round_trips(door: Door, topic: str, send: Send) -> list[float]:
    """Return the milliseconds from each probe's sending to its reading."""
    name = door.prefix + topic
    consumer = AIOKafkaConsumer(bootstrap_servers=door.address, group_id=None, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        parts = [TopicPartition(name, one) for one in range(TOPICS[topic].partitions)]
        consumer.assign(parts)
        await consumer.seek_to_end(*parts)
        for part in parts:
            await consumer.position(part)
        took_ms = []
        for number in range(PROBES):
            began_s = time.perf_counter()
            await send(number)
            await asyncio.wait_for(consumer.getone(), _DONE_S)
            took_ms.append((time.perf_counter() - began_s) * 1000)
    finally:
        await consumer.stop()
    return took_ms


def _measured(
    name: str, events: int, seconds: float, cpu_s: float, took_ms: list[float]
) -> Measured:
    p50_ms, p99_ms = np.percentile(took_ms, [50, 99]).tolist()
    return Measured(name, events, seconds, cpu_s, p50_ms, p99_ms)


async def _until_value(door: Door, name: str, least: float) -> None:
    """Wait until a metric of the door, over all its labels, has reached a value."""
    until_s = time.monotonic() + _DONE_S
    while time.monotonic() < until_s:
        page = await asyncio.to_thread(_metrics, door.http)
        values = [line.rpartition(" ")[2] for line in page.splitlines() if line.startswith(name)]
        if sum(map(float, values)) >= least:
            return
        await asyncio.sleep(0.05)
    raise Fault(f"The door did not reach {least:,.0f} of {name} in {_DONE_S:.0f} s")


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text: bytes = page.read()
    return text.decode()
