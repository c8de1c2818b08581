"""The people of a story: what they hear makes them speak, once, with ids that stay the same."""

import json

from feeds.people import People
from feeds.simulator.desk import Desk, Step, of_the_desk
from schemas.commands import CaseAction
from schemas.topics import CASE_COMMANDS, CASE_REPLIES, DISPATCH_ORDERS, DISPATCH_UPDATES

START_MS = 1_790_000_000_000
ORDER = {"subject": "camera-1", "change": "issued"}


def a_desk() -> Desk:
    desk = Desk("story/1", START_MS)
    desk.about("camera-1")
    accepted = desk.works("crew", ORDER, CaseAction.ACCEPT)
    note = of_the_desk(CaseAction.NOTE, reason="seen")
    desk.tells(Step("note", note, DISPATCH_ORDERS, ORDER, (accepted,)))
    return desk


def people(desk: Desk, *, crews: bool = False, hurry: float = 1.0) -> People:
    return People(1, "longgang", [desk], crews=crews, hurry=hurry)


def an_order(subject: str = "camera-1", name: str = "1") -> bytes:
    return json.dumps(
        {
            "source": "dispatch",
            "kind": "order",
            "subject": subject,
            "event_time": "2026-09-21T14:13:20.000Z",
            "created_time": "2026-09-21T14:13:20.000Z",
            "id": f"message-{name}",
            "order_id": f"order-{name}",
            "case_id": f"case-{name}",
            "incident_id": f"incident-{name}",
            "incident_kind": "crowd.gathering",
            "unit": "LG-G001-worker",
            "level": "grid",
            "state": "dispatched",
            "change": "issued",
        }
    ).encode()


def a_reply(desk: Desk, step: str) -> bytes:
    return json.dumps({"subject": "case-1", "command_id": desk.id_of(step)}).encode()


def said(who: People, after_s: float) -> list[tuple[str, str]]:
    records = who.due(START_MS + round(after_s * 1000))
    return [(one.topic, json.loads(one.value).get("action")) for one in records]


def test_nobody_says_anything_before_what_he_waits_for_was_heard() -> None:
    who = people(a_desk())

    assert said(who, 100) == []
    who.hear(DISPATCH_ORDERS, an_order("camera-2"), START_MS + 100_000)
    assert said(who, 200) == [], "it is another story's order"
    assert not who.is_done


def test_a_step_is_said_once_after_its_delay_and_the_next_after_its_answer() -> None:
    desk = a_desk()
    who = people(desk)
    said(who, 0)
    for _ in range(2):  # the same is told again after a crash
        who.hear(DISPATCH_ORDERS, an_order(), START_MS)

    assert said(who, 4.9) == []
    assert said(who, 5) == [(CASE_COMMANDS, "accept")]
    assert said(who, 60) == [], "the answer has not come"
    for _ in range(2):
        who.hear(CASE_REPLIES, a_reply(desk, "crew: accept"), START_MS + 60_000)
    assert said(who, 65) == [(CASE_COMMANDS, "note")]
    assert said(who, 600) == []
    assert who.is_done


def test_nobody_speaks_before_the_story_begins() -> None:
    who = people(a_desk())
    who.hear(DISPATCH_ORDERS, an_order(), START_MS - 60_000)

    assert said(who, -1) == []
    assert said(who, 0) == []
    assert said(who, 5) == [(CASE_COMMANDS, "accept")]


def test_the_same_story_gives_the_same_ids_and_another_playing_of_it_others() -> None:
    one, again, other = a_desk(), a_desk(), Desk("story/1", START_MS + 1)

    assert one.id_of("note") == again.id_of("note") != other.id_of("note")


def test_who_hurries_speaks_so_much_sooner() -> None:
    who = people(a_desk(), hurry=10)
    said(who, 0)
    who.hear(DISPATCH_ORDERS, an_order(), START_MS)

    assert said(who, 0.5) == [(CASE_COMMANDS, "accept")]


def test_crews_answer_what_no_story_answers_once_however_often_it_is_told() -> None:
    who = people(a_desk(), crews=True)
    for number in range(8):  # one unit in four does not answer
        for _ in range(2):
            who.hear(DISPATCH_ORDERS, an_order("camera-2", str(number)), START_MS)
    answered = [topic for topic, _ in said(who, 3_600)]
    assert set(answered) == {DISPATCH_UPDATES}
    assert 6 <= len(answered) <= 8 * 6
    assert len(answered) % 6 == 0, "six moves of each unit that answers"

    who.hear(DISPATCH_ORDERS, an_order(), START_MS)
    assert (CASE_COMMANDS, "accept") in (heard := said(who, 7_200))
    assert len(heard) == 1, "its unit is the story's own"
