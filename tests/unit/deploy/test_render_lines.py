"""One readable line a record, whatever a topic holds."""

import pytest

from deploy.render import line, local_time


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
