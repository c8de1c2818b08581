"""A real Mosquitto and a real Kafka: what MQTT acknowledges, Kafka has."""

import asyncio
import base64
import json
import time
from contextlib import asynccontextmanager

import aiomqtt
import pytest

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
from schemas.codec import decode
from schemas.deadletter import DeadLetter
from schemas.instants import format_instant
from schemas.records import Reason, Stage
from schemas.topics import CAMERA_DETECTIONS, DEADLETTER, SENSOR_READINGS

pytestmark = pytest.mark.kafka

READINGS = Route(Template("city/{source}/{device}/reading"), "reading", "", ("*",))
FRIGATE = Route(Template("frigate/events"), "", "frigate-squares", ("*",))


class Desk:
    """A door with all that is behind it, on a broker and a Mosquitto."""

    def __init__(self, city, publisher, folder, port, name):
        self.metrics = IntakeMetrics()
        self.mqtt = MqttMetrics(self.metrics.registry)
        lateness = dict.fromkeys(city.sources, 600000)
        ledger = Ledger(lateness, self.metrics, time.time_ns() // 1_000_000)
        self.memory = Memory(folder)
        intake = Intake(city, publisher, self.memory, ledger)
        login = Login("127.0.0.1", port, tls=False, client_id=name)
        routes = Routes([READINGS, FRIGATE], Platforms(city.platforms, b"0123456789abcdef"))
        self.door = MqttDoor(login, routes, intake, publisher, self.mqtt)

    def total(self, name, **labels):
        return sum(
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @property
    def is_connected(self):
        return self.total("citybrain_mqtt_connected") == 1


@asynccontextmanager
async def at_work(city, kafka, folder, port, name):
    over = asyncio.Event()
    async with kafka.publisher() as publisher:
        desk = Desk(city, publisher, folder, port, name)
        running = asyncio.create_task(desk.door.run(over))
        try:
            yield desk
        finally:
            over.set()
            await running
            desk.memory.close()


def reading(number, **said):
    told = {
        "kind": "noise.laeq",
        "event_time": format_instant(time.time_ns() // 1_000_000),
        "value": 50.0 + number / 10,
        "unit": "dB(A)",
        "id": f"r-{number}",
    }
    return json.dumps(told | said).encode()


def accepted(desk):
    return desk.total("citybrain_intake_accepted_total", source="noise")


def is_quiet(desk):
    """Say whether all that was judged is acknowledged: messages are counted afterwards."""
    judged = accepted(desk) + desk.total("citybrain_intake_duplicates_total")
    return desk.total("citybrain_mqtt_messages_total") == judged


def has_more_cuts(desk, before):
    return lambda: desk.total("citybrain_mqtt_cuts_total") > before


def meter(city):
    return next(
        one.code
        for one in city.sensors.values()
        if one.kind == "noise.laeq" and one.source == "noise"
    )


@pytest.fixture
def way(mosquitto, wire):
    """Give a wire to Mosquitto that can be cut."""
    return wire(mosquitto.port)


def test_cut_in_the_middle_nothing_that_was_published_is_lost_or_doubled(
    city, kafka, way, tmp_path, until
):
    device, count = meter(city), 400

    async def story():
        async with way.laid(), aiomqtt.Client("127.0.0.1", way.to_port) as sender:

            async def send(number):
                await sender.publish(f"city/noise/{device}/reading", reading(number), qos=1)

            async with at_work(city, kafka, tmp_path, way.port, "cut") as desk:
                await until("connection", lambda: desk.is_connected)
                for number in range(count):
                    await send(number)
                    if number in (60, 150, 300):
                        before = desk.total("citybrain_mqtt_cuts_total")
                        await until("connection", lambda: desk.is_connected)
                        way.cut()
                        await until("cut", has_more_cuts(desk, before))
                await until("all readings", lambda: accepted(desk) == count and is_quiet(desk))
                cuts = desk.total("citybrain_mqtt_cuts_total")
            # All is acknowledged: what the session still held would come before the next reading.
            async with at_work(city, kafka, tmp_path, way.port, "cut") as desk:
                await until("connection", lambda: desk.is_connected)
                await send(count)
                await until("last", lambda: accepted(desk) == 1 and is_quiet(desk))
                again = desk.total("citybrain_intake_duplicates_total")
        records = await kafka.read(SENSOR_READINGS)
        return cuts, again, [json.loads(one.value) for one in records]

    cuts, again, found = asyncio.run(story())

    assert cuts >= 3
    assert again == 0
    assert [one["id"] for one in found] == [f"r-{number}" for number in range(count + 1)]
    assert {(one["source"], one["subject"]) for one in found} == {("noise", device)}


def test_what_is_refused_is_a_dead_letter_with_its_reason_and_is_not_sent_again(
    city, kafka, mosquitto, tmp_path, until
):
    device = meter(city)
    event = {"label": "smoke", "camera": "x", "frame_time": time.time(), "id": "a"}
    unknown = {"type": "new", "after": event | {"recognized_license_plate": "ZC12345"}}
    refused = [
        ("city/noise/{device}/reading", b"\xff no event"),
        ("city/noise/{device}/reading", reading(0, unit="furlong")),
        ("city/noise/{device}/reading", reading(1, subject="another")),
        ("city/iot/{device}/reading", reading(2)),
        ("city/nobody/{device}/reading", reading(3)),
        ("frigate/events", json.dumps(unknown).encode()),
    ]

    async def story():
        async with at_work(city, kafka, tmp_path, mosquitto.port, "refusals") as desk:
            await until("connection", lambda: desk.is_connected)
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as sender:
                for topic, payload in refused:
                    await sender.publish(topic.format(device=device), payload, qos=1)
                await sender.publish("frigate/events", b'{"type": "end", "after": {"label": 1}}')
                await until("settled", lambda: desk.total("citybrain_mqtt_messages_total") == 7)
            counted = {
                reason: desk.total("citybrain_mqtt_refused_total", reason=reason)
                for reason in Reason
            }
            aside = desk.total("citybrain_mqtt_set_aside_total", reason=Reason.NO_FINDING)
        letters = [decode(DeadLetter, one.value) for one in await kafka.read(DEADLETTER)]
        return counted, aside, letters

    counted, aside, letters = asyncio.run(story())

    assert {one.stage for one in letters} == {Stage.DOOR}
    assert sorted((one.reason, one.field) for one in letters) == sorted(
        [
            (Reason.NOT_JSON, ""),
            (Reason.UNKNOWN_UNIT, "unit"),
            (Reason.REFUSED_AT_DOOR, "subject"),  # the payload names another device
            (Reason.REFUSED_AT_DOOR, "subject"),  # a device of another source
            (Reason.REFUSED_AT_DOOR, "source"),
            (Reason.UNKNOWN_SUBJECT, "camera"),
        ]
    )
    assert aside == 1
    assert sum(counted.values()) == 6
    assert all(f"127.0.0.1:{mosquitto.port}/" in one.hint for one in letters)
    assert not any(b"12345" in base64.b64decode(one.value) for one in letters)


def test_a_frigate_event_becomes_a_detection_of_the_citys_camera(
    city, kafka, mosquitto, tmp_path, until
):
    event = {
        "id": "17-ab",
        "camera": "square-central",
        "label": "fire",
        "frame_time": time.time(),
        "score": 0.91,
    }

    async def story():
        async with at_work(city, kafka, tmp_path, mosquitto.port, "frigate") as desk:
            await until("connection", lambda: desk.is_connected)
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as sender:
                payload = json.dumps({"type": "new", "after": event}).encode()
                await sender.publish("frigate/events", payload, qos=0)
                await until("settled", lambda: desk.total("citybrain_mqtt_messages_total") == 1)
        return [json.loads(one.value) for one in await kafka.read(CAMERA_DETECTIONS)]

    (found,) = asyncio.run(story())

    assert (found["kind"], found["subject"], found["confidence"]) == (
        "fire.seen",
        "LG-CAM-00001",
        0.91,
    )
