import json

import numpy as np
import pytest

from schemas.alerts import Alert
from schemas.codec import (
    Refused,
    dead_letter,
    decode,
    decode_positions,
    decode_records,
    encode,
    revive,
)
from schemas.detections import Detection
from schemas.dispatch import DispatchUpdate
from schemas.envelope import Datum
from schemas.examples import EXAMPLES
from schemas.records import RawBatch, Reason, Reject, Stage

AT_MS = 1_777_638_600_000
DATUMS = {"coast": Datum.WGS84, "hub": Datum.WGS84}


def a_batch(*values, topic="vessel.positions", headers=()):
    raw = [v if v is None or isinstance(v, bytes) else json.dumps(v).encode() for v in values]
    return RawBatch(
        topic=topic,
        partition=3,
        offsets=np.arange(len(raw), dtype=np.int64) + 50,
        ingest_time_ms=np.full(len(raw), AT_MS + 5),
        keys=[b"412345678"] * len(raw),
        values=raw,
        headers=headers,
    )


def a_position(**said):
    return {
        "source": "coast",
        "kind": "vessel.position",
        "subject": "412345678",
        "event_time": "2026-05-01T12:30:00Z",
    } | said


def a_detection(**said):
    return {
        "source": "hub",
        "kind": "stall.outside",
        "subject": "cam-1",
        "event_time": "2026-05-01T12:30:00Z",
        "confidence": 0.9,
    } | said


@pytest.mark.parametrize("example", [e for entry in EXAMPLES.values() for e in entry])
def test_every_example_survives_the_wire(example):
    assert decode(type(example), encode(example)) == example


def test_times_are_said_in_utc_and_defaults_are_left_out():
    (example,) = EXAMPLES[Alert]

    said = json.loads(encode(example))

    assert said["event_time"] == "2026-05-01T12:30:00.000Z"
    assert said["onset_time"] == "2026-05-01T12:30:00.000Z"
    assert not {"event_time_ms", "lon_deg", "revision", "life_safety", "inputs"} & said.keys()


def test_no_number_that_json_cannot_say_is_sent():
    (example,) = EXAMPLES[Detection]
    nowhere = type(example)(
        **{f: getattr(example, f) for f in example.__struct_fields__} | {"lon_deg": float("nan")}
    )

    assert "lon_deg" not in json.loads(encode(nowhere))
    for value in (float("nan"), float("inf")):
        broken = Detection(source="s", kind="k", subject="c", event_time_ms=AT_MS, confidence=value)
        with pytest.raises(ValueError, match="confidence"):
            encode(broken)


@pytest.mark.parametrize(
    ("raw", "reason", "field"),
    [
        (b"", Reason.NOT_JSON, ""),
        (b"{}", Reason.MISSING_FIELD, "source"),
        (b"[" * 200_000, Reason.WRONG_TYPE, ""),
        (b'{"a":' * 200_000, Reason.TOO_DEEP, ""),
        (b'{"source":"\xff"}', Reason.NOT_JSON, ""),
    ],
)
def test_a_single_record_is_refused_by_name(raw, reason, field):
    with pytest.raises(Refused) as refused:
        decode(Alert, raw)

    assert (refused.value.reason, refused.value.field) == (reason, field)


def test_positions_become_columns_with_what_is_not_said_as_nan():
    batch, rejects = decode_positions(
        a_batch(
            a_position(
                lon_deg=120.6, lat_deg=27.5, sog_kn=6.2, cog_deg=0, heading_deg=359, nav_status=7
            ),
            a_position(),
            a_position(lon_deg=181, lat_deg=91, sog_kn=102.3, cog_deg=360, heading_deg=511),
            a_position(kind="vessel.static", name="浙苍渔00001", call_sign="BXYZ"),
        ),
        DATUMS,
    )

    assert rejects == []
    assert batch.sog_kn[0] == 6.2
    assert batch.nav_status.tolist() == [7, -1, -1, -1]
    for column in (batch.lon_deg, batch.lat_deg, batch.sog_kn, batch.cog_deg, batch.heading_deg):
        assert np.isnan(column).tolist() == [False, True, True, True]
    assert batch.extra[:3] == [None] * 3
    assert batch.extra[3].name == "浙苍渔00001"
    assert batch.extra[3].event_time_ms == AT_MS


