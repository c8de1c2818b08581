"""Runs gateway, city and screens, each in a process of its own, and watches the gateway's."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from deploy import processes, topics_admin
from deploy.bench.screens.course import Course, Loaded, Watched
from deploy.bench.screens.memory import Memory, as_words, judge
from deploy.bench.usage import cpu_taken_s
from deploy.errors import Fault
from deploy.ports import free_port
from schemas.topics import TOPICS
from screens.access.accounts import Accounts
from screens.access.people import EVERYWHERE, Person, Role

_READY_WITHIN_S = 120.0
_START_IN_S = 15.0
_GRACE_S = 60.0
_LOOK_S = 2.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one run found; `cpu_share` and `memory` are of the gateway's process."""

    course: Course
    loaded: Loaded
    watched: Watched
    cpu_share: float
    memory: Memory


async def measure(
    address: str,
    folder: Path,
    *,
    screens: int,
    warm_up_s: float,
    duration_s: float,
    say: Callable[[str], None],
) -> Outcome:
    """Start everything, let it run, and say what was measured.

    Raises:
        Fault: A part did not start, or failed.
    """
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    table = topics_admin.prefixed(TOPICS, prefix)
    topics_admin.apply(address, table, {})
    password = secrets.token_urlsafe(12)
    accounts = Accounts(folder / "screens" / "users.json")
    accounts.add(Person("bench", "bench", Role.DESK, (EVERYWHERE,)), password, ())
    port = free_port()
    say("starting the gateway …")
    gateway = _start(
        ["-m", "deploy.cli", "screens", "--port", str(port), "--state", str(folder)],
        {"CITYBRAIN_BROKER": address, "CITYBRAIN_PREFIX": prefix},
        folder / "gateway.log",
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_ready(f"{url}/readyz", gateway, folder / "gateway.log")
        course = Course(
            broker=address,
            prefix=prefix,
            url=url,
            user="bench",
            password=password,
            screens=screens,
            warm_up_s=warm_up_s,
            duration_s=duration_s,
            start_ms=time.time_ns() // 1_000_000 + round(_START_IN_S * 1000),
        )
        return await _race(course, gateway.pid, folder, say)
    finally:
        processes.end([gateway], _LOOK_S * 2)
        topics_admin.remove(address, prefix)


async def _race(course: Course, pid: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    text = msgspec.json.encode(course).decode()
    load, watch = await _part("load", text, folder), await _part("watch", text, folder)
    memory: list[tuple[float, float]] = []
    cpu: list[tuple[float, float]] = []
    from_s = course.start_ms / 1000 + course.warm_up_s
    until_s = from_s + course.duration_s
    say(f"{course.screens} screens for {course.warm_up_s + course.duration_s:.0f} s …")
    try:
        while time.time() < until_s:
            await asyncio.sleep(_LOOK_S)
            if load.returncode or watch.returncode:
                break
            if time.time() >= from_s:
                memory.append((time.time(), _memory_mib(pid)))
                cpu.append((time.time(), cpu_taken_s(pid)))
        async with asyncio.timeout(_GRACE_S):
            loads, watches = await asyncio.gather(load.communicate(), watch.communicate())
    except TimeoutError:
        raise Fault("The city or the screens did not end", f"See {folder}") from None
    finally:
        for part in (load, watch):
            if part.returncode is None:
                part.kill()
    if load.returncode or watch.returncode:
        logs = "".join((folder / f"{p}.log").read_text()[-800:] for p in ("load", "watch"))
        raise Fault(f"A part failed:\n{logs}", "")
    (first_s, first_cpu), (last_s, last_cpu) = cpu[0], cpu[-1]
    return Outcome(
        course=msgspec.structs.replace(course, password=""),
        loaded=msgspec.json.decode(loads[0], type=Loaded),
        watched=msgspec.json.decode(watches[0], type=Watched),
        cpu_share=(last_cpu - first_cpu) / max(1e-9, last_s - first_s),
        memory=judge(memory),
    )


async def _part(name: str, course: str, folder: Path) -> asyncio.subprocess.Process:
    with (folder / f"{name}.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"deploy.bench.screens.{name}",
            course,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )


def as_table(found: Outcome) -> str:
    """Return what a run found as lines for people."""
    watched, course = found.watched, found.course
    per_s = found.loaded.records / (course.warm_up_s + course.duration_s)
    mib_s = watched.received_bytes / course.duration_s / 2**20
    ages = f"p50 {watched.p50_s:.3f} s   p95 {watched.p95_s:.3f} s   p99 {watched.p99_s:.3f} s"
    rows = {
        "screens": f"{course.screens}, of which a fifth see the whole city",
        "city": f"{per_s:,.0f} records/s, at worst {found.loaded.worst_lag_s:.2f} s late",
        "event to screen": f"{ages}   most {watched.most_s:.3f} s   ({watched.items:,} items)",
        "alert to screen": f"p95 {watched.alerts_p95_s:.3f} s   most {watched.alerts_most_s:.3f} s",
        "sent": f"{watched.frames:,} frames, {mib_s:.1f} MiB/s, {watched.snapshots} snapshots",
        "longest silence": f"{watched.most_silence_s:.2f} s",
        "most items held": f"{watched.most_items:,}",
        "gateway CPU": f"{found.cpu_share:.0%} of a core",
        "gateway memory": as_words(found.memory),
    }
    return "\n".join(f"{name:<16} {text}" for name, text in rows.items())


def _start(argv: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return processes.spawn([sys.executable, *argv], output=out, env={**os.environ, **env})


def _wait_ready(url: str, gateway: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline_s and gateway.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own gateway
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise Fault(f"The gateway did not become ready:\n{log.read_text()[-800:]}", "")


def _memory_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
