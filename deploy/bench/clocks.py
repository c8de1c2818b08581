"""Thousands of open cases on one worker: are their deadlines met, and are they recovered.

Nobody answers any order, which is the worst that can happen: every case breaks
three promises and climbs the ladder all the while. After two of them the worker is
killed; the third shows whether the clocks were recovered.
"""

import asyncio
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deploy import topic_reader, topics_admin
from deploy.bench.engine import kafka
from deploy.bench.usage import cpu_taken_s
from deploy.cities import LONGGANG
from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import until_ready
from deploy.render import decode
from schemas import codec
from schemas.alerts import Severity
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.instants import instant_of
from schemas.topics import CASE_EVENTS, INCIDENTS, TOPICS

PREFIX = "bench-clocks"
_READY_S = 120.0
_RESTART_S = 30  # between the last breach before the kill and the first after it
_STEP_S = 0.1
_BROKEN = ("respond", "depart", "on-site")


class Course(NamedTuple):
    """What is measured.

    Attributes:
        cases: How many are open at once; `spread_s` within how long they open.
        respond_s, depart_s, on_site_s: Promises, so that all break within minutes.
    """

    cases: int
    spread_s: int
    respond_s: int
    depart_s: int
    on_site_s: int


class Lateness(NamedTuple):
    """How late the breaches of one clock were told: message time minus deadline, ms."""

    clock: str
    told: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Result(NamedTuple):
    """What came of a course.

    Attributes:
        recovered_s: From the kill until a worker consumed again, its start included.
        state_s: Of that, until its clocks were taken up from the changelog.
        cpu_s: Of the worker, both processes: the figure to trust on a busy machine.
        repeated: Breaches that were sent, and sent again with the same id after the kill.
    """

    course: Course
    lateness: list[Lateness]
    recovered_s: float
    state_s: float
    cpu_s: float
    repeated: int

    @property
    def is_right(self) -> bool:
        """Whether every breach was told once, within a second at p99, and recovery took < 10 s."""
        whole = all(one.told == self.course.cases for one in self.lateness)
        fast = all(one.p99_ms <= 1_000 for one in self.lateness)  # noqa: PLR2004 - the promise
        return whole and fast and self.recovered_s < 10  # noqa: PLR2004


class Told(NamedTuple):
    """One breach on `case.events`: its id, its clock, its deadline and message time."""

    id: str
    clock: str
    deadline_ms: int
    message_ms: int


def course_of(cases: int, spread_s: int) -> Course:
    """Return a course whose promises break one after the other."""
    respond_s = max(10, spread_s * 2 // 3)
    depart_s = 2 * respond_s
    return Course(cases, spread_s, respond_s, depart_s, depart_s + spread_s + _RESTART_S)


def measure(course: Course, broker: str | None, folder: Path, say: Callable[[str], None]) -> Result:
    """Run a course on a Kafka, an embedded one where none is given."""
    city = _city(course, folder / "city")
    with kafka(broker, folder / "kafka") as address:
        place = Place(address, f"{PREFIX}-{time.time_ns()}-", folder / "agents", city)
        topics_admin.apply(address, topics_admin.prefixed(TOPICS, place.prefix), {})
        return asyncio.run(_run(course, place, say))


def lateness_of(told: Iterable[Told]) -> tuple[list[Lateness], int]:
    """Return how late each clock's breaches were, and how many were sent again."""
    by_id: dict[str, Told] = {}
    repeated = 0
    for one in told:
        repeated += one.id in by_id
        by_id.setdefault(one.id, one)
    found = []
    for clock in _BROKEN:
        late_ms = np.array(
            [one.message_ms - one.deadline_ms for one in by_id.values() if one.clock == clock]
        )
        if late_ms.size:
            p50_ms, p99_ms = np.percentile(late_ms, [50, 99])
            worst_ms = float(late_ms.max())
            found.append(Lateness(clock, late_ms.size, float(p50_ms), float(p99_ms), worst_ms))
        else:
            found.append(Lateness(clock, 0, 0.0, 0.0, 0.0))
    return found, repeated


def as_table(result: Result) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| clock | breaches told | late p50 | late p99 | worst |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.clock} | {one.told:,} | {one.p50_ms:.0f} ms | {one.p99_ms:.0f} ms "
        f"| {one.worst_ms:.0f} ms |"
        for one in result.lateness
    ]
    course = result.course
    lines.append(
        f"\n{course.cases:,} open cases, opened within {course.spread_s} s, nobody answers; "
        f"killed before the on-site deadlines, consuming again after {result.recovered_s:.1f} s, "
        f"{result.state_s:.1f} s of it for the state; the worker took {result.cpu_s:.0f} CPU s; "
        f"sent again with the same id: {result.repeated}."
    )
    return "\n".join(lines)


