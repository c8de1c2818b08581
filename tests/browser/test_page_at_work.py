"""A duty officer at the page: looks, is alarmed, acts, and is told how it went."""

import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from playwright.sync_api import Page, expect

from schemas.alerts import Severity
from schemas.cases import CaseClock
from schemas.dispatch import CaseState, Clock
from schemas.topics import ALERTS, CASES_LATEST

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
COUNT_TONES = """() => {
  const make = AudioContext.prototype.createOscillator;
  window.tones = 0;
  AudioContext.prototype.createOscillator = function () {
    window.tones += 1;
    return make.call(this);
  };
}"""


def test_a_click_on_a_vessel_shows_who_it_is_and_where_it_was(visit: Visit, feed: Any) -> None:
    vessel, record = registered(feed, 0)
    lon_deg, lat_deg = feed.middle()
    feed.fix(vessel, lon_deg - 0.004, lat_deg)
    feed.fix(vessel, lon_deg, lat_deg)
    page = visit()
    page.clock.install()
    expect(kpi(page, "vessels")).not_to_have_text("0")
    card = click_the_middle_of_the_map(page)
    expect(card.locator("h2")).to_have_text(record.name)
    expect(card).to_contain_text(record.skipper)
    expect(card).to_contain_text(re.compile(r"\*\*\*"))
    expect(card).not_to_contain_text(record.phone)
    expect(card).to_contain_text("6.4 kn")
    expect(card.locator(".aged")).to_contain_text("ago")

    card.locator("[data-action=reveal]").click()
    page.keyboard.type("no fix since the squall, ")
    let_the_card_renew(page, vessel)
    page.keyboard.type("calling the skipper")
    expect(page.locator("#reveal-reason")).to_have_value(
        "no fix since the squall, calling the skipper"
    )
    page.keyboard.press("Enter")
    expect(card.locator(".phone")).to_have_text(record.phone)
    expect(card).to_contain_text("recorded")
    let_the_card_renew(page, vessel)
    expect(card.locator(".phone")).to_have_text(record.phone)

    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_distress_takes_the_screen_locks_the_vessel_and_follows_it(
    visit: Visit, feed: Any, wait_for: Callable[[Callable[[], bool]], None]
) -> None:
    vessel, record = registered(feed, 1)
    lon_deg, lat_deg = feed.middle()
    feed.fix(vessel, lon_deg + 0.3, lat_deg)
    page = visit()
    page.keyboard.press("h")  # browsers let a page sound after a gesture alone
    expect(page.locator(".sound")).to_have_attribute("data-sound", "on")
    page.evaluate(COUNT_TONES)
    spot = msgspec.structs.replace(feed.spots(1)[0], lon_deg=lon_deg + 0.3, lat_deg=lat_deg)
    danger = feed.matter(
        "vessel.distress", vessel, spot, severity=Severity.EXTREME, life_safety=True,
        sentence="SART ACTIVE, 12 nautical miles off Pingyang.",
    )  # fmt: skip
    feed.tell(danger)

    alarm = page.locator(".alarm")
    expect(alarm).to_contain_text("Vessel in distress")
    expect(page.locator(".frame")).to_have_class(re.compile("is-alarmed"))
    card = page.locator(".card")
    expect(card.locator("h2")).to_have_text(record.name)
    expect(card.locator(".lock")).to_have_attribute("aria-pressed", "true")
    expect_in_the_middle(page)
    feed.fix(vessel, lon_deg + 0.42, lat_deg + 0.05, sog_kn=1.5)
    expect(card).to_contain_text("1.5 kn")
    expect_in_the_middle(page)

    once = page.evaluate("window.tones")
    wait_for(lambda: page.evaluate("window.tones") > once)
    page.keyboard.press("q")
    expect(alarm).to_be_hidden()
    heard = page.evaluate("window.tones")
    page.wait_for_timeout(3_000)
    assert page.evaluate("window.tones") == heard
    page.keyboard.press("Escape")
    expect(card.locator(".lock")).to_have_attribute("aria-pressed", "false")
    over = msgspec.structs.replace(danger.alert, transition="clear", id="over-" + danger.alert.id)
    feed.say(ALERTS, over)


