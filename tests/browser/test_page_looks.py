"""What a duty officer looks up: cards of venues and devices, tracks, blind spots, the past."""

import math
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from schemas import topics
from schemas.codec import encode
from schemas.detections import Detection
from schemas.devices import DeviceState, DeviceStatus
from schemas.dispatch import CaseState, DispatchUpdate, FieldAction, Reminder
from schemas.envelope import Envelope
from schemas.incidents import IncidentState
from schemas.readings import Reading
from schemas.topics import reading_topic
from schemas.units import KINDS
from screens.hub.density import MOST_ITEMS

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
Dyed = Callable[[Page, Iterable[int], Any], int]
WaitFor = Callable[[Callable[[], bool]], None]
MINUTE_MS = 60_000
ACCENT = (92, 200, 255)
OVER_THEN = (236, 132, 110)
"""What is over its limit, as the past shows it: paler, and still red."""
BLIND = (109, 98, 158)
"""The colour of what is blind, half over the land's."""
LOUD_AGO = 100
"""So many minutes ago, and in the minute after, all toxic gas was over its limit."""
VENUE = "square-central"


@pytest.fixture(scope="module")
def past(feed: Any, gateway: Any) -> dict[str, Any]:
    """Give what happened today: a case of three hours ago that ended an hour ago, a trip at sea."""
    now_ms = feed.matter("x", "x", feed.spots(1)[0]).alert.event_time_ms
    begun_ms, ended_ms = now_ms - 180 * MINUTE_MS, now_ms - 60 * MINUTE_MS
    told = feed.matter(
        "waterlogging.seen", "LG-CAM-00007", feed.spots(4)[3], at_ms=begun_ms,
        sentence="Water on the underpass.",
    )  # fmt: skip
    over = msgspec.structs.replace(
        told.case, state=CaseState.CLOSED, revision=2, event_time_ms=ended_ms
    )
    for case, at_ms in ((told.case, begun_ms), (over, ended_ms)):
        feed.say_raw(topics.CASES, encode(case), at_ms=at_ms)
    feed.say(topics.CASES_LATEST, over, key=over.case_id)
    name, boat = next((n, b) for n, b in feed.city.vessels.items() if b.phone and b.name)
    lon_deg, lat_deg = feed.middle()
    for ago in range(150, -1, -1):
        feed.fix(
            name, lon_deg + 0.3 - ago * 0.0004, lat_deg, flush=False,
            event_time_ms=now_ms - ago * MINUTE_MS,
        )  # fmt: skip
    for minutes in (LOUD_AGO, LOUD_AGO - 1):
        tell_sensors(feed, now_ms - minutes * MINUTE_MS)
    return {"case": told.case, "boat": boat, "now_ms": now_ms}


def tell_sensors(feed: Any, at_ms: int) -> None:
    """Say one reading of more sensors than a view shows singly: toxic gas over its limit alone."""
    kinds = {code: one.kind for code, one in feed.city.sensors.items()}
    over = [code for code, kind in kinds.items() if kind == "gas.toxic"]
    calm = [code for code, kind in kinds.items() if not kind.startswith("gas.")]
    for code in [*over, *calm[: MOST_ITEMS - len(over) + 1]]:
        value = 9.0 if code in over else max(0.0, KINDS[kinds[code]].low)
        said = reading(code, kinds[code], value, at_ms)
        feed.say(reading_topic(said.kind), said, key=code, flush=False)
    feed.flush()


