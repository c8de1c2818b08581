"""The main job live: recordings into Kafka, agents as processes, alerts to orders out.

All tests share one set of workers, under a prefix of their own.
"""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.roster import AGENTS
from deploy import processes, topic_reader, topics_admin
from deploy.faults.consumed import until_consumed
from schemas.codec import encode
from schemas.dispatch import DispatchUpdate, FieldAction
from schemas.readings import Reading
from schemas.topics import (
    ALERTS,
    DEADLETTER,
    DISPATCH_ORDERS,
    DISPATCH_UPDATES,
    INCIDENTS,
    REMINDERS,
    SENSOR_READINGS,
    TOPICS,
)

pytestmark = pytest.mark.kafka

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "main_job.json").read_text(encoding="utf-8")
)
BOATS = (20578, 24285, 27090, 22710)
METER = "LG-noise-square-riverside-1"
WITHIN_S = 90.0


class Works:
    """The agents of a city, each a process, through the command line."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        self.broker, self.prefix, self._folder = broker, prefix, folder
        self.port = free_ports(len(AGENTS))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["worker", "--state", str(self._folder), "--metrics-port", str(self.port)]
        with (self._folder / "worker.log").open("ab") as log:
            self._process = processes.spawn([*self._command(*words)], output=log)
        self.wait("ready", lambda: all("citybrain_ready 1.0" in page for page in self.metrics()))

    def stop(self) -> None:
        """End the workers as a supervisor does, and wait for their end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            processes.end([self._process], grace_s=20)

    def run(self, *words: str) -> None:
        ran = subprocess.run(
            self._command(*words), capture_output=True, text=True, check=False, timeout=WITHIN_S
        )
        assert ran.returncode == 0, ran.stderr

    def metrics(self) -> list[str]:
        """Return /metrics of each agent that answers, as text."""
        pages = []
        for port in range(self.port, self.port + len(AGENTS)):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as page:
                    pages.append(page.read().decode())
            except OSError:
                pages.append("")
        return pages

    def sent(self, topic: str) -> list[dict[str, Any]]:
        """Return all that is on a topic."""

        async def gather() -> list[dict[str, Any]]:
            reader = topic_reader.read(
                self.broker, [self.prefix + topic], from_beginning=True, until_end=True
            )
            return [json.loads(one.value) async for records in reader for one in records]

        return asyncio.run(gather())

    def publish(self, topic: str, *records: Any) -> None:
        async def send() -> None:
            async with topic_reader.producer(self.broker) as producer:
                for record in records:
                    key = record.subject.encode()
                    await producer.send_and_wait(self.prefix + topic, encode(record), key=key)

        asyncio.run(send())

    def wait(self, what: str, found: Callable[[], Any]) -> Any:
        """Return what `found` gives once it is something."""
        deadline = time.monotonic() + WITHIN_S
        while not (told := found()):
            assert time.monotonic() < deadline, f"no {what}: {self.log()}"
            time.sleep(0.3)
        return told

    def log(self) -> str:
        return (self._folder / "worker.log").read_text()[-2_000:]

    def _command(self, *words: str) -> list[str]:
        place = ["--broker", self.broker, "--prefix", self.prefix]
        return [sys.executable, "-m", "deploy.cli", *words, *place]


def free_ports(count: int) -> int:
    """Return the first of `count` ports in a row that nothing listens at."""
    for first in range(21_000, 30_000, count):
        taken = False
        for port in range(first, first + count):
            with socket.socket() as probe:
                taken |= probe.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            return first
    raise AssertionError("no free ports")