def test_from_alert_to_acknowledgement_the_answer_is_an_event(visit: Visit, feed: Any) -> None:
    spot = feed.spots(3)[2]
    matter = feed.matter(
        "gas.combustible", "LG-gas-test", spot, sentence="31 %LEL, 6 above the limit."
    )
    page = visit()
    feed.tell(matter)
    page.locator("#tab-alerts").click()
    page.locator(f".row[data-id='{matter.alert.alert_id}']").click()
    card = page.locator(".card")
    expect(card).to_contain_text("31 %LEL, 6 above the limit.")
    expect(card.locator(".clock").first).to_have_attribute(
        "data-standing", re.compile("running|warn")
    )

    card.locator("[data-action=accept]").click()
    expect(card.locator(".answer")).to_have_attribute("data-tone", "pending")
    said = feed.command(lambda one: one["subject"] == matter.case.case_id)
    assert (said["action"], said["by"], said["role"]) == ("accept", "desk", "desk")
    expect(card.locator(".answer")).to_have_attribute("data-tone", "pending")
    accepted = msgspec.structs.replace(
        matter.case, state=CaseState.ACCEPTED, revision=2, clocks=stopped(matter.case.clocks)
    )
    feed.say(CASES_LATEST, accepted, key=accepted.case_id)
    feed.answer(said, accepted=True)
    expect(card.locator(".answer")).to_have_attribute("data-tone", "accepted")
    expect(card).to_contain_text("accepted")
    expect(card.locator(".clock").first).to_have_attribute("data-standing", "met")

    unproved = msgspec.structs.replace(accepted, state=CaseState.HANDLED_UNVERIFIED, revision=3)
    feed.say(CASES_LATEST, unproved, key=unproved.case_id)
    expect(card).to_contain_text("handled, not proved")
    expect(card.locator(".action-buttons button").first).to_have_text("Verify")

    card.locator("[data-action=return]").click()
    page.locator("#field-return-reason").fill("not our grid")
    page.locator(".action-form button.primary").click()
    mine = ("return", matter.case.case_id)
    said = feed.command(lambda one: (one["action"], one["subject"]) == mine)
    assert said["reason"] == "not our grid"
    feed.answer(said, accepted=False, reason="boundary-clear", hint="the point lies 80 m inside")
    expect(card.locator(".answer")).to_have_text(
        "Refused: boundary-clear · the point lies 80 m inside"
    )


def test_a_silence_names_its_end_and_its_reason(visit: Visit, feed: Any) -> None:
    spot = feed.spots(4)[3]
    matter = feed.matter("noise.exceeded", "LG-noise-test", spot, area="square-central")
    page = visit()
    feed.tell(matter)
    page.locator(f".row[data-id='{matter.case.case_id}']").click()
    page.locator("[data-action=silence]").click()
    page.locator("#field-silence-minutes").fill("45")
    page.locator("#field-silence-reason").fill("licensed concert")
    with page.expect_response("**/api/v1/commands") as answered:
        page.locator(".action-form button.primary").click()
    assert answered.value.status == 202
    said = answered.value.request.post_data_json
    assert said["kinds"] == ["noise.exceeded"]
    assert said["area"] == "square-central"
    assert said["reason"] == "licensed concert"