def test_cards_say_what_a_place_is_held_to_and_how_it_stands(
    visit: Visit, feed: Any, past: Any, dyed: Dyed, wait_for: WaitFor
) -> None:
    now_ms = past["now_ms"]
    played(feed, now_ms)
    loud = "LG-noise-square-central-1"
    say(feed, reading(loud, "noise.laeq", 72.4, now_ms))
    gas = next(code for code, one in feed.city.sensors.items() if one.kind == "gas.combustible")
    for ago in range(40, 0, -1):
        say(feed, reading(gas, "gas.combustible", 9.5, now_ms - ago * MINUTE_MS))
    say(feed, reading(gas, "gas.combustible", 31.0, now_ms))
    say(feed, seen("LG-CAM-00009", now_ms))
    feed.say(topics.DEVICES_STATUS, offline("LG-CAM-00009", now_ms), key="LG-CAM-00009")
    page = visit()
    card = page.locator(".card")

    look_up(page, VENUE)
    expect(card.locator("h2")).to_have_text(feed.city.venues[VENUE].name)
    expect(card.locator(".big-value")).to_have_text("72.4 dB(A)")
    expect(card.locator(".big-value")).to_have_attribute("data-level", "over")
    expect(card).to_contain_text(re.compile(r"Limit now\s*\d\d\.0 dB\(A\)"))
    expect(card).to_contain_text(re.compile(r"19:00-21:00\s*≤ 60 dB\(A\)"))
    outcomes = card.locator(".story li em")
    expect(outcomes).to_have_text(["listening", "was not played", NOT_ENOUGH, "worked"])
    say(feed, reading(loud, "noise.laeq", 38.0, now_ms + 1_000))
    expect(card.locator(".big-value")).to_have_text("38.0 dB(A)")
    expect(card.locator(".big-value")).to_have_attribute("data-level", "ok")

    look_up(page, gas)
    expect(card.locator(".big-value")).to_have_text("31.0 %LEL")
    expect(card.locator(".big-value")).to_have_attribute("data-level", "over")
    expect(card).to_contain_text("25.0 %LEL")
    chart = card.locator("svg.chart")
    expect(chart).to_have_attribute("aria-label", f"{gas}, last 60 minutes, limit 25")
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", attribute(chart, "path", "d"))]
    limit = float(attribute(chart, ".chart-limit", "y1"))
    assert len(heights) >= 40
    assert heights[-1] < limit < heights[0]  # a screen's y grows downwards

    look_up(page, "LG-CAM-00009")
    expect(card.locator("h2")).to_have_text(feed.city.cameras["LG-CAM-00009"].name)
    expect(card).to_contain_text("Stall on the street 3")
    expect(card).to_contain_text("offline")

    with page.expect_response("**/track?hours=24") as answered:
        look_up(page, past["boat"].name)
    line = answered.value.json()["geometry"]["coordinates"]
    assert len(line) == 151
    assert line[-1][0] - line[0][0] == pytest.approx(0.06, abs=1e-4)
    wait_for(lambda: dyed(page, ACCENT, west_of_the_middle(page)) > 40)
    page.keyboard.press("Escape")
    wait_for(lambda: dyed(page, ACCENT, west_of_the_middle(page)) < 5)


