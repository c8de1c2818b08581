"""The embedded broker starts, stops, comes back, and leaves nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from deploy import processes
from deploy.broker import EmbeddedBroker
from deploy.errors import Fault

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_tools")]

WITHIN_S = 60.0
PARENT = """
import sys, pathlib
from deploy.broker import EmbeddedBroker
print(EmbeddedBroker(pathlib.Path(sys.argv[1])).start(), flush=True)
sys.stdin.read()
"""


def processes_of(folder: Path) -> list[int]:
    """Return the ids of all living processes that name `folder` in their command."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:  # it ended in between
            continue
        if str(folder).encode() in command:
            found.append(int(entry.parent.name))
    return found


def wait_until_none_of(folder: Path) -> list[int]:
    deadline = time.monotonic() + WITHIN_S
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def topics_at(address: str) -> set[str]:
    client = KafkaAdminClient(bootstrap_servers=address)
    try:
        return set(client.list_topics())
    finally:
        client.close()


def test_a_broker_serves_and_comes_back_with_its_data_at_the_same_address(tmp_path: Path) -> None:
    node = EmbeddedBroker(tmp_path)
    with node as address:
        client = KafkaAdminClient(bootstrap_servers=address)
        client.create_topics({"kept": {"num_partitions": 2, "replication_factor": 1}})
        client.close()

        assert node.restart() == address
        assert "kept" in topics_at(address)

        node.kill()
        assert processes_of(tmp_path) == []
        assert node.start() == address
        assert "kept" in topics_at(address)

    assert processes_of(tmp_path) == []
    assert node.running() is None


def test_a_second_broker_on_the_same_folder_is_refused_with_a_cure(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path), pytest.raises(Fault, match="broker stop") as refused:
        EmbeddedBroker(tmp_path).start()

    assert "already runs" in refused.value.message


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "one") as address:
        port = int(address.rpartition(":")[2])

        with pytest.raises(Fault, match=f"Port {port} is taken"):
            EmbeddedBroker(tmp_path / "two", port).start()


def test_a_broker_that_cannot_come_up_says_why_from_its_log(tmp_path: Path) -> None:
    node = EmbeddedBroker(tmp_path)
    with node:
        pass
    (tmp_path / "kafka" / "data" / "meta.properties").write_text("version=1\nnode.id=7\n")

    with pytest.raises(Fault, match=r"kafka\.log") as refused:
        node.start()

    assert "meta.properties" in refused.value.message
    assert processes_of(tmp_path) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties a child to us")
def test_kill_9_of_the_parent_leaves_no_broker_behind(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    address = parent.stdout.readline()
    assert address.startswith(b"127.0.0.1:")
    assert len(processes_of(tmp_path)) == 2

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    assert wait_until_none_of(tmp_path) == []


def test_ending_children_takes_a_whole_group_even_when_it_ignores_the_asking(
    tmp_path: Path,
) -> None:
    stubborn = processes.spawn(
        [
            "/bin/sh",
            "-c",
            f"trap '' TERM; echo ready > {tmp_path}/ready; sleep 60 & wait; sleep 60",
        ]
    )
    deadline = time.monotonic() + WITHIN_S
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.01)

    processes.end([stubborn], grace_s=0.2)

    assert stubborn.returncode == -signal.SIGKILL
    assert wait_until_none_of(tmp_path) == []