def test_the_keyboard_alone_is_enough(visit: Visit, feed: Any) -> None:
    spot = feed.spots(5)[4]
    matter = feed.matter("waterlogging.seen", "LG-CAM-00001", spot, at_ms=1_000)
    page = visit()
    feed.tell(matter)
    row = page.locator(f".row[data-id='{matter.case.case_id}']")
    expect(row).to_be_visible()
    page.keyboard.press("j")
    for _ in range(40):
        if row.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("j")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    card = page.locator(".card")
    expect(card.locator("h2")).to_have_text("Waterlogging seen")
    page.keyboard.press("a")
    feed.command(lambda one: one["subject"] == matter.case.case_id)
    return_it_by_keys(page, feed, matter)
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(row).to_be_focused()

    vessel, record = registered(feed, 2)
    feed.fix(vessel, *feed.middle())
    page.keyboard.press("/")
    page.keyboard.type(record.name)
    expect(page.locator("#search-found [role=option]").first).to_contain_text(record.name)
    page.keyboard.press("Enter")
    expect(card.locator("h2")).to_have_text(record.name)

    page.keyboard.press("Shift+?")
    expect(page.locator("dialog.help")).to_contain_text("Time machine")
    page.keyboard.press("Escape")
    leave_a_dialog_by_keys(page)
    expect(card).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator(".past-said")).to_contain_text("not at now")
    expect(page.locator(".frame")).to_have_class(re.compile("is-past"))
    expect(row).to_have_count(0)
    page.keyboard.press("t")
    expect(row).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator(".blind-kinds button").first).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator("h1")).to_have_text("龙港市城市大脑")
    page.keyboard.press("w")
    assert "layout=wall" in page.url


def leave_a_dialog_by_keys(page: Page) -> None:
    """Open the form of a city task, and leave it; what is behind it hears no key."""
    page.locator("[data-tool='act.city-task']").press("Enter")
    task = page.locator("dialog.help[open]")
    expect(task.locator("textarea")).to_be_visible()
    task.locator("button").last.focus()
    page.keyboard.press("w")
    page.keyboard.press("Escape")
    expect(task).to_have_count(0)
    assert "layout=wall" not in page.url


def return_it_by_keys(page: Page, feed: Any, matter: Any) -> None:
    """Fill in a form of the card, and send it, without a mouse."""
    page.keyboard.press("d")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.action") == "return":
            break
    page.keyboard.press("Enter")
    page.keyboard.type("not our grid")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    mine = ("return", matter.case.case_id)
    said = feed.command(lambda one: (one["action"], one["subject"]) == mine)
    assert said["reason"] == "not our grid"


def let_the_card_renew(page: Page, vessel: str) -> None:
    """Let the quarter of a minute go by after which a vessel's card asks anew."""
    asked = re.compile(f"/vessels/{re.escape(quote(vessel, safe=''))}$")
    with page.expect_response(asked):
        page.clock.run_for(15_000)


def registered(feed: Any, index: int) -> tuple[str, Any]:
    """Return a vessel of the register by the name under which it reports, and its record."""
    boats = [(name, one) for name, one in feed.city.vessels.items() if one.phone and one.name]
    unlike = {one.name: (name, one) for name, one in boats}
    return list(unlike.values())[index]


def kpi(page: Page, name: str) -> Any:
    return page.locator(f".kpi-cell[data-kpi='kpi.{name}'] dd")


def click_the_middle_of_the_map(page: Page) -> Any:
    """Click where the vessel lies, again until it is drawn there."""
    card = page.locator(".card")
    box = page.locator("#map").bounding_box()
    assert box is not None
    for _ in range(180):
        page.mouse.click(*middle_of(box))
        page.wait_for_timeout(500)
        if card.is_visible():
            break
    expect(card).to_be_visible()
    return card


def expect_in_the_middle(page: Page) -> None:
    """Wait until the mark of what is selected is near the middle of the map."""
    apart: list[float] = []
    for _ in range(120):
        mark = page.locator(".mark-selected").bounding_box()
        area = page.locator("#map").bounding_box()
        assert mark is not None
        assert area is not None
        apart.append(math.dist(middle_of(mark), middle_of(area)))
        if apart[-1] < 60:
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"the map did not follow: {apart[-5:]} px apart")


def middle_of(box: Any) -> tuple[float, float]:
    return (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def stopped(clocks: tuple[CaseClock, ...]) -> tuple[CaseClock, ...]:
    return tuple(
        msgspec.structs.replace(one, stopped_time_ms=one.started_time_ms + 20_000)
        for one in clocks
        if one.clock is Clock.RESPOND
    )
