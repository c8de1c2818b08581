"""What the page does when things are not as they should be."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
REPO = Path(__file__).resolve().parents[2]


def test_a_killed_gateway_is_seen_at_once_and_what_it_missed_comes_when_it_is_back(
    visit: Visit, feed: Any, gateway: Any
) -> None:
    first, second = feed.spots(2)
    before = feed.matter("smoke.alarm", "LG-smoke-before", first)
    page = visit()
    feed.tell(before)
    expect(page.locator(f".row[data-id='{before.case.case_id}']")).to_be_visible()

    gateway.kill()
    banner = page.locator(".stale-banner")
    expect(banner).to_contain_text("Connection lost since")
    expect(banner).to_contain_text("old")
    expect(page.locator(".frame")).to_have_class(re.compile("is-frozen"))
    assert "grayscale" in page.locator("#map canvas").evaluate(
        "one => getComputedStyle(one).filter"
    )

    page.keyboard.press("/")
    page.keyboard.type("smoke")
    expect(page.locator(".found-none")).to_contain_text("Not done")  # it did not look
    page.keyboard.press("Escape")

    while_away = feed.matter("water.level", "LG-water-away", second)
    feed.tell(while_away)
    gateway.start()
    expect(page.locator(f".row[data-id='{while_away.case.case_id}']")).to_be_visible()
    expect(page.locator(".frame")).not_to_have_class(re.compile("is-frozen"))
    expect(page.locator(f".row[data-id='{before.case.case_id}']")).to_have_count(1)


def test_a_role_sees_and_does_no_more_than_it_may(visit: Visit, feed: Any) -> None:
    own, other = feed.spots(2)
    mine = feed.matter("garbage.exposed", "LG-CAM-00002", own, sentence="Mine to see.")
    theirs = feed.matter("garbage.exposed", "LG-CAM-00003", other, sentence="Not mine to see.")
    feed.tell(theirs)
    feed.tell(mine)  # last: whoever is shown it was kept from the other one
    page = visit("operator")
    expect(page.locator(f".row[data-id='{mine.case.case_id}']")).to_be_visible()
    expect(page.locator(f".row[data-id='{theirs.case.case_id}']")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("not mine to see")
    expect(page.locator(".found-none")).to_be_visible()
    answer = page.evaluate(f"fetch('/api/v1/cases/{theirs.case.case_id}').then(one => one.status)")
    assert answer == 404
    assert act(page, mine, "reassign") == 403
    assert act(page, theirs, "accept") == 404
    assert act(page, theirs, "close") == 404
    assert act(page, mine, "accept") == 202

    page = visit("viewer")
    page.locator(f".row[data-id='{theirs.case.case_id}']").click()
    expect(page.locator(".card .note").first).to_have_text("Your role only looks")
    expect(page.locator(".action-buttons button")).to_have_count(0)
    expect(page.locator("[data-tool='act.city-task']")).to_have_count(0)
    assert act(page, theirs, "close") == 403


def act(page: Page, matter: Any, action: str) -> int:
    """Ask for something past the page's own buttons; return the gateway's answer."""
    status: int = page.evaluate(
        """async ([subject, action]) => {
          const me = await (await fetch('/api/v1/me')).json();
          const body = JSON.stringify({topic: 'case', action, subject, reason: 'why not'});
          const headers = {'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf};
          return (await fetch('/api/v1/commands', {method: 'POST', headers, body})).status;
        }""",
        [matter.case.case_id, action],
    )
    return status


def test_axe_finds_no_serious_fault(visit: Visit, feed: Any) -> None:
    axe = (REPO / "screens/page/node_modules/axe-core/axe.min.js").read_text()
    spot = feed.spots(7)[6]
    matter = feed.matter(
        "fire.alarm", "LG-fire-axe", spot, life_safety=True, sentence="Smoke in a stairwell."
    )
    feed.tell(matter)
    faults: dict[str, list[str]] = {}

    def look(page: Page, what: str) -> None:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for fault in found["violations"]:
            if fault["impact"] in {"serious", "critical"}:
                places = [node["html"][:160] for node in fault["nodes"]]
                faults[f"{what}: {fault['id']}"] = places

    for layout in ("desk", "wall"):
        page = visit(query=f"lang=en&layout={layout}")
        page.locator(f".row[data-id='{matter.case.case_id}']").click()
        expect(page.locator(".card h2")).to_have_text("Fire alarm")
        page.locator("[data-action=silence]").click()
        page.locator(".card h2").click()  # out of the field, so that the next keys do things
        page.keyboard.press("s")
        page.keyboard.press("b")
        expect(page.locator(".blind-kinds button").first).to_be_visible()
        page.evaluate(axe)
        look(page, f"{layout} with a card, a form, silences and blind spots")
        page.keyboard.press("b")
        page.keyboard.press("t")
        expect(page.locator(".frame")).to_have_class(re.compile("is-past"))
        look(page, f"{layout} in the past")
    assert faults == {}
