import json
from collections import Counter

import numpy as np
import pytest

from schemas.codec import decode_readings
from schemas.envelope import Datum
from schemas.records import RawBatch, Reason, Stage

AT_MS = 1_777_638_600_000
RECEIVED_MS = AT_MS + 1_500
DATUMS = {"gw": Datum.WGS84, "surveyors": Datum.CGCS2000, "amap": Datum.GCJ02}


def a_reading(**said):
    fields = {
        "source": "gw",
        "kind": "noise.laeq",
        "subject": "noise-0007",
        "event_time": "2026-05-01T12:30:00Z",
        "value": 68.4,
        "unit": "dB(A)",
    } | said
    return {name: value for name, value in fields.items() if value is not ...}


def a_batch(*values, headers=()):
    raw = [v if v is None or isinstance(v, bytes) else json.dumps(v).encode() for v in values]
    count = len(raw)
    return RawBatch(
        topic="sensor.readings",
        partition=1,
        offsets=np.arange(count, dtype=np.int64) * 2 + 100,
        ingest_time_ms=np.full(count, RECEIVED_MS),
        keys=[b"noise-0007"] * count,
        values=raw,
        headers=headers,
    )


def read(*values, **named):
    return decode_readings(a_batch(*values, **named), DATUMS)


def only_reject(*values):
    batch, rejects = read(*values)
    assert len(batch.kind) == len(values) - 1
    (reject,) = rejects
    return reject


def test_readings_become_columns_in_their_order():
    batch, rejects = read(
        a_reading(),
        a_reading(kind="water.level", unit="cm", value=312, lon_deg=120.5, lat_deg=27.5),
        a_reading(subject="noise-0008", ingest_time="2026-05-01T20:30:01+08:00"),
    )

    assert rejects == []
    assert batch.source == ["gw"] * 3
    assert batch.kind == ["noise.laeq", "water.level", "noise.laeq"]
    assert batch.subject == ["noise-0007", "noise-0007", "noise-0008"]
    assert batch.event_time_ms.tolist() == [AT_MS] * 3
    assert batch.ingest_time_ms.tolist() == [RECEIVED_MS, RECEIVED_MS, AT_MS + 1000]
    assert batch.value.tolist() == [68.4, 3.12, 68.4]
    assert np.isnan(batch.lon_deg).tolist() == [True, False, True]
    assert batch.lat_deg[1] == 27.5
    assert batch.offset.tolist() == [100, 102, 104]
    assert batch.row.tolist() == [0, 1, 2]
    assert not batch.value.flags.writeable


@pytest.mark.parametrize(
    "value",
    [
        a_reading(datum="x" * 100_000),
        a_reading(kind="x" * 200),
        a_reading(unit="x" * 100_000),
        a_reading(event_time="x" * 100_000),
        [{"n": "x", "v": 1, "x" * 100_000 + "_": 1}],
    ],
)
def test_a_reject_does_not_repeat_all_that_was_sent(value):
    _, (reject,) = read(value)

    assert len(reject.hint) < 400
    assert len(reject.field) < 100


def test_an_empty_batch_gives_empty_columns():
    batch, rejects = read()

    assert len(batch.kind) == 0
    assert batch.value.dtype == np.float64
    assert batch.row.dtype == np.int64
    assert rejects == []


