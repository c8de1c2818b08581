"""The HTTP door on a real Kafka and real sockets: its answers, and what is then on the topic."""

import asyncio
import gzip
import io
import json
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import schemathesis
import zstandard
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from yarl import URL

from deploy import topic_reader, topics_admin
from deploy.broker import EmbeddedBroker
from deploy.cities import load_city
from deploy.intake import Plan, keep_open
from feeds.client import Client, DoorError
from feeds.intake.http.body import Limits
from feeds.intake.keys import Key, KeyFile
from schemas.topics import SENSOR_READINGS, SENSOR_READINGS_URGENT, TOPICS
from streams.city.model import City

pytestmark = pytest.mark.kafka

CALM = Limits()
SMALL = Limits(sent_bytes=1_000_000, unpacked_bytes=2_000_000)
QUICK = Limits(head_s=2.0, read_s=0.3)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture
def topics(broker: str, prefix: str) -> str:
    """Give the prefix of topics that are there."""
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    return prefix


class Visitor:
    """An integrator at an open door."""

    def __init__(self, session: aiohttp.ClientSession, port: int, token: str) -> None:
        self.session = session
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.token = token

    async def post(
        self, body: Any, path: str = "/v1/events", token: str | None = None, **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {
            "Authorization": f"Bearer {self.token if token is None else token}",
            "Content-Type": "application/json",
        } | {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.session.post(self.url + path, data=raw, headers=said) as answer:
            return answer.status, await answer.json(content_type=None), dict(answer.headers)


class Place:
    """A door's surroundings: Kafka, keys and memory, which outlive the door."""

    def __init__(self, address: str, prefix: str, folder: Path, city: City) -> None:
        self.address, self.prefix, self.folder, self.city = address, prefix, folder, city
        self.keys = KeyFile(folder / "keys.json")
        self.token = self.key(("noise", "iot"))

    def key(self, sources: tuple[str, ...], **said: Any) -> str:
        return self.keys.add(Key(id="", label="", sha256="", sources=sources, **said), 0)

    @asynccontextmanager
    async def door(self, limits: Limits = CALM) -> AsyncIterator[Visitor]:
        """Open the door; close it at the end."""
        over, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        plan = Plan(
            address=self.address,
            prefix=self.prefix,
            host="127.0.0.1",
            port=0,
            keys=self.keys.path,
            memory=self.folder / "intake",
            limits=limits,
        )
        task = asyncio.create_task(keep_open(self.city, plan, port.set_result, over))
        await asyncio.wait({task, port}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        try:
            async with aiohttp.ClientSession() as session:
                yield Visitor(session, port.result(), self.token)
        finally:
            over.set()
            await task

    def records(self, topic: str) -> list[ConsumerRecord]:
        async def gather() -> list[ConsumerRecord]:
            reader = topic_reader.read(
                self.address, [self.prefix + topic], from_beginning=True, until_end=True
            )
            return [record async for records in reader for record in records]

        return asyncio.run(gather())


@pytest.fixture
def place(broker: str, topics: str, tmp_path: Path, city: City) -> Place:
    return Place(broker, topics, tmp_path, city)


def now() -> str:
    return datetime.now(UTC).isoformat()


def reading(subject: str, **said: Any) -> dict[str, Any]:
    return {
        "source": "noise",
        "kind": "noise.laeq",
        "subject": subject,
        "event_time": now(),
        "value": 61.5,
        "unit": "dB(A)",
    } | said


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(240):
            await story()

    asyncio.run(bounded())


def as_password(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"me:{token}".encode()).decode()}


def words(body: dict[str, Any]) -> list[str]:
    return [one.get("code") or one["verdict"] for one in body["verdicts"]]


def test_what_is_accepted_is_on_its_topic_and_a_restart_knows_it_again(place: Place) -> None:
    first, bad = reading("m-1"), reading("m-2", unit="m")
    smoke = reading("s-1", source="iot", kind="smoke.alarm", value=1, unit="1")
    named = reading("m-3", id="e-1")

    async def story() -> None:
        async with place.door() as visitor:
            status, body, _ = await visitor.post([first, bad, smoke, named, first])
            assert status == 202
            assert words(body) == ["accepted", "unknown-unit", "accepted", "accepted", "duplicate"]
            assert (body["accepted"], body["duplicates"], body["rejected"]) == (3, 1, 1)
            status, body, _ = await visitor.post([bad])
            assert (status, words(body)) == (422, ["unknown-unit"])
        async with place.door() as visitor:
            reordered = dict(reversed(first.items()))
            again = [reordered, named | {"value": 70}, reading("m-1", event_time=now())]
            status, body, _ = await visitor.post(again)
            assert (status, words(body)) == (202, ["duplicate", "conflict", "accepted"])

    run(story)

    sent = place.records(SENSOR_READINGS)
    assert sorted((one.key, json.loads(one.value)["subject"]) for one in sent) == [
        *((b"m-1", "m-1"), (b"m-1", "m-1"), (b"m-3", "m-3")),
    ]
    assert json.dumps(first).encode() in [one.value for one in sent]
    (urgent,) = place.records(SENSOR_READINGS_URGENT)
    assert urgent.key == b"s-1"


def test_a_thousand_at_once_in_every_form_and_order_holds_for_each_device(place: Place) -> None:
    batch = [reading(f"m-{n % 7}", value=n % 90, id=f"e-{n}") for n in range(1000)]
    lines = b"\n".join(json.dumps(one | {"id": f"l-{n}"}).encode() for n, one in enumerate(batch))

    async def story() -> None:
        async with place.door() as visitor:
            status, body, _ = await visitor.post(batch)
            assert (status, body["accepted"]) == (202, 1000)
            packed = gzip.compress(lines)
            kind = "application/x-ndjson"
            status, body, _ = await visitor.post(
                packed, "/v1/readings", Content_Type=kind, Content_Encoding="gzip"
            )
            assert (status, body["accepted"]) == (202, 1000)
            status, body, _ = await visitor.post(
                zstandard.compress(lines), Content_Type=kind, Content_Encoding="zstd"
            )
            assert (status, body["duplicates"]) == (202, 1000)
            status, body, _ = await visitor.post([*batch, batch[0]])
            assert (status, body["code"]) == (413, "too-many-items")

    run(story)

    ids: dict[bytes, list[int]] = {}
    for record in place.records(SENSOR_READINGS):
        ids.setdefault(record.key, []).append(int(json.loads(record.value)["id"][2:]))
    assert sum(map(len, ids.values())) == 2000
    for numbers in ids.values():
        half = len(numbers) // 2
        assert numbers == sorted(numbers[:half]) + sorted(numbers[half:])


def test_nothing_is_published_with_a_wrong_key_or_for_another(place: Place, city: City) -> None:
    of_iot = next(code for code, one in city.sensors.items() if one.source == "iot")
    noise = place.key(("noise",))
    ended = place.key(("noise",), ends_ms=1)
    small = place.key(("noise",), rate_per_s=0.05, burst=3)

    async def story() -> None:
        async with place.door() as visitor:
            for token in ("", "wrong", "cb_00000000_x", ended):
                status, body, headers = await visitor.post([reading("m-1")], token=token)
                assert (status, body["status"]) == (401, 401)
                assert headers["WWW-Authenticate"].startswith("Bearer")
            foreign = [reading(of_iot), reading("m-1", source="iot"), reading("m-1", source="x")]
            status, body, _ = await visitor.post(foreign, token=noise)
            assert (status, words(body)) == (
                422,
                ["foreign-device", "foreign-source", "foreign-source"],
            )
            status, body, headers = await visitor.post([{}] * 4, token=small)
            assert (status, body["code"]) == (413, "too-many-items")
            assert (await visitor.post([{}] * 3, token=small))[0] == 422
            status, body, headers = await visitor.post([{}] * 2, token=small)
            assert (status, body["code"]) == (429, "quota")
            assert 1 <= int(headers["Retry-After"]) <= 40
            feed = f"{visitor.url}/feeds/iot"
            async with visitor.session.get(feed, headers=as_password(noise)) as answer:
                assert answer.status == 403
            feed = f"{visitor.url}/feeds/noise"
            async with visitor.session.get(feed) as answer:
                assert answer.status == 401
            async with visitor.session.get(feed, headers=as_password(noise)) as answer:
                page = await answer.text()
                assert answer.status == 200
                assert "foreign-device" in page
                assert "<script" not in page

    run(story)

    assert place.records(SENSOR_READINGS) == []


async def raw(port: int, *pieces: bytes, pause_s: float = 0.0) -> tuple[bytes, float]:
    """Send pieces over a socket of our own; return what came back, and when the end came."""
    began_s = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(30):
            said = await reader.read()
    except ConnectionError:
        said = b""
    finally:
        writer.close()
    return said, time.monotonic() - began_s


def test_slow_large_and_swollen_requests_are_refused_and_cost_little(place: Place) -> None:
    """Each kind at a door that is strict about it alone: a slow machine refuses nothing else."""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.token}\r\n"
        "Content-Type: application/json\r\n"
    ).encode()
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))

    async def story() -> None:
        async with place.door(SMALL) as visitor:
            large = head + b"Content-Length: 104857600\r\nConnection: close\r\n\r\n" + bytes(1000)
            said, _ = await raw(visitor.port, large)
            assert said.startswith(b"HTTP/1.1 413")
            waits = head + b"Content-Length: 104857600\r\nExpect: 100-continue\r\n"
            said, _ = await raw(visitor.port, waits + b"Connection: close\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 413")
            chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
            said, _ = await raw(
                visitor.port, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 24
            )
            assert said.startswith(b"HTTP/1.1 413") or said == b""
            for packed, encoding in (
                (bomb.getvalue(), "gzip"),
                (zstandard.compress(bytes(64 << 20)), "zstd"),
            ):
                assert len(packed) < 100_000
                status, body, _ = await visitor.post(packed, Content_Encoding=encoding)
                assert (status, body["code"]) == (413, "too-large")
                status, body, _ = await visitor.post(packed[:40], Content_Encoding=encoding)
                assert (status, body["code"]) == (400, "bad-encoding")
            status, body, _ = await visitor.post([reading("m-1")])
            assert (status, body["accepted"]) == (202, 1)
        async with place.door(QUICK) as visitor:
            half_a_body = head + b"Content-Length: 500\r\n\r\n" + b"[{"
            said, took_s = await raw(visitor.port, half_a_body)
            assert said.startswith(b"HTTP/1.1 408")
            assert took_s < 20
            said, took_s = await raw(visitor.port, b"POST /v1/ev")
            assert (said, took_s < 20) == (b"", True)

    run(story)


