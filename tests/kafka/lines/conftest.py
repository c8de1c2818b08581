"""What the tests of the line doors share: topics of their own on a real Kafka, and reading them."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy import processes, topic_reader, topics_admin
from deploy.cities import LONGGANG, load_city
from deploy.ports import free_port
from feeds.intake.publisher import Publisher
from schemas.topics import TOPICS

WITHIN_S = 90.0


class Kafka(NamedTuple):
    """A Kafka with the table's topics under a prefix of the test module's own."""

    address: str
    prefix: str

    async def read(self, topic: str) -> list[Any]:
        """Return all records of a topic, partition by partition in order."""
        reader = topic_reader.read(
            self.address, [self.prefix + topic], from_beginning=True, until_end=True
        )
        found = [record async for records in reader for record in records]
        return sorted(found, key=lambda one: (one.partition, one.offset))

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        async with Publisher(self.address, self.prefix) as publisher:
            yield publisher


@pytest.fixture(scope="module")
def kafka(broker: str) -> Iterator[Kafka]:
    prefix = f"lines{uuid.uuid4().hex[:8]}-"
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    return Kafka(broker, prefix)


@pytest.fixture(scope="session")
def city():
    """Give the city of Longgang."""
    return load_city(LONGGANG)


@pytest.fixture(scope="session")
def kafka_at():
    """Give the way to a Kafka of one's own: `kafka_at(address, prefix)`."""
    return Kafka


@pytest.fixture(scope="session")
def a_free_port():
    """Give the way to a port that nobody has: `a_free_port()`."""
    return free_port


@pytest.fixture(scope="session")
def wire():
    """Give the way to lay a wire to a port: `wire(port)`."""
    return Wire


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Give a wait for a condition: `await until(what, condition)`; it may be async."""

    async def wait(what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + WITHIN_S
        while True:
            told = condition()
            told = await told if asyncio.iscoroutine(told) else told
            if told:
                return told
            assert time.monotonic() < deadline, f"not within {WITHIN_S:.0f} s: {what}"
            await asyncio.sleep(0.1)

    return wait


class Mosquitto:
    """A real Mosquitto on a free port of the loopback address."""

    def __init__(self, folder: Path, who: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(f"listener {self.port} 127.0.0.1\n{who}max_queued_messages 0\n")
        self._log = folder / "mosquitto.log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._child = processes.spawn(
                [mosquitto_program(), "-c", str(self._settings)], output=log
            )
        deadline = time.monotonic() + WITHIN_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._child.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        if self._child is not None:
            processes.end([self._child], 5)


def mosquitto_program() -> str:
    """Return Mosquitto's path; Debian puts it where only root looks."""
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if found is None:
        reason = "mosquitto is not installed (Debian: apt-get install mosquitto)"
        if os.environ.get("CI"):
            pytest.fail(f"CI must have it: {reason}")
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def locked_mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give one with TLS that takes user `sim`, password `right`; its certificate is ca.pem."""
    key, cert, users = (tmp_path / name for name in ("key.pem", "ca.pem", "users"))
    making = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    making += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=127.0.0.1"]
    making += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(making, check=True, capture_output=True)
    users.write_text("")
    users.chmod(0o600)
    signing = ["mosquitto_passwd", "-b", str(users), "sim", "right"]
    subprocess.run(signing, check=True, capture_output=True)
    who = f"certfile {cert}\nkeyfile {key}\nallow_anonymous false\npassword_file {users}\n"
    if os.geteuid() == 0:
        who += "user root\n"  # else it drops what it needs to read its own files
    running = Mosquitto(tmp_path, who)
    running.start()
    yield running
    running.stop()


class Wire:
    """A wire between two sockets that can be cut, and is whole for whoever comes again."""

    def __init__(self, port: int) -> None:
        self.to_port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[None]:
        """Listen at a free port until the context is left."""
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self.cut()
            server.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        self._open |= {writer, other_writer}
        await asyncio.gather(self._carry(reader, other_writer), self._carry(other_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        """Cut whatever is connected now, with all that is on its way."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()
