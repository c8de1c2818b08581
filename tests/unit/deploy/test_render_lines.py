"""One readable line a record, whatever a topic holds."""

import pytest

from deploy.render import line, local_time
from schemas.cases import CaseEvent, CaseRecord
from schemas.codec import encode
from schemas.commands import CommandReply
from schemas.dispatch import CaseState
from schemas.examples import EXAMPLES
from schemas.kpi import ClockScore, Kpi

KEY = "7d1f0c2e-1b2c-5de2-8b41-ac2bdef1010e"
NOON = {"source": "s", "kind": "k", "subject": "LG-police", "event_time_ms": 1_742_616_000_000}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(null)"),
        (b"\xff\x00", "\\xff\x00"),
        (b"[1, 2]", "[1, 2]"),
        (b'{"a": 1}', '{"a": 1}'),
        (b'{"stage": "decode"}', "None/None@None  decode: None"),
        (b'{"transition": "onset"}', '{"transition": "onset"}'),
        (
            (
                b'{"event_time":"2025-03-22T04:00:00Z","kind":"noise.laeq","subject":"s","value":61.25,'
                b'"unit":"dB(A)"}'
            ),
            "2025-03-22 12:00:00+08:00  noise.laeq  s  61.25 dB(A)",
        ),
        (
            (
                b'{"event_time":"2025-03-22T04:00:00Z","kind":"vessel.position","subject":"412",'
                b'"lon_deg":120.5,"lat_deg":27.5,"sog_kn":9.0}'
            ),
            "2025-03-22 12:00:00+08:00  vessel.position  412  120.5000,27.5000  9 kn",
        ),
        (
            (
                b'{"event_time":"2025-03-22T04:00:00Z","kind":"dispatch.update","subject":"case",'
                b'"order_id":"o","action":"accept"}'
            ),
            "2025-03-22 12:00:00+08:00  dispatch.update  case  accept",
        ),
    ],
)
def test_a_line_says_what_the_record_says(value: bytes | None, text: str) -> None:
    assert line(value) == text


def test_a_time_that_is_none_stays_as_it_is() -> None:
    assert local_time("2025-03-22T04:00:00") == "2025-03-22T04:00:00"
    assert local_time("soon") == "soon"


def test_the_topics_of_cases_read_as_what_was_done_and_how_it_stands():
    step = CaseEvent(
        **NOON, case_id=KEY, seq=3, action="return", by="w-31", unit="g1", reason="not ours",
        from_state=CaseState.ACCEPTED, to_state=CaseState.DISPATCHED,
    )  # fmt: skip
    refused = CommandReply(
        **NOON, command_id="c", action="handle", accepted=False, reason="illegal-move",
        hint="possible: accept", case_id=KEY,
    )  # fmt: skip
    (record,) = EXAMPLES[CaseRecord]

    assert line(encode(step)) == (
        "2025-03-22 12:00:00+08:00  7d1f0c2e-1b2c    3  accepted → dispatched"
        "  return  g1  not ours  by w-31"
    )
    assert line(encode(refused)) == (
        "2025-03-22 12:00:00+08:00  handle  refused: illegal-move  possible: accept  7d1f0c2e-1b2c"
    )
    for said in (record.case_id[:13], record.state.value, record.incident_kind):
        assert said in line(encode(record))


def test_figures_read_as_counts_and_shares():
    kpi = Kpi(
        **NOON, level="department", period="2025-03", cases=3, ended=2, share_at_community=0.5,
        clocks=(ClockScore("respond", 3, 2),), returns=1, reminders=2, reminders_worked=1,
    )  # fmt: skip

    assert line(encode(kpi)) == (
        "2025-03-22 12:00:00+08:00  LG-police  2025-03  3 cases  2 ended, 50% at community level"
        "  kept: respond 2/3  1 returns  1 of 2 reminders worked"
    )
