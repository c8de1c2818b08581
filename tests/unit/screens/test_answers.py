"""What every answer of the gateway says, also while there is no Kafka."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.cities import load_city
from screens.access.accounts import Accounts
from screens.access.people import Person, Role
from screens.api.session import THROTTLE
from screens.app import create_app
from screens.settings import Settings
from streams.city.model import City

PASSWORD = "long-enough-for-tests"  # noqa: S105 - of an account that lives for a test
Talk = Callable[[TestClient], Awaitable[None]]  # type: ignore[type-arg]  # aiohttp's own


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


def serve(city: City, folder: Path, talk: Talk, *, behind_tls: bool = False) -> None:
    """Let `talk` talk to a gateway whose Kafka does not answer."""
    settings = Settings("127.0.0.1:1", "", folder, behind_tls=behind_tls)
    accounts = Accounts(settings.folder / "users.json")
    accounts.add(Person("desk", "desk", Role.DESK, ("*",)), PASSWORD, ())

    async def story() -> None:
        async with TestClient(TestServer(create_app(settings, city))) as client:
            await talk(client)

    asyncio.run(story())


def test_nothing_is_told_to_whoever_has_not_signed_in(city: City, tmp_path: Path) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        for path in ("stream", "ws", "me", "city", "export/alerts.csv", "search?q=a", "history"):
            answer = await client.get(f"/api/v1/{path}")
            assert answer.status == 401, path
        for method, path in (("POST", "commands"), ("DELETE", "session"), ("GET", "nonsense")):
            assert (await client.request(method, f"/api/v1/{path}")).status == 401, path

    serve(city, tmp_path, talk)


def test_every_answer_forbids_what_is_not_its_own(city: City, tmp_path: Path) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        for path in ("/", "/healthz", "/openapi.json", "/nonsense", "/api/v1/me", "/..%2fapp.py"):
            answer = await client.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
        assert (await client.get("/..%2fapp.py")).status == 404

    serve(city, tmp_path, talk)


def test_a_guesser_waits_longer_and_longer_and_the_page_of_another_site_gets_nowhere(
    city: City, tmp_path: Path
) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        form = await client.post("/api/v1/session", data={"user": "desk", "password": PASSWORD})
        assert form.status == 415  # what a form of another site could send
        right = {"user": "desk", "password": PASSWORD}
        signed_in = await client.post("/api/v1/session", json=right)
        cookie = signed_in.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        other = await client.get("/api/v1/ws", headers={"Origin": "https://elsewhere.example"})
        assert other.status == 403
        wrong = {"user": "desk", "password": "guessed"}
        for _ in range(5):
            assert (await client.post("/api/v1/session", json=wrong)).status == 401
        throttle = client.app[THROTTLE]  # type: ignore[index]  # some more, so that it lasts
        for _ in range(5):
            throttle.fail(("desk",), time.monotonic())
        answer = await client.post("/api/v1/session", json=right)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1

    serve(city, tmp_path, talk)


def test_many_guesses_at_once_are_no_more_than_one_after_another(
    city: City, tmp_path: Path
) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        wrong = {"user": "desk", "password": "guessed"}
        answers = await asyncio.gather(
            *(client.post("/api/v1/session", json=wrong) for _ in range(20))
        )

        judged = [answer.status for answer in answers].count(401)
        assert 5 <= judged < 10  # few more than five: one beside the fifth, some after a wait

    serve(city, tmp_path, talk)


def test_whoever_is_named_like_an_address_keeps_nobody_at_it_waiting(
    city: City, tmp_path: Path
) -> None:
    async def attempt(client: TestClient, user: str, password: str, by: str) -> int:  # type: ignore[type-arg]
        headers = {"X-Forwarded-For": by}
        said = {"user": user, "password": password}
        return (await client.post("/api/v1/session", json=said, headers=headers)).status

    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        for number in range(5):
            by = f"192.0.2.{number}"
            assert await attempt(client, "from 198.51.100.7", "guessed", by) == 401
        assert await attempt(client, "desk", PASSWORD, "198.51.100.7") == 200

    serve(city, tmp_path, talk, behind_tls=True)


def test_behind_a_proxy_a_guesser_keeps_only_their_own_address_waiting(
    city: City, tmp_path: Path
) -> None:
    async def attempt(client: TestClient, user: str, password: str, by: str) -> int:  # type: ignore[type-arg]
        said = {"user": user, "password": password}
        headers = {"X-Forwarded-For": f"198.51.100.1, {by}"}
        return (await client.post("/api/v1/session", json=said, headers=headers)).status

    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        for number in range(5):
            assert await attempt(client, f"user-{number}", "guessed", "192.0.2.7") == 401
        assert await attempt(client, "desk", PASSWORD, "192.0.2.7") == 429
        assert await attempt(client, "desk", PASSWORD, "192.0.2.8") == 200

    serve(city, tmp_path, talk, behind_tls=True)


def test_whoever_signed_out_or_got_a_new_password_must_sign_in_again(
    city: City, tmp_path: Path
) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        right = {"user": "desk", "password": PASSWORD}
        csrf = (await (await client.post("/api/v1/session", json=right)).json())["csrf"]
        stolen = client.session.cookie_jar.filter_cookies(client.make_url("/"))
        cookie = {name: morsel.value for name, morsel in stolen.items()}
        assert (await client.get("/api/v1/me")).status == 200
        out = await client.delete("/api/v1/session", headers={"X-CSRF-Token": csrf})
        assert out.status == 200
        assert (await client.get("/api/v1/me", cookies=cookie)).status == 401

        await client.post("/api/v1/session", json=right)
        assert (await client.get("/api/v1/me")).status == 200
        person = Person("desk", "desk", Role.DESK, ("*",))
        Accounts(tmp_path / "screens" / "users.json").add(person, PASSWORD, ())
        assert (await client.get("/api/v1/me")).status == 401

    serve(city, tmp_path, talk)


def test_a_worker_says_how_the_units_of_the_own_community_stand_and_no_others(
    city: City, tmp_path: Path
) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        worker = Person("worker", "worker", Role.OPERATOR, ("LG-C001",))
        Accounts(tmp_path / "screens" / "users.json").add(worker, PASSWORD, {"LG-C001"})
        right = {"user": "worker", "password": PASSWORD}
        csrf = (await (await client.post("/api/v1/session", json=right)).json())["csrf"]

        async def stands(unit: str, **said: object) -> tuple[int, str]:
            path, headers = f"/api/v1/field/units/{unit}", {"X-CSRF-Token": csrf}
            async with client.post(path, json=said, headers=headers) as answer:
                return answer.status, (await answer.json())["error"]["reason"]

        assert await stands("LG-C001-team", state="free") == (503, "broker"), "Kafka is away"
        assert await stands("LG-C050-team", state="off") == (403, "unit")
        assert await stands("LG-fire", state="off") == (403, "unit")
        assert await stands("LG-C001-team", state="asleep") == (400, "bad-command")

    serve(city, tmp_path, talk)


def test_a_screen_that_can_be_told_nothing_any_more_is_cut_and_not_left_open(
    city: City, tmp_path: Path
) -> None:
    async def talk(client: TestClient) -> None:  # type: ignore[type-arg]
        right = {"user": "desk", "password": PASSWORD}
        await client.post("/api/v1/session", json=right)
        socket = await client.ws_connect("/api/v1/ws")
        await socket.send_json({"subscribe": {"layers": ["alerts"]}})
        assert (await socket.receive_json(timeout=60))["type"] == "snapshot"

        (tmp_path / "screens" / "users.json").write_text("no accounts")

        async with asyncio.timeout(60):
            while not socket.closed:
                await socket.receive()

    serve(city, tmp_path, talk)
