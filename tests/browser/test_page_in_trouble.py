"""What the page does when things are not as they should be."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from schemas.alerts import Severity
from schemas.topics import CASES_LATEST

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
REPO = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror=\"window.hacked='{}'\">"


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
    feed.tell(mine)
    feed.tell(theirs)
    page = visit("operator")
    expect(page.locator(f".row[data-id='{mine.case.case_id}']")).to_be_visible()
    expect(page.locator(f".row[data-id='{theirs.case.case_id}']")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("not mine to see")
    expect(page.locator(".found-none")).to_be_visible()
    answer = page.evaluate(f"fetch('/api/v1/cases/{theirs.case.case_id}').then(one => one.status)")
    assert answer == 404

    page = visit("viewer")
    page.locator(f".row[data-id='{theirs.case.case_id}']").click()
    expect(page.locator(".card .note").first).to_have_text("Your role only looks")
    expect(page.locator(".action-buttons button")).to_have_count(0)
    expect(page.locator("[data-tool='act.city-task']")).to_have_count(0)
    refused = page.evaluate(
        """async (subject) => {
          const me = await (await fetch('/api/v1/me')).json();
          const body = JSON.stringify({topic: 'case', action: 'close', subject, reason: 'why not'});
          const headers = {'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf};
          return (await fetch('/api/v1/commands', {method: 'POST', headers, body})).status;
        }""",
        theirs.case.case_id,
    )
    assert refused == 403


def test_markup_in_any_text_from_outside_stays_text(visit: Visit, feed: Any) -> None:
    spot = feed.spots(6)[5]
    fields = ("subject", "area", "reason", "sentence", "kind", "name", "unit", "community")
    bad = {field: HOSTILE.format(field) for field in fields}
    matter = feed.matter(
        bad["kind"], bad["subject"], spot, severity=Severity.EXTREME, life_safety=True,
        area=bad["area"], sentence=bad["sentence"],
    )  # fmt: skip
    case = msgspec.structs.replace(
        matter.case, unit=bad["unit"], unit_name=bad["unit"], community=bad["community"],
        paused_for=bad["reason"],
    )  # fmt: skip
    alert = msgspec.structs.replace(matter.alert, reason=bad["reason"])
    vessel = "999000111"
    feed.fix(vessel, *feed.middle(), name=bad["name"], kind="vessel.static")
    page = visit()
    feed.tell(type(matter)(alert, matter.incident, case))
    row = page.locator(f".row[data-id='{case.case_id}']")
    expect(row.locator(".row-title")).to_have_text(bad["kind"])
    expect(row.locator(".row-sentence")).to_have_text(bad["sentence"])
    expect(row.locator(".row-where")).to_contain_text(bad["unit"])
    expect(page.locator(".alarm-sentence")).to_have_text(bad["sentence"])
    row.click()
    card = page.locator(".card")
    expect(card.locator("h2")).to_have_text(bad["kind"])
    for field in ("subject", "community", "sentence"):
        expect(card).to_contain_text(bad[field])
    said = feed.matter("garbage.exposed", "LG-CAM-00004", spot)
    feed.tell(said)
    page.locator(f".row[data-id='{said.case.case_id}']").click()
    page.locator("[data-action=accept]").click()
    command = feed.command(lambda one: one["subject"] == said.case.case_id)
    feed.answer(command, accepted=False, reason=bad["reason"], hint=bad["sentence"])
    expect(card.locator(".answer")).to_contain_text(bad["reason"])
    page.keyboard.press("/")
    page.keyboard.type("onerror")
    expect(page.locator("#search-found [role=option]").first).to_contain_text("onerror")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    over = msgspec.structs.replace(alert, transition="clear", id="over-" + alert.id)
    feed.say("alerts", over)
    feed.say(
        CASES_LATEST, msgspec.structs.replace(case, state="closed", revision=9), key=case.case_id
    )


def test_axe_finds_no_serious_fault(visit: Visit, feed: Any) -> None:
    axe = (REPO / "screens/page/node_modules/axe-core/axe.min.js").read_text()
    spot = feed.spots(7)[6]
    matter = feed.matter(
        "fire.alarm", "LG-fire-axe", spot, life_safety=True, sentence="Smoke in a stairwell."
    )
    feed.tell(matter)
    faults: dict[str, list[str]] = {}
    for layout in ("desk", "wall"):
        page = visit(query=f"lang=en&layout={layout}")
        page.locator(f".row[data-id='{matter.case.case_id}']").click()
        expect(page.locator(".card h2")).to_have_text("Fire alarm")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for fault in found["violations"]:
            if fault["impact"] in {"serious", "critical"}:
                places = [node["html"][:160] for node in fault["nodes"]]
                faults[f"{layout}: {fault['id']}"] = places
    assert faults == {}
