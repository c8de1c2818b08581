"""The page as a person meets it: Debian's Chromium, the real gateway, a real Kafka."""

import base64
import dataclasses
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import shapely
from kafka import KafkaConsumer, KafkaProducer
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from deploy import processes, topics_admin
from deploy.options import open_city
from deploy.ports import free_port
from schemas.alerts import Alert, Severity, Transition
from schemas.cases import CaseClock, CaseRecord, CaseStage
from schemas.codec import encode
from schemas.commands import CommandReply
from schemas.dispatch import CaseState, Clock
from schemas.envelope import Envelope
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.positions import Position
from schemas.topics import (
    ALERTS,
    CASE_COMMANDS,
    CASE_REPLIES,
    CASES_LATEST,
    INCIDENTS_LATEST,
    TOPICS,
    VESSEL_POSITIONS,
)
from screens.access.accounts import Accounts
from screens.access.people import EVERYWHERE, Person, Role
from streams.city.model import City

REPO = Path(__file__).resolve().parents[2]
CITY_DIR = REPO / "deploy" / "cities" / "longgang"
CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "correct-horse-battery"  # noqa: S105 - of the test's own people
WITHIN_S = 90.0
"""For one thing to happen on a slow machine."""
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-unsafe-swiftshader",
    "--force-prefers-reduced-motion",
]

_COUNT = (Path(__file__).parent / "count_pixels.js").read_text()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Spot(msgspec.Struct, frozen=True):
    """A place in the city, and the codes of the areas that own it."""

    lon_deg: float
    lat_deg: float
    micro_grid: str
    community: str


@dataclasses.dataclass(frozen=True)
class Matter:
    """One matter as the city's topics tell it."""

    alert: Alert
    incident: Incident
    case: CaseRecord


class Feed:
    """Says what the agents would say, on the topics that the gateway reads."""

    def __init__(self, address: str, prefix: str, city: City) -> None:
        self.city = city
        self._address, self._prefix = address, prefix
        self._producer = KafkaProducer(bootstrap_servers=address, linger_ms=5)

    def close(self) -> None:
        self._producer.close()

    def say(
        self, topic: str, record: Envelope, key: str = "longgang", *, flush: bool = True
    ) -> None:
        self.say_raw(topic, encode(record), key, flush=flush)

    def say_raw(
        self,
        topic: str,
        value: bytes,
        key: str = "longgang",
        *,
        at_ms: int | None = None,
        flush: bool = True,
    ) -> None:
        """Say what need not keep to a contract; `at_ms` is the broker's time of it."""
        self._producer.send(self._prefix + topic, value, key=key.encode(), timestamp_ms=at_ms)
        if flush:
            self.flush()

    def flush(self) -> None:
        self._producer.flush()

    def spots(self, count: int) -> list[Spot]:
        """Return one place in each of the first communities."""
        found: dict[str, Spot] = {}
        for code, geometry in zip(self.city.areas.codes, self.city.areas.geometry, strict=True):
            chain = self.city.areas.chain_of(code)
            if chain and chain.community not in found and len(found) < count:
                point = shapely.point_on_surface(geometry)
                found[chain.community] = Spot(point.x, point.y, code, chain.community)
        return list(found.values())

    def middle(self) -> tuple[float, float]:
        """Return where the map is centred when it shows the whole city."""
        west, south, east, north = shapely.total_bounds(self.city.areas.geometry)
        return (float(west + east) / 2, float(south + north) / 2)

    def fix(
        self, vessel: str, lon_deg: float, lat_deg: float, *, flush: bool = True, **facts: Any
    ) -> None:
        said: dict[str, Any] = {
            "kind": "vessel.position", "event_time_ms": now_ms(), "sog_kn": 6.4, "cog_deg": 40.0,
            **facts,
        }  # fmt: skip
        position = Position(
            source="beidou", subject=vessel, lon_deg=lon_deg, lat_deg=lat_deg, **said
        )
        self.say(VESSEL_POSITIONS, position, vessel, flush=flush)

    def matter(self, kind: str, subject: str, spot: Spot, **facts: Any) -> Matter:
        """Return an alert, its incident and its case, opened now; `facts` go to all three."""
        at_ms = facts.pop("at_ms", now_ms())
        severity = facts.pop("severity", Severity.MODERATE)
        name = uuid5(kind, subject, str(at_ms))
        shared: dict[str, Any] = {
            "source": "citybrain", "subject": subject, "event_time_ms": at_ms,
            "lon_deg": spot.lon_deg, "lat_deg": spot.lat_deg, **facts,
        }  # fmt: skip
        alert = Alert(
            kind=kind, id=uuid5("message", name), alert_id=uuid5("alert", name), rule="test",
            transition=Transition.ONSET, severity=severity, onset_time_ms=at_ms, **shared,
        )  # fmt: skip
        incident = Incident(
            kind=kind, incident_id=uuid5("incident", name), rule="test",
            state=IncidentState.OPEN, change=IncidentChange.OPENED, severity=severity,
            revision=1, opened_time_ms=at_ms, created_time_ms=at_ms, first_seen_time_ms=at_ms,
            last_seen_time_ms=at_ms, alert_count=1, alert_ids=(alert.alert_id,), **shared,
        )  # fmt: skip
        clock = CaseClock(
            clock=Clock.RESPOND, started_time_ms=at_ms, deadline_time_ms=at_ms + 60_000
        )
        case = CaseRecord(
            kind="case", case_id=uuid5("case", name), incident_id=incident.incident_id,
            incident_kind=kind, state=CaseState.DISPATCHED, stage=CaseStage.ASSIGN,
            opened_time_ms=at_ms, created_time_ms=at_ms, revision=1, unit=spot.micro_grid,
            unit_name="示例微网格", level="micro-grid", clocks=(clock,),
            community=spot.community, **shared,
        )  # fmt: skip
        return Matter(alert, incident, case)

    def tell(self, matter: Matter) -> None:
        self.say(INCIDENTS_LATEST, matter.incident, key=matter.incident.incident_id)
        self.say(CASES_LATEST, matter.case, key=matter.case.case_id)
        self.say(ALERTS, matter.alert)

    def command(self, found: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """Return the first command to a case that is wanted, as it stands on its topic."""
        consumer = KafkaConsumer(
            self._prefix + CASE_COMMANDS, bootstrap_servers=self._address,
            auto_offset_reset="earliest", consumer_timeout_ms=int(WITHIN_S * 1000),
        )  # fmt: skip
        try:
            for record in consumer:
                said: dict[str, Any] = msgspec.json.decode(record.value)
                if found(said):
                    return said
        finally:
            consumer.close()
        raise AssertionError("no such command came")

    def answer(self, command: Mapping[str, Any], *, accepted: bool, **words: str) -> None:
        reply = CommandReply(
            source="citybrain", kind="command.reply", subject=command["subject"],
            event_time_ms=now_ms(), id=uuid5("reply", command["id"]), command_id=command["id"],
            action=command["action"], accepted=accepted, case_id=command["subject"], **words,
        )  # fmt: skip
        self.say(CASE_REPLIES, reply)


class Gateway:
    """`citybrain screens` as a process, with people who may sign in."""

    def __init__(self, address: str, prefix: str, folder: Path, city_dir: Path) -> None:
        self.address, self.prefix, self.folder = address, prefix, folder
        self._city_dir = city_dir
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, user: str, role: Role, *areas: str, name: str = "") -> None:
        accounts = Accounts(self.folder / "screens" / "users.json")
        person = Person(user, name or user.title(), role, areas or (EVERYWHERE,))
        accounts.add(person, PASSWORD, areas)

    def start(self, *options: str) -> None:
        with (self.folder / "gateway.log").open("ab") as log:
            self._process = processes.spawn(
                [*_cli(), "screens", "--port", str(self.port), "--state", str(self.folder),
                 "--city", str(self._city_dir), "--broker", self.address, "--prefix", self.prefix,
                 *options],
                output=log,
            )  # fmt: skip
        self._wait_ready()

    def kill(self) -> None:
        assert self._process is not None
        processes.signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            processes.end([self._process], grace_s=10)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.3)
        log = (self.folder / "gateway.log").read_text(errors="replace")[-2_000:]
        raise AssertionError(f"the gateway is not ready: {log}")