@pytest.mark.parametrize(
    ("value", "reason", "field", "hint"),
    [
        (None, Reason.TOMBSTONE, "", "null"),
        (b"", Reason.NOT_JSON, "", "empty"),
        (b"  ", Reason.NOT_JSON, "", "empty"),
        (b"not json", Reason.NOT_JSON, "", "JSON object"),
        (b'{"source":"gw"', Reason.NOT_JSON, "", "truncated"),
        (b"null", Reason.WRONG_TYPE, "", "null"),
        (b"3", Reason.WRONG_TYPE, "", "int"),
        (b'\xff\xfe{"a":1}', Reason.NOT_JSON, "", "JSON"),
        (b"[]", Reason.INCOMPLETE, "", "no reading"),
        (b"[" * 17 + b"]" * 17, Reason.TOO_DEEP, "", "16"),
        (b"[" * 200_000, Reason.TOO_DEEP, "", "16"),
        (b'"' + b'\\"' * 100 + b"{" * 99, Reason.NOT_JSON, "", ""),
        (b'{"a":"' + b"x" * 1_048_576 + b'"}', Reason.TOO_LARGE, "", "1048576"),
        (a_reading(unit=...), Reason.MISSING_FIELD, "unit", "mandatory"),
        (a_reading(source=...), Reason.MISSING_FIELD, "source", "who publishes"),
        (a_reading(subject=""), Reason.MISSING_FIELD, "subject", "empty"),
        (a_reading(subject="s" * 257), Reason.OUT_OF_RANGE, "subject", "256"),
        (a_reading(value="68.4"), Reason.WRONG_TYPE, "value", "float"),
        (a_reading(value=True), Reason.WRONG_TYPE, "value", "1 or 0"),
        (a_reading(value=None), Reason.WRONG_TYPE, "value", "null"),
        (a_reading(value=float("nan")), Reason.NOT_FINITE, "value", "leave it out"),
        (a_reading(value=float("-inf")), Reason.NOT_FINITE, "value", "leave it out"),
        (a_reading(value=10**400), Reason.NOT_FINITE, "value", "64 bits"),
        (a_reading(event_time=1_777_638_600), Reason.WRONG_TYPE, "event_time", "RFC 3339"),
        (a_reading(event_time="2026-05-01T12:30:00"), Reason.NAIVE_TIME, "event_time", "offset"),
        (a_reading(event_time="yesterday"), Reason.BAD_TIME, "event_time", "RFC 3339"),
        (a_reading(ingest_time="now"), Reason.BAD_TIME, "ingest_time", "RFC 3339"),
        (a_reading(unit="dB"), Reason.UNKNOWN_UNIT, "unit", "dB(A)"),
        (a_reading(kind="noise"), Reason.UNKNOWN_KIND, "kind", "noise.laeq"),
        (a_reading(value=200), Reason.OUT_OF_RANGE, "value", "0 to 160"),
        (a_reading(schema=2), Reason.UNKNOWN_SCHEMA, "schema", "update"),
        (a_reading(schema=0), Reason.UNKNOWN_SCHEMA, "schema", "version 0"),
        (a_reading(datum="mars"), Reason.WRONG_TYPE, "datum", "gcj02"),
    ],
)
def test_a_fault_is_refused_with_reason_field_and_hint(value, reason, field, hint):
    reject = only_reject(a_reading(), value, a_reading())

    assert (reject.row, reject.reason, reject.field) == (1, reason, field)
    assert hint in reject.hint


@pytest.mark.parametrize(
    ("said", "reason", "hint"),
    [
        ({"lon_deg": 0, "lat_deg": 0}, Reason.OUT_OF_RANGE, "no fix"),
        ({"lon_deg": 27.5, "lat_deg": 120.5}, Reason.OUT_OF_RANGE, "swapped"),
        ({"lon_deg": 39.9, "lat_deg": 75.9}, Reason.OUT_OF_RANGE, "swapped"),
        ({"lon_deg": 200, "lat_deg": 27.5}, Reason.OUT_OF_RANGE, "200 is no lon_deg"),
        ({"lon_deg": 12050, "lat_deg": 2750}, Reason.OUT_OF_RANGE, "micro-degrees"),
        ({"lon_deg": 120.5}, Reason.MISSING_FIELD, "both"),
        ({"lat_deg": 27.5}, Reason.MISSING_FIELD, "both"),
        ({"source": "new", "lon_deg": 120.5, "lat_deg": 27.5}, Reason.DATUM_UNDECLARED, "'new'"),
        ({"source": "amap", "lon_deg": 120.5, "lat_deg": 27.5}, Reason.DATUM_UNSUPPORTED, "gcj02"),
        (
            {"datum": "bd09", "lon_deg": 120.5, "lat_deg": 27.5},
            Reason.DATUM_UNSUPPORTED,
            "convert to wgs84",
        ),
    ],
)
def test_a_place_that_cannot_be_trusted_is_refused(said, reason, hint):
    reject = only_reject(a_reading(lon_deg=120.5, lat_deg=27.5), a_reading(**said))

    assert (reject.row, reject.reason, reject.stage) == (1, reason, Stage.VALIDATE)
    assert hint in reject.hint


