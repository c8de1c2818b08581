"""`citybrain simulate --via`: what is played through doors is on the topics as if sent there."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import defaultdict

import pytest
import requests
from click.testing import CliRunner

from deploy import processes, simulating
from deploy.cli import cli
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from schemas.instants import parse_instant
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    DEADLETTER,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.vessels.nmea import CONNECTION_BEGINS

pytestmark = pytest.mark.kafka

EVENTS = (
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    CAMERA_DETECTIONS,
    VESSEL_POSITIONS,
    CITIZEN_COMPLAINTS,
)
LENGTH_S = 70
STATION = "ais-bacao"


def told_by(*arguments, env=None):
    outcome = CliRunner().invoke(cli, list(arguments), env=env)
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.output
    return outcome.exit_code, outcome.output


class DoorProcess:
    """`citybrain intake` with an NMEA listener and a subscription, as users run it."""

    def __init__(self, kafka, folder, mqtt_port, nmea_port):
        self.folder = folder
        self.mqtt = f"mqtt://127.0.0.1:{mqtt_port}"
        self.tcp = f"tcp://127.0.0.1:{nmea_port}"
        doors = folder / "doors.toml"
        doors.write_text(
            f'[[nmea]]\nlisten = "{self.tcp}"\nstation = "{STATION}"\n'
            f'[[mqtt]]\nurl = "{self.mqtt}"\nclient_id = "simulated"\n'
            '[[mqtt.routes]]\ntopic = "city/{source}/{device}/reading"\nas = "reading"\n'
            'sources = ["iot", "noise"]\n'
        )
        self._log = folder / "door.log"
        argv = [sys.executable, "-m", "deploy.cli", "intake", "--port", "0"]
        argv += ["--doors", str(doors), "--keys", str(folder / "keys.json")]
        argv += ["--state", str(folder), "--broker", kafka.address, "--prefix", kafka.prefix]
        with self._log.open("wb") as log:
            self.child = processes.spawn(argv, output=log)

    @property
    def url(self):
        assert self.child.poll() is None, self._log.read_text()
        said = re.search(r"intake: (http://\S+)", self._log.read_text())
        return said and said[1]

    @property
    def is_subscribed(self):
        page = requests.get(f"{self.url}/metrics", timeout=60).text
        return re.search(r"citybrain_mqtt_connected\{.*\} 1\.0", page)

    def key(self, *sources):
        """Return a key of the door's for some sources."""
        scope = [word for source in sources for word in ("--source", source)]
        code, key = told_by("keys", "new", *scope, "--file", str(self.folder / "keys.json"))
        assert code == 0, key
        return key.strip()


def by_key(records):
    """Return what was said under each key, in its order."""
    found = defaultdict(list)
    for record in records:
        found[record.key].append(record.value)
    return dict(found)


async def by_place(kafka):
    """Return all records of the topics of events, and the dead letters, by where they stand."""
    topics = (*EVENTS, DEADLETTER)
    read = await asyncio.gather(*(kafka.read(topic) for topic in topics))
    return {
        topic: {(one.partition, one.offset): one for one in records}
        for topic, records in zip(topics, read, strict=True)
    }


def start_of(city, scenario, seed, records):
    """Return when a story began: when its first device spoke first."""
    first = Played(SCENARIOS[scenario], city, seed, 0).records[0]
    said = [json.loads(one.value) for one in records if one.key == first.key]
    return min(parse_instant(one["event_time"]) for one in said)


def straight(city, scenario, seed, start_ms):
    """Return by topic what `simulate` hands to Kafka when no door is named."""
    plan = simulating.Plan(city, seed, (scenario,), None, start_ms, LENGTH_S, None)
    found = defaultdict(list)
    for act in simulating.acts(plan):
        for batch in act:
            for record in batch:
                found[record.topic].append(record)
    return found


@pytest.fixture(scope="module")
def door(kafka, mosquitto, tmp_path_factory, until, a_free_port):
    """Give the doors, at work."""
    door = DoorProcess(kafka, tmp_path_factory.mktemp("door"), mosquitto.port, a_free_port())
    try:
        asyncio.run(until("the HTTP door", lambda: door.url))
        asyncio.run(until("the subscription", lambda: door.is_subscribed))
        yield door
    finally:
        processes.end([door.child], 20)


def play(*arguments, key):
    told = ["simulate", "--duration", str(LENGTH_S), "--speed", "max", *arguments]
    return told_by(*told, env={"CITYBRAIN_KEY": key})


def test_a_wrong_key_is_told_and_brings_nothing_in(kafka, door):
    before = asyncio.run(kafka.read(SENSOR_READINGS_URGENT))

    code, words = play("--scenario", "fire", "--via", door.url, key="cb_00000000_x")

    assert (code, "401" in words, "citybrain keys list" in words) == (3, True, True), words
    assert asyncio.run(kafka.read(SENSOR_READINGS_URGENT)) == before