def test_what_is_not_served_is_told_so(place: Place) -> None:
    async def story() -> None:
        async with place.door() as visitor:
            get = visitor.session.get
            for path in ("/nothing", "/v1/feeds/", "/v1/feeds/noise/more"):
                async with get(visitor.url + path) as answer:
                    assert answer.status == 404
            async with get(URL(f"{visitor.url}/v1/feeds/%7Bsource%7D", encoded=True)) as answer:
                assert answer.status == 401
            async with get(f"{visitor.url}/v1/events") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            assert (await visitor.post(b"x", Content_Type="text/plain"))[0] == 415
            assert (await visitor.post(b"x", Content_Encoding="br"))[0] == 415
            assert (await visitor.post(b"[{"))[0] == 400
            for path in ("/openapi.json", "/asyncapi.json", "/reading.json", "/healthz", "/readyz"):
                async with get(visitor.url + path) as answer:
                    assert answer.status == 200
                    assert await answer.json()
            async with get(f"{visitor.url}/metrics") as answer:
                assert 'citybrain_intake_requests_total{status="415"} 2.0' in await answer.text()

    run(story)


@pytest.fixture
def own_broker(tmp_path: Path, kafka_tools: None) -> Iterator[EmbeddedBroker]:
    """Give a Kafka of its own, for a test that stops it."""
    node = EmbeddedBroker(tmp_path / "kafka")
    node.start()
    yield node
    node.stop()


