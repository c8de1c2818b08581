"""The doors under load, on a real Kafka: events a second, and the time to the acknowledgement.

The door runs in a process of its own, as `citybrain intake` starts it; what it
costs is read from the kernel's account of that process. Requests are written
before any clock runs, and sent over plain sockets, so that the client costs
little beside it.
"""

import asyncio
import socket
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from deploy import processes, topics_admin
from deploy.bench.usage import cpu_taken_s
from deploy.errors import Fault
from deploy.ports import free_port
from feeds.intake.keys import Key, KeyFile
from schemas.instants import format_instant
from schemas.topics import TOPICS

_READY_S: Final = 60.0
_GRACE_S: Final = 8.0
_DEVICES: Final = 1_000


class Shape(NamedTuple):
    """One way of sending: so many events a request, over so many connections."""

    batch: int
    connections: int
    requests: int


class Measured(NamedTuple):
    """What came of one shape.

    Attributes:
        name: Of the door and the shape.
        events: Sent, all of them acknowledged.
        seconds: From the first request to the last answer.
        cpu_s: Of the door's process alone.
        p50_ms, p99_ms: From a request's first byte to its answer, which comes
            after the broker's acknowledgement.
        short: Requests of which not every event was accepted, by HTTP status.
    """

    name: str
    events: int
    seconds: float
    cpu_s: float
    p50_ms: float
    p99_ms: float
    short: Counter[int]

    @property
    def is_right(self) -> bool:
        """Whether every event was accepted."""
        return not self.short


class Door(NamedTuple):
    """A running `citybrain intake`."""

    pid: int
    port: int
    token: str


@contextmanager
def open_door(address: str, say: Callable[[str], None]) -> Iterator[Door]:
    """Start a door of its own on fresh topics; end both at the end.

    Raises:
        Fault: It did not open.
    """
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    topics_admin.apply(address, topics_admin.prefixed(TOPICS, prefix), {})
    with tempfile.TemporaryDirectory(prefix="citybrain-bench-intake-") as folder:
        key = Key(id="", label="", sha256="", sources=("noise",), rate_per_s=1e9, burst=1 << 40)
        token = KeyFile(Path(folder) / "keys.json").add(key, 0)
        port = free_port()
        words = ["--port", str(port), "--state", folder, "--broker", address, "--prefix", prefix]
        log = Path(folder) / "intake.log"
        with log.open("wb") as output:
            child = processes.spawn(
                [sys.executable, "-m", "deploy.cli", "intake", *words], output=output
            )
        try:
            say("opening the door …")
            wait_open(port, log)
            yield Door(child.pid, port, token)
        finally:
            processes.end([child], _GRACE_S)
            topics_admin.remove(address, prefix)


async def measure_http(door: Door, shape: Shape) -> Measured:
    """Send a shape's requests, each connection one after the other."""
    requests = _requests(door, shape)
    shares = [requests[n :: shape.connections] for n in range(shape.connections)]
    links = [await asyncio.open_connection("127.0.0.1", door.port) for _ in shares]
    cpu_s, began_s = cpu_taken_s(door.pid), time.perf_counter()
    answered = await asyncio.gather(
        *(_send(*link, share) for link, share in zip(links, shares, strict=True))
    )
    seconds, cpu_s = time.perf_counter() - began_s, cpu_taken_s(door.pid) - cpu_s
    for _, writer in links:
        writer.close()
    told = [one for share in answered for one in share]
    took_ms = np.array([one.took_s for one in told]) * 1000
    return Measured(
        f"HTTP, {shape.batch} a request, {shape.connections} connections",
        shape.batch * shape.requests,
        seconds,
        cpu_s,
        float(np.percentile(took_ms, 50)),
        float(np.percentile(took_ms, 99)),
        Counter(one.status for one in told if one.accepted < shape.batch),
    )


def table(rows: Sequence[Measured]) -> str:
    """Return the results as a Markdown table."""
    head = (
        "| door | events | events/s | p50 ms | p99 ms | CPU s per million | events/s on one core |"
    )
    lines = [head, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in rows:
        per_million = row.cpu_s / row.events * 1e6
        wrong = f" (NOT ALL ACCEPTED, by status: {dict(row.short)})" if row.short else ""
        lines.append(
            f"| {row.name}{wrong} | {row.events:,} | {row.events / row.seconds:,.0f} | "
            f"{row.p50_ms:.1f} | {row.p99_ms:.1f} | {per_million:.1f} | {1e6 / per_million:,.0f} |"
        )
    return "\n".join(lines)


class _Answer(NamedTuple):
    """What one request was answered, and after how long."""

    took_s: float
    status: int
    accepted: int


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: Sequence[bytes]
) -> list[_Answer]:
    """Return the answer to each request."""
    answered = []
    for request in requests:
        began_s = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        took_s = time.perf_counter() - began_s
        count = int(body.partition(b'"accepted":')[2].split(b",", 1)[0] or 0)
        answered.append(_Answer(took_s, int(head.split(b" ", 2)[1]), count))
    return answered


def _requests(door: Door, shape: Shape) -> list[bytes]:
    """Return whole requests; no event is like another."""
    start_ms, mark = time.time_ns() // 1_000_000, uuid.uuid4().hex[:6]
    at = format_instant(start_ms)
    made = []
    for request in range(shape.requests):
        first = request * shape.batch
        events = [
            f'{{"source":"noise","kind":"noise.laeq","subject":"bench-{n % _DEVICES:04}",'
            f'"event_time":"{at}","value":{40 + n % 400 / 10},"unit":"dB(A)","id":"{mark}{n}"}}'
            for n in range(first, first + shape.batch)
        ]
        body = (events[0] if shape.batch == 1 else f"[{','.join(events)}]").encode()
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {door.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def wait_open(port: int, log: Path) -> None:
    """Wait until a door listens; Fault, with the end of its log, when it does not."""
    until_s = time.monotonic() + _READY_S
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise Fault(
        f"The door did not open in {_READY_S:.0f} s", log.read_text(errors="replace")[-2000:]
    )
