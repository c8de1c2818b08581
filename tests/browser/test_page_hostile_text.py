"""Markup in every text that comes from outside: nothing of it runs, all of it is shown as text.

The city's own files, what vessels, devices and people say, and every text field of
every record that reaches the page carry it; the page is then walked through.
"""

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from schemas import topics
from schemas.cases import CaseEvent, CaseOrder
from schemas.codec import encode
from schemas.commands import CaseAction, CommandReply
from schemas.dispatch import CaseState, DispatchOrder, OrderChange, Reminder
from schemas.envelope import Envelope
from schemas.incidents import IncidentAction, IncidentCommand, Link
from schemas.kpi import Kpi
from schemas.readings import Reading
from screens.access.people import Role

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
CITY = Path(__file__).resolve().parents[2] / "deploy" / "cities" / "longgang"
VENUE = "square-central"
OWN = frozenset(
    {"source", "transition", "state", "change", "venue", "action", "level", "merged_into", "parent"}
)
"""Text that is no free text: the gateway, or the page, goes by it."""


def hostile(field: str) -> str:
    return f"<img src=x onerror=window.hacked=1>{field}"


@pytest.fixture(scope="module")
def city_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the city's files with markup in each name that the page shows."""
    folder = tmp_path_factory.mktemp("city") / "hostile"
    shutil.copytree(CITY, folder)
    swap(folder / "city.toml", '"Longgang"', f"'{hostile('city.name')}'")
    swap(folder / "venues.toml", '"示例中心广场"', f"'{hostile('venue.name')}'")
    swap(folder / "fences" / "harbours.geojson", '"鳌江内港"', f'"{hostile("harbour.name")}"')
    for name, told in (("cameras.csv", {"name"}), ("vessels.csv", {"name", "skipper"})):
        with (folder / name).open(newline="") as read:
            rows = list(csv.DictReader(read))
        rows[0] |= {field: hostile(f"{name}/{field}") for field in told}
        with (folder / name).open("w", newline="") as written:
            table = csv.DictWriter(written, rows[0])
            table.writeheader()
            table.writerows(rows)
    with (folder / "sources.toml").open("a") as sources:
        sources.write(f'\n["{hostile("feed")}"]\nclass = "sensor"\ndatum = "wgs84"\n')
        sources.write("out_of_orderness_s = 0\nallowed_lateness_s = 600\n")
    with (folder / "rules.toml").open("a") as rules:
        rules.write(f'\n[incidents.modes."{hostile("city.mode")}"]\nmute = ["stall.*"]\n')
    return folder


def swap(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old} is not in {file.name}"
    file.write_text(text.replace(old, new))


def poisoned(record: Envelope, **kept: Any) -> dict[str, Any]:
    """Return a record with markup in each text field of its contract, and `kept` as given."""
    name = type(record).__name__
    texts = {
        field.name: hostile(f"{name}.{field.name}")
        for field in msgspec.structs.fields(type(record))
        if field.type in {str, str | None}
        and field.name not in OWN | {"id", "hash", "prev_hash"}
        and not field.name.endswith("_id")
    }
    return {**wire(msgspec.structs.replace(record, **texts)), **kept}


def wire(record: Envelope) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(encode(record))
    return said


