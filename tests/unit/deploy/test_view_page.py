"""The terminal view shows alerts, incidents, orders with clocks, throughput and lag."""

import asyncio
import io
import re

import pytest
from rich.console import Console

from deploy.board import Board
from deploy.errors import Fault
from deploy.flow import Flow
from deploy.view import Stage, page, show

AT_MS = 1_742_616_000_000
NEWS = [(AT_MS, "fire: smoke")]


def shown(board: Board, flow: Flow, height: int = 40) -> str:
    console = Console(width=120, height=height, force_terminal=True, color_system=None)
    with console.capture() as taken:
        stage = Stage("kafka:9092", "", ["screens http://here/", "Kafka kafka:9092"], NEWS)
        console.print(page(stage, board, flow, AT_MS, is_roomy=height >= 36))
    return taken.get()


def test_a_page_tells_each_kind_of_finding_and_the_running_clock() -> None:
    board = Board()
    board.take_alert(
        {
            "id": "a",
            "event_time": "2025-03-22T04:00:00.000Z",
            "severity": "Severe",
            "transition": "onset",
            "kind": "vessel.distress",
            "sentence": "A transmitter calls",
        }
    )
    board.take_incident(
        {"incident_id": "i", "state": "open", "kind": "vessel.distress", "alert_count": 3}
    )
    board.take_order(
        {
            "order_id": "o",
            "state": "dispatched",
            "incident_kind": "vessel.distress",
            "unit": "grid-161",
            "level": "grid",
            "respond_by_time": "2025-03-22T04:00:40.000Z",
        }
    )

    text = shown(board, Flow({"sensor.readings": 1234.0}, {"readings": 56}))

    assert "Kafka kafka:9092" in text
    assert "12:00:00 Severe" in text
    assert "A transmitter calls" in text
    assert "open incidents (1 of 1)" in text
    assert "3 alerts" in text
    assert "respond    0:40" in text
    assert "grid-161 (grid)" in text
    assert re.search(r"sensors +1,234/s +0 +0 +0", text)
    assert re.search(r"vessels +counting +1 +1 +1", text)
    assert "▶ fire: smoke" in text
    assert "readings 56" in text


def test_an_empty_city_has_a_page_too() -> None:
    text = shown(Board(), Flow({}, {}))

    assert "the agents are starting" in text
    assert "alerts (0)" in text


def test_on_a_small_terminal_every_panel_still_has_room() -> None:
    text = shown(Board(), Flow({}, {}), height=24)

    assert "screens http://here/" in text
    assert "Kafka kafka:9092" not in text
    for title in ("sources", "▶ fire: smoke", "alerts (0)", "open incidents", "dispatch orders"):
        assert title in text
    assert "Ctrl-C" in text


def test_a_view_whose_kafka_does_not_answer_ends_with_that_and_does_not_stand_still() -> None:
    stage = Stage("127.0.0.1:1", "", [], [])
    console = Console(file=io.StringIO())

    async def look() -> None:
        await asyncio.wait_for(show(stage, console, asyncio.Event()), 60)

    with pytest.raises(Fault, match="No Kafka answers"):
        asyncio.run(look())
