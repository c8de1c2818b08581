import pytest

from schemas.instants import format_instant, parse_instant, parse_instants
from schemas.records import Reason
from schemas.refused import Refusal

AT_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [
        ("2026-05-01T12:30:00Z", AT_MS),
        ("2026-05-01t12:30:00z", AT_MS),
        ("2026-05-01T20:30:00+08:00", AT_MS),
        ("2026-05-01T07:00:00-05:30", AT_MS),
        ("2026-05-01T12:30:00-00:00", AT_MS),
        ("2026-05-01T12:30:00.5Z", AT_MS + 500),
        ("2026-05-01T12:30:00.123456789Z", AT_MS + 123),
        ("2026-05-01T20:30:00.001999+08:00", AT_MS + 1),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_999),
        ("2017-01-01T07:59:60.5+08:00", 1_483_228_799_999),
    ],
)
def test_an_instant_is_read_alone_and_in_a_column(text, instant_ms):
    column, refusals = parse_instants([text] * 40)

    assert parse_instant(text) == instant_ms
    assert column.tolist() == [instant_ms] * 40
    assert refusals == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-05-01T12:30:00", Reason.NAIVE_TIME),
        ("2026-05-01T12:30:00.250", Reason.NAIVE_TIME),
        ("", Reason.BAD_TIME),
        ("1777638600", Reason.BAD_TIME),
        ("2026-05-01 12:30:00Z", Reason.BAD_TIME),
        ("2026-05-01T24:00:00Z", Reason.BAD_TIME),
        ("2026-05-01T12:60:00Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:61Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:60Z", Reason.BAD_TIME),
        ("2026-02-29T12:30:00Z", Reason.BAD_TIME),
        ("1900-02-29T12:30:00Z", Reason.BAD_TIME),
        ("2026-13-01T12:30:00Z", Reason.BAD_TIME),
        ("2026-00-01T12:30:00Z", Reason.BAD_TIME),
        ("2026-04-31T12:30:00Z", Reason.BAD_TIME),
        ("2026-05-00T12:30:00Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:00.Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:00.1234567890Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:00+24:00", Reason.BAD_TIME),
        ("2026-05-01T12:30:00+08:60", Reason.BAD_TIME),
        ("2026-05-01T12:30:00+0800", Reason.BAD_TIME),
        ("２０26-05-01T12:30:00Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:0/Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:0:Z", Reason.BAD_TIME),
        ("2026-05-01T12:30:00Z\n", Reason.BAD_TIME),
    ],
)
def test_what_is_no_instant_is_refused_alone_and_in_a_column(text, reason):
    column, refusals = parse_instants(["2026-05-01T12:30:00Z", *[text] * 40])

    alone = parse_instant(text)
    assert isinstance(alone, Refusal)
    assert alone.reason is reason
    assert alone.hint
    assert column[0] == AT_MS
    assert {r.reason for r in refusals.values()} == {reason}
    assert sorted(refusals) == list(range(1, 41))


def test_texts_that_would_be_right_if_cut_elsewhere_are_refused():
    texts = ["2026-05-01T12:30:00Z2026", "-05-01T12:30:00Z"] * 40

    _, refusals = parse_instants(texts)

    assert len(refusals) == 80


def test_one_odd_text_does_not_trouble_its_column():
    texts = ["2026-05-01T12:30:00.250Z"] * 99
    texts[40] = "2026-05-01T12:30:00,250Z"
    texts[41] = "2026-05-01T12:30:00+00:00"

    column, refusals = parse_instants(texts)

    assert list(refusals) == [40]
    assert column[41] == AT_MS
    assert column[42] == AT_MS + 250


def test_years_beyond_four_digits_cannot_be_said():
    with pytest.raises(ValueError, match="9999"):
        format_instant(253_402_300_800_000)
    assert format_instant(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"
    assert format_instant(-62_167_219_200_000) == "0000-01-01T00:00:00.000Z"
