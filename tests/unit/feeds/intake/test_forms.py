"""Bodies parted into items, whatever form they come in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.intake.forms import (
    CLOUDEVENT,
    CLOUDEVENTS,
    JSON,
    MEDIA_TYPES,
    NDJSON,
    SENML,
    Items,
    part_body,
)
from schemas.refused import Refusal

NOW_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z
EVENT = b'{"source": "noise",  "value":1.50}'
CLOUD = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "noise",
    "type": "noise.laeq",
    "subject": "m-1",
    "time": "2026-05-01T20:30:00+08:00",
    "traceparent": "00-abc",
    "data": {"value": 61.5, "unit": "dB(A)", "source": "forged"},
}


def part(body: bytes, form: str = JSON, **headers: str) -> Items:
    return part_body(body, form, "noise", NOW_MS, headers or None)


def said(parted: Items) -> list[bytes | str]:
    assert not isinstance(parted, Refusal)
    return [one.said.reason if isinstance(one.said, Refusal) else one.said for one in parted]


def test_an_object_an_array_and_lines_stay_as_they_were_sent() -> None:
    assert said(part(EVENT)) == [EVENT]
    assert said(part(b" [" + EVENT + b", " + EVENT + b"]\n")) == [EVENT, EVENT]
    assert said(part(EVENT + b"\n\n" + EVENT + b"\r\nhalf a li", NDJSON)) == [
        *(EVENT, EVENT, b"half a li"),
    ]


def test_a_body_that_cannot_be_parted_says_why() -> None:
    for body, form in ((b"", JSON), (b"[]", JSON), (b"\n\n", NDJSON), (b"[{}", JSON)):
        parted = part(body, form)
        assert isinstance(parted, Refusal)
        assert parted.hint


def test_a_senml_pack_becomes_readings_with_the_places_of_its_records() -> None:
    pack = [
        {"bn": "m-1:", "bt": NOW_MS / 1000, "bu": "dB"},
        {"n": "noise.laeq", "v": 60},
        {"n": "nonsense", "v": 1},
        {"n": "noise.laeq", "t": 2, "v": 61},
    ]

    for form in (JSON, SENML):
        parted = part(json.dumps(pack).encode(), form)
        assert not isinstance(parted, Refusal)
        assert [one.number for one in parted] == [1, 2, 3]
        first, bad, last = said(parted)
        assert bad == "unknown-kind"
        assert json.loads(first) == {
            "source": "noise",
            "kind": "noise.laeq",
            "subject": "m-1",
            "event_time": "2026-05-01T12:30:00.000Z",
            "value": 60,
            "unit": "dB(A)",
        }
        assert json.loads(last)["event_time"] == "2026-05-01T12:30:02.000Z"


def test_cloudevents_say_the_same_in_all_three_modes() -> None:
    data = json.dumps(CLOUD["data"]).encode()
    headers = {f"ce-{name}": str(text) for name, text in CLOUD.items() if name != "data"}

    (one,) = said(part(json.dumps(CLOUD).encode(), CLOUDEVENT))
    many = said(part(json.dumps([CLOUD, {**CLOUD, "specversion": "0.3"}]).encode(), CLOUDEVENTS))
    (binary,) = said(part(data, JSON, **headers))

    assert json.loads(one) == {
        "id": "e-1",
        "source": "noise",
        "kind": "noise.laeq",
        "subject": "m-1",
        "event_time": "2026-05-01T20:30:00+08:00",
        "trace": "00-abc",
        "value": 61.5,
        "unit": "dB(A)",
    }
    assert many == [one, "unknown-schema"]
    assert json.loads(binary) == json.loads(one)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "missing-field"),
        ({"data": [1]}, "wrong-type"),
        ({"data_base64": "AA=="}, "wrong-type"),
    ],
)
def test_a_cloudevent_without_its_parts_is_refused(change: dict[str, object], reason: str) -> None:
    assert said(part(json.dumps(CLOUD | change).encode(), CLOUDEVENT)) == [reason]


def test_deep_nesting_is_refused_in_every_form() -> None:
    deep = b'{"data":' + b"[" * 20_000 + b"]" * 20_000 + b"}"

    assert said(part(deep, CLOUDEVENT)) == ["too-deep"]
    assert said(part(deep, JSON, **{"ce-specversion": "1.0"})) == ["too-deep"]
    assert isinstance(part(b"[" * 20_000 + b"]" * 20_000), Refusal)


@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text()),
            lambda inner: st.one_of(
                st.lists(inner, max_size=4),
                st.dictionaries(
                    st.sampled_from([*CLOUD, "bn", "n", "v", "bt", "kind", "x"]), inner, max_size=6
                ),
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    form=st.sampled_from(sorted(set(MEDIA_TYPES.values()))),
    binary=st.booleans(),
)
def test_no_body_at_all_makes_it_fail(body: bytes, form: str, binary: bool) -> None:  # noqa: FBT001
    parted = part_body(body, form, "noise", NOW_MS, {"ce-specversion": "1.0"} if binary else None)

    assert isinstance(parted, Refusal) or all(
        isinstance(one.said, bytes | Refusal) for one in parted
    )
