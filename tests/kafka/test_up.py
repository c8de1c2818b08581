"""`citybrain up --simulate`: findings come, and its end leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from feeds.intake.keys import Key, KeyFile

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_tools")]

WITHIN_S = 120.0
END_WITHIN_S = 10.0
SOURCES = {"sensors", "cameras", "vessels", "citizens"}
NO_RECORDINGS = {"CITYBRAIN_RECORDINGS": "/nowhere"}


class Up:
    """A running `citybrain up`, and what it has said."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.said = data.parent / "said.txt"
        env = {**os.environ, **NO_RECORDINGS}
        env.pop("CITYBRAIN_BROKER", None)
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", "up", "--simulate", "--data", str(data)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
            )

    def wait_for(self, *words: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while missing := [word for word in words if word not in self.said.read_text()]:
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, f"no {missing} in:\n{self.said.read_text()}"
            time.sleep(0.1)

    def wait_until(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not is_so():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, f"no {what} in:\n{self.said.read_text()}"
            time.sleep(0.2)

    def sources_with_orders(self) -> set[str]:
        """Return the sources of which there are alerts, incidents and orders."""
        lines = [one for one in self.said.read_text().splitlines() if one.startswith("SOURCES ")]
        told = re.findall(
            r"(\w+): [1-9]\d* alerts, [1-9]\d* incidents, [1-9]\d* orders", "".join(lines[-1:])
        )
        return set(told)

    def processes(self) -> list[int]:
        """Return every living process that belongs to it: by data folder, or by environment."""
        mark = str(self.data).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:  # it ended in between
                continue
            if mark in told:
                found.append(int(entry.name))
        return found

    def wait_gone(self) -> list[int]:
        deadline = time.monotonic() + END_WITHIN_S
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left


def post_an_event(up: Up) -> int:
    """Return what its HTTP door answers to an event with a fresh key."""
    up.wait_for("events in at ")
    found = re.search(r"events in at (http://\S+),", up.said.read_text())
    assert found is not None
    key = Key(id="", label="", sha256="", sources=("noise",))
    event = {
        "source": "noise",
        "kind": "noise.laeq",
        "subject": "visitor-1",
        "event_time": datetime.now(UTC).isoformat(),
        "value": 40,
        "unit": "dB(A)",
    }
    token = KeyFile(up.data / "keys.json").add(key, 0)
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(found[1], json=event, headers=headers, timeout=60).status_code


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data")
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def signs_in(said: str) -> bool:
    """Whether the screens are where it says, and take the first login that it says."""
    found = re.search(r"screens (http://\S+/)   sign in: (\S+) / (\S+)", said)
    assert found is not None, said
    url, user, password = found.groups()
    body = json.dumps({"user": user, "password": password}).encode()
    asked = urllib.request.Request(  # noqa: S310 - our own gateway
        f"{url}api/v1/session", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - as above
        return bool(json.loads(answer.read())["csrf"])


def test_all_four_sources_show_within_two_minutes_and_ctrl_c_ends_all_in_ten_seconds(
    up: Up,
) -> None:
    up.wait_for("ALERT ", "INCIDENT ", "ORDER ", "REMINDER ", "PLAYS ")
    up.wait_until("all four sources", lambda: up.sources_with_orders() >= SOURCES)
    assert len(up.processes()) > 2
    assert signs_in(up.said.read_text())
    assert post_an_event(up) == 202

    began_s = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    code = up.process.wait(timeout=60)

    assert time.monotonic() - began_s < END_WITHIN_S
    assert code == 0, up.said.read_text()
    assert up.wait_gone() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties a child to us")
def test_kill_9_leaves_nothing_behind(up: Up) -> None:
    up.wait_for("FLOW ")

    up.process.kill()
    up.process.wait()

    assert up.wait_gone() == []
