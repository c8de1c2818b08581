"""The desk acts from the page, and the city's own agents answer: nothing here plays their part."""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import until_ready
from schemas.topics import ALERTS

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
AGENTS = ["incidents", "dispatch"]
READY_S = 120.0


@pytest.fixture(scope="module", autouse=True)
def agents(feed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    place = Place(feed._address, feed._prefix, tmp_path_factory.mktemp("agents"))
    with Fleet(place, AGENTS) as fleet:
        asyncio.run(until_ready(fleet, AGENTS, READY_S))
        yield


def test_the_desk_splits_and_merges_incidents(visit: Visit, feed: Any) -> None:
    near, far = feed.spots(2)
    meter = tell(feed, "noise.exceeded", "square", near, sentence="64 dB(A) at the square.")
    tell(feed, "complaint.noise", "ticket", near, sentence="It is loud at the square.")
    tell(feed, "stall.outside", "shop", far, sentence="A stall on the pavement.")
    page = visit()
    page.locator("#tab-alerts").click()
    page.locator(f".row[data-id='{meter}']").click()
    card = page.locator(".card")

    card.locator("[data-action=split]").click()
    expect(card.locator(".choice label")).to_have_text(re.compile("Noise complaint · caller · 0 m"))
    fill_in(card, reason="the neighbour means another party")
    expect(card.locator(".action-form .card-warning")).to_have_text("Choose at least one")
    card.locator(".choice input").check()
    card.locator(".action-form button.primary").click()
    expect(answer(card)).to_have_text("Done · 1 matters are incidents of their own")
    expect(card.locator("[data-action=split]")).to_have_count(0)

    card.locator("[data-action=merge]").click()
    card.locator(".choice").filter(has_text="It is loud").locator("input").check()
    fill_in(card, reason="one party after all")
    expect(answer(card)).to_have_text("Done · 1 incidents joined")
    expect(card.locator("[data-action=split]")).to_be_visible()


def test_what_is_held_back_is_in_sight_of_everybody_until_the_desk_ends_it(
    visit: Visit, feed: Any
) -> None:
    loud = tell(feed, "noise.exceeded", "park", feed.spots(3)[2], sentence="A concert.")
    page = visit()
    page.locator("#tab-alerts").click()
    page.locator(f".row[data-id='{loud}']").click()
    card, holds = page.locator(".card"), page.locator(".holds")
    card.locator("[data-action=silence]").click()
    card.locator("#field-silence-minutes").fill("45")
    fill_in(card, reason="licensed concert")
    expect(answer(card)).to_have_attribute("data-tone", "accepted")
    expect(card).to_contain_text("silenced by desk until")
    page.keyboard.press("s")
    silence, typhoon = holds.locator("[data-silence]"), holds.locator("[data-mode=typhoon]")
    for words in ("Noise over the limit", "desk", "licensed concert", re.compile(r"4\d:\d\d left")):
        expect(silence).to_contain_text(words)

    switch(typhoon, "mode-on", second="desk", reason="signal 3")
    expect(answer(holds)).to_have_text(
        "Refused: A second person must sign · `second` is another person than `by`"
    )
    switch(typhoon, "mode-on", second="viewer", reason="signal 3")
    expect(answer(holds)).to_contain_text("'viewer' is no user who may ask for 'mode-on'")
    switch(typhoon, "mode-on", second="li", reason="signal 3")
    expect(typhoon).to_contain_text("desk + li")
    wall = visit("viewer", "lang=en&layout=wall")
    for banner in (page.locator(".holds-banner"), wall.locator(".holds-banner")):
        expect(banner).to_contain_text(re.compile(r"Typhoon mode is on since .* \(desk \+ li\)"))
        expect(banner).to_contain_text("silences in force: 1")
    wall.keyboard.press("s")
    expect(wall.locator("[data-mode=typhoon]")).to_have_attribute("data-on", "true")
    expect(wall.locator(".holds button")).to_have_count(0)

    silence.locator("[data-action=unsilence]").click()
    fill_in(holds, reason="the concert is over")
    expect(silence).to_have_count(0)
    switch(typhoon, "mode-off", second="li", reason="signal lowered")
    expect(typhoon).to_have_attribute("data-on", "false")
    expect(page.locator(".holds-banner")).to_be_hidden()
    expect(wall.locator(".holds-banner")).to_be_hidden()


def test_a_city_task_shows_whose_receipts_are_still_missing(visit: Visit, feed: Any) -> None:
    own, other = (spot.community for spot in feed.spots(2))
    page = visit()
    page.locator("[data-tool='act.city-task']").click()
    page.locator("#field-city-task-text").fill("Look after every drain before dark.")
    page.locator("#field-city-task-areas").fill("LG-C999")
    page.locator("dialog button.primary").click()
    expect(page.locator(".toast")).to_contain_text("Refused: There is no such area · ")
    page.locator("[data-tool='act.city-task']").click()
    page.locator("#field-city-task-text").fill("Look after every drain before dark.")
    page.locator("#field-city-task-areas").fill(f"{other}, {own}")
    page.locator("dialog button.primary").click()
    card = page.locator(".card")
    expect(card).to_contain_text("Look after every drain before dark.")
    expect(card).to_contain_text("Receipts 0 of 2")
    expect(card.locator("[data-receipt=waiting]")).to_have_count(2)

    field = visit("operator")
    field.locator(".row").filter(has_text="every drain").click()
    theirs = field.locator(".card")
    theirs.locator("[data-action=receipt]").click()
    team = feed.city.roster.units[f"{own}-team"].name
    theirs.locator(".choice").filter(has_text=team).locator("input").check()
    theirs.locator(".action-form button.primary").click()
    expect(answer(theirs)).to_have_attribute("data-tone", "accepted")
    expect(card).to_contain_text("Receipts 1 of 2")
    expect(card.locator("[data-receipt=answered]")).to_have_count(1)


def tell(feed: Any, kind: str, subject: str, spot: Any, **facts: Any) -> str:
    """Say an alert, and no more: incidents and cases are the agents' to open."""
    alert = feed.matter(kind, subject, spot, **facts).alert
    feed.say(ALERTS, msgspec.structs.replace(alert, rule=kind.partition(".")[0]))
    return str(alert.alert_id)


def fill_in(place: Locator, *, reason: str) -> None:
    place.locator("textarea").fill(reason)
    place.locator(".action-form button.primary").click()


def switch(mode: Locator, action: str, *, second: str, reason: str) -> None:
    mode.locator(f"[data-action={action}]").click()
    holds = mode.page.locator(".holds")
    holds.locator(f"#field-{action}-second").fill(second)
    fill_in(holds, reason=reason)


def answer(place: Locator) -> Locator:
    return place.locator(".answer")