@pytest.mark.parametrize(
    ("said", "reason", "field"),
    [
        ({"sog_kn": -1}, Reason.OUT_OF_RANGE, "sog_kn"),
        ({"sog_kn": 400}, Reason.OUT_OF_RANGE, "sog_kn"),
        ({"cog_deg": 361}, Reason.OUT_OF_RANGE, "cog_deg"),
        ({"heading_deg": 400}, Reason.OUT_OF_RANGE, "heading_deg"),
        ({"nav_status": 16}, Reason.OUT_OF_RANGE, "nav_status"),
        ({"imo": 10**30}, Reason.OUT_OF_RANGE, "imo"),
        ({"kind": "vessel"}, Reason.UNKNOWN_KIND, "kind"),
        ({"lon_deg": 120.6}, Reason.MISSING_FIELD, "lat_deg"),
        ({"source": "x", "lon_deg": 120.6, "lat_deg": 27}, Reason.DATUM_UNDECLARED, "datum"),
    ],
)
def test_a_position_that_cannot_be_is_refused(said, reason, field):
    batch, rejects = decode_positions(a_batch(a_position(), a_position(**said)), DATUMS)

    assert batch.row.tolist() == [0]
    assert [(r.row, r.reason, r.field) for r in rejects] == [(1, reason, field)]


def test_records_keep_their_rows_and_packs_are_expanded():
    records, rejects = decode_records(
        a_batch(a_detection(), b"{", [a_detection(), a_detection(confidence=2)], None),
        Detection,
        DATUMS,
    )

    assert [row for row, _ in records] == [0, 2]
    assert [(r.row, r.reason, r.field) for r in rejects] == [
        (1, Reason.NOT_JSON, ""),
        (2, Reason.OUT_OF_RANGE, "[1].confidence"),
        (3, Reason.TOMBSTONE, ""),
    ]


@pytest.mark.parametrize(
    ("said", "reason", "field"),
    [
        ({"plate_hash": "浙C12345"}, Reason.WRONG_TYPE, "plate_hash"),
        ({"event_time": "2026-05-01T12:30:00"}, Reason.NAIVE_TIME, "event_time"),
        ({"schema": 9}, Reason.UNKNOWN_SCHEMA, "schema"),
        ({"kind": "fire.sen"}, Reason.UNKNOWN_KIND, "kind"),
        ({"lon_deg": 27.5, "lat_deg": 120.5}, Reason.OUT_OF_RANGE, "lat_deg"),
    ],
)
def test_a_record_that_is_wrong_is_refused_by_field(said, reason, field):
    records, rejects = decode_records(a_batch(a_detection(**said)), Detection, DATUMS)

    assert records == []
    assert [(r.reason, r.field) for r in rejects] == [(reason, field)]


def test_records_without_a_place_need_no_datum():
    (example,) = EXAMPLES[DispatchUpdate]

    records, rejects = decode_records(a_batch(encode(example)), DispatchUpdate, {})

    assert records == [(0, example)]
    assert rejects == []


def test_a_dead_letter_holds_the_whole_record_and_revives_it():
    headers = [[("source", b"gw"), ("trace", b"\x00\xff")]]
    raw = a_batch(b'\xff{"broken', headers=headers)
    reject = Reject(0, Stage.DECODE, Reason.NOT_JSON, "[2].value", "why")

    letter = dead_letter(raw, reject, AT_MS + 900, late_by_ms=4)

    assert (letter.topic, letter.partition, letter.offset) == ("vessel.positions", 3, 50)
    assert (letter.reason, letter.field, letter.hint) == (Reason.NOT_JSON, "[2].value", "why")
    assert (letter.event_time_ms, letter.late_by_ms) == (AT_MS + 5, 4)
    assert decode(type(letter), encode(letter)) == letter
    assert revive(letter) == ("vessel.positions", b"412345678", b'\xff{"broken', headers[0])


def test_a_dead_letter_has_one_id_for_each_item_of_a_pack_in_any_replay():
    raw = a_batch([1, 2], None)

    def identify(field, row=0, now_ms=1):
        return dead_letter(raw, Reject(row, Stage.DECODE, Reason.WRONG_TYPE, field), now_ms).id

    assert identify("[0]") == identify("[0].value", now_ms=2)
    assert len({identify("[0]"), identify("[1]"), identify(""), identify("", row=1)}) == 4


def test_a_tombstone_is_revived_as_a_tombstone():
    letter = dead_letter(a_batch(None), Reject(0, Stage.DECODE, Reason.TOMBSTONE), AT_MS)

    assert revive(letter)[2] is None