@pytest.fixture(scope="module")
def works(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    prefix = f"main{time.time_ns()}"
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    running = Works(broker, prefix, tmp_path_factory.mktemp("works"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def replayed(works: Works, recordings: Path) -> Works:
    """Give the works after the real recordings have gone through them."""
    tracks = [str(recordings / "ais" / "tianchi_samples" / f"{boat}.csv") for boat in BOATS]
    log = str(recordings / "ais" / "dma_ais-sample.txt.gz")
    series = str(recordings / "noise" / "noisemonitor_laeq1s_first12h.csv")
    works.run("replay", *tracks, "--as", "position", "--speed", "max")
    works.run("replay", series, "--as", "sensor", "--source", METER, "--speed", "max")
    works.run("replay", log, "--as", "nmea", "--source", "dma", "--speed", "max")
    golden = {row[-1] for rows in GOLDEN.values() for row in rows}
    works.wait("golden alerts", lambda: golden <= {one["id"] for one in works.sent(ALERTS)})
    # Not by their gauges of lag: whoever has not seen the newest alert yet is not behind.
    asyncio.run(until_consumed(works.broker, works.prefix, timeout_s=WITHIN_S))
    return works


@pytest.mark.recordings
def test_replayed_recordings_give_the_golden_alerts_in_order_and_no_other(replayed: Works) -> None:
    names = ("event_time", "kind", "transition", "subject", "reason", "id")
    told = [[alert.get(name, "") for name in names] for alert in replayed.sent(ALERTS)]
    golden = [row for rows in GOLDEN.values() for row in rows]

    # One rule speaks about one subject in order; what is beside it may come between.
    assert by_matter(told) == by_matter(golden)
    assert replayed.sent(DEADLETTER) == []


def by_matter(alerts: list[list[str]]) -> dict[tuple[str, str], list[list[str]]]:
    matters: dict[tuple[str, str], list[list[str]]] = {}
    for alert in alerts:
        matters.setdefault((alert[1], alert[3]), []).append(alert)
    return matters


@pytest.mark.recordings
def test_the_loud_square_becomes_an_incident_and_orders_for_its_rungs(replayed: Works) -> None:
    loud = [one for one in replayed.sent(INCIDENTS) if one["kind"] == "noise.exceeded"]
    cases = {one["incident_id"] for one in loud}
    orders = [one for one in replayed.sent(DISPATCH_ORDERS) if one["incident_id"] in cases]

    assert len(cases) == 2
    assert {one["change"] for one in loud} >= {"opened", "updated", "resolved"}
    # At night and in a quiet area no loudspeaker speaks: the grid's worker goes at once.
    assert replayed.sent(REMINDERS) == []
    for case in cases:
        levels = [
            one["level"]
            for one in orders
            if one["incident_id"] == case and one["change"] == "issued"
        ]
        assert levels == ["grid", "department"]


@pytest.mark.recordings
def test_metrics_tell_of_the_city_and_of_faust_and_name_no_device(replayed: Works) -> None:
    pages = replayed.metrics()
    subjects = {METER, "square-riverside", "538001652", *(f"bd:{boat}" for boat in BOATS)}

    for page in pages:
        families = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
        assert any(name.startswith("faust_") for name in families)
        assert families >= {"citybrain_records_total", "citybrain_lag_records", "citybrain_ready"}
        labels = set(re.findall(r'="([^"]*)"', page))
        assert not {label for label in labels for subject in subjects if subject in label}
    everything = "\n".join(pages)
    assert re.search(
        r'^citybrain_records_total\{topic="sensor.readings"} 4\d{4}', everything, re.MULTILINE
    )
    assert 'citybrain_alert_messages_total{rule="noise",transition="onset"} 5.0' in everything


def gas(subject: str) -> Reading:
    """Return a reading of now that is an alert at once."""
    return Reading(
        source="iot",
        kind="gas.combustible",
        subject=subject,
        event_time_ms=time.time_ns() // 1_000_000,
        value=60.0,
        unit="%LEL",
        lon_deg=120.553,
        lat_deg=27.575,
    )


def word(case_id: str, action: FieldAction) -> DispatchUpdate:
    return DispatchUpdate(
        source="field",
        kind="dispatch.update",
        subject=case_id,
        event_time_ms=time.time_ns() // 1_000_000,
        action=action,
        by="fire",
    )


def orders_about(works: Works, subject: str, **said: str) -> list[dict[str, Any]]:
    return [
        one
        for one in works.sent(DISPATCH_ORDERS)
        if one["subject"] == subject and all(one.get(name) == said[name] for name in said)
    ]


def test_words_from_the_field_move_a_case_and_a_restart_keeps_it_and_its_clocks(
    works: Works,
) -> None:
    works.publish(SENSOR_READINGS, gas("gas-answered"), gas("gas-ignored"))
    (order,) = works.wait("order", lambda: orders_about(works, "gas-answered", change="issued"))
    (ignored,) = works.wait("order", lambda: orders_about(works, "gas-ignored", change="issued"))

    def says(action: FieldAction, state: str) -> dict[str, Any]:
        works.publish(DISPATCH_UPDATES, word(order["case_id"], action))
        (moved,) = works.wait(state, lambda: orders_about(works, "gas-answered", state=state))
        return moved

    says(FieldAction.ACCEPT, "accepted")
    says(FieldAction.DEPART, "departed")
    works.stop()
    works.start()
    says(FieldAction.ARRIVE, "on-site")
    handled = says(FieldAction.HANDLE, "handled")

    assert handled["order_id"] == order["order_id"]
    assert handled["on_site_by_time"] == order["on_site_by_time"]
    assert orders_about(works, "gas-answered", clock_note="breach") == []
    # Nobody answers the other: its clock goes on as if nothing had been restarted.
    note, *_ = works.wait(
        "word of the clock", lambda: orders_about(works, "gas-ignored", clock="respond")
    )
    assert note["deadline_time"] == ignored["respond_by_time"]
    assert works.sent(DEADLETTER) == []
