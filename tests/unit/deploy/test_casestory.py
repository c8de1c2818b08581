"""A case in words: every step has a sentence, a breach says where the time went."""

import pytest

from deploy import casestory
from deploy.casebook import Casebook
from deploy.errors import Fault
from schemas.cases import CaseEvent, CaseRecord
from schemas.commands import CaseAction
from schemas.dispatch import CaseState, Clock
from schemas.examples import EXAMPLES
from schemas.instants import parse_instant
from schemas.responders import UnitState, UnitStatus
from schemas.wire import to_wire
from streams.matters.chain import Chains

(EVENT,) = map(to_wire, EXAMPLES[CaseEvent])
(RECORD,) = map(to_wire, EXAMPLES[CaseRecord])
T0 = "2025-03-22T04:00:00Z"
OF_THE_CITY = [
    "opened", "issued", "escalated", "breached", "reminder", "relapse", "rung-risen", "closed",
    "ack-timeout", "review-overdue", "unverified", "verified", "unanswered", "resumed", "joined",
    "grew", "repeated", "reminder-played", "reminder-failed", "reminder-timed-out",
]  # fmt: skip


@pytest.mark.parametrize("action", [*CaseAction, *OF_THE_CITY])
def test_every_step_is_a_sentence_in_chinese_and_in_english(action):
    said = casestory.step_in_words({**EVENT, "action": str(action), "unit": "LG-police"})

    assert any("\u4e00" <= letter <= "\u9fff" for letter in said), said
    assert "{" not in said


def test_every_state_and_clock_has_a_chinese_name():
    assert set(casestory.STATES) == set(CaseState)
    assert set(casestory.CLOCKS) == set(Clock)


def test_every_unit_says_how_it_stands_and_how_old_its_place_is():
    assert set(casestory.UNIT_STATES) == set(UnitState)
    (status,) = map(to_wire, EXAMPLES[UnitStatus])
    now_ms = parse_instant(status["event_time"]) + 45_000

    said = casestory.standing_in_words(status, now_ms)

    assert said == "忙碌 busy        1 orders  120.55310,27.57820 1:05 ago"
    assert casestory.standing_in_words({"state": "off"}, now_ms) == "休班 off         0 orders"


def test_a_breach_says_where_the_time_went():
    said = casestory.step_in_words(
        {
            **EVENT,
            "action": "breached",
            "clock": "respond",
            "deadline_time": "2026-05-01T12:31:00Z",
            "late_detected": True,
            "machine_ms": 5_000,
            "queue_ms": 60_000,
        }
    )

    assert "超时：响应时限（2026-05-01 20:31:00+08:00）" in said
    assert said.endswith("(late-detected)  系统 machine 0:05 · 等待 queue 1:00")


def test_the_head_of_a_case_says_whose_it_is_and_how_its_clocks_stand():
    head = "\n".join(casestory.head_of(RECORD))
    (clock,) = RECORD["clocks"]

    assert "已受理 accepted · stage handle" in head
    assert "LG-01-003 (grid)" in head
    assert f"事件 incident  {RECORD['incident_id']}" in head
    assert casestory.clock_in_words(clock, 0) == "响应 respond 按时 kept"
    running = {"clock": "respond", "deadline_time": "1970-01-01T00:01:05Z"}
    assert casestory.clock_in_words(running, 0) == "响应 respond 1:05 left"
    assert casestory.clock_in_words(running, 85_000) == "响应 respond -0:20 left"


def test_who_leads_by_law_is_named_with_the_version_of_the_table():
    law = {"department": "fire", "field": "gas", "matter": "leaks", "law_version": "0a1b"}

    assert any(
        "fire · gas · leaks (table 0a1b)" in line for line in casestory.head_of({**RECORD, **law})
    )


def test_the_beginning_of_an_id_is_enough_if_it_is_one_cases():
    book = Casebook({"abc-1": {}, "abd-2": {}}, Chains(), [])

    assert book.find("abc") == "abc-1"
    with pytest.raises(Fault, match="2 cases begin"):
        book.find("ab")
    with pytest.raises(Fault, match="No case begins"):
        book.find("x")


def test_a_case_of_several_departments_names_their_parts():
    orders = [
        {"unit": "g1", "part": "lead", "state": "handled"},
        {"unit": "LG-police", "part": "helper", "state": "accepted"},
    ]

    head = casestory.head_of({**RECORD, "orders": orders})
    assert "  派单 orders    g1 lead handled, LG-police helper accepted" in head


def test_a_task_of_the_city_says_who_is_waited_for_and_until_when():
    task = {"answered": ["a"], "unanswered": ["b", "c", "d", "e"], "due_time": T0}

    assert casestory.answers_in_words(task) == (
        "已响应 answered 1 · 未响应 waiting for 4: b, c, d … · due 2025-03-22 12:00:00+08:00"
    )
    assert casestory.answers_in_words({"answered": ["a"]}) == (
        "已响应 answered 1 · 未响应 waiting for 0"
    )
