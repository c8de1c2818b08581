"""A ticket goes on without what it says of its caller."""

import json
from typing import Any

from schemas.instants import format_instant
from streams.city.model import City
from streams.doors.judging import Judge
from streams.doors.personal import without_caller
from streams.doors.sender import Sender
from streams.doors.verdict import Outcome

NOW_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z
TICKET = {
    "source": "hotline",
    "kind": "complaint.fire",
    "subject": "T-1",
    "event_time": format_instant(NOW_MS),
    "channel": "12345",
    "category": "火灾",
}


def cleaned(**said: Any) -> tuple[dict[str, Any], str]:
    value, warning = without_caller(json.dumps(TICKET | said).encode())
    return json.loads(value), "" if warning is None else warning.hint


def test_a_ticket_without_personal_data_stays_byte_for_byte() -> None:
    raw = json.dumps(TICKET | {"text": "浓烟 8 层, 20260501203000 起", "place": "1234567890123"})

    assert without_caller(raw.encode()) == (raw.encode(), None)


def test_fields_of_the_caller_are_left_out_and_numbers_masked() -> None:
    text = "请回电13812345678或+86 139-1234-5678, 身份证33032719900101123X, 3楼"

    told, hint = cleaned(text=text, caller={"name": "王"}, phone="x")

    assert told == TICKET | {"text": "请回电***或***, 身份证***, 3楼"}
    assert "left out: caller, phone" in hint
    assert "masked in: text" in hint


def test_the_door_takes_such_a_ticket_with_a_warning(city: City) -> None:
    raw = json.dumps(TICKET | {"phone": "13812345678"}).encode()

    judged = Judge(city).judge([raw], Sender("key", ("hotline",)), NOW_MS)

    ((outcome, code, field, _),) = judged.verdicts
    assert (outcome, code, field) == (Outcome.ACCEPTED, "personal-data", "phone")
    assert b"138" not in judged.taken[0].value
