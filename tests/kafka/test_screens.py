"""The gateway on a real Kafka and real sockets: streams, roles, acting, the past."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from deploy import topic_reader, topics_admin
from deploy.cities import load_city
from schemas import topics
from schemas.instants import format_instant
from screens.access.accounts import Accounts
from screens.access.audit import verify
from screens.access.people import Person, Role
from screens.app import create_app
from screens.settings import Settings
from streams.city.model import City

pytestmark = pytest.mark.kafka

WITHIN_S = 60.0
PASSWORD = "long-enough-for-tests"  # noqa: S105 - of accounts that live for a test
INJECTED = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture
def settings(broker: str, prefix: str, tmp_path: Path) -> Settings:
    topics_admin.apply(broker, topics_admin.prefixed(topics.TOPICS, prefix), {})
    return Settings(broker, prefix, tmp_path, cut_after_s=5.0)


class Gateway:
    """A gateway that serves, and the means to talk to it and to its city."""

    def __init__(
        self, settings: Settings, city: City, send: Callable[..., Any], runner: web.AppRunner
    ) -> None:
        self.settings, self.city, self.port = settings, city, runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._send, self._runner = send, runner

    def cut_all(self) -> None:
        """End every connection in the middle of what it carries, as a kill does."""
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def publish(self, topic: str, *said: Mapping[str, Any], key: str = "longgang") -> None:
        """Put records on a topic, and wait until the broker has them."""
        name = self.settings.prefix + topic
        sent = [await self._send(name, orjson.dumps(one), key=key.encode()) for one in said]
        await asyncio.gather(*sent)

    @asynccontextmanager
    async def signed_in(self, user: str) -> AsyncIterator["Client"]:
        jar = aiohttp.CookieJar(unsafe=True)  # an address, not a name
        async with aiohttp.ClientSession(self.url, cookie_jar=jar) as session:
            said = {"user": user, "password": PASSWORD}
            async with session.post("/api/v1/session", json=said) as answer:
                assert answer.status == 200, await answer.text()
                csrf = (await answer.json())["csrf"]
            yield Client(session, csrf)


class Client:
    """A browser that has signed in."""

    def __init__(self, session: aiohttp.ClientSession, csrf: str) -> None:
        self.session, self.csrf = session, csrf

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(path) as answer:
            raw = await answer.read()
            is_json = "json" in answer.content_type
            return answer.status, orjson.loads(raw) if is_json else raw.decode()

    async def post(self, path: str, said: Mapping[str, Any]) -> tuple[int, Any]:
        headers = {"X-CSRF-Token": self.csrf}
        async with self.session.post(path, json=said, headers=headers) as answer:
            return answer.status, await answer.json()

    def cookies(self) -> str:
        return "; ".join(f"{one.key}={one.value}" for one in self.session.cookie_jar)


class Stream:
    """A screen on server-sent events, as a vendor writes it."""

    def __init__(self) -> None:
        self.cursor = ""
        self.held: dict[str, dict[str, Any]] = {}
        self.kinds: list[str] = []

    async def read(
        self, client: Client, query: str, until: Callable[["Stream"], bool], cursor: str = ""
    ) -> None:
        headers = {"Last-Event-ID": cursor} if cursor else {}
        async with asyncio.timeout(WITHIN_S):
            async with client.session.get(f"/api/v1/stream?{query}", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                data = b""
                async for line, _ in answer.content.iter_chunks():
                    data += line
                    *whole, data = data.split(b"\n\n")
                    for event in whole:
                        self.take(orjson.loads(event.partition(b"data: ")[2]))
                    if until(self):
                        return

    def take(self, frame: Mapping[str, Any]) -> None:
        self.kinds.append(frame["type"])
        self.cursor = frame["cursor"]
        if frame["type"] in {"snapshot", "resync"}:
            self.held = {}
        for part in ("layers", "upserts"):
            for layer, items in frame.get(part, {}).items():
                self.held.setdefault(layer, {}).update({item["id"]: item for item in items})
        for layer, items in frame.get("changes", {}).items():
            for item in items:
                self.held[layer][item["id"]] |= item
        for layer, names in frame.get("removes", {}).items():
            for name in names:
                self.held[layer].pop(name, None)


@asynccontextmanager
async def running(settings: Settings, city: City) -> AsyncIterator[Gateway]:
    accounts = Accounts(settings.folder / "users.json")
    communities = {"LG-C001": 0, "LG-C002": 1}
    for user, role, areas in (
        ("desk", Role.DESK, ("*",)),
        ("viewer", Role.VIEWER, ("*",)),
        ("op1", Role.OPERATOR, ("LG-C001",)),
    ):
        if accounts.get(user) is None:
            accounts.add(Person(user, user, role, areas), PASSWORD, communities)
    runner = web.AppRunner(create_app(settings, city), shutdown_timeout=0.1)
    await runner.setup()
    try:
        async with topic_reader.producer(settings.broker) as producer:
            site = web.TCPSite(runner, settings.host, settings.port)
            await site.start()
            gateway = Gateway(settings, city, producer.send, runner)
            await until_ready(gateway)
            yield gateway
    finally:
        await runner.cleanup()


async def until_ready(gateway: Gateway) -> None:
    async with asyncio.timeout(WITHIN_S), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{gateway.url}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.1)


def now() -> str:
    return format_instant(time.time_ns() // 1_000_000)


def reading(code: str, kind: str, unit: str, value: float) -> dict[str, Any]:
    return {
        "source": "iot",
        "kind": kind,
        "subject": code,
        "event_time": now(),
        "value": value,
        "unit": unit,
    }


def incident(name: str, revision: int, **more: Any) -> dict[str, Any]:
    return {
        "source": "citybrain.incidents",
        "kind": "noise.exceeded",
        "subject": "square-central",
        "event_time": now(),
        "id": f"{name}-{revision}",
        "incident_id": name,
        "rule": "noise",
        "state": "open",
        "change": "opened" if revision == 0 else "updated",
        "severity": "Moderate",
        "revision": revision,
        "opened_time": now(),
        "created_time": now(),
        "first_seen_time": now(),
        "last_seen_time": now(),
        "alert_count": 1,
        "alert_ids": [],
        **more,
    }


def sensor_in(city: City, community: str, kind: str) -> str:
    for record in city.sensors.values():
        chain = city.areas.chain_at(record.lon_deg, record.lat_deg)
        if record.kind == kind and chain is not None and chain.community == community:
            return record.code
    raise AssertionError(f"no {kind} in {community}")


def test_a_screen_that_stops_reading_is_cut_and_comes_back_and_the_others_see_nothing_of_it(
    settings: Settings, city: City
) -> None:
    """Both look at 4,100 sensors that all change again and again; one takes nothing any more."""
    kinds = {"gas.combustible": "%LEL", "noise.laeq": "dB(A)", "manhole.tilt": "deg"}
    sensors = [
        (one.code, one.kind, kinds[one.kind]) for one in city.sensors.values() if one.kind in kinds
    ]
    query = f"layers=sensors&kinds={','.join(kinds)}"

    async def story() -> None:
        async with running(settings, city) as gateway, gateway.signed_in("desk") as client:
            stuck = socket.socket()
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stuck, ("127.0.0.1", gateway.port))
            ask = f"GET /api/v1/stream?{query} HTTP/1.1\r\nHost: here\r\n"
            ask += f"Cookie: {client.cookies()}\r\n\r\n"
            await loop.sock_sendall(stuck, ask.encode())
            heard = b""
            while b"\ndata: " not in heard or not heard.endswith(b"\n\n\r\n"):
                heard += await loop.sock_recv(stuck, 65_536)
            back = Stream()
            back.take(orjson.loads(heard.partition(b"\ndata: ")[2].partition(b"\n\n")[0]))

            good, over = Stream(), asyncio.Event()
            watching = asyncio.create_task(
                good.read(client, query, lambda s: over.is_set() and is_settled(s))
            )
            async with asyncio.timeout(WITHIN_S):
                value = 0
                while (await metric(client, "citybrain_screens_cut_total")) < 1:
                    value += 1
                    await gateway.publish(
                        topics.SENSOR_READINGS,
                        *(reading(*sensor, value % 20) for sensor in sensors),
                    )
            stuck.close()
            meanwhile = good.kinds.count("delta")
            await gateway.publish(
                topics.SENSOR_READINGS, *(reading(*sensor, 20.5) for sensor in sensors)
            )
            await back.read(client, query, is_settled, back.cursor)
            over.set()
            await watching

            async with asyncio.timeout(WITHIN_S):  # nobody is left behind
                while await metric(client, 'citybrain_screens_open{transport="sse"}'):
                    pass
            # The other had its news all the while.
            assert meanwhile >= 2
            # What it missed came at once, once: changes of what it had, no second snapshot.
            assert "resync" not in back.kinds
            assert "snapshot" not in back.kinds[1:]
            assert back.held["sensors"].keys() == good.held["sensors"].keys()

    asyncio.run(story())


def is_settled(stream: Stream) -> bool:
    """Whether the newest values of all sensors have come."""
    return all(item["value"] == 20.5 for item in stream.held["sensors"].values())


def has(stream: Stream, code: str, value: float) -> bool:
    return stream.held.get("sensors", {}).get(code, {}).get("value") == value


async def metric(client: Client, name: str) -> float:
    _, text = await client.get("/metrics")
    for line in text.splitlines():
        if line.startswith(name):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def test_each_sees_and_does_what_their_role_and_areas_allow(settings: Settings, city: City) -> None:
    """The same answer by REST, stream, WebSocket, search, export and the past."""
    mine, other = (sensor_in(city, f"LG-C00{i}", "smoke.alarm") for i in (1, 2))
    places = {
        name: {"lon_deg": city.sensors[code].lon_deg, "lat_deg": city.sensors[code].lat_deg}
        for name, code in (("inc-mine", mine), ("inc-other", other))
    }

    async def story() -> None:
        async with running(settings, city) as gateway:
            await gateway.publish(
                topics.SENSOR_READINGS_URGENT,
                reading(mine, "smoke.alarm", "1", 1),
                reading(other, "smoke.alarm", "1", 1),
            )
            for name, place in places.items():
                said = incident(name, 0, sentence=INJECTED, **place)
                await gateway.publish(topics.INCIDENTS, said)
                await gateway.publish(topics.INCIDENTS_LATEST, said, key=name)
            async with gateway.signed_in("desk") as desk, gateway.signed_in("op1") as operator:
                whole, own = Stream(), Stream()
                query = "layers=incidents,sensors&kinds=smoke.alarm,noise.exceeded"
                await whole.read(desk, query, lambda s: len(s.held.get("incidents", {})) == 2)
                await own.read(operator, query, lambda s: has(s, mine, 1))
                assert set(own.held["incidents"]) == {"inc-mine"}
                assert other in whole.held["sensors"]
                assert other not in own.held["sensors"]
                assert set(await over_websocket(operator)) == {"inc-mine"}

                for path, status in (
                    (f"/api/v1/sensors/{other}", 404),
                    (f"/api/v1/sensors/{other}/series", 404),
                    (f"/api/v1/sensors/{mine}", 200),
                    ("/api/v1/incidents/inc-other", 404),
                    ("/api/v1/incidents/inc-mine", 200),
                ):
                    assert (await operator.get(path))[0] == status, path
                    assert (await desk.get(path))[0] == 200, path
                _, table = await operator.get("/api/v1/export/incidents.csv")
                assert "inc-mine" in table
                assert "inc-other" not in table
                _, found = await operator.get("/api/v1/search?q=inc-")
                assert [hit["id"] for hit in found["found"]] == ["inc-mine"]
                _, past = await operator.get(f"/api/v1/history?at={now()}&layers=incidents")
                assert [one["id"] for one in past["layers"]["incidents"]] == ["inc-mine"]
                _, blind = await operator.get("/api/v1/blind?kind=smoke.alarm")
                assert {one["micro_grid"] for one in blind["kinds"]["smoke.alarm"]["micro_grids"]}
                assert all(
                    city.areas.chain_of(one["micro_grid"]).community == "LG-C001"
                    for one in blind["kinds"]["smoke.alarm"]["micro_grids"]
                )
                await check_personal_data(gateway, desk)
                await check_commands(gateway, desk, operator)
                await check_example(gateway)
        assert verify(settings.folder / "audit.jsonl").fault is None

    asyncio.run(story())


async def over_websocket(client: Client) -> dict[str, Any]:
    """Return the incidents that a WebSocket shows."""
    async with client.session.ws_connect("/api/v1/ws") as ws:
        await ws.send_json({"subscribe": {"layers": ["nonsense"]}})
        assert (await ws.receive_json())["type"] == "error"
        await ws.send_json({"subscribe": {"layers": ["incidents"]}})
        frame = await ws.receive_json(timeout=WITHIN_S)
        assert frame["type"] == "snapshot"
        return {item["id"]: item for item in frame["layers"]["incidents"]}


async def check_example(gateway: Gateway) -> None:
    """The program of docs/screens.md, run as it stands there."""
    example = Path(__file__).parents[2] / "docs" / "examples" / "screen_client.py"
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        str(example),
        gateway.url,
        "desk",
        PASSWORD,
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            line = await program.stdout.readline()
            assert line == b"snapshot {'alerts': 0, 'incidents': 2}\n"
            large = incident("inc-3", 0, sentence="Water. " * 100_000)
            await gateway.publish(topics.INCIDENTS_LATEST, large, key="inc-3")
            while line != b"delta {'alerts': 0, 'incidents': 3}\n":
                line = await program.stdout.readline()
                assert line, "the program ended"
            gateway.cut_all()
            while not line.startswith(b"cut off"):
                line = await program.stdout.readline()
                assert line, "the program ended"
            assert await program.stdout.readline() == b"health {'alerts': 0, 'incidents': 3}\n"
    finally:
        program.kill()
        await program.wait()


async def check_personal_data(gateway: Gateway, desk: Client) -> None:
    subject, record = next((s, r) for s, r in gateway.city.vessels.items() if r.phone)
    async with gateway.signed_in("viewer") as viewer:
        _, card = await viewer.get(f"/api/v1/vessels/{subject}")
        assert card["skipper"] != record.skipper
        assert (await viewer.post(f"/api/v1/vessels/{subject}/reveal", {"reason": "why not"}))[
            0
        ] == 403
    status, card = await desk.get(f"/api/v1/vessels/{subject}")
    assert (status, card["skipper"]) == (200, record.skipper)
    assert record.phone not in orjson.dumps(card).decode()
    assert (await desk.post(f"/api/v1/vessels/{subject}/reveal", {}))[0] == 400
    status, said = await desk.post(
        f"/api/v1/vessels/{subject}/reveal", {"reason": "no answer on VHF 16"}
    )
    assert (status, said) == (200, {"phone": record.phone})
    log = (gateway.settings.folder / "audit.jsonl").read_text()
    assert "no answer on VHF 16" in log
    assert record.phone not in log


async def check_commands(gateway: Gateway, desk: Client, operator: Client) -> None:
    """The command reaches its topic signed; its answer comes as an event, to whom it concerns."""
    silence = {
        "topic": "incident",
        "action": "silence",
        "kinds": ["noise.*"],
        "reason": "a festival",
        "until_time": now(),
    }
    async with desk.session.post("/api/v1/commands", json=silence) as answer:
        assert answer.status == 403  # without the token
    assert (await operator.post("/api/v1/commands", silence))[0] == 403
    accept = {"topic": "case", "action": "accept", "subject": "case-of-nobody"}
    assert (await operator.post("/api/v1/commands", accept))[0] == 404
    assert (await desk.post("/api/v1/commands", {**silence, "nonsense": 1}))[0] == 400
    assert (await desk.post("/api/v1/commands", {**silence, "by": "somebody"}))[0] == 400
    for nobody in ("somebody", "op1"):
        assert (await desk.post("/api/v1/commands", {**silence, "second": nobody}))[0] == 403
    status, said = await desk.post("/api/v1/commands", {**silence, "id": "command-1"})
    assert (status, said) == (202, {"command_id": "command-1"})
    reader = topic_reader.read(
        gateway.settings.broker,
        [gateway.settings.prefix + topics.INCIDENT_COMMANDS],
        from_beginning=True,
        until_end=True,
    )
    (sent,) = [orjson.loads(record.value) async for records in reader for record in records]
    assert (sent["by"], sent["role"], sent["id"]) == ("desk", "desk", "command-1")
    reply = {
        "source": "citybrain.incidents",
        "kind": "command.reply",
        "subject": "longgang",
        "event_time": now(),
        "command_id": "command-1",
        "action": "silence",
        "accepted": False,
        "reason": "too-short",
    }
    await gateway.publish(topics.CASE_REPLIES, reply)
    stream = Stream()
    await stream.read(desk, "layers=commands", lambda s: "command-1" in s.held.get("commands", {}))
    assert stream.held["commands"]["command-1"]["accepted"] is False


def test_after_the_gateway_is_gone_and_back_a_screen_starts_over_with_the_session_it_had(
    settings: Settings, city: City
) -> None:
    async def story() -> None:
        async with running(settings, city) as gateway:
            first = incident("inc-1", 0)
            odd = {**incident("inc-odd", 0), "revision": "first"}
            await gateway.publish(topics.INCIDENTS, odd, first)
            await gateway.publish(topics.INCIDENTS_LATEST, first, key="inc-1")
            async with gateway.signed_in("desk") as client:
                stream, jar = Stream(), client.session.cookie_jar
                await stream.read(
                    client, "layers=incidents", lambda s: "inc-1" in s.held.get("incidents", {})
                )
                cookies = {one.key: one.value for one in jar}
        before = now()
        await asyncio.sleep(1.1)  # the broker's clock must have gone on
        async with running(settings, city) as gateway:
            later = incident("inc-1", 1, state="resolved", change="resolved")
            await gateway.publish(topics.INCIDENTS, later)
            await gateway.publish(topics.INCIDENTS_LATEST, later, key="inc-1")
            async with aiohttp.ClientSession(gateway.url, cookies=cookies) as session:
                client = Client(session, "")
                back = Stream()
                await back.read(
                    client,
                    "layers=incidents",
                    lambda s: s.held.get("incidents", {}).get("inc-1", {}).get("revision") == 1,
                    stream.cursor,
                )
                assert back.kinds[:2] == ["resync", "snapshot"]
                _, past = await client.get(f"/api/v1/history?at={before}&layers=incidents")
                assert [one["open"] for one in past["layers"]["incidents"]] == [True]
                _, past = await client.get(f"/api/v1/history?at={now()}&layers=incidents")
                assert [one["open"] for one in past["layers"]["incidents"]] == [False]

    asyncio.run(story())
