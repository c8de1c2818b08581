"""What the cards say, asked over HTTP of a gateway that knows some of the city."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.cities import load_city
from schemas import topics
from schemas.instants import format_instant
from schemas.records import RawBatch
from schemas.units import KINDS
from screens.access.accounts import Accounts
from screens.access.people import Person, Role
from screens.app import create_app
from screens.hub.density import MOST_ITEMS
from screens.known.knowledge import Knowledge
from screens.known.limits import Limits
from screens.settings import Settings
from screens.web import KNOWLEDGE
from streams.city.model import City

PASSWORD = "long-enough-for-tests"  # noqa: S105 - of an account that lives for a test
INJECTED = '=HYPERLINK("http://elsewhere")<img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


class Desk:
    """The city desk at a gateway whose records come from the test."""

    def __init__(self, client: TestClient, known: Knowledge) -> None:  # type: ignore[type-arg]
        self._client, self._known = client, known

    def hear(self, topic: str, *said: dict[str, Any], age_s: float = 0.0) -> None:
        now_ms = time.time_ns() // 1_000_000
        at_ms = now_ms - round(age_s * 1000)
        values = [orjson.dumps({"event_time": format_instant(at_ms), **one}) for one in said]
        count = len(values)
        times = np.full(count, at_ms)
        raw = RawBatch(topic, 0, np.arange(count), times, [b"k"] * count, values)
        self._known.take(topic, raw, now_ms)
        self._known.tick(now_ms)

    @property
    def limits(self) -> Limits:
        return self._known.limits

    async def ask(self, path: str) -> Any:
        async with self._client.get(f"/api/v1/{path}") as answer:
            assert answer.status == 200, await answer.text()
            text = await answer.text()
        return orjson.loads(text) if "json" in answer.content_type else text


def at_the_desk(city: City, folder: Path, story: Callable[[Desk], Awaitable[None]]) -> None:
    settings = Settings("127.0.0.1:1", "", folder)
    accounts = Accounts(settings.folder / "users.json")
    accounts.add(Person("desk", "desk", Role.DESK, ("*",)), PASSWORD, ())

    async def run() -> None:
        app = create_app(settings, city)
        async with TestClient(TestServer(app)) as client:
            said = {"user": "desk", "password": PASSWORD}
            assert (await client.post("/api/v1/session", json=said)).status == 200
            await story(Desk(client, app[KNOWLEDGE]))

    asyncio.run(run())


def test_a_venue_says_its_convention_its_level_and_what_became_of_each_reminder(
    city: City, tmp_path: Path
) -> None:
    name = "square-central"
    sensors = [code for code, post in city.noise_sensors.items() if post.venue == name]

    async def story(desk: Desk) -> None:
        for code, value in zip(sensors, (71.0, 64.0), strict=False):
            said = {"source": "noise", "kind": "noise.laeq", "subject": code, "unit": "dB(A)"}
            desk.hear(topics.SENSOR_READINGS, {**said, "value": value})
        ends = [(1, "resolved", ""), (2, "open", ""), (1, "open", ""), (1, "resolved", "no-data")]
        for number, (rung, state, why) in enumerate(ends):
            incident = {"incident_id": f"i-{number}", "kind": "noise.exceeded", "revision": 1}
            incident |= {"rung": rung, "state": state, "reason": why}
            desk.hear(topics.INCIDENTS_LATEST, incident)
            reminder = {"reminder_id": f"r-{number}", "incident_id": f"i-{number}", "venue": name}
            desk.hear(topics.REMINDERS, {**reminder, "kind": "reminder", "text": "请调低音量"})
        played = {"action": "reminder-played", "order_id": "r-0"}
        desk.hear(
            topics.DISPATCH_UPDATES,
            played,
            {**played, "action": "reminder-failed", "order_id": "r-2"},
        )

        card = await desk.ask(f"venues/{name}")

        assert (card["level"], card["unit"], card["over"]) == (71.0, "dB(A)", card["limit"] < 71)
        assert card["limit_reason"]
        assert {row["hours"] for row in card["convention"]} == {"19:00-21:00", "06:30-08:00"}
        outcomes = {one["id"]: (one["delivery"], one["outcome"]) for one in card["reminders"]}
        assert outcomes == {
            "r-0": ("reminder-played", "worked"),
            "r-1": ("unknown", "not-enough"),
            "r-2": ("reminder-failed", "failed"),
            "r-3": ("unknown", "unheard"),
        }
        assert card["reminders_that_worked"] == 1
        listed = (await desk.ask("venues"))["venues"]
        assert name in {venue["id"] for venue in listed}

    at_the_desk(city, tmp_path, story)


def test_a_vessel_says_who_it_is_where_it_was_and_where_it_differs_from_the_register(
    city: City, tmp_path: Path
) -> None:
    subject, record = next((s, r) for s, r in city.vessels.items() if s.isdigit() and r.phone)
    fix = {"source": "ais", "kind": "vessel.position", "subject": subject}

    async def story(desk: Desk) -> None:
        for minutes in (180, 90, 0):
            place = {"lon_deg": 120.7 + minutes / 1000, "lat_deg": 27.45, "sog_kn": 6.0}
            desk.hear(topics.VESSEL_POSITIONS, {**fix, **place}, age_s=minutes * 60)
        said = {**fix, "kind": "vessel.static", "name": "ANOTHER NAME"}
        desk.hear(topics.VESSEL_POSITIONS, said)
        alert = {"kind": "vessel.no-go", "subject": subject, "alert_id": "a-1", "id": "m-1"}
        desk.hear(topics.ALERTS, {**alert, "transition": "onset"})

        card = await desk.ask(f"vessels/{subject}")
        day = await desk.ask(f"vessels/{subject}/track")
        two_hours = await desk.ask(f"vessels/{subject}/track?hours=2")

        assert (card["name"], card["skipper"]) == (record.name, record.skipper)
        assert card["lon_deg"] == 120.7
        assert card["age_s"] < 60
        assert record.phone not in orjson.dumps(card).decode()
        assert card["registry_mismatch"] == [
            {"field": "name", "registered": record.name, "said": "ANOTHER NAME"}
        ]
        assert [one["id"] for one in card["alerts"]] == ["a-1"]
        lons = [lon for lon, _ in day["geometry"]["coordinates"]]
        assert lons == pytest.approx([120.88, 120.79, 120.7], abs=1e-4)
        assert len(two_hours["geometry"]["coordinates"]) == 2
        assert day["properties"]["sog_kn"] == [6.0, 6.0, 6.0]

    at_the_desk(city, tmp_path, story)


def test_a_sensors_course_is_told_against_its_limit(city: City, tmp_path: Path) -> None:
    code = next(c for c, record in city.sensors.items() if record.kind == "gas.combustible")

    async def story(desk: Desk) -> None:
        said = {"source": "iot", "kind": "gas.combustible", "subject": code, "unit": "%LEL"}
        for minutes, value in ((120, 3.0), (10, 26.0), (0, 4.0)):
            desk.hear(topics.SENSOR_READINGS_URGENT, {**said, "value": value}, age_s=minutes * 60)

        hour = await desk.ask(f"sensors/{code}/series?minutes=60")
        day = await desk.ask(f"sensors/{code}/series?minutes=1440")

        assert (hour["unit"], hour["limit"]) == ("%LEL", 25.0)
        assert [value for _, value in hour["points"]] == [26.0, 4.0]
        assert [value for _, value in day["points"]] == [3.0, 26.0, 4.0]

    at_the_desk(city, tmp_path, story)


def test_a_sensor_of_the_past_stands_to_the_limit_of_its_hour_and_too_many_are_clusters(
    city: City, tmp_path: Path
) -> None:
    gas = next(c for c, record in city.sensors.items() if record.kind == "gas.combustible")
    loud = next(c for c, post in city.noise_sensors.items() if post.area_class == "2")
    away = [code for code in city.sensors if code not in {gas, loud}]
    hour_s = 7_200.0

    async def story(desk: Desk) -> None:
        said = {"source": "iot", "kind": "gas.combustible", "subject": gas, "unit": "%LEL"}
        desk.hear(topics.SENSOR_READINGS_URGENT, {**said, "value": 26.0}, age_s=hour_s)
        desk.hear(topics.SENSOR_READINGS_URGENT, {**said, "value": 4.0})
        noise = {"source": "noise", "kind": "noise.laeq", "subject": loud, "unit": "dB(A)"}
        desk.hear(topics.SENSOR_READINGS, {**noise, "value": 41.0}, age_s=hour_s)
        at_ms = time.time_ns() // 1_000_000 - round(hour_s * 1000)
        past = f"history?at={format_instant(at_ms)}&layers=sensors"

        items = {one["id"]: one for one in (await desk.ask(past))["layers"]["sensors"]}
        assert set(items) == {gas, loud}
        told = {name: items[gas][name] for name in ("value", "unit", "limit", "level", "stale")}
        assert told == {
            "value": 26.0, "unit": "%LEL", "limit": 25.0, "level": "over", "stale": False,
        }  # fmt: skip
        limit = desk.limits.at_place("", "2", at_ms)
        assert limit is not None
        assert (items[loud]["limit"], items[loud]["level"]) == (limit.level, "ok")

        desk.hear(topics.SENSOR_READINGS, *quiet(city, away[:MOST_ITEMS]), age_s=hour_s)
        whole = await desk.ask(past)
        clusters = whole["clusters"]["sensors"]
        assert whole["layers"] == {}
        assert sum(one["count"] for one in clusters) > MOST_ITEMS
        assert sum(one["over"] for one in clusters) == 1
        lon, lat = items[gas]["lon_deg"], items[gas]["lat_deg"]
        near = await desk.ask(f"{past}&box={lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}")
        assert items[gas] in near["layers"]["sensors"]

    at_the_desk(city, tmp_path, story)


def quiet(city: City, codes: list[str]) -> list[dict[str, Any]]:
    """Return a reading of each sensor that is as calm as its kind can be."""
    return [
        {
            "source": city.sensors[code].source,
            "kind": (kind := city.sensors[code].kind),
            "subject": code,
            "unit": KINDS[kind].unit,
            "value": max(0.0, KINDS[kind].low),
        }
        for code in codes
    ]


def test_an_incident_tells_its_whole_story_in_order_and_a_table_never_becomes_a_formula(
    city: City, tmp_path: Path
) -> None:
    async def story(desk: Desk) -> None:
        alert = {"kind": "gas.exceeded", "subject": "s", "alert_id": "a-1", "rule": "threshold"}
        desk.hear(topics.ALERTS, {**alert, "id": "m-1", "transition": "onset"}, age_s=50)
        incident = {"incident_id": "i-1", "kind": "gas.exceeded", "state": "open"}
        incident |= {
            "alert_ids": ["a-1"],
            "sentence": INJECTED,
            "lon_deg": 120.55,
            "lat_deg": 27.55,
        }
        desk.hear(topics.INCIDENTS_LATEST, {**incident, "id": "n-1", "revision": 0}, age_s=40)
        case = {"case_id": "c-1", "incident_id": "i-1", "incident_kind": "gas.exceeded"}
        desk.hear(topics.CASES_LATEST, {**case, "state": "dispatched", "revision": 1}, age_s=30)
        step = {"case_id": "c-1", "id": "e-0", "seq": 0, "action": "opened"}
        desk.hear(topics.CASE_EVENTS, step, step, age_s=30)
        order = {"order_id": "o-1", "incident_id": "i-1", "case_id": "c-1", "revision": 0}
        desk.hear(
            topics.DISPATCH_ORDERS_LATEST, {**order, "id": "d-1", "state": "dispatched"}, age_s=20
        )
        desk.hear(topics.ALERTS, {**alert, "id": "m-2", "transition": "clear"}, age_s=10)

        told = await desk.ask("incidents/i-1")
        table = await desk.ask("export/incidents.csv")
        shapes = await desk.ask("export/incidents.geojson")

        whats = [entry["what"] for entry in told["story"]]
        assert whats == ["alert", "incident", "case-step", "order", "alert"]
        assert told["cases"] == ["c-1"]
        assert (await desk.ask("cases/c-1"))["incident"]["incident_id"] == "i-1"
        assert "\"'=HYPERLINK" in table
        assert shapes["features"][0]["geometry"]["coordinates"] == [120.55, 27.55]
        assert shapes["features"][0]["properties"]["sentence"] == INJECTED

    at_the_desk(city, tmp_path, story)