def test_each_sort_goes_by_the_first_door_that_carries_it_and_arrives_byte_for_byte(
    city, kafka, door, until
):
    all_sources = door.key("iot", "noise", "cameras", "beidou", "hotline")
    ways = ["--via", door.mqtt, "--via", door.tcp, "--via", door.url]

    code, words = play("--scenario", "fire", *ways, key=all_sources)

    assert code == 0, words

    async def arrived(topic, at_least):
        records = await kafka.read(topic)
        return records if len(records) >= at_least else None

    async def found_of(topic, count):
        return await until(f"{count} of {topic}", lambda: arrived(topic, count))

    async def all_of(counts):
        return await asyncio.gather(*(found_of(topic, n) for topic, n in counts.items()))

    urgent = asyncio.run(found_of(SENSOR_READINGS_URGENT, 1))
    expected = straight(city, "fire", 1, start_of(city, "fire", 1, urgent))
    count = {topic: len(expected[topic]) for topic in (*EVENTS, VESSEL_NMEA)}
    assert min(count.values()) > 0, count
    found = dict(zip(count, asyncio.run(all_of(count)), strict=True))
    for topic in EVENTS:
        assert by_key(found[topic]) == by_key(expected[topic]), topic
    ((station, lines),) = by_key(found[VESSEL_NMEA]).items()
    assert station == STATION.encode()  # the listener's
    lines[0] = lines[0].removeprefix(CONNECTION_BEGINS + b"\r\n")
    assert lines == [one.value for one in expected[VESSEL_NMEA]]
    by_mqtt = sum(count[topic] for topic in EVENTS[:2])
    by_http = sum(count[topic] for topic in EVENTS[2:])
    assert f"{door.mqtt}: {SENSOR_READINGS}, {SENSOR_READINGS_URGENT};" in words
    assert f"{door.mqtt}: {by_mqtt:,} sent, each acknowledged" in words
    assert f"{door.tcp}: {count[VESSEL_NMEA]:,} sent, read by the door" in words
    assert f"{door.url}: {by_http:,} sent, {by_http:,} accepted, 0 duplicates, 0 refused" in words
    assert "left out" not in words


def test_by_http_alone_what_the_key_does_not_cover_is_refused_by_reason_and_the_rest_arrives(
    city, kafka, door
):
    before = asyncio.run(by_place(kafka))
    without_hotline = door.key("iot", "noise", "cameras", "beidou")

    code, words = play("--scenario", "gas", "--seed", "2", "--via", door.url, key=without_hotline)

    assert code == 0, words
    after = asyncio.run(by_place(kafka))
    found = {
        topic: [one for place, one in after[topic].items() if place not in before[topic]]
        for topic in after
    }
    start_ms = start_of(city, "gas", 2, found[SENSOR_READINGS_URGENT])
    expected = straight(city, "gas", 2, start_ms)
    for topic in EVENTS[:-1]:
        assert by_key(found[topic]) == by_key(expected[topic]), topic
    assert found[CITIZEN_COMPLAINTS] == found[DEADLETTER] == []
    tickets, left = len(expected[CITIZEN_COMPLAINTS]), len(expected[VESSEL_NMEA])
    assert tickets > 0
    assert f"{tickets} refused (foreign-source {tickets})" in words
    assert f"left out: {left} of {VESSEL_NMEA}" in words


def test_a_door_that_is_not_there_is_told_with_its_address(a_free_port):
    gone = a_free_port()
    for scheme in ("http", "mqtt", "tcp", "udp"):
        url = f"{scheme}://127.0.0.1:{gone}"
        few = ["simulate", "--scenario", "gas", "--duration", "20", "--speed", "max", "--via", url]
        code, words = told_by(*few, env={"CITYBRAIN_KEY": "any"})
        assert (code, url in words, "Traceback" in words) == (3, True, False), words


def test_a_broker_with_tls_and_users_takes_who_signs_in_and_tells_others_why_not(
    locked_mosquitto, tmp_path
):
    url = f"mqtts://sim@127.0.0.1:{locked_mosquitto.port}"
    trusts = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}

    def plays(password, **env):
        env["CITYBRAIN_MQTT_PASSWORD"] = password
        few = ["simulate", "--scenario", "gas", "--duration", "20", "--speed", "max", "--via", url]
        argv = [sys.executable, "-m", "deploy.cli", *few]
        told = subprocess.run(
            argv, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        return told.returncode, told.stderr

    code, words = plays("right", **trusts)
    assert code == 0, words
    sent = re.search(rf"{re.escape(url)}: ([\d,]+) sent, each acknowledged", words)
    assert sent is not None, words
    assert int(sent[1].replace(",", "")) > 0

    code, words = plays("wrong", **trusts)
    assert (code, "No MQTT broker takes us" in words) == (3, True), words
    assert "password in CITYBRAIN_MQTT_PASSWORD" in words

    code, words = plays("right")
    assert (code, "SSL_CERT_FILE" in words, "Traceback" in words) == (3, True, False), words


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mqtts://sim@127.0.0.1:1", "needs a password, in CITYBRAIN_MQTT_PASSWORD"),
        ("mqtt://sim:secret@127.0.0.1:1", "write mqtt://sim@127.0.0.1:1"),
        ("http://sim@127.0.0.1:1", "only mqtt:// and mqtts:// sign one in"),
    ],
)
def test_a_user_signs_in_with_a_password_that_nobody_else_sees(url, said):
    code, words = told_by("simulate", "--scenario", "gas", "--via", url, env={})

    assert (code, said in words.replace("\n", " ")) == (2, True), words
    assert "secret@" not in words
