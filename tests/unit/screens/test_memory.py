"""The gateway's memory is level: a city that talks all day takes no more of it than the day before.

Days go by in steps of an hour, through all that the gateway keeps; each step brings new
alerts, incidents, vessels and cursors, as many as end. What is kept by count is full
from the start, so that nothing may grow.
"""

import gc
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import orjson
import pytest

from deploy.cities import load_city
from schemas import topics
from schemas.instants import format_instant
from schemas.records import RawBatch
from schemas.units import KINDS
from screens.hub.departures import Departures
from screens.hub.subscription import parse
from screens.known.knowledge import STARTS, Knowledge
from screens.known.stories import Stories
from streams.city.model import City

STEP_MS, STEPS_A_DAY = 3_600_000, 24
BEGAN_MS = 1_804_003_200_000
SENSORS, CAMERAS, VESSELS = 120, 60, 40
NEW = 6  # of each kind of matter in a step
STRANGERS = 10  # vessels that nobody ever met, in a step
LAND, SEA = {"lon_deg": 120.55, "lat_deg": 27.55}, 27.3
MOST_OBJECTS = 100
"""That a day may add: about ten come of tables that resize. It brings seven thousand records."""


@pytest.fixture(scope="module")
def city() -> City:
    whole = load_city()
    return replace(
        whole,
        sensors=dict(islice(whole.sensors.items(), SENSORS)),
        cameras=dict(islice(whole.cameras.items(), CAMERAS)),
    )


class Days:
    """A city, its gateway's knowledge, and screens of every kind that look at it."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.known = Knowledge(city, "epoch", BEGAN_MS)
        self.known.stories = Stories(most_bytes=200_000)  # shelves that a day fills
        for table in self.known.hub.tables.values():
            table.left = Departures(min(100, table.left.most))
        self.now_ms, self.step = BEGAN_MS, 0
        hub = self.known.hub
        asked: list[dict[str, Any]] = [
            {},
            {"box": "120.5,27.3,120.6,27.6"},
            {"kinds": "gas.exceeded"},
        ]
        self.looks = [hub.open(parse(one, None)) for one in asked]
        self.stood = [look.view.cursor for look in self.looks]

    def take(self, topic: str, said: list[dict[str, Any]]) -> None:
        values = [orjson.dumps({"event_time": format_instant(self.now_ms), **one}) for one in said]
        count = len(values)
        times = np.full(count, self.now_ms)
        keys: list[bytes | None] = [b"k"] * count
        raw = RawBatch(topic, 0, np.arange(count), times, keys, list(values), [()] * count)
        self.known.take(topic, raw, self.now_ms)

    def fill(self) -> None:
        """Bring all that is kept by count to its bound."""
        self.take(topics.ALERTS, [self.alert("open", "update", f"m{i:09d}") for i in range(10_001)])
        said = [{"action": "reminder-played", "order_id": f"filled-{i:09d}"} for i in range(10_001)]
        self.take(topics.DISPATCH_UPDATES, said)
        self.take(topics.VESSEL_POSITIONS, [self.position(f"2{i:08d}", i) for i in range(2_001)])
        for number in range(10_001):
            self.known.expect_reply(f"filled-{number:09d}", "")
        for number in range(30_001):
            self.known.devices.take(f"filled-{number:09d}", "online", b"{}")
        for number in range(20_001):
            name, ended = f"filled-{number:09d}", f"ended-{number:09d}"
            command = {"id": name, "action": "unsilence", "silence_id": ended}
            self.known.holds.take_command(command)
            answer = {"command_id": name, "action": "unsilence", "accepted": True}
            self.known.holds.take_reply(answer)

    def day(self) -> None:
        for _ in range(STEPS_A_DAY):
            self.step += 1
            self.now_ms += STEP_MS
            for topic, said in self.speak():
                self.take(topic, said)
            self.known.tick(self.now_ms)
            self.look()

    def look(self) -> None:
        """Screens that keep up, one that comes once a day, and one that is new each time."""
        west = 120.2 + self.step % 50 / 100
        new = {"box": f"{west},27.2,{west + 0.3},27.6", "zoom": self.step % 17}
        passing = self.known.hub.open(parse(new, None))
        passing.view.snapshot()
        passing.close()
        for number, look in enumerate(self.looks):
            if number == 0 and self.step % STEPS_A_DAY:
                continue
            frame = look.view.delta(self.stood[number])
            self.stood[number] = look.view.cursor if frame is None else frame.cursor

    def speak(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield what each topic brings in one step."""
        step, more = self.step, range(NEW)
        sensors = [
            {
                "source": record.source,
                "kind": record.kind,
                "subject": record.code,
                "unit": KINDS[record.kind].unit,
                "value": 0.1 + (step % 7) / 10,
            }
            for record in self.city.sensors.values()
        ]
        yield topics.SENSOR_READINGS, sensors
        yield topics.SENSOR_READINGS_URGENT, sensors
        names = [*islice(self.city.vessels, VESSELS)]
        names += [str(300_000_000 + step * STRANGERS + i) for i in range(STRANGERS)]
        yield topics.VESSEL_POSITIONS, [self.position(name, i) for i, name in enumerate(names)]
        seen = {"kind": "parking.illegal", "confidence": 0.9, "source": "cameras"}
        yield topics.CAMERA_DETECTIONS, [seen | {"subject": code} for code in self.city.cameras]
        begun = [self.alert(f"{step:06d}-{i}", "onset", f"on-{step:06d}-{i}") for i in more]
        ended = [self.alert(f"{step - 1:06d}-{i}", "clear", f"off-{step:06d}-{i}") for i in more]
        still = [self.alert("open", "update", f"still-{step:06d}-{i}") for i in more]
        yield topics.ALERTS, [*begun, *ended, *still]
        for topic, key, state in (
            (topics.INCIDENTS_LATEST, "incident_id", "resolved"),
            (topics.CASES_LATEST, "case_id", "closed"),
            (topics.DISPATCH_ORDERS_LATEST, "order_id", "closed"),
        ):
            said = [(step, i, "open") for i in more] + [(step - 1, i, state) for i in more]
            yield topic, [self.matter(key, f"{at:06d}-{i}", now) for at, i, now in said]
        fresh = [f"{step:06d}-{i}" for i in more]
        yield topics.REMINDERS, [self.matter("reminder_id", name, "played") for name in fresh]
        replies = [self.matter("command_id", name, "done") for name in fresh]
        yield topics.CASE_REPLIES, replies
        until = format_instant(self.now_ms + STEP_MS)
        silences = [{"id": f"silence-{name}", "until_time": until} for name in fresh]
        silence = {"action": "silence"}
        yield topics.INCIDENT_COMMANDS, [silence | one for one in silences]
        answers = [{"command_id": one["id"], "accepted": True} for one in silences]
        yield topics.INCIDENT_REPLIES, [silence | one for one in answers]
        yield topics.KPI, [{"subject": f"unit-{i}", "cases": step} for i in more]
        steps = [{"case_id": name, "id": f"step-{name}", "action": "accept"} for name in fresh]
        yield topics.CASE_EVENTS, steps
        yield topics.DEVICES_STATUS, [self.device(code) for code in self.city.sensors]
        played = [{"action": "reminder-played", "order_id": f"order-{name}"} for name in fresh]
        yield topics.DISPATCH_UPDATES, played
        yield topics.CITIZEN_COMPLAINTS, [{"source": "hotline", "subject": "c"}]
        for name in fresh:
            self.known.expect_reply(name, "")

    def position(self, subject: str, number: int) -> dict[str, Any]:
        """Return a fix that lies in another cell than the step before."""
        place = {"lon_deg": 120.3 + (self.step * 7 + number) % 60 / 100, "lat_deg": SEA}
        return {"source": "ais", "kind": "vessel.position", "subject": subject, **place}

    def alert(self, name: str, transition: str, message: str) -> dict[str, Any]:
        who = {"source": "citybrain.test", "kind": "vessel.speed", "subject": "412000001", **LAND}
        named = {"alert_id": f"alert-{name}", "id": message, "transition": transition}
        return {**who, **named, "severity": "Moderate"}

    def matter(self, key: str, name: str, state: str) -> dict[str, Any]:
        return {key: f"{key}-{name}", "id": f"{key}-{name}-{state}", "state": state, **LAND}

    def device(self, code: str) -> dict[str, Any]:
        return {"subject": code, "state": "online", "device_class": "camera"}


