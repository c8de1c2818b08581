"""The command side on a real Kafka: `citybrain case` drives a case from its order to its end."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest
from aiohttp import web
from aiokafka import TopicPartition
from click.testing import CliRunner

from deploy import topic_reader, topics_admin
from deploy.cities import load_city
from deploy.cli import cli
from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import until_ready
from schemas import codec
from schemas.alerts import Severity
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.kpi import Kpi
from schemas.topics import CASE_EVENTS, INCIDENTS, INCIDENTS_LATEST, KPI, TOPICS
from screens.access.accounts import Accounts
from screens.access.people import Person, Role
from screens.app import create_app
from screens.settings import Settings
from streams.matters.dispatch import case_id_of

pytestmark = pytest.mark.kafka

READY_S = 120.0
PASSWORD = "long-enough-for-tests"  # noqa: S105 - of an account that lives for a test
GIVEN = "--timeout", "90"


@pytest.fixture(scope="module")
def place(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a Kafka with the agents of cases and their figures."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    at = Place(broker, prefix, tmp_path_factory.mktemp("agents"))
    with Fleet(at, ["dispatch", "kpi"]) as fleet:
        asyncio.run(until_ready(fleet, ["dispatch", "kpi"], READY_S))
        yield at


def case(place: Place, *arguments: str) -> tuple[int, str]:
    told = CliRunner().invoke(
        cli, ["case", *arguments, "--broker", place.address, "--prefix", place.prefix]
    )
    assert told.exception is None or isinstance(told.exception, SystemExit), told.output
    return told.exit_code, told.output


async def send(place: Place, topic: str, value: bytes) -> None:
    async with topic_reader.producer(place.address) as sender:
        await sender.send_and_wait(place.prefix + topic, value, key=b"longgang")


def an_incident(name: str) -> Incident:
    at_ms = time.time_ns() // 1_000_000
    return Incident(
        source="citybrain.incidents", kind="gas.exceeded", subject=f"gas-{name}", rule="threshold",
        incident_id=name, state=IncidentState.OPEN, change=IncidentChange.OPENED,
        severity=Severity.SEVERE, revision=1, event_time_ms=at_ms, opened_time_ms=at_ms - 9_000,
        created_time_ms=at_ms, first_seen_time_ms=at_ms, last_seen_time_ms=at_ms, alert_count=1,
        alert_ids=("a",), lon_deg=120.553, lat_deg=27.575, sentence="31 %LEL at the market",
    )  # fmt: skip


async def forge(place: Place) -> None:
    """Append a step again in which one byte was changed."""
    part = TopicPartition(place.prefix + CASE_EVENTS, 0)
    reader = topic_reader.read(place.address, [part.topic], from_beginning=True, until_end=True)
    values = [record.value async for batch in reader for record in batch]
    await send(place, CASE_EVENTS, values[2].replace(b"worker-31", b"worker-32"))


def live_figures(place: Place) -> dict[str, Kpi]:
    async def newest() -> dict[str, Kpi]:
        reader = topic_reader.read(
            place.address, [place.prefix + KPI], from_beginning=True, until_end=True
        )
        values = [one.value async for batch in reader for one in batch]
        return {kpi.subject: kpi for kpi in (codec.decode(Kpi, value) for value in values)}

    return asyncio.run(newest())


def as_live(told: dict[str, Any]) -> dict[str, Any]:
    """Return of a report what the live figures say too."""
    promises = {name: one for name, one in told["promises"].items() if name != "all"}
    clocks = {name: (one["due"], one["due"] - one["broken"]) for name, one in promises.items()}
    facts = ("cases", "ended", "ended_at_community", "share_at_community", "returns", "reopens")
    return {name: told[name] for name in facts} | {
        "clocks": {name: counts for name, counts in clocks.items() if counts[0]}
    }


def of_kpi(kpi: Kpi) -> dict[str, Any]:
    facts = ("cases", "ended", "ended_at_community", "share_at_community", "returns", "reopens")
    clocks = {one.clock: (one.due, one.kept) for one in kpi.clocks}
    return {name: getattr(kpi, name) for name in facts} | {"clocks": clocks}


def report(place: Place, file: Path) -> dict[str, Any]:
    code, said = case(place, "report", "--by", "community", "--json", str(file))
    assert code == 0, said
    assert "合计 all" in said
    told: dict[str, Any] = orjson.loads(file.read_bytes())
    return told


def test_a_case_is_driven_watched_and_proved_from_a_terminal(place: Place, tmp_path: Path) -> None:
    asyncio.run(send(place, INCIDENTS, codec.encode(an_incident("i-1"))))
    key = case_id_of("i-1")
    drive(place, key)
    ask_many(place)

    assert case(place, "verify") == (0, "4 cases, 0 findings\n")
    agrees(place, tmp_path / "report.json")
    asyncio.run(forge(place))
    code, found = case(place, "verify")
    assert code == 1
    assert f"{key} step 2: changed" in found
    assert report(place, tmp_path / "report.json")["left_out"] == []
    counts_a_complaint_of_a_square(place)


def counts_a_complaint_of_a_square(place: Place) -> None:
    square = load_city().venues["square-central"]
    complaint = msgspec.structs.replace(
        an_incident("i-ticket"), kind="complaint.noise", subject="12345-1", lon_deg=square.lon_deg,
        lat_deg=square.lat_deg,
    )  # fmt: skip
    asyncio.run(send(place, INCIDENTS_LATEST, codec.encode(complaint)))

    told = [orjson.loads(line) for line in case(place, "venues", "--json")[1].splitlines()]
    assert [(one["venue"], one["complaints"]) for one in told] == [("square-central", 1)]
    assert "1 of" in case(place, "venues")[1]


def agrees(place: Place, file: Path) -> None:
    """What is counted from the log is what the agent says live, of the city and of each area."""
    given_up_s = time.monotonic() + READY_S
    while time.monotonic() < given_up_s:
        live, told = live_figures(place), report(place, file)
        areas = {one["name"]: as_live(one) for one in told["by"]["community"]}
        mine = {"longgang": as_live(told)} | {a: one for a, one in areas.items() if a != "-"}
        theirs = {code: of_kpi(kpi) for code, kpi in live.items() if kpi.level == "area"}
        if mine == theirs:
            break
        time.sleep(0.5)  # it counts what it has read so far
    assert mine == theirs
    assert (told["cases"], told["left_out"]) == (4, [])
    assert told["promises"]["all"] == {"due": 4, "broken": 0, "share": 0.0}
    assert set(told["stages"]) == {"respond", "order", "depart", "on-site", "handled", "whole"}


def drive(place: Place, key: str) -> None:
    """From a refusal over a photo to the end, all of it to be read in the story."""

    # The reply comes after the incident: both topics are of one partition's agent.
    refused = case(place, "act", key, "handle", "--by", "worker-31", *GIVEN)
    for _ in range(60):
        if "unknown-case" not in refused[1]:
            break
        time.sleep(0.5)
        refused = case(place, "act", key, "handle", "--by", "worker-31", *GIVEN)
    assert refused[0] == 1
    assert "refused: illegal-move: handle while dispatched; possible: accept" in refused[1]

    for action in ("accept", "depart", "arrive"):
        assert case(place, "act", key[:13], action, "--by", "worker-31", *GIVEN)[0] == 0
    assert case(place, "act", "ffff", "accept", "--by", "worker-31")[0] == 3
    photo = ("--photo", "photos/valve.jpg", "--id", "my-own-id")
    assert case(place, "act", key, "handle", "--by", "worker-31", *photo, *GIVEN)[0] == 0
    assert case(place, "act", key, "handle", "--by", "worker-31", *photo, *GIVEN)[0] == 0
    assert case(place, "list")[1].endswith("1 cases\n")
    assert case(place, "act", key, "close", "--by", "worker-31", *GIVEN)[0] == 0

    code, shown = case(place, "show", key[:8])
    assert code == 0
    assert "已结案 closed · stage evaluate" in shown
    assert "凭据 proof     photo" in shown
    told = orjson.loads(case(place, "show", key, "--json")[1])
    steps = [event["action"] for event in told["events"]]
    assert steps == [
        "opened", "issued", "accept", "depart", "arrive", "handle", "verified", "close",
    ]  # fmt: skip
    assert case(place, "list")[1] == "0 cases, 1 ended (--all)\n"


def ask_many(place: Place) -> None:
    """A task of the city, a whistle, a visit, supervision."""
    # 市级任务"一键达": one step to two communities; who has not answered stands in the list.
    asked = ("--by", "mayor", "--role", "desk", "--text", "check all fire doors", *GIVEN)
    two = ("--area", "LG-C001", "--area", "LG-C002")
    code, told_task = case(place, "act", "city", "city-task", *two, *asked)
    assert code == 0, told_task
    task = told_task.split()[-1]
    record = orjson.loads(case(place, "list", "--json")[1])
    assert (record["function"], len(record["unanswered"])) == ("city-task", 2)
    unit = record["unanswered"][0]
    assert case(place, "act", task, "receipt", "--by", "w", "--unit", unit, *GIVEN)[0] == 0
    record = orjson.loads(case(place, "list", "--json")[1])
    assert (record["answered"], len(record["unanswered"])) == ([unit], 1)

    assert case(place, "show", task, "--json")[0] == 0

    # 社区"吹哨" and 综合查一次, and what is said of overdue work when there is none.
    cellar = ("--department", "flood", "--text", "a flooded cellar", "--within", "900")
    head = ("--by", "head", "--unit", "LG-C001-team")
    code, told_whistle = case(place, "act", "city", "whistle", *head, *cellar, *GIVEN)
    assert code == 0, told_whistle
    crew = ("--by", "crew-2", "--unit", "LG-flood")
    assert case(place, "act", told_whistle.split()[-1], "report-in", *crew, *GIVEN)[0] == 0
    visits = [
        case(
            place, "act", "city", "visit", "--by", "planner", "--area", "square-central",
            "--department", department, *GIVEN,
        )[1]
        for department in ("fire", "market")
    ]  # fmt: skip
    assert visits[0] == visits[1], "one visit"
    told_units = case(place, "units", "--department", "flood")[1]
    assert "LG-flood       忙碌 busy        1 orders" in told_units, told_units
    assert told_units.endswith("2 units\n")
    boss = ("--by", "desk-1", "--role", "desk")
    assert case(place, "act", "city", "supervise", *boss, *GIVEN)[0] == 0
    assert case(place, "supervised") == (0, "0 units\n")


async def until_it_reads(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            async with session.get("/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def field_app(place: Place, folder: Path, answer_s: float) -> AsyncIterator[Any]:
    """Give what a field app does: POST an action for a case, and get status and answer."""
    settings = Settings(place.address, place.prefix, folder, answer_s=answer_s)
    accounts = Accounts(settings.folder / "users.json")
    if accounts.get("worker-31") is None:
        accounts.add(Person("worker-31", "worker 31", Role.OPERATOR, ("*",)), PASSWORD, {})
    runner = web.AppRunner(create_app(settings, load_city()), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        jar = aiohttp.CookieJar(unsafe=True)  # an address, not a name
        async with aiohttp.ClientSession(url, cookie_jar=jar) as session:
            await until_it_reads(session)
            signing = {"user": "worker-31", "password": PASSWORD}
            async with session.post("/api/v1/session", json=signing) as answer:
                csrf = (await answer.json())["csrf"]

            async def says(key: str, action: str, **said: Any) -> tuple[int, Any]:
                path = f"/api/v1/field/cases/{key}/{action}"
                if action == "stands":
                    path = f"/api/v1/field/units/{key}"
                headers = {"X-CSRF-Token": csrf}
                async with session.post(path, json=said, headers=headers) as answer:
                    return answer.status, await answer.json()

            yield says
    finally:
        await runner.cleanup()


def test_a_field_app_moves_its_case_and_is_told_at_once_why_not(
    place: Place, tmp_path: Path
) -> None:
    key = case_id_of("i-2")

    async def story() -> None:
        await send(place, INCIDENTS, codec.encode(an_incident("i-2")))
        async with field_app(place, tmp_path, READY_S) as says:
            status, said = await says(key, "arrive")
            while said.get("error", {}).get("reason") == "unknown-case":
                status, said = await says(key, "arrive")
            assert (status, said["error"]["reason"]) == (409, "illegal-move")
            assert "possible: accept" in said["error"]["hint"]
            status, said = await says(key, "accept", id="mine")
            assert (status, said) == (200, {"command_id": "mine", "case_id": key})
            for action in ("depart", "arrive"):
                assert (await says(key, action))[0] == 200
            assert (await says(key, "handle", photo="photos/valve.jpg"))[0] == 200
            assert (await says(key, "close"))[0] == 200
            where = {"at_lon_deg": 120.56, "at_lat_deg": 27.58}
            assert (await says("LG-fire-3", "stands", state="unreachable", **where))[0] == 200
            assert (await says("LG-fire-3", "stands", state="asleep"))[0] == 400
            status, said = await says("LG-fire-9", "stands", state="off")
            assert (status, said["error"]["reason"]) == (409, "unknown-unit")
            assert (await says(key, "no-such-action"))[0] == 404
            assert (await says(key, "accept", nonsense=1))[0] == 400

    asyncio.run(story())
    shown = orjson.loads(case(place, "show", key, "--json")[1])
    assert shown["record"]["verified"] == "photo"
    units = case(place, "units", "--department", "fire")[1].splitlines()
    assert "失联 unreachable 0 orders  120.56000,27.58000" in units[2], units
    assert [line.split()[0] for line in units] == ["LG-fire", "LG-fire-2", "LG-fire-3", "3"]
    assert {event.get("by", "city") for event in shown["events"]} == {"city", "worker-31"}


def test_a_field_app_is_told_that_nobody_has_answered_yet(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})

    async def story() -> None:
        async with field_app(Place(broker, prefix, tmp_path), tmp_path, 0.2) as says:
            assert await says("some-case", "accept", id="mine") == (202, {"command_id": "mine"})

    asyncio.run(story())
