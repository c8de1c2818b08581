"""Webhooks from a real Kafka to real HTTP servers, some of which behave badly."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy import topic_reader
from schemas.alerts import Alert
from schemas.codec import decode, encode
from schemas.deadletter import DeadLetter
from schemas.examples import EXAMPLES
from schemas.records import Reason, Stage
from schemas.topics import ALERTS, DEADLETTER
from screens.webhooks.courier import GROUP, Kafka
from screens.webhooks.endpoints import Endpoint, Endpoints
from screens.webhooks.metrics import WebhookMetrics
from screens.webhooks.serve import serve

pytestmark = pytest.mark.kafka

SECRET = b"0123456789abcdef0123456789abcdef"
LOOPBACK = ("127.0.0.0/8",)
DAY_MS = 86_400_000


class Receiver:
    """An endpoint of somebody: keeps what it took, and answers as it is told."""

    def __init__(self):
        self.taken = []
        self.attempts = []
        self.answers = []
        self.hangs = False

    async def post(self, request):
        body = await request.read()
        self.attempts.append(request.headers["webhook-id"])
        if self.hangs:
            await asyncio.sleep(3600)
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.taken.append((dict(request.headers), body))
        headers = {"location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)

    async def elsewhere(self, request):
        self.attempts.append("elsewhere")
        return web.Response()

    @asynccontextmanager
    async def open(self):
        app = web.Application()
        app.router.add_post("/hook", self.post)
        app.router.add_route("*", "/elsewhere", self.elsewhere)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        try:
            yield f"http://localhost:{port}/hook"
        finally:
            await runner.cleanup()


def endpoint(name, url, **given):
    facts = {"topics": (ALERTS,), "secrets": (SECRET,), "where": {}, "timeout_s": 1.0}
    return Endpoint(name=name, url=url, **(facts | given))


def total(metrics, name, **labels):
    return metrics.registry.get_sample_value(f"citybrain_webhook_{name}_total", labels) or 0


@asynccontextmanager
async def told(kafka, *endpoints, allowed=LOOPBACK):
    """Run the webhooks of some endpoints; every one of them has its place when this is entered."""
    metrics, over = WebhookMetrics(), asyncio.Event()
    place = Kafka(kafka.address, kafka.prefix)
    running = asyncio.create_task(serve(Endpoints(tuple(endpoints), allowed), place, metrics, over))
    try:
        await until_placed(kafka, endpoints)
        yield metrics
    finally:
        over.set()
        await asyncio.wait_for(running, 60)  # whoever hangs is not waited for


async def until_placed(kafka, endpoints):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    deadline = time.monotonic() + 60
    try:
        for one in endpoints:
            group = f"{kafka.prefix}{GROUP}{one.name}"
            placed = {}
            while not placed:
                assert time.monotonic() < deadline, f"{group} has no place"
                await asyncio.sleep(0.1)
                with contextlib.suppress(KafkaError):  # the first group of a broker takes a while
                    placed = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()


async def is_carried_by(kafka, name, count):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        (said,) = await admin.describe_consumer_groups([f"{kafka.prefix}{GROUP}{name}"])
    finally:
        await admin.close()
    _, _, state, _, _, members, *_ = said.groups[0]
    return state == "Stable" and len(members) == count


async def alert(kafka, name, at_ms=None, **said):
    (example,) = EXAMPLES[Alert]
    wire = json.loads(encode(example)) | {"id": name} | said
    async with topic_reader.producer(kafka.address) as producer:
        await producer.send_and_wait(
            kafka.prefix + ALERTS, json.dumps(wire).encode(), key=b"c", timestamp_ms=at_ms
        )


def ids(receiver):
    return [headers["webhook-id"] for headers, _ in receiver.taken]


def test_every_alert_comes_signed_and_one_that_hangs_holds_up_nobody(kafka, until):
    good, hung, picky = Receiver(), Receiver(), Receiver()
    hung.hangs = True

    async def story():
        async with good.open() as one, hung.open() as two, picky.open() as three:
            chosen = endpoint("picky", three, where={"severity": ("Extreme",)})
            hour = endpoint("hour", two, timeout_s=3600.0)
            everybody = (endpoint("good", one), endpoint("hung", two), chosen, hour)
            async with told(kafka, *everybody) as metrics:
                for number in range(20):
                    severity = "Extreme" if number == 7 else "Minor"
                    await alert(kafka, f"many-{number}", severity=severity)
                await until("twenty alerts", lambda: len(good.taken) == 20)
                left_out = {"endpoint": "picky"}
                await until("the rest", lambda: total(metrics, "skipped", **left_out) == 19)
                await until("attempt", lambda: len(hung.attempts) >= 3)
            return metrics

    metrics = asyncio.run(story())

    assert ids(good) == [f"many-{number}" for number in range(20)]
    assert ids(picky) == ["many-7"]
    assert hung.taken == []
    assert set(hung.attempts) == {"many-0"}
    for headers, body in good.taken:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
        assert headers["citybrain-topic"] == "alerts"
    assert total(metrics, "delivered", endpoint="good", topic="alerts") == 20
    assert total(metrics, "failed_attempts", endpoint="hung", answer="timeout") >= 1


def test_what_was_not_taken_before_an_end_is_delivered_by_the_next_run_under_its_id(kafka, until):
    receiver = Receiver()
    receiver.answers = [200, 503]

    async def story():
        async with receiver.open() as url:
            desk = endpoint("again", url)
            async with told(kafka, desk):
                await alert(kafka, "first")
                await alert(kafka, "second")
                await until("refusal", lambda: len(receiver.attempts) >= 2)
            before = list(ids(receiver))
            receiver.answers = []
            await alert(kafka, "third, while nobody ran")
            async with told(kafka, desk):
                await until("the rest", lambda: len(receiver.taken) >= 3)
            return before

    before = asyncio.run(story())

    assert before[:1] == ["first"]
    assert ids(receiver) == ["first", "second", "third, while nobody ran"]
    assert receiver.attempts.count("second") >= 2


def test_nothing_is_passed_over_when_a_second_carrier_comes_and_goes(kafka, until):
    receiver = Receiver()
    receiver.answers = [503] * 1000

    async def story():
        async with receiver.open() as url:
            desk = endpoint("shared", url)
            async with told(kafka, desk):
                for name in ("one", "two", "three"):
                    await alert(kafka, name)
                await until("a wait", lambda: len(receiver.attempts) >= 2)
                async with told(kafka, desk):
                    await until("both", lambda: is_carried_by(kafka, "shared", 2))
                await until("one again", lambda: is_carried_by(kafka, "shared", 1))
                seen = len(receiver.attempts)
                await until("another attempt", lambda: len(receiver.attempts) > seen)
                receiver.answers = []
                await until("all three", lambda: len(set(ids(receiver))) == 3)

    asyncio.run(story())

    assert list(dict.fromkeys(ids(receiver))) == ["one", "two", "three"]


def test_what_is_never_taken_becomes_a_dead_letter_and_the_next_goes_on(kafka, until):
    receiver = Receiver()
    receiver.answers = [503, 302, 200]

    async def story():
        async with receiver.open() as url, told(kafka, endpoint("patient", url)) as metrics:
            yesterday_ms = time.time_ns() // 1_000_000 - DAY_MS - 1000
            await alert(kafka, "a day old", at_ms=yesterday_ms)
            await alert(kafka, "fresh")
            await until("delivery", lambda: receiver.taken)
        return metrics, [decode(DeadLetter, one.value) for one in await kafka.read(DEADLETTER)]

    metrics, letters = asyncio.run(story())
    (letter,) = [one for one in letters if one.stage is Stage.DELIVER]

    assert receiver.attempts == ["a day old", "fresh", "fresh"]  # the redirect was not followed
    assert (letter.topic, letter.reason) == (ALERTS, Reason.UNDELIVERED)
    assert "patient" in letter.hint
    assert json.loads(base64.b64decode(letter.value))["id"] == "a day old"
    assert total(metrics, "dead_letters", endpoint="patient") == 1
    assert total(metrics, "failed_attempts", endpoint="patient", answer="redirect") == 1


def test_a_private_address_behind_a_name_gets_no_connection_unless_it_is_allowed(kafka, until):
    receiver = Receiver()

    async def story():
        async with receiver.open() as url:
            async with told(kafka, endpoint("inward", url), allowed=()) as metrics:
                await alert(kafka, "secret")
                failed = {"endpoint": "inward", "answer": "address-refused"}
                await until("refusal", lambda: total(metrics, "failed_attempts", **failed) >= 2)
            refused = list(receiver.attempts)
            async with told(kafka, endpoint("inward", url)):
                await until("delivery", lambda: receiver.taken)
        return refused

    refused = asyncio.run(story())

    assert refused == []
    assert ids(receiver) == ["secret"]
