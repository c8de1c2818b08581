"""Every scenario live: into Kafka, through all agents, to alerts, incidents and orders.

All are played side by side, many times as fast as they happen, into one broker
and one worker of every agent.
"""

import asyncio
import json
import re
import signal
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from deploy import processes, simulating, topic_reader, topics_admin
from deploy.answering import answer
from deploy.board import Board
from deploy.cities import load_city
from deploy.feeding import Pace
from deploy.pouring import pour
from feeds.people import People
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from schemas.codec import encode
from schemas.dispatch import FieldAction, Reminder
from schemas.topics import (
    ALERTS,
    CASE_EVENTS,
    CASE_REPLIES,
    CASES,
    DISPATCH_ORDERS,
    DISPATCH_UPDATES,
    INCIDENT_REPLIES,
    INCIDENTS,
    KPI,
    REMINDERS,
    SENSOR_READINGS,
    TOPICS,
)

pytestmark = pytest.mark.kafka

SPEED = 100.0
WITHIN_S = 240.0
HEARD = (
    ALERTS,
    INCIDENTS,
    INCIDENT_REPLIES,
    DISPATCH_ORDERS,
    REMINDERS,
    CASES,
    CASE_EVENTS,
    CASE_REPLIES,
    KPI,
)

# Feeds are watched on wall time: that story takes its twenty minutes however it is played.
TOGETHER = [name for name in SCENARIOS if name not in {"feed-outage", "typhoon-switch"}]
# What it switches holds back others' matters too: it is played before them, and some
# hours earlier, so that what its devices have said is over.
ALONE = "typhoon-switch"
PLAYED = [*TOGETHER, ALONE]
EARLIER_MS = 3 * 3_600_000

Said = dict[str, list[dict[str, Any]]]


async def gather(broker: str, prefix: str, topics: tuple[str, ...], is_all: Callable[[Said], bool]):
    """Return what is on the topics once `is_all` of it is there, or when it is too late."""
    said: Said = defaultdict(list)
    reader = topic_reader.read(
        broker, [prefix + name for name in topics], from_beginning=True, timeout_s=WITHIN_S
    )
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                said[record.topic.removeprefix(prefix)].append(json.loads(record.value))
            if is_all(said):
                break
    return said


class Show:
    """The stories, and what the agents said of them."""

    def __init__(self, stories: list[Played], said: Said) -> None:
        self.stories = {one.scenario.name: one for one in stories}
        self.said = said


async def perform(broker: str, prefix: str, names: list[str], before_ms: int) -> list[Played]:
    """Play stories with their people, until all of these have said all; return the stories."""
    longest_ms = 1000 * max(SCENARIOS[name].duration_s for name in names)
    start_ms = time.time_ns() // 1_000_000 - longest_ms - before_ms
    plan = simulating.Plan(load_city(), 1, names, None, start_ms, None, SPEED)
    stories = simulating.stories(plan)
    people = People(1, "longgang", [one.desk for one in stories], crews=False, hurry=SPEED)
    over, listening = asyncio.Event(), asyncio.Event()
    answering = asyncio.create_task(answer(broker, prefix, people, over, listening))
    await listening.wait()
    for batches in simulating.acts(plan):
        await pour(broker, batches, Pace(SPEED), prefix=prefix)
    given_up_s = time.monotonic() + WITHIN_S
    while not people.is_done and time.monotonic() < given_up_s:  # noqa: ASYNC110 - no event is set
        await asyncio.sleep(0.1)
    over.set()
    await answering
    return stories


@pytest.fixture(scope="module")
def own_prefix(broker: str) -> str:
    prefix = f"s{uuid.uuid4().hex[:10]}"
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    return prefix


@pytest.fixture(scope="module")
def show(broker: str, own_prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    folder = tmp_path_factory.mktemp("scenarios")
    stories: list[Played] = []

    async def play() -> Said:
        for names, before_ms in (([ALONE], EARLIER_MS), (TOGETHER, 0)):
            stories.extend(await perform(broker, own_prefix, names, before_ms))
        return await gather(
            broker, own_prefix, HEARD, lambda said: not any(one.missing(said) for one in stories)
        )

    with (folder / "worker.log").open("wb") as log:
        words = ["worker", "--broker", broker, "--prefix", own_prefix, "--state", str(folder)]
        worker = processes.spawn([sys.executable, "-m", "deploy.cli", *words], output=log)
    try:
        said = asyncio.run(play())
        yield Show(stories, said)
    finally:
        processes.end([worker], grace_s=20)


@pytest.mark.parametrize("name", PLAYED)
def test_the_scenario_leads_to_what_it_promises_and_to_nothing_that_it_excludes(
    show: Show, name: str
) -> None:
    assert show.stories[name].missing(show.said) == []
    assert show.stories[name].unwanted(show.said) == []


def test_all_four_sources_lead_to_alerts_incidents_and_orders(show: Show) -> None:
    board = Board()
    takes = {
        ALERTS: board.take_alert,
        INCIDENTS: board.take_incident,
        DISPATCH_ORDERS: board.take_order,
    }
    for topic, take in takes.items():
        for message in show.said[topic]:
            take(message)

    tallies = board.tallies()
    for source in ("sensors", "cameras", "vessels", "citizens"):
        assert min(tallies[source]) > 0, (source, tallies)


def test_ctrl_c_ends_the_simulation_with_all_that_it_sent_acknowledged(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    words = ["simulate", "--rate", "0.05", "--answer", "--broker", broker, "--prefix", prefix]
    said = tmp_path / "said"
    with said.open("wb") as out:
        running = processes.spawn([sys.executable, "-m", "deploy.cli", *words], output=out)
    asyncio.run(gather(broker, prefix, (SENSOR_READINGS,), bool))

    running.send_signal(signal.SIGINT)
    code = running.wait(timeout=60)

    assert code == 0, said.read_text()
    assert re.fullmatch(r"\d+ records sent\n", said.read_text())


def test_a_loudspeaker_answers_its_reminder(broker: str, prefix: str, tmp_path: Path) -> None:
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    reminder = Reminder(
        source="citybrain.dispatch",
        kind="reminder",
        subject="LG-speaker-square-central",
        event_time_ms=time.time_ns() // 1_000_000,
        reminder_id="reminder-1",
        incident_id="incident-1",
        venue="square-central",
        text_id="square-dance-reminder",
        text="请调低音量",
    )

    async def call() -> dict[str, Any]:
        over = asyncio.Event()
        answering = asyncio.create_task(
            answer(broker, prefix, People(1, "longgang", crews=True), over)
        )
        async with topic_reader.producer(broker) as sender:

            async def remind() -> None:
                # Until it is answered: who answers reads from the time of its start on.
                while not over.is_set():
                    await sender.send_and_wait(prefix + REMINDERS, encode(reminder))
                    await asyncio.sleep(0.5)

            reminding = asyncio.create_task(remind())
            said = await gather(broker, prefix, (DISPATCH_UPDATES,), bool)
            over.set()
            await asyncio.gather(answering, reminding)
        return said[DISPATCH_UPDATES][0]

    answered = asyncio.run(call())

    assert answered["action"] in {FieldAction.REMINDER_PLAYED, FieldAction.REMINDER_FAILED}
    assert (answered["subject"], answered["order_id"]) == ("incident-1", "reminder-1")
    assert answered["by"] == "LG-speaker-square-central"