def _cli() -> list[str]:
    return [sys.executable, "-m", "deploy.cli"]


# Of a module, not of the session: as long as the driver lives, its event loop counts as
# running in this thread, and no other test could run one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    missing = [
        f"{what} ({cure})"
        for there, what, cure in (
            (CHROMIUM.is_file(), "Chromium", "make packages"),
            ((REPO / "screens/page/dist/index.html").is_file(), "the page", "make page"),
        )
        if not there
    ]
    assert not missing, f"not here: {', '.join(missing)}"
    expect.set_options(timeout=WITHIN_S * 1000)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def city_dir() -> Path:
    """Give the files of the city that the page shows; a module may have others."""
    return CITY_DIR


@pytest.fixture(scope="module")
def gateway_options() -> tuple[str, ...]:
    """Give more options of `citybrain screens`; a module may have its own."""
    return ()


@pytest.fixture(scope="module")
def feed(broker: str, city_dir: Path) -> Iterator[Feed]:
    prefix = f"t{uuid.uuid4().hex[:10]}."
    _, left = topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    assert not left
    found = Feed(broker, prefix, open_city(city_dir))
    yield found
    found.close()


@pytest.fixture(scope="module")
def gateway(
    feed: Feed,
    city_dir: Path,
    gateway_options: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("screens")
    running = Gateway(feed._address, feed._prefix, folder, city_dir)
    running.add("desk", Role.DESK)
    running.add("li", Role.DESK)
    running.add("viewer", Role.VIEWER)
    running.add("operator", Role.OPERATOR, feed.spots(1)[0].community)
    try:
        running.start(*gateway_options)
        yield running
    finally:
        running.stop()


@pytest.fixture
def visit(browser: Browser, gateway: Gateway) -> Iterator[Callable[..., Page]]:
    """Give a way to sign in; whatever the page asks for or complains of outside is a fault."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    own = (gateway.url, gateway.url.replace("http", "ws"), "data:", "blob:")

    def go(
        user: str = "desk", query: str = "lang=en", also: tuple[str, ...] = (), **options: Any
    ) -> Page:
        allowed = (*own, *also)
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WITHIN_S * 1000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console", lambda said: "Content Security" in said.text and faults.append(said.text)
        )
        page.on("request", lambda asked: asked.url.startswith(allowed) or faults.append(asked.url))
        page.goto(f"{gateway.url}/?{query}")
        page.locator("#user").fill(user)
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator(".frame[data-map=ready]").wait_for()
        expect(page.locator(".live-state")).to_have_attribute(
            "data-live", re.compile("live|partly")
        )
        return page

    yield go
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def dyed() -> Callable[[Page, Iterable[int], Any], int]:
    """Give a way to count the pixels of a colour, or near it, in a part of the page."""

    def count(page: Page, colour: Iterable[int], box: Any) -> int:
        shot = base64.b64encode(page.screenshot(clip=box)).decode()
        found: int = page.evaluate(_COUNT, [shot, list(colour)])
        return found

    return count


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool]], None]:
    """Give a way to wait until something holds that has no element to wait for."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold"

    return wait
