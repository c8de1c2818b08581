"""The HTTP door and its client on real sockets while no Kafka answers at all."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from deploy.cities import load_city
from deploy.intake import Plan, keep_open
from feeds.client import Client, DoorError, SpoolFullError
from feeds.intake.keys import Key, KeyFile


class Place(NamedTuple):
    url: str
    token: str


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give an open door whose Kafka is away."""
    folder = tmp_path_factory.mktemp("door")
    key = Key(id="", label="", sha256="", sources=("noise",))
    token = KeyFile(folder / "keys.json").add(key, 0)
    plan = Plan("127.0.0.1:9", "", "127.0.0.1", 0, folder / "keys.json", folder / "intake")
    over, opened, ports = threading.Event(), threading.Event(), list[int]()

    def told(port: int) -> None:
        ports.append(port)
        opened.set()

    async def serve() -> None:
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_open(load_city(), plan, told, ended))
            await asyncio.to_thread(over.wait)
            ended.set()

    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    assert opened.wait(60)
    yield Place(f"http://127.0.0.1:{ports[0]}", token)
    over.set()
    server.join(60)


def reading(**said: Any) -> dict[str, Any]:
    return {
        "source": "noise",
        "kind": "noise.laeq",
        "subject": "m-1",
        "event_time": datetime.now(UTC).isoformat(),
        "value": 61.5,
        "unit": "dB(A)",
    } | said


async def answers(place: Place, *bodies: Any) -> list[tuple[int, Any, str | None]]:
    """Return status, body and Retry-After of requests that are sent all at once."""
    headers = {"Authorization": f"Bearer {place.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def post(body: Any) -> tuple[int, Any, str | None]:
            async with session.post(f"{place.url}/v1/events", json=body) as answer:
                told = await answer.json(content_type=None)
                return answer.status, told, answer.headers.get("Retry-After")

        return await asyncio.gather(*map(post, bodies))


def test_good_events_are_never_answered_for_and_bad_ones_are(door: Place) -> None:
    good, mixed, bad = asyncio.run(
        answers(door, [reading()], [reading(), reading(unit="m")], [reading(unit="m")])
    )

    assert (good[0], good[1]["code"]) == (503, "broker-down")
    assert int(good[2] or 0) >= 1
    assert mixed[0] == 503
    assert bad[0] in (422, 503)  # it may share a batch with the good one


def test_requests_that_are_judged_together_get_each_its_own_verdicts(door: Place) -> None:
    sizes = [1, 3, 2, 1, 15, 17, 40] * 6
    wrong = [[reading(unit=f"u{n}-{i}") for i in range(size)] for n, size in enumerate(sizes)]

    for n, (status, body, _) in enumerate(asyncio.run(answers(door, *wrong))):
        assert status == 422
        assert [one["index"] for one in body["verdicts"]] == list(range(sizes[n]))
        for i, one in enumerate(body["verdicts"]):
            assert f"'u{n}-{i}'" in one["hint"]


def test_a_client_keeps_what_is_not_answered_for_and_tells_what_is_refused(
    door: Place, tmp_path: Path
) -> None:
    refused: list[str] = []

    def tell(event: Any, verdict: Any) -> None:
        refused.append(f"{event['subject']} {verdict['code']}")

    first = Client(door.url, door.token, tmp_path / "spool.db", on_refused=tell)
    first.send(reading(subject="m-bad", unit="m"))
    assert first.flush(60)
    first.send(reading(subject="m-good"))
    assert not first.flush(0.5)
    first.close(0)
    again = Client(door.url, "cb_00000000_x", tmp_path / "spool.db")

    assert refused == ["m-bad unknown-unit"]
    assert len(again.spool) == 1
    with pytest.raises(DoorError, match="401"):
        again.flush(60)
    assert len(again.spool) == 1
    again.close(0)


def test_a_client_in_the_background_delivers_more_than_a_batch(door: Place, tmp_path: Path) -> None:
    refused: list[Any] = []

    with Client(
        door.url, door.token, tmp_path / "s.db", on_refused=lambda event, _: refused.append(event)
    ) as client:
        for number in range(1200):
            client.send(reading(id=str(number), unit="m"))
        assert client.flush(60)

    assert [int(event["id"]) for event in refused] == list(range(1200))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_fails_in_the_background_is_told_to_whoever_sends_next(
    door: Place, tmp_path: Path
) -> None:
    def fail(event: Any, verdict: Any) -> None:
        raise ZeroDivisionError

    with Client(door.url, door.token, tmp_path / "s.db", on_refused=fail) as client:
        pump = next(one for one in threading.enumerate() if one.name == "citybrain-client")
        client.send(reading(unit="m"))
        pump.join(60)
        with pytest.raises(ZeroDivisionError):
            client.send(reading())

    again = Client(door.url, door.token, tmp_path / "s.db")
    assert len(again.spool) == 1
    again.close(0)


class Portal(BaseHTTPRequestHandler):
    """Somebody between a client and its door who says yes to everything, in HTML."""

    def do_POST(self) -> None:
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def test_a_yes_without_a_verdict_answers_for_nothing(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Portal) as portal:
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        client = Client(f"http://127.0.0.1:{portal.server_port}", "cb_x_y", tmp_path / "s.db")
        client.send({})
        is_answered_for = client.flush(0.5)
        portal.shutdown()

    assert not is_answered_for
    assert len(client.spool) == 1
    client.close(0)


def test_a_full_spool_takes_no_more(tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:9", "cb_x_y", tmp_path / "s.db", most_spooled=2)
    client.send({})
    client.send({})

    with pytest.raises(SpoolFullError):
        client.send({})
    assert len(client.spool) == 2
    client.close(0)


def test_an_address_is_one_of_http(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no address"):
        Client("127.0.0.1:8087", "key", tmp_path / "s.db")
