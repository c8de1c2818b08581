"""The terminal view of a running city: alerts, incidents, orders and their clocks.

On a terminal one page is redrawn; elsewhere each record is one plain line.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Any, Final, NamedTuple

from aiokafka.errors import KafkaError
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy import render, topic_reader
from deploy.board import INFORMATION, Board, RunningClock, countdown
from deploy.flow import Flow, FlowMeter
from schemas import topics
from schemas.alerts import Severity, Transition

_REDRAWS_HZ = 2
_LOOK_S = 2.0
_PLAIN_FLOW_S = 10.0
_NEWS_ROWS = 3
_ROOMY_ROWS = 36  # a smaller terminal keeps one note and the newest story
_SHOWN = 40  # rows built; a smaller terminal cuts them

_SEVERITY_STYLE: Final = {
    Severity.EXTREME: "bold white on red",
    Severity.SEVERE: "bold red",
    Severity.MODERATE: "yellow",
    Severity.MINOR: "cyan",
}
_LOW_S, _HURRY_S = 0.0, 30.0

INPUTS: Final[Mapping[str, Sequence[str]]] = {
    "sensors": (topics.SENSOR_READINGS, topics.SENSOR_READINGS_URGENT),
    "cameras": (topics.CAMERA_DETECTIONS,),
    "vessels": (topics.VESSEL_NMEA, topics.VESSEL_POSITIONS),
    "citizens": (topics.CITIZEN_COMPLAINTS,),
}
"""Input topics of each source; the vessels' second one is also fed by their first."""

_LABELS: Final = {
    topics.ALERTS: "ALERT   ",
    topics.INCIDENTS: "INCIDENT",
    topics.DISPATCH_ORDERS: "ORDER   ",
    topics.REMINDERS: "REMINDER",
}


class Stage(NamedTuple):
    """What the view is told about the installation that it shows.

    Attributes:
        address: Kafka's bootstrap address.
        prefix: Before topic and group names.
        notes: Lines under the title: addresses, where the data come from.
        news: What is being played, newest last: event time and title.
    """

    address: str
    prefix: str
    notes: Sequence[str]
    news: Collection[tuple[int, str]]


async def show(stage: Stage, console: Console, over: asyncio.Event) -> None:
    """Show the city on `console` until `over` is set."""
    board = Board()
    if console.is_terminal:
        await _page(stage, board, console, over)
    else:
        await _lines(stage, board, console, over)


async def _page(stage: Stage, board: Board, console: Console, over: asyncio.Event) -> None:
    flow = Flow({}, {})

    def look(seen: Flow) -> None:
        nonlocal flow
        flow = seen

    tasks = _watchers(stage, over, lambda topic, record: _fold(board, topic, record), look)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not over.is_set():
            now_ms = time.time_ns() // 1_000_000
            shown = page(stage, board, flow, now_ms, is_roomy=console.height >= _ROOMY_ROWS)
            live.update(shown, refresh=True)
            await pause(over, 1 / _REDRAWS_HZ)
    await _end(tasks)


async def _lines(stage: Stage, board: Board, console: Console, over: asyncio.Event) -> None:
    told_s = 0.0
    played: set[int] = set()

    def say(text: str) -> None:
        console.out(text, highlight=False)

    def take(topic: str, value: bytes | None) -> None:
        fields = _fold(board, topic, value)
        if fields is None or fields.get("kind") not in INFORMATION:
            say(f"{_LABELS[topic]} {render.line(value)}")

    def look(flow: Flow) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= _PLAIN_FLOW_S:
            told_s = time.monotonic()
            say(f"FLOW     {_flow_text(stage, flow)}")
            say(f"SOURCES  {_tally_text(board)}")
            for at_ms, title in stage.news:
                if at_ms not in played:
                    played.add(at_ms)
                    say(f"PLAYS    {_clock_of(at_ms)}  {title}")

    for note in stage.notes:
        say(note)
    tasks = _watchers(stage, over, take, look)
    await over.wait()
    await _end(tasks)


