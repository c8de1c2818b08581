"""Laws of the door: nothing raises, nothing is lost, nobody sways another."""

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.codec import (
    Refused,
    dead_letter,
    decode,
    decode_complaints,
    decode_detections,
    decode_positions,
    decode_readings,
    decode_records,
    encode,
    revive,
)
from schemas.complaints import Complaint
from schemas.envelope import Datum
from schemas.examples import EXAMPLES
from schemas.instants import format_instant, parse_instant, parse_instants
from schemas.readings import Reading
from schemas.records import RawBatch
from schemas.units import KINDS
from schemas.wire import wire_fields

DATUMS = {"gw": Datum.WGS84}
GOOD = {
    "source": "gw",
    "kind": "load.level",
    "subject": "dev",
    "event_time": "2026-05-01T12:30:00Z",
    "value": 1.5,
    "unit": "%",
}
NAMES = sorted({f.wire_name for cls in EXAMPLES for f in wire_fields(cls)})

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["gw", "dB(A)", "noise.laeq", "wgs84", "2026-05-01T12:30:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, "n", "bn", "v", "u", "x_"]), inner, max_size=4)
    ),
    max_leaves=8,
)
mutated = st.dictionaries(st.sampled_from(sorted(GOOD)), anything, max_size=2).map(
    lambda odd: GOOD | odd
)
documents = st.one_of(mutated, st.lists(mutated | anything, max_size=4), anything)


@st.composite
def records(draw):
    """Give one record: good, odd, cut, glued, deep, raw bytes, or null."""
    text = json.dumps(draw(documents)).encode()
    match draw(st.integers(0, 7)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            return text + draw(st.sampled_from([b",", b"\n", b" ", b"]", b"}", b""])) + text
        case 2:
            return draw(st.binary(max_size=40))
        case 3:
            return draw(st.sampled_from([b"[", b'{"a":', b'[{"bn":'])) * draw(
                st.sampled_from([3, 17, 5000])
            )
        case 4:
            return None
        case _:
            return text


def a_batch(values):
    count = len(values)
    return RawBatch(
        "sensor.readings",
        0,
        np.arange(count, dtype=np.int64),
        np.full(count, 1_777_638_600_000),
        [None] * count,
        values,
    )


def rows_of(batch):
    columns = [column for column in batch if isinstance(column, np.ndarray)]
    assert {len(column) for column in batch} == {len(batch.row)}
    assert not any(column.flags.writeable for column in columns)
    return batch.row.tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), max_size=6))
@example([b"[" * 100_000, b'{"a":' * 100_000, b'"' * 99])
def test_whatever_comes_in_each_record_ends_in_rows_or_rejects(values):
    raw = a_batch(values)
    readings, refused_readings = decode_readings(raw, DATUMS)
    positions, refused_positions = decode_positions(raw, DATUMS)
    complaints, refused_complaints = decode_records(raw, Complaint, DATUMS)
    tickets, refused_tickets = decode_complaints(raw, DATUMS)
    detections, refused_detections = decode_detections(raw, DATUMS)

    every = set(range(len(values)))
    assert set(rows_of(readings)) | {r.row for r in refused_readings} == every
    assert set(rows_of(positions)) | {r.row for r in refused_positions} == every
    assert {row for row, _ in complaints} | {r.row for r in refused_complaints} == every
    assert set(rows_of(tickets)) | {r.row for r in refused_tickets} == every
    assert set(rows_of(detections)) | {r.row for r in refused_detections} == every
    assert ((detections.confidence >= 0) & (detections.confidence <= 1)).all()
    assert np.isfinite(readings.value).all()
    for kind, value in zip(readings.kind, readings.value.tolist(), strict=True):
        assert KINDS[kind].low <= value <= KINDS[kind].high
    for reject in refused_readings:
        assert revive(dead_letter(raw, reject, 0))[2] == values[reject.row]


@settings(max_examples=150, deadline=None)
@given(st.lists(records(), min_size=1, max_size=5))
def test_a_record_has_the_same_verdict_among_others_and_alone(values):
    together, refused = decode_readings(a_batch(values), DATUMS)

    rows, rejects = [], []
    for row, value in enumerate(values):
        alone, refused_alone = decode_readings(a_batch([value]), DATUMS)
        rows += [(row, *said) for said in zip(alone.subject, alone.value.tolist(), strict=True)]
        rejects += [reject._replace(row=row) for reject in refused_alone]
    assert rows == list(
        zip(together.row.tolist(), together.subject, together.value.tolist(), strict=True)
    )
    assert rejects == refused


@settings(max_examples=200, deadline=None)
@given(records())
def test_a_single_record_is_read_or_refused(value):
    for cls in (Alert, Reading):
        try:
            verdict = decode(cls, value or b"")
        except Refused as refused:
            verdict = refused

        assert isinstance(verdict, cls) or verdict.hint or verdict.field


plain_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
instants_ms = st.integers(-62_167_219_200_000, 253_402_300_799_999)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        Reading,
        source=plain_text,
        kind=plain_text,
        subject=plain_text,
        event_time_ms=instants_ms,
        ingest_time_ms=st.none() | instants_ms,
        id=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        datum=st.none() | st.sampled_from(Datum),
        value=st.floats(allow_nan=False, allow_infinity=False),
        unit=plain_text,
        lon_deg=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_a_record_survives_the_wire(reading):
    assert decode(Reading, encode(reading)) == reading


@given(instants_ms)
def test_an_instant_survives_its_text(instant_ms):
    text = format_instant(instant_ms)

    assert parse_instant(text) == instant_ms
    assert parse_instants([text] * 16)[0].tolist() == [instant_ms] * 16


@given(
    st.lists(
        st.datetimes(
            datetime(1, 1, 2),  # noqa: DTZ001 - the zone comes with `timezones`
            datetime(9999, 12, 30),  # noqa: DTZ001 - likewise
            timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_instants_are_what_the_standard_library_says(moments):
    texts = [moment.isoformat() for moment in moments]
    wanted = [
        (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        for moment in moments
    ]

    assert parse_instants(texts)[0].tolist() == wanted
    assert [parse_instant(text) for text in texts] == wanted


@given(st.lists(st.text(alphabet="0123456789-:TZ+.", max_size=26), max_size=40))
def test_a_column_of_texts_is_read_as_each_text_alone(texts):
    column, refusals = parse_instants(texts * 16)

    for i, text in enumerate(texts * 16):
        alone = parse_instant(text)
        assert (refusals.get(i) or int(column[i])) == alone


@pytest.mark.parametrize("values", [[None], [b""], [b"[]"], [b"{}"], [b"0"]])
def test_the_smallest_records_are_refused_once(values):
    _, rejects = decode_readings(a_batch(values), DATUMS)

    assert len(rejects) == 1
