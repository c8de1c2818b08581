"""Kafka is away: what was acknowledged is kept, who can wait waits, and what is dropped is counted.

One outage of one broker, seen from TCP, UDP and MQTT at once.
"""

import asyncio
import json
import socket
import time

import aiomqtt
import pytest
from prometheus_client import CollectorRegistry

from deploy import topics_admin
from deploy.broker import EmbeddedBroker
from feeds.cameras.platforms import Platforms
from feeds.intake.intake import Intake
from feeds.intake.ledger import Ledger
from feeds.intake.memory import Memory
from feeds.intake.metrics import IntakeMetrics
from feeds.mqtt.door import MqttDoor
from feeds.mqtt.metrics import MqttMetrics
from feeds.mqtt.routes import Route, Routes
from feeds.mqtt.session import Login
from feeds.mqtt.template import Template
from feeds.nmea.door import QUEUE_BYTES, Address, NmeaDoor
from feeds.nmea.metrics import NmeaMetrics
from schemas.instants import format_instant
from schemas.topics import SENSOR_READINGS, TOPICS, VESSEL_NMEA

pytestmark = pytest.mark.kafka

FIX = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"
READINGS = Route(Template("city/{source}/{device}/reading"), "reading", "", ("*",))


def value(registry, name, **labels):
    return registry.get_sample_value(f"citybrain_{name}", labels) or 0


def reading(number):
    told = {"kind": "noise.laeq", "value": 50, "unit": "dB(A)", "id": str(number)}
    now = format_instant(time.time_ns() // 1_000_000)
    return json.dumps(told | {"event_time": now}).encode()


def mqtt_door(city, publisher, memory, port):
    metrics = IntakeMetrics()
    ledger = Ledger(dict.fromkeys(city.sources, 600_000), metrics, time.time_ns() // 1_000_000)
    intake = Intake(city, publisher, memory, ledger)
    login = Login("127.0.0.1", port, tls=False, client_id="outage")
    routes = Routes([READINGS], Platforms({}, b""))
    door = MqttDoor(login, routes, intake, publisher, MqttMetrics(metrics.registry))
    return door, metrics.registry


async def fill(port, most):
    """Write to a TCP door until it takes no more; return how many lines it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = 0
    while lines < most:
        writer.write((FIX + b"\r\n") * 1000)
        lines += 1000
        try:
            await asyncio.wait_for(writer.drain(), 3)
        except TimeoutError:
            break
    return lines, reader, writer


@pytest.fixture
def own(kafka_tools, kafka_at, tmp_path):
    """Give a Kafka that may be stopped, and the way to it."""
    node = EmbeddedBroker(tmp_path / "own")
    address = node.start()
    topics_admin.apply(address, topics_admin.prefixed(TOPICS, "away-"), {})
    yield node, kafka_at(address, "away-")
    node.stop()


def test_an_outage_of_kafka_loses_nothing_that_was_acknowledged(  # noqa: PLR0915 - one story
    own, city, mosquitto, tmp_path, until
):
    node, kafka = own
    device = next(
        one.code
        for one in city.sensors.values()
        if one.kind == "noise.laeq" and one.source == "noise"
    )
    port = mosquitto.port

    async def story():
        registry, over = CollectorRegistry(), asyncio.Event()
        metrics = NmeaMetrics(registry)
        async with kafka.publisher() as publisher:
            tcp = NmeaDoor(Address("tcp", "127.0.0.1", 0), "tcp", publisher, metrics)
            udp = NmeaDoor(Address("udp", "127.0.0.1", 0), "udp", publisher, metrics)
            opened = asyncio.Event(), asyncio.Event()
            memory = Memory(tmp_path / "memory")
            door, counts = mqtt_door(city, publisher, memory, port)
            mqtt_over = asyncio.Event()
            running = [
                asyncio.create_task(tcp.listen_tcp(over, opened[0])),
                asyncio.create_task(udp.listen_udp(over, opened[1])),
            ]
            mqtt = asyncio.create_task(door.run(mqtt_over))
            await asyncio.gather(*(one.wait() for one in opened))
            await until("MQTT", lambda: value(counts, "mqtt_connected", door=door.name))
            node.stop()

            async with aiomqtt.Client("127.0.0.1", port) as sender:
                for number in range(30):
                    await sender.publish(f"city/noise/{device}/reading", reading(number), qos=1)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as radio:
                radio.connect(("127.0.0.1", udp.port))
                block = (FIX + b"\r\n") * 1000
                sent = 0
                while not value(registry, "nmea_datagrams_dropped_total", door=str(udp.address)):
                    radio.send(block)
                    sent += 1
                    await asyncio.sleep(0)
                    assert sent * len(block) < 50 * QUEUE_BYTES
            lines, reader, writer = await fill(tcp.port, most=2_000_000)
            settled = value(counts, "mqtt_messages_total", door=door.name, qos="1")
            # The door is gone before Kafka is back: MQTT has acknowledged nothing of it.
            mqtt_over.set()
            await mqtt
            node.start()
            second, counts = mqtt_door(city, publisher, memory, port)
            mqtt_over = asyncio.Event()
            mqtt = asyncio.create_task(second.run(mqtt_over))
            await writer.drain()
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 240)
            writer.close()

            def settled_now():
                return value(counts, "mqtt_messages_total", door=second.name, qos="1") >= 30

            await until("MQTT's messages", settled_now)
            over.set()
            mqtt_over.set()
            await asyncio.gather(*running, mqtt)
            memory.close()
        nmea = await kafka.read(VESSEL_NMEA)
        readings = [json.loads(one.value)["id"] for one in await kafka.read(SENSOR_READINGS)]
        by_station = [sum(one.key == key for one in nmea) for key in (b"tcp", b"udp")]
        dropped = value(registry, "nmea_datagrams_dropped_total", door=str(udp.address))
        return lines, settled, by_station, readings, sent, dropped

    told = asyncio.run(story())
    lines, settled, (by_tcp, by_udp), readings, sent, dropped = told

    assert settled == 0
    assert set(readings) == {str(number) for number in range(30)}
    assert lines < 2_000_000  # the sender had to wait
    assert by_tcp >= lines  # at least once: what was half handed over is sent again
    assert dropped >= 1
    assert by_udp <= (sent - dropped) * 1000