def _watchers(
    stage: Stage,
    over: asyncio.Event,
    take: Callable[[str, bytes | None], object],
    look: Callable[[Flow], None],
) -> list[asyncio.Task[None]]:
    tasks = [
        asyncio.create_task(_follow(stage, over, take), name="records"),
        asyncio.create_task(_measure(stage, over, look), name="flow"),
    ]
    for task in tasks:
        task.add_done_callback(lambda _: over.set())  # a page that stands still would look calm
    return tasks


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def pause(over: asyncio.Event, most_s: float) -> None:
    """Wait `most_s`, or until `over` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), most_s)


async def _follow(
    stage: Stage, over: asyncio.Event, take: Callable[[str, bytes | None], object]
) -> None:
    names = {stage.prefix + topic: topic for topic in _LABELS}
    reader = topic_reader.read(stage.address, list(names), from_beginning=True)
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                take(names[record.topic], record.value)
            if over.is_set():
                return


async def _measure(stage: Stage, over: asyncio.Event, look: Callable[[Flow], None]) -> None:
    names = [stage.prefix + topic for inputs in INPUTS.values() for topic in inputs]
    async with FlowMeter(stage.address, names, f"{stage.prefix}citybrain-") as meter:
        while not over.is_set():
            with suppress(KafkaError, OSError):  # a broker that restarts: look again later
                look(await meter.look())
            await pause(over, _LOOK_S)


def _fold(board: Board, topic: str, value: bytes | None) -> Mapping[str, Any] | None:
    """Let the board take a record; return its fields, None of what has none."""
    fields = render.decode(value)
    if fields is None:
        return None
    if topic == topics.ALERTS:
        board.take_alert(fields)
    elif topic == topics.INCIDENTS:
        board.take_incident(fields)
    elif topic == topics.DISPATCH_ORDERS:
        board.take_order(fields)
    return fields


def page(stage: Stage, board: Board, flow: Flow, now_ms: int, *, is_roomy: bool) -> RenderableType:
    """Return the whole page for one instant."""
    layout = Layout()
    notes = stage.notes if is_roomy else stage.notes[:1]  # where the screens are
    head = Group(
        Text(f"Longgang city brain   {_clock_of(now_ms)}", style="bold"),
        *(Text(note, style="dim", no_wrap=True, overflow="ellipsis") for note in notes),
    )
    incidents = board.open_incidents()
    orders = board.live_orders(now_ms)
    sources = _sources(stage, board, flow)
    layout.split_column(
        Layout(head, size=len(notes) + 1),
        Layout(_titled(sources, "sources"), size=len(INPUTS) + 4),
        Layout(_news(stage.news), size=_NEWS_ROWS if is_roomy else 1),
        Layout(_titled(_alerts(board), f"alerts ({board.alert_count})"), ratio=4),
        Layout(
            _titled(
                _incidents(incidents),
                f"open incidents ({len(incidents)} of {board.incident_count})",
            ),
            ratio=3,
        ),
        Layout(
            _titled(
                _orders(orders), f"dispatch orders at work ({len(orders)} of {board.order_count})"
            ),
            ratio=3,
        ),
        Layout(Text("Ctrl-C ends all of it.", style="dim"), size=1),
    )
    return layout


def _titled(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align="left")


def _sources(stage: Stage, board: Board, flow: Flow) -> RenderableType:
    """Return what comes in of each source and what came of it, and who lags."""
    table = _grid(10, 12, 14, 14, 14, None)
    table.add_row("", "in", "alerts", "incidents", "orders", style="dim")
    tallies = board.tallies()
    for name, inputs in INPUTS.items():
        rates = [flow.rate[stage.prefix + one] for one in inputs if stage.prefix + one in flow.rate]
        told = tallies[name]
        table.add_row(
            name,
            f"{sum(rates):,.0f}/s" if rates else "counting",
            f"{told.alerts:,}",
            f"{told.incidents:,}",
            f"{told.orders:,}",
        )
    return Group(table, Text(_lag_text(flow), style="dim", no_wrap=True, overflow="ellipsis"))


def _news(news: Collection[tuple[int, str]]) -> RenderableType:
    """Return what is being played, newest first."""
    lines = [f"{_clock_of(at_ms)}  ▶ {title}" for at_ms, title in reversed(list(news))]
    texts = [Text(line, style="cyan", no_wrap=True, overflow="ellipsis") for line in lines]
    return Group(*texts[:_NEWS_ROWS])


def _flow_text(stage: Stage, flow: Flow) -> str:
    rates = "  ".join(
        f"{name.removeprefix(stage.prefix)} {rate:,.0f}/s" for name, rate in flow.rate.items()
    )
    return f"in: {rates or 'counting'}   {_lag_text(flow)}"


def _lag_text(flow: Flow) -> str:
    lag = "  ".join(f"{name} {count:,}" for name, count in flow.lag.items())
    return f"not yet done: {lag}" if lag else "the agents are starting"


def _tally_text(board: Board) -> str:
    return "  ".join(
        f"{name}: {told.alerts} alerts, {told.incidents} incidents, {told.orders} orders"
        for name, told in board.tallies().items()
        if told.alerts
    )


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _clock_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, render.CITY_ZONE).strftime("%H:%M:%S")


def _grid(*widths: int | None) -> Table:
    """Return a table without lines; a width of None takes what is left."""
    table = Table.grid(padding=(0, 1), expand=True)
    for width in widths:
        table.add_column(
            width=width, ratio=1 if width is None else None, no_wrap=True, overflow="ellipsis"
        )
    return table


def _clock_text(text: object) -> str:
    return render.local_time(text)[11:19]


def _alerts(board: Board) -> Table:
    table = _grid(8, 8, 10, 22, None)
    for alert in list(reversed(board.alerts))[:_SHOWN]:
        severity = str(alert.get("severity", ""))
        over = alert.get("transition") == Transition.CLEAR
        table.add_row(
            _clock_text(alert.get("event_time")),
            severity,
            str(alert.get("transition", "")),
            str(alert.get("kind", "")),
            str(alert.get("sentence") or alert.get("subject", "")),
            style="dim" if over else _style(severity),
        )
    return table


def _style(severity: str) -> str:
    return next((style for name, style in _SEVERITY_STYLE.items() if name == severity), "")


def _incidents(incidents: Sequence[Mapping[str, Any]]) -> Table:
    table = _grid(8, 8, 22, 10, None)
    for one in incidents[:_SHOWN]:
        severity = str(one.get("severity", ""))
        table.add_row(
            _clock_text(one.get("opened_time")),
            severity,
            str(one.get("kind", "")),
            _counted(int(one.get("alert_count", 0)), "alert"),
            str(one.get("sentence") or one.get("subject", "")),
            style=_style(severity),
        )
    return table


def _orders(orders: Sequence[tuple[Mapping[str, Any], RunningClock | None]]) -> Table:
    table = _grid(16, 12, 28, None)
    for order, clock in orders[:_SHOWN]:
        table.add_row(
            _countdown(clock),
            str(order.get("state", "")),
            f"{order.get('unit_name') or order.get('unit', '')} ({order.get('level', '')})",
            str(order.get("sentence") or order.get("incident_kind", "")),
        )
    return table


def _countdown(clock: RunningClock | None) -> Text:
    if clock is None:
        return Text("")
    text = f"{clock.clock:<8}{countdown(clock.left_s):>7}"
    if clock.left_s <= _LOW_S:
        return Text(text, style="bold red")
    return Text(text, style="yellow" if clock.left_s < _HURRY_S else "green")