def test_while_the_broker_is_down_nothing_is_acknowledged_and_nothing_is_lost(
    own_broker: EmbeddedBroker, tmp_path: Path, city: City
) -> None:
    state = own_broker.running()
    assert state is not None
    topics_admin.apply(state.address, TOPICS, {})
    place = Place(state.address, "", tmp_path, city)
    batches = [[reading(f"m-{n}-{i}", id=f"e-{n}-{i}") for i in range(40)] for n in range(12)]

    async def until_taken(visitor: Visitor, batch: list[dict[str, Any]]) -> list[int]:
        statuses = []
        while True:
            status, _, headers = await visitor.post(batch)
            statuses.append(status)
            if status == 202:
                return statuses
            assert status == 503
            assert int(headers["Retry-After"]) >= 1
            await asyncio.sleep(0.5)

    async def story() -> None:
        async with place.door() as visitor:
            client = Client(visitor.url, place.token, tmp_path / "spool.db")
            client.send(reading("c-0", id="c-0"))
            assert await asyncio.to_thread(client.flush, 60)
            assert await until_taken(visitor, batches[0]) == [202]
            going = [asyncio.create_task(until_taken(visitor, one)) for one in batches[1:6]]
            await asyncio.sleep(0)  # they are on their way
            client.send(reading("c-1", id="c-1"))
            own_broker.stop()  # from this thread: the broker is tied to the one that starts it
            status, body, _ = await visitor.post(batches[6])
            assert (status, body["code"]) == (503, "broker-down")
            assert not await asyncio.to_thread(client.flush, 0.5)
            assert len(client.spool) == 1
            going += [asyncio.create_task(until_taken(visitor, one)) for one in batches[6:]]
            own_broker.start()
            statuses = [await task for task in going]
            assert {told[-1] for told in statuses} == {202}
            assert await asyncio.to_thread(client.flush, 60)
            client.close()
            status, body, _ = await visitor.post([one for batch in batches for one in batch])
            assert (status, body["duplicates"]) == (202, 480)

    run(story)

    ids = [json.loads(record.value)["id"] for record in place.records(SENSOR_READINGS)]
    assert sorted(ids) == sorted(["c-0", "c-1", *(one["id"] for batch in batches for one in batch)])