def sizes(known: Knowledge) -> Mapping[str, int]:
    """Return how much every container in the gateway's knowledge holds, by where it hangs."""
    found: Counter[str] = Counter()
    seen: set[int] = set()

    def walk(path: str, one: Any) -> None:
        if isinstance(one, City) or id(one) in seen:
            return
        if isinstance(one, np.ndarray):
            found[path] += one.nbytes
        elif isinstance(one, dict | list | set | tuple) or hasattr(one, "popleft"):
            found[path] += len(one)
            for inner in one.values() if isinstance(one, dict) else one:
                if not isinstance(inner, bytes | str | int | float):
                    walk(path + "[]", inner)
        elif type(one).__module__.startswith("screens."):
            seen.add(id(one))
            names = [*getattr(one, "__dict__", ()), *getattr(type(one), "__slots__", ())]
            for name in names:
                walk(f"{path}.{name}", getattr(one, name))

    walk("", known)
    return found


def test_a_day_leaves_every_container_and_the_heap_as_large_as_the_day_before(city: City) -> None:
    days = Days(city)
    assert {topic for topic, _ in days.speak()} == set(STARTS)  # every topic that is read
    days.fill()
    days.day()
    days.day()  # what ended is kept for a day at most
    gc.collect()
    before, objects_before = sizes(days.known), sys.getallocatedblocks()
    days.day()
    gc.collect()
    objects_after, after = sys.getallocatedblocks(), sizes(days.known)

    assert {path: size for path, size in after.items() if size > before[path]} == {}
    assert len(before) > 100  # it did look
    assert before[".fleet.vessels"] == 2_000
    assert objects_after - objects_before < MOST_OBJECTS
