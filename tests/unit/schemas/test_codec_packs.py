import json

import numpy as np
import pytest

from schemas.codec import decode_readings
from schemas.records import RawBatch, Reason

RECEIVED_MS = 1_777_638_600_000
NAMED = [[("source", b"gw")]]


def read(*values, headers=()):
    raw = [v if isinstance(v, bytes) else json.dumps(v).encode() for v in values]
    batch = RawBatch(
        topic="sensor.readings",
        partition=0,
        offsets=np.arange(len(raw), dtype=np.int64) + 7,
        ingest_time_ms=np.full(len(raw), RECEIVED_MS),
        keys=[None] * len(raw),
        values=raw,
        headers=headers,
    )
    return decode_readings(batch, {})


def a_reading(value, **said):
    return {
        "source": "gw",
        "kind": "load.level",
        "subject": "dev",
        "event_time": "2026-05-01T12:30:00Z",
        "value": value,
        "unit": "%",
    } | said


def faults(rejects):
    return [(reject.row, reject.reason, reject.field) for reject in rejects]


def test_the_rows_of_a_pack_share_row_and_offset():
    batch, rejects = read(a_reading(1), [a_reading(2), a_reading(3)], a_reading(4))

    assert batch.value.tolist() == [1, 2, 3, 4]
    assert batch.row.tolist() == [0, 1, 1, 2]
    assert batch.offset.tolist() == [7, 8, 8, 9]
    assert rejects == []


def test_one_bad_item_does_not_reject_its_neighbours():
    pack = [a_reading(1), 5, a_reading("x"), a_reading(900), [a_reading(1)], a_reading(6)]

    batch, rejects = read(pack)

    assert batch.value.tolist() == [1, 6]
    assert faults(rejects) == [
        (0, Reason.WRONG_TYPE, "[1]"),
        (0, Reason.WRONG_TYPE, "[2].value"),
        (0, Reason.OUT_OF_RANGE, "[3].value"),
        (0, Reason.WRONG_TYPE, "[4]"),
    ]


def test_a_pack_that_is_cut_off_is_refused_whole():
    text = json.dumps([a_reading(1), a_reading(2)]).encode()

    batch, rejects = read(text[:-1])

    assert len(batch.kind) == 0
    assert faults(rejects) == [(0, Reason.NOT_JSON, "")]


def test_a_senml_pack_is_resolved_with_its_base_values():
    batch, rejects = read(
        [
            {"bn": "urn:dev:mac:0024befffe804ff1:", "bt": 1777638000.5, "bu": "dB"},
            {"n": "noise.laeq", "v": 61.5},
            {"n": "noise.lamax", "v": 70, "t": 2},
            {"n": "water.level", "u": "cm", "v": 312},
            {"bn": "urn:dev:smoke-3/", "n": "smoke.alarm", "vb": True},
        ],
        headers=NAMED,
    )

    assert rejects == []
    assert batch.source == ["gw"] * 4
    assert batch.kind == ["noise.laeq", "noise.lamax", "water.level", "smoke.alarm"]
    assert batch.subject == ["urn:dev:mac:0024befffe804ff1"] * 3 + ["urn:dev:smoke-3"]
    assert batch.value.tolist() == [61.5, 70, 3.12, 1]
    assert (batch.event_time_ms - 1_777_638_000_500).tolist() == [0, 2000, 0, 0]


def test_senml_times_near_zero_are_relative_to_when_it_was_received():
    batch, _ = read(
        [
            {"n": "d:load.level", "u": "%", "v": 1},
            {"n": "d:load.level", "u": "%", "v": 2, "t": -5},
        ],
        headers=NAMED,
    )

    assert batch.event_time_ms.tolist() == [RECEIVED_MS, RECEIVED_MS - 5000]


def test_a_senml_base_value_is_added():
    batch, _ = read([{"bn": "d:", "bv": 20, "n": "load.level", "u": "%", "v": 1.5}], headers=NAMED)

    assert batch.value.tolist() == [21.5]


@pytest.mark.parametrize(
    ("record", "reason", "field"),
    [
        ({"n": "d:load.level", "u": "%"}, Reason.MISSING_FIELD, "[0].v"),
        ({"n": "d:load.level", "u": "%", "v": 1, "vs": "x"}, Reason.WRONG_TYPE, "[0].v"),
        ({"n": "d:load.level", "u": "%", "vs": "x"}, Reason.WRONG_TYPE, "[0].vs"),
        ({"n": "d:load.level", "u": "%", "vb": True}, Reason.WRONG_TYPE, "[0].vb"),
        ({"n": "d:load.level", "u": "%", "v": "1"}, Reason.WRONG_TYPE, "[0].v"),
        ({"n": "d:load.level", "v": 1}, Reason.MISSING_FIELD, "[0].u"),
        ({"n": "d:load.level", "u": "m", "v": 1}, Reason.UNKNOWN_UNIT, "[0].unit"),
        ({"n": "d:load", "u": "%", "v": 1}, Reason.UNKNOWN_KIND, "[0].n"),
        ({"n": "load.level", "u": "%", "v": 1}, Reason.MISSING_FIELD, "[0].n"),
        ({"n": "xload.level", "u": "%", "v": 1}, Reason.MISSING_FIELD, "[0].n"),
        ({"n": "d d:load.level", "u": "%", "v": 1}, Reason.OUT_OF_RANGE, "[0].n"),
        ({"n": "d:load.level", "u": "%", "v": 1, "x_": 1}, Reason.UNKNOWN_SCHEMA, "[0].x_"),
        ({"n": "d:load.level", "u": "%", "v": 1, "bver": 11}, Reason.UNKNOWN_SCHEMA, "[0].bver"),
        ({"n": "d:load.level", "u": "%", "v": 1, "t": 1e300}, Reason.BAD_TIME, "[0].t"),
    ],
)
def test_a_senml_record_that_says_no_reading_is_refused(record, reason, field):
    batch, rejects = read(
        [record, {"n": "d:load.level", "u": "%", "v": 2, "bver": 10}], headers=NAMED
    )

    assert batch.value.tolist() == [2]
    assert faults(rejects) == [(0, reason, field)]


def test_a_senml_pack_without_source_is_refused_and_may_name_it_inside():
    record = {"n": "d:load.level", "u": "%", "v": 1}

    batch, rejects = read([record], [record | {"source": "gw"}, record])

    assert batch.source == ["gw", "gw"]
    assert faults(rejects) == [(0, Reason.MISSING_FIELD, "[0].source")]


def test_readings_are_not_given_to_a_device_whose_base_name_was_unreadable():
    batch, rejects = read(
        [
            {"bn": "a:", "n": "load.level", "u": "%", "v": 1},
            {"bn": 5, "n": "load.level", "u": "%", "v": 2},
            {"n": "load.level", "u": "%", "v": 3},
            {"bn": "c:", "n": "load.level", "u": "%", "v": 4},
        ],
        headers=NAMED,
    )

    assert batch.subject == ["a", "c"]
    assert faults(rejects) == [
        (0, Reason.WRONG_TYPE, "[1].bn"),
        (0, Reason.INCOMPLETE, "[2].bn"),
    ]


def test_a_senml_pack_of_base_values_only_holds_no_reading():
    _, rejects = read([{"bn": "a:"}, {"bt": 5}], headers=NAMED)

    assert faults(rejects) == [(0, Reason.INCOMPLETE, "")]
