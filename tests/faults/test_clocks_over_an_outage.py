"""A promise that breaks while nobody runs is told once, and that it was found late."""

import asyncio
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from deploy import casebook, topic_reader, topics_admin
from deploy.cities import LONGGANG, load_city
from deploy.faults.consumed import until_consumed
from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import until_ready
from schemas import codec
from schemas.alerts import Alert, Severity, Transition
from schemas.instants import parse_instant
from schemas.topics import ALERTS, DISPATCH_ORDERS, TOPICS

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

READY_S = 120.0
RESPOND_S = 20
LATE_MS = 500
AGENTS = ["incidents", "dispatch"]


@pytest.fixture
def hasty_city(tmp_path: Path) -> Path:
    """Give a copy of the city that promises an answer within seconds."""
    folder = tmp_path / "city"
    shutil.copytree(LONGGANG, folder)
    rules = folder / "rules.toml"
    text = rules.read_text()
    hasty = text.replace("respond_s = 60", f"respond_s = {RESPOND_S}")
    hasty = hasty.replace("late_ms = 5000", f"late_ms = {LATE_MS}")
    assert hasty.count(f"respond_s = {RESPOND_S}") == hasty.count(f"late_ms = {LATE_MS}") == 1
    rules.write_text(hasty)
    load_city(folder)
    return folder


async def orders_on(place: Place) -> list[dict]:
    topic = place.prefix + DISPATCH_ORDERS
    reader = topic_reader.read(place.address, [topic], from_beginning=True, until_end=True)
    return [orjson.loads(record.value) async for records in reader for record in records]


async def until(place: Place, fits: Callable[[dict], bool], what: str, fleet: Fleet) -> dict:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        fleet.look()
        for order in await orders_on(place):
            if fits(order):
                return order
        await asyncio.sleep(0.2)
    raise AssertionError(f"no order that is {what}:\n{fleet.log('dispatch')}")


def is_breach(order: dict) -> bool:
    return order["change"] == "clock" and order["clock_note"] == "breach"


async def strike_all(fleet: Fleet) -> None:
    for agent in fleet.agents:
        child = fleet.process(agent)
        assert child is not None
        fleet.send(agent, signal.SIGKILL)
        await asyncio.to_thread(child.wait, 10)


def test_a_breach_during_an_outage_is_told_once_and_as_late(
    broker: str, prefix: str, tmp_path: Path, hasty_city: Path
) -> None:
    place = Place(broker, prefix, tmp_path / "agents", hasty_city)

    async def run() -> tuple[list[dict], casebook.Casebook]:
        with Fleet(place, AGENTS) as fleet:
            await until_ready(fleet, AGENTS, READY_S)
            await say_an_alert(place)
            first = await until(place, lambda o: o["change"] == "issued", "issued", fleet)
            await strike_all(fleet)
        breaks_ms = parse_instant(first["respond_by_time"])
        assert isinstance(breaks_ms, int)
        assert not any(is_breach(order) for order in await orders_on(place)), "it fell in time"
        over_s = breaks_ms / 1000 + 2 * LATE_MS / 1000 - time.time()
        await asyncio.sleep(max(0.0, over_s))  # a promise is kept or broken by the wall's time

        with Fleet(place, AGENTS) as fleet:
            breach = await until(place, is_breach, "a breach", fleet)
            assert breach["order_id"] == first["order_id"]
            await until_ready(fleet, AGENTS, READY_S)
            await until_consumed(broker, prefix, agents=AGENTS, timeout_s=READY_S)
            await strike_all(fleet)
        with Fleet(place, AGENTS) as fleet:
            await until_ready(fleet, AGENTS, READY_S)
            # A second alert's order shows that the clocks were looked at meanwhile.
            await say_an_alert(place, "LG-gas-002")
            await until(place, lambda o: o["subject"] == "LG-gas-002", "the second", fleet)
        return await orders_on(place), await casebook.read(broker, prefix)

    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    told, book = asyncio.run(run())
    orders = [order for order in told if order["subject"] == "LG-gas-001"]

    breaches = [order for order in orders if is_breach(order)]
    assert len({order["id"] for order in breaches}) == 1
    assert breaches[0]["clock"] == "respond"
    assert breaches[0]["late_detected"] is True
    told = [order["clock_note"] for order in orders if order["change"] == "clock"]
    assert told[-1] == "breach", "nobody is warned of what is broken"
    assert len({order["id"] for order in orders if order["change"] == "issued"}) == 1
    assert len({order["id"] for order in orders if order["change"] == "escalated"}) >= 1

    assert book.findings == [], "the chain holds over two kills"
    story = [step.wire for step in book.chains.story(orders[0]["case_id"])]
    assert [event["action"] for event in story][:3] == ["opened", "issued", "breached"]
    (broken,) = [event for event in story if event.get("clock") == "respond"]
    assert broken["late_detected"] is True
    assert broken["deadline_time"] == breaches[0]["deadline_time"]
    assert broken["since_created_ms"] == RESPOND_S * 1000, "counted to the true deadline"
    assert book.records[orders[0]["case_id"]]["breaches"][0] == "respond"


async def say_an_alert(place: Place, subject: str = "LG-gas-001") -> None:
    at_ms = time.time_ns() // 1_000_000
    alert = Alert(
        source="threshold",
        kind="gas.exceeded",
        subject=subject,
        event_time_ms=at_ms,
        id=f"message-{subject}",
        alert_id=f"alert-{subject}",
        rule="threshold",
        transition=Transition.ONSET,
        severity=Severity.SEVERE,
        onset_time_ms=at_ms,
        lon_deg=120.553,
        lat_deg=27.575,
    )
    async with topic_reader.producer(place.address) as sender:
        await sender.send_and_wait(place.prefix + ALERTS, codec.encode(alert), key=b"longgang")