class Walk:
    """One visit to the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def card(self) -> Locator:
        return self.page.locator(".card")

    def look(self, *fields: str, within: str = "body") -> None:
        """Wait until markup is there as text, for each field; and that it is no more than text."""
        place = self.page.locator(within)
        for field in fields:
            expect(place).to_contain_text(hostile(field))
        assert self.page.evaluate("window.hacked") is None
        assert self.page.locator("img, script:not([src])").count() == 0

    def search(self, text: str, title: str) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)
        found = self.page.locator("#search-found [role=option]").first
        expect(found).to_contain_text(title)
        self.page.keyboard.press("Enter")
        expect(self.card).to_be_visible()


@pytest.fixture(scope="module")
def matter(feed: Any, gateway: Any) -> Any:
    """Say everything, with markup, and give the one matter that it is about."""
    gateway.add("hostile", Role.DESK, name=hostile("user.name"))
    spot = feed.spots(1)[0]
    told = feed.matter("noise.exceeded", "LG-noise-x", spot, life_safety=True)
    ids = {"incident_id": told.incident.incident_id, "case_id": told.case.case_id}
    shared: dict[str, Any] = {
        "source": "citybrain", "subject": "x", "event_time_ms": told.case.event_time_ms,
    }  # fmt: skip
    order = CaseOrder(
        order_id="o", unit="u", unit_name=hostile("order.unit_name"), level="grid",
        state=CaseState.DISPATCHED,
    )  # fmt: skip
    case = poisoned(
        msgspec.structs.replace(told.case, orders=(order,), unanswered=("u", hostile("unit"))),
        level=hostile("CaseRecord.level"), clocks=[],
    )  # fmt: skip
    link = Link("a", hostile("link.kind"), hostile("link.sense"), 3.0, 1.0, "noise")
    incident = poisoned(
        msgspec.structs.replace(
            told.incident, links=(link,), held=(hostile("held"), f"mode:{hostile('held.mode')}")
        ),
    )
    other = poisoned(feed.matter("stall.outside", "shop", spot).incident, kind="stall.outside",
                     sentence=hostile("other.sentence"))  # fmt: skip
    step = CaseEvent(
        **shared, **ids_of(ids, "case_id"), kind="case.event", id="step", seq=1,
        action="handle", from_state=CaseState.ON_SITE, to_state=CaseState.HANDLED,
    )  # fmt: skip
    issued = DispatchOrder(
        **shared, **ids, kind="order", id="order", order_id="order", incident_kind="x", unit="u",
        level="grid", state=CaseState.DISPATCHED, change=OrderChange.ISSUED,
        created_time_ms=shared["event_time_ms"],
    )  # fmt: skip
    reminder = Reminder(
        **shared, **ids_of(ids, "incident_id"), kind="reminder", id="rem", reminder_id="rem",
        venue=VENUE, text_id="t", text="t",
    )  # fmt: skip
    kpi = Kpi(**shared, kind="kpi", level="community", period="2026-11", ended=3)
    raw(feed, topics.ALERTS, poisoned(told.alert))
    raw(feed, topics.INCIDENTS_LATEST, incident, key=ids["incident_id"])
    raw(feed, topics.INCIDENTS_LATEST, other, key=other["incident_id"])
    raw(feed, topics.CASES_LATEST, case, key=ids["case_id"])
    raw(feed, topics.CASE_EVENTS, poisoned(step, action=hostile("CaseEvent.action")))
    raw(feed, topics.DISPATCH_ORDERS_LATEST, poisoned(issued), key="order")
    raw(feed, topics.REMINDERS, poisoned(reminder))
    raw(feed, topics.KPI, poisoned(kpi), key="x")
    hold(feed, shared, "silence", kinds=(hostile("hold.kind"),), until_time_ms=4_000_000_000_000)
    hold(feed, shared, "mode-on")
    devices_and_vessels(feed, spot)
    return told


def devices_and_vessels(feed: Any, spot: Any) -> None:
    now_ms = feed.matter("x", "x", spot).alert.event_time_ms
    where = {"lon_deg": spot.lon_deg, "lat_deg": spot.lat_deg}
    sensor = Reading(source="noise", kind="noise.laeq", subject=hostile("sensor.id"),
                     event_time_ms=now_ms, value=51.0, unit="dB(A)", **where)  # fmt: skip
    feed.say(topics.SENSOR_READINGS, sensor, key="x")
    silent = msgspec.structs.replace(sensor, source=hostile("feed"), subject="LG-noise-silent")
    raw(feed, topics.SENSOR_READINGS, wire(silent), at_ms=now_ms - 240_000)
    status = {"subject": "LG-CAM-00001", "state": hostile("camera.state"), "source": "citybrain"}
    raw(feed, topics.DEVICES_STATUS, {**status, "kind": "device.status"}, key="LG-CAM-00001")
    register = "bd:20578"  # the first of the register, by its BeiDou number
    for vessel in (register, "999000111"):
        feed.fix(vessel, 120.9, 27.5)
        feed.fix(vessel, 120.9, 27.5, name=hostile(f"ais.{vessel}"), kind="vessel.static")
    danger = feed.matter("vessel.speeding", register, spot).alert
    feed.say(topics.ALERTS, msgspec.structs.replace(danger, sentence=hostile("vessel.alert")))


def ids_of(ids: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: ids[name] for name in names}


def hold(feed: Any, shared: Mapping[str, Any], action: str, **said: Any) -> None:
    command = IncidentCommand(
        **shared, kind="incident.command", id=action, action=IncidentAction(action), by="b", **said,
        subjects=(hostile("hold.subject"),),
    )  # fmt: skip
    reply = CommandReply(**shared, kind="incident.reply", id=f"r-{action}", command_id=action,
                         action=action, accepted=True)  # fmt: skip
    raw(feed, topics.INCIDENT_COMMANDS, poisoned(command))
    raw(feed, topics.INCIDENT_REPLIES, poisoned(reply, action=action))


def raw(feed: Any, topic: str, said: Mapping[str, Any], **how: Any) -> None:
    feed.say_raw(topic, json.dumps(said).encode(), **how)


def test_markup_in_any_text_from_outside_stays_text(visit: Visit, feed: Any, matter: Any) -> None:
    page = visit("hostile", viewport={"width": 1700, "height": 1000})
    walk = Walk(page)
    walk.look("city.name", "user.name", "feed")
    walk.look("Alert.kind", "Alert.sentence", within=".alarm")
    page.locator("#tab-alerts").click()
    walk.look("Alert.kind", "Alert.sentence", within="#panel-alerts")
    page.locator("#tab-cases").click()
    walk.look(*of("CaseRecord", "incident_kind", "sentence", "unit_name", "level"), within="#lists")

    page.locator(f".row[data-id='{matter.case.case_id}']").click()
    walk.look(
        *of("CaseRecord", "incident_kind", "sentence", "unit_name", "community", "subject"),
        *of("CaseEvent", "action", "by", "reason", "photo"), "Reminder.text",
        "DispatchOrder.unit_name", "Alert.kind", "order.unit_name", "unit", "held", "held.mode",
        within=".card",
    )  # fmt: skip
    walk.card.locator("[data-action=split]").click()
    walk.look("link.kind", "link.sense", within=".action-form")
    walk.card.locator("[data-action=merge]").click()
    walk.look("other.sentence", within=".action-form")
    walk.card.locator("[data-action=note], [data-action=return]").first.click()
    walk.card.locator("textarea").fill(hostile("typed"))
    walk.card.locator(".action-form button.primary").click()
    said = feed.command(lambda one: one["action"] == CaseAction.RETURN)
    assert said["reason"] == hostile("typed")
    feed.answer(said, accepted=False, reason=hostile("reply.reason"), hint=hostile("reply.hint"))
    walk.look("reply.reason", "reply.hint", within=".card .answer")

    page.keyboard.press("s")
    walk.look(
        *of("IncidentCommand", "by", "second", "reason", "area", "mode"), "hold.kind",
        "hold.subject", "city.mode", within=".holds",
    )  # fmt: skip
    walk.look("IncidentCommand.mode", within=".holds-banner")

    walk.search("vessels.csv/name", hostile("vessels.csv/name"))
    walk.look("vessels.csv/name", "vessels.csv/skipper", "harbour.name", "ais.bd:20578",
              "vessel.alert", within=".card")  # fmt: skip
    walk.search("999000111", hostile("ais.999000111"))
    walk.look("ais.999000111", within=".card")
    walk.search("onerror=window.hacked=1>sensor.id", "Noise")
    walk.look("sensor.id", within=".card")
    walk.search("LG-CAM-00001", "Cameras")
    walk.look("cameras.csv/name", "camera.state", within=".card")
    walk.search("venue.name", hostile("venue.name"))
    walk.look("venue.name", "Reminder.text", within=".card")


def of(record: str, *fields: str) -> list[str]:
    return [f"{record}.{field}" for field in fields]