def test_the_blind_and_the_past_are_shown_and_left_again(
    visit: Visit, feed: Any, past: Any, dyed: Dyed, wait_for: WaitFor
) -> None:
    gas = next(code for code, one in feed.city.sensors.items() if one.kind == "gas.combustible")
    say(feed, reading(gas, "gas.combustible", 9.5, time.time_ns() // 1_000_000))
    page = visit()
    page.keyboard.press("h")
    whole = page.locator("#map").bounding_box()
    assert dyed(page, BLIND, whole) < 2_000
    page.keyboard.press("b")
    blind = page.locator(".blind")
    blind.locator("button").filter(has_text="Combustible gas").click()
    without = micro_grids_without(feed, "gas.combustible")
    expect(blind.locator(".blind-reasons li").filter(has_text="none installed")).to_contain_text(
        f"{without} micro-grids"
    )
    expect(blind.locator(".blind-reasons")).to_contain_text("never heard")
    expect(blind).to_contain_text("1 micro-grids have it")
    wait_for(lambda: dyed(page, BLIND, whole) > 20_000)
    page.keyboard.press("b")
    wait_for(lambda: dyed(page, BLIND, whole) < 2_000)
    switch_the_lines_of_areas(page, wait_for)

    row = page.locator(f".row[data-id='{past['case'].case_id}']")
    expect(row).to_have_count(0)
    loud_ago = minutes_since(past["now_ms"] - LOUD_AGO * MINUTE_MS)
    page.keyboard.press("t")
    machine = page.locator(".time-machine")
    slider = machine.locator("input")
    slide(slider, -120)
    expect(row).to_be_visible()
    # Late by an hour then, not by the three that it would be by now.
    expect(row.locator(".clock-left").first).to_have_text(re.compile(r"^−(5\d|1:[01]\d):\d\d$"))
    wait_for(lambda: dyed(page, OVER_THEN, whole) < 20)
    slide(slider, -loud_ago)
    wait_for(lambda: dyed(page, OVER_THEN, whole) > 200)
    slide(slider, -120)
    wait_for(lambda: dyed(page, OVER_THEN, whole) < 20)
    expect(page.locator(".frame")).to_have_class(re.compile("is-past"))
    row.click()
    expect(page.locator(".card")).to_contain_text("Water on the underpass.")
    expect(page.locator(".card .note").first).to_have_text("Not while looking at the past")
    since_min = math.ceil((time.time_ns() // 1_000_000 - past["now_ms"]) / MINUTE_MS)
    slide(slider, -62 - since_min)
    expect(row).to_be_visible()
    machine.locator(".past-play").click()
    expect(row).to_have_count(0)
    machine.locator(".past-play").click()
    assert -62 - since_min < int(slider.input_value()) < 0
    machine.locator(".past-back").click()
    expect(machine).to_be_hidden()
    expect(page.locator(".frame")).not_to_have_class(re.compile("is-past"))
    expect(row).to_have_count(0)


def switch_the_lines_of_areas(page: Page, wait_for: WaitFor) -> None:
    """Switch all that moves off the map, and then its grids off and on again."""
    for key in "1234":
        page.keyboard.press(key)
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = {"x": box["x"] + box["width"] / 2 - 200, "y": box["y"] + box["height"] / 2 - 150}
    seen: list[bytes] = []

    def is_still() -> bool:
        page.wait_for_timeout(500)
        seen.append(page.screenshot(clip={**middle, "width": 400, "height": 300}))  # type: ignore[typeddict-item]
        return len(seen) > 1 and seen[-1] == seen[-2]

    wait_for(is_still)
    lines = seen[-1]
    page.keyboard.press("5")
    wait_for(lambda: is_still() and seen[-1] != lines)
    page.keyboard.press("5")
    wait_for(lambda: is_still() and seen[-1] == lines)
    for key in "1234":
        page.keyboard.press(key)


NOT_ENOUGH = "not enough, people were sent"


def minutes_since(at_ms: int) -> int:
    """Return how many minutes of the clock have begun since an instant."""
    return time.time_ns() // 1_000_000 // MINUTE_MS - at_ms // MINUTE_MS


def played(feed: Any, now_ms: int) -> None:
    """Say four reminders at one venue, oldest first, and what became of each."""
    spot = feed.spots(1)[0]
    ends: tuple[dict[str, Any], ...] = (
        {"state": IncidentState.RESOLVED}, {"rung": 2}, {}, {},
    )  # fmt: skip
    for number, end in enumerate(ends):
        told = feed.matter("noise.exceeded", f"{VENUE}-{number}", spot, at_ms=now_ms - 9_000)
        incident = msgspec.structs.replace(told.incident, **end)
        feed.say(topics.INCIDENTS_LATEST, incident, key=incident.incident_id)
        name = f"reminder-{number}"
        reminder = Reminder(
            source="citybrain", kind="reminder", subject="LG-speaker", id=name, reminder_id=name,
            event_time_ms=now_ms - 9_000 + number, incident_id=incident.incident_id, venue=VENUE,
            text_id="square-dance-reminder", text="请调低音量",
        )  # fmt: skip
        feed.say(topics.REMINDERS, reminder)
    failed = DispatchUpdate(
        source="speakers", kind="dispatch.update", subject="x", event_time_ms=now_ms, by="speaker",
        action=FieldAction.REMINDER_FAILED, order_id="reminder-2",
    )  # fmt: skip
    feed.say(topics.DISPATCH_UPDATES, failed)


def reading(code: str, kind: str, value: float, at_ms: int) -> Reading:
    source = "noise" if kind.startswith("noise") else "iot"
    return Reading(
        source=source, kind=kind, subject=code, event_time_ms=at_ms, value=value,
        unit=KINDS[kind].unit,
    )  # fmt: skip


def seen(code: str, at_ms: int) -> Detection:
    return Detection(
        source="cameras", kind="stall.outside", subject=code, event_time_ms=at_ms, confidence=0.9,
        count=3,
    )  # fmt: skip


def offline(code: str, at_ms: int) -> DeviceStatus:
    return DeviceStatus(
        source="citybrain", kind="device.status", subject=code, event_time_ms=at_ms,
        device_class="camera", state=DeviceState.OFFLINE,
    )  # fmt: skip


def say(feed: Any, record: Envelope) -> None:
    is_reading = isinstance(record, Reading)
    topic = reading_topic(record.kind) if is_reading else topics.CAMERA_DETECTIONS
    feed.say(topic, record, key=record.subject)


def look_up(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)
    expect(page.locator("#search-found [aria-selected=true]")).to_be_visible()
    page.keyboard.press("Enter")


def attribute(place: Locator, part: str, name: str) -> str:
    return place.locator(part).first.get_attribute(name) or ""


def slide(slider: Locator, minutes: int) -> None:
    slider.fill(str(minutes))


def micro_grids_without(feed: Any, kind: str) -> int:
    there = [one for one in feed.city.sensors.values() if one.kind == kind]
    owners = feed.city.areas.locate(
        np.array([one.lon_deg for one in there]), np.array([one.lat_deg for one in there])
    )
    return len(feed.city.areas.codes) - len(set(owners[owners >= 0].tolist()))


def west_of_the_middle(page: Page) -> dict[str, float]:
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    return {"x": middle["x"] - 160, "y": middle["y"] - 40, "width": 120, "height": 80}