def test_a_reading_needs_a_datum_only_where_it_has_a_place():
    batch, rejects = read(
        a_reading(source="new"),
        a_reading(source="amap"),
        a_reading(source="new", datum="wgs84", lon_deg=120.5, lat_deg=27.5),
        a_reading(source="amap", datum="cgcs2000", lon_deg=120.5, lat_deg=27.5),
        a_reading(source="surveyors", lon_deg=120.5, lat_deg=27.5),
        a_reading(lon_deg=None, lat_deg=None, trace=None),
    )

    assert rejects == []
    assert np.isnan(batch.lon_deg).tolist() == [True, True, False, False, False, True]


@pytest.mark.parametrize(
    "spill",
    [
        b'1},{"a":2',
        b'{"u":[{}',
        b"{}]}",
        b'{"a":"}',
        b'{"}',
        json.dumps(a_reading()).encode() + b"," + json.dumps(a_reading()).encode(),
        json.dumps(a_reading()).encode() + b"\n" + json.dumps(a_reading()).encode(),
        json.dumps(a_reading()).encode() + b"]",
    ],
)
def test_one_record_cannot_spill_into_its_neighbours(spill):
    texts = [json.dumps(a_reading(subject=f"s{i}")).encode() for i in range(3)]

    batch, rejects = read(texts[0], spill, texts[1], spill, texts[2])

    assert batch.subject == ["s0", "s1", "s2"]
    assert batch.row.tolist() == [0, 2, 4]
    assert [reject.row for reject in rejects] == [1, 3]


def test_white_space_and_line_ends_around_a_reading_are_no_fault():
    text = json.dumps(a_reading(), indent=2).encode()

    batch, rejects = read(b"\n " + text + b"\r\n")

    assert rejects == []
    assert batch.value.tolist() == [68.4]


def test_names_that_nobody_knows_are_tolerated_and_counted():
    unknown = Counter()

    batch, rejects = decode_readings(
        a_batch(
            a_reading(),
            a_reading(colour="red", note='": {'),
            [a_reading(colour=1), a_reading(colour={"a": [1]})],
            a_reading(nested={"value": 1}),
        ),
        DATUMS,
        unknown,
    )

    assert len(batch.kind) == 5
    assert rejects == []
    assert unknown == {"colour": 3, "note": 1, "nested": 1}


@pytest.mark.parametrize("name", [b"\xff", b"\\ud800"])
def test_a_name_that_is_no_text_is_tolerated_and_counted(name):
    unknown = Counter()
    text = json.dumps(a_reading()).encode()

    batch, rejects = decode_readings(
        a_batch(text[:-1] + b',"' + name + b'":1}', b"{"), DATUMS, unknown
    )

    assert len(batch.kind) + len(rejects) == 2
    assert sum(unknown.values()) == len(batch.kind)


def test_depth_counts_in_names_that_nobody_knows_too():
    deep = json.loads("[" * 16 + "]" * 16)

    assert only_reject(a_reading(), a_reading(colour=deep)).reason is Reason.TOO_DEEP
    assert read(a_reading(colour="{" * 40))[1] == []


def test_rejects_come_in_the_order_of_their_records():
    _, rejects = read(a_reading(value=999), b"{", a_reading(unit="x"), None)

    assert [reject.row for reject in rejects] == [0, 1, 2, 3]
    assert [reject.stage for reject in rejects] == [
        Stage.VALIDATE,
        Stage.DECODE,
        Stage.VALIDATE,
        Stage.DECODE,
    ]


def test_a_large_batch_with_faults_keeps_every_other_row():
    values = [a_reading(value=i % 100) for i in range(1000)]
    values[3], values[700] = b"{", a_reading(unit="m")

    batch, rejects = read(*values)

    assert [reject.row for reject in rejects] == [3, 700]
    assert batch.row.tolist() == [i for i in range(1000) if i not in (3, 700)]
    assert batch.value.tolist() == [row % 100 for row in batch.row.tolist()]