async def _run(course: Course, place: Place, say: Callable[[str], None]) -> Result:
    with Fleet(place, ["dispatch"]) as fleet:
        await until_ready(fleet, ["dispatch"], _READY_S)
        began = time.monotonic()
        await _open(course, place)
        say(f"{course.cases:,} cases are open after {time.monotonic() - began:.0f} s")
        await _sleep_until(began + course.spread_s + course.depart_s + _RESTART_S / 3)
        cpu_s = cpu_taken_s(fleet.pids()["dispatch"])
        fleet.send("dispatch", signal.SIGKILL)
        killed = time.monotonic()
        while fleet.pids():  # noqa: ASYNC110 - a process tells nobody that it ended
            await asyncio.sleep(_STEP_S)
        await until_ready(fleet, ["dispatch"], _READY_S)
        recovered_s = time.monotonic() - killed
        state_s = _gauge(fleet.metrics("dispatch"), "citybrain_recovery_seconds")
        say(f"killed, and consuming again after {recovered_s:.1f} s, {state_s:.1f} s for the state")
        await _sleep_until(began + course.spread_s + course.on_site_s + _RESTART_S / 2)
        cpu_s += cpu_taken_s(fleet.pids()["dispatch"])
    lateness, repeated = lateness_of(await _told(place))
    return Result(course, lateness, recovered_s, state_s, cpu_s, repeated)


def _gauge(page: bytes, name: str) -> float:
    """Return one gauge of a metrics page; NaN when it is not there."""
    found = re.search(rf"(?m)^{name} (\S+)$", page.decode())
    return float(found[1]) if found else float("nan")


async def _open(course: Course, place: Place) -> None:
    """Publish the incidents evenly over the spread, each created as it is published."""
    began = time.monotonic()
    async with topic_reader.producer(place.address) as sender:
        sent = 0
        while sent < course.cases:
            passed = min(1.0, (time.monotonic() - began + _STEP_S) / course.spread_s)
            due = max(sent + 1, int(course.cases * passed))
            acknowledged = [
                await sender.send(
                    place.prefix + INCIDENTS, codec.encode(_incident(number)), key=b"longgang"
                )
                for number in range(sent, min(due, course.cases))
            ]
            await asyncio.gather(*acknowledged)
            sent = due
            await asyncio.sleep(_STEP_S)


def _incident(number: int) -> Incident:
    at_ms = time.time_ns() // 1_000_000
    return Incident(
        source="bench",
        kind="waste.pile",
        subject=f"camera-{number}",
        event_time_ms=at_ms,
        incident_id=f"bench-{number}",
        rule="bench",
        state=IncidentState.OPEN,
        change=IncidentChange.OPENED,
        severity=Severity.MODERATE,
        revision=1,
        opened_time_ms=at_ms - 5_000,
        created_time_ms=at_ms,
        first_seen_time_ms=at_ms,
        last_seen_time_ms=at_ms,
        alert_count=1,
        alert_ids=(f"alert-{number}",),
        lon_deg=120.553,
        lat_deg=27.575,
    )


async def _told(place: Place) -> list[Told]:
    topic = place.prefix + CASE_EVENTS
    reader = topic_reader.read(place.address, [topic], from_beginning=True, until_end=True)
    found = []
    async for batch in reader:
        for record in batch:
            fields = decode(record.value)
            if fields is None or fields.get("action") != "breached":
                continue
            deadline_ms = instant_of(fields["deadline_time"])
            found.append(Told(fields["id"], fields["clock"], deadline_ms, record.timestamp))
    return found


async def _sleep_until(instant_s: float) -> None:
    await asyncio.sleep(max(0.0, instant_s - time.monotonic()))


def _city(course: Course, folder: Path) -> Path:
    """Return a copy of the city whose promises are those of the course."""
    shutil.copytree(LONGGANG, folder)
    rules = folder / "rules.toml"
    text = rules.read_text()
    head, table, tail = text.partition("[dispatch.sla.promise]")
    promise = {
        "respond_s": course.respond_s,
        "depart_s": course.depart_s,
        "on_site_s": course.on_site_s,
    }
    for name, seconds in promise.items():
        tail, changed = re.subn(rf"(?m)^{name} = \d+", f"{name} = {seconds}", tail, count=1)
        if not changed:
            raise ValueError(f"{rules} has no {name} under {table}")
    rules.write_text(head + table + tail)
    return folder
