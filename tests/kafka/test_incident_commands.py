"""The incidents' agent live: alerts and commands in, incidents and answers out, kill -9 between."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import processes, topic_reader, topics_admin
from schemas.alerts import Alert, Severity, Transition
from schemas.codec import encode
from schemas.envelope import Envelope
from schemas.incidents import IncidentAction, IncidentCommand
from schemas.topics import ALERTS, INCIDENT_COMMANDS, INCIDENT_REPLIES, INCIDENTS, TOPICS

pytestmark = pytest.mark.kafka

WITHIN_S = 90.0
LON, LAT = 120.553, 27.575


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Agent:
    """The agent of incidents as a process, and the topics about it."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        self._broker, self._prefix, self._folder = broker, prefix, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [sys.executable, "-m", "deploy.cli", "worker", "incidents"]
        place = ["--broker", self._broker, "--prefix", self._prefix, "--state", str(self._folder)]
        with (self._folder / "worker.log").open("ab") as log:
            self._process = processes.spawn([*words, *place], output=log)

    def kill(self) -> None:
        """End it as a power cut does, with whatever process it has started."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=WITHIN_S)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            processes.end([self._process], grace_s=20)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        place = ["--broker", self._broker, "--prefix", self._prefix]
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words, *place, "--timeout", str(WITHIN_S)],
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * WITHIN_S,
        )

    def publish(self, topic: str, *records: Envelope) -> None:
        async def send() -> None:
            async with topic_reader.producer(self._broker) as producer:
                for record in records:
                    await producer.send_and_wait(
                        self._prefix + topic, encode(record), key=b"longgang"
                    )

        asyncio.run(send())

    def sent(self, topic: str) -> list[dict[str, Any]]:
        async def gather() -> list[dict[str, Any]]:
            reader = topic_reader.read(
                self._broker, [self._prefix + topic], from_beginning=True, until_end=True
            )
            return [json.loads(one.value) async for records in reader for one in records]

        return asyncio.run(gather())

    def wait(self, what: str, found: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + WITHIN_S
        while not (told := found()):
            log = (self._folder / "worker.log").read_text()[-2_000:]
            assert time.monotonic() < deadline, f"no {what}: {log}"
            time.sleep(0.2)
        return told

    def about(self, subject: str, **said: Any) -> list[dict[str, Any]]:
        return [
            one
            for one in self.sent(INCIDENTS)
            if one["subject"] == subject and all(one.get(k) == v for k, v in said.items())
        ]

    def answer(self, command: IncidentCommand) -> dict[str, Any]:
        self.publish(INCIDENT_COMMANDS, command)
        found = self.wait(
            "answer",
            lambda: [one for one in self.sent(INCIDENT_REPLIES) if one["command_id"] == command.id],
        )
        reply: dict[str, Any] = found[-1]
        return reply


@pytest.fixture(scope="module")
def agent(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    prefix = f"desk{time.time_ns()}"
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    running = Agent(broker, prefix, tmp_path_factory.mktemp("desk"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


def alert(kind: str, subject: str, transition: Transition, alert_id: str, **said: Any) -> Alert:
    at_ms = now_ms()
    fields = {"lon_deg": LON, "lat_deg": LAT, "onset_time_ms": at_ms} | said
    return Alert(
        source="citybrain", kind=kind, subject=subject, event_time_ms=at_ms,
        id=f"{alert_id}/{transition}", alert_id=alert_id, rule=kind.partition(".")[0],
        transition=transition, severity=Severity.MODERATE, **fields,
    )  # fmt: skip


def command(action: IncidentAction, name: str, **said: Any) -> IncidentCommand:
    return IncidentCommand(
        source="screens", kind="incident.command", subject="longgang", event_time_ms=now_ms(),
        id=name, action=action, by="op-1", role="desk", reason="test", **said,
    )  # fmt: skip


def test_a_meter_and_a_caller_are_one_incident_until_a_person_splits_them_also_after_a_kill(
    agent: Agent,
) -> None:
    agent.publish(ALERTS, alert("noise.exceeded", "square", Transition.ONSET, "meter"))
    agent.publish(ALERTS, alert("complaint.noise", "ticket", Transition.ONSET, "caller"))
    (joined, *_) = agent.wait("link", lambda: agent.about("square", senses=["sensor", "caller"]))
    assert [link["why"] for link in joined["links"]] == ["noise"]
    agent.wait("end of the wait", lambda: agent.about("square", released="grouping"))

    agent.kill()
    agent.start()
    split = {"incident_id": joined["incident_id"], "alert_ids": ("caller",)}
    reply = agent.answer(command(IncidentAction.SPLIT, "split-1", **split))
    assert reply["accepted"] is True
    (alone,) = agent.wait("its own incident", lambda: agent.about("ticket", change="opened"))
    assert alone["senses"] == ["caller"]

    refused = agent.answer(command(IncidentAction.SPLIT, "split-2", **split))
    assert (refused["accepted"], refused["reason"]) == (False, "not-in-incident")


def test_what_is_silenced_stays_so_over_a_kill_and_is_told_when_the_silence_ends(
    agent: Agent,
) -> None:
    until_ms = now_ms() + 3_600_000
    silence = {"subjects": ("shop",), "kinds": ("stall.*",), "until_time_ms": until_ms}
    assert agent.answer(command(IncidentAction.SILENCE, "quiet", **silence))["accepted"] is True
    agent.publish(ALERTS, alert("stall.outside", "shop", Transition.ONSET, "stall", lat_deg=27.52))
    agent.wait("incident", lambda: agent.about("shop", change="opened"))

    agent.kill()
    agent.start()
    again = agent.answer(command(IncidentAction.SILENCE, "quiet", **silence))
    assert again["accepted"] is True
    assert [one for one in agent.about("shop") if one.get("actionable", True)] == []

    assert agent.answer(command(IncidentAction.UNSILENCE, "speak", silence_id="quiet"))["accepted"]
    # A quick machine lifts the silence before the wait for company has ended.
    (told, *_) = agent.wait("release", lambda: [o for o in agent.about("shop") if "held" not in o])
    assert told["released"] in {"silence:quiet", "grouping"}
    revisions = [one["revision"] for one in agent.about("shop")]
    assert sorted(set(revisions)) == list(range(1, max(revisions) + 1))


def test_the_command_line_says_a_word_and_shows_its_answer(agent: Agent) -> None:
    words = ("silence", "--kind", "parking.*", "--by", "op-7", "--reason", "fair")
    done = agent.run("incident", *words, "--hours", "2", "--id", "fair")
    assert (done.returncode, done.stdout.split()[:3]) == (0, ["fair", "silence:", "done:"])

    refused = agent.run("incident", *words)
    assert refused.returncode == 1
    assert "refused, end-required" in refused.stdout