def test_what_a_client_took_while_no_door_was_open_arrives_after_its_restart(place: Place) -> None:
    spool, refused = place.folder / "spool.db", list[tuple[Any, Any]]()
    closed = Client("http://127.0.0.1:9", place.token, spool)
    for number in range(2500):
        closed.send(reading(f"m-{number % 9}", id=f"c-{number}"))
    closed.send(reading("m-bad", unit="m"))
    assert not closed.flush(0.3)
    closed.close(0)

    async def story() -> None:
        async with place.door() as visitor:
            wrong = Client(visitor.url, "cb_00000000_x", spool)
            with pytest.raises(DoorError, match="401"):
                await asyncio.to_thread(wrong.flush, 30)
            wrong.close(0)

            def deliver() -> None:
                told = lambda event, verdict: refused.append((event, verdict))  # noqa: E731
                with Client(visitor.url, place.token, spool, on_refused=told) as client:
                    client.send(reading("m-last", id="c-last"))
                    assert client.flush(60)

            await asyncio.to_thread(deliver)

    run(story)

    ids = [json.loads(record.value)["id"] for record in place.records(SENSOR_READINGS)]
    assert sorted(ids) == sorted([*(f"c-{number}" for number in range(2500)), "c-last"])
    ((event, verdict),) = refused
    assert (event["subject"], verdict["code"]) == ("m-bad", "unknown-unit")


def test_generated_requests_find_no_fault_and_only_documented_answers(place: Place) -> None:
    over, opened = threading.Event(), threading.Event()
    ports: list[int] = []

    def told(port: int) -> None:
        ports.append(port)
        opened.set()

    async def serve() -> None:
        ended = asyncio.Event()
        plan = Plan(
            *(place.address, place.prefix, "127.0.0.1", 0),
            keys=place.keys.path,
            memory=place.folder / "intake",
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_open(place.city, plan, told, ended))
            await asyncio.to_thread(over.wait)
            ended.set()

    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    try:
        assert opened.wait(60)
        url = f"http://127.0.0.1:{ports[0]}"
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        auth = {"Authorization": f"Bearer {place.token}"}
        names = []
        for found in schema.get_all_operations():
            operation = found.ok()
            names.append(operation.label)
            try_all(operation, url, auth)
        assert "POST /v1/events" in names
        assert len(names) == 9
        metrics = requests.get(f"{url}/metrics", timeout=30).text
        assert 'requests_total{status="5' not in metrics
    finally:
        over.set()
        server.join(60)


def try_all(operation: APIOperation, url: str, auth: dict[str, str]) -> None:
    """Send what the document makes of an operation, right and wrong; each answer is a named one."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=st.one_of(operation.as_strategy(), operation.as_strategy(GenerationMode.NEGATIVE)))
    def answers(case: Any) -> None:
        answer = case.call(base_url=url, headers=auth)
        case.validate_response(
            answer,
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    answers()
