"""AIS decoding: sentences made here with pyais, one promise a test."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import pyais
import pytest

from schemas.positions import Position
from schemas.records import RawBatch, Reason
from streams.vessels.ais import Decoded, Pending, decode_nmea, to_batch
from streams.vessels.messages import instant_ms
from streams.vessels.nmea import CONNECTION_BEGINS, stamp_ms, tag_block

NOON_MS = 1_384_257_600_000  # 12 Nov 2013 12:00:00 UTC


def sentences(**message: object) -> list[bytes]:
    """Encode one message; `type` and `mmsi` at least."""
    return [text.encode() for text in pyais.encode_dict(message, sentence_type="VDM")]


def tagged(line: bytes, inside: str) -> bytes:
    checksum = 0
    for byte in inside.encode():
        checksum ^= byte
    return f"\\{inside}*{checksum:02X}\\".encode() + line


def stamped(millisecond: int = 684, second: int = 4) -> bytes:
    body = f"PGHP,1,2013,11,12,12,0,{second},{millisecond},219,21,992190921,1,14"
    checksum = 0
    for byte in body.encode():
        checksum ^= byte
    return f"${body}*{checksum:02X}".encode()


def decode(
    values: Sequence[bytes | None],
    pending: Pending | None = None,
    *,
    ingest_ms: int | Sequence[int] = NOON_MS,
    key: bytes = b"shore",
    first_offset: int = 0,
) -> Decoded:
    count = len(values)
    raw = RawBatch(
        topic="vessel.nmea",
        partition=0,
        offsets=np.arange(first_offset, first_offset + count),
        ingest_time_ms=np.full(count, ingest_ms)
        if isinstance(ingest_ms, int)
        else np.array(ingest_ms),
        keys=[key] * count,
        values=list(values),
    )
    return decode_nmea(raw, pending or Pending())


def only(decoded: Decoded) -> Position:
    assert decoded.rejects == []
    [(_, position)] = decoded.positions
    return position


STATIC = {
    "type": 5,
    "mmsi": 412_420_001,
    "shipname": "ZHE CANG YU 01234",
    "callsign": "BVMX5",
    "imo": 9_074_729,
    "ship_type": 30,
}


def test_a_class_a_fix_becomes_a_position_in_physical_units():
    [line] = sentences(
        type=1,
        mmsi=412_420_001,
        lon=120.553,
        lat=27.578,
        speed=7.3,
        course=225.5,
        heading=226,
        status=7,
        second=2,
    )

    position = only(decode([line]))

    assert (position.kind, position.subject) == ("vessel.position", "412420001")
    assert (position.lon_deg, position.lat_deg) == (120.553, 27.578)
    assert (position.sog_kn, position.cog_deg, position.heading_deg) == (7.3, 225.5, 226)
    assert (position.nav_status, position.msg_type) == (7, 1)
    assert position.source == "ais:shore"


@pytest.mark.parametrize("number", [1, 2, 3, 18, 19])
def test_what_is_not_available_is_absent(number):
    parts = sentences(
        type=number,
        mmsi=412_420_001,
        lon=181,
        lat=91,
        speed=102.3,
        course=360,
        heading=511,
        second=60,
    )

    position = decode(parts).positions[0][1]

    assert (position.lon_deg, position.lat_deg, position.sog_kn) == (None, None, None)
    assert (position.cog_deg, position.heading_deg) == (None, None)


@pytest.mark.parametrize(
    ("message", "kind", "expected"),
    [
        ({"type": 4, "mmsi": 4_124_201}, "vessel.position", {"subject": "004124201"}),
        ({"type": 9, "mmsi": 111_412_001, "speed": 120}, "vessel.position", {"sog_kn": 120.0}),
        ({"type": 14, "mmsi": 970_412_001, "text": "SART ACTIVE"}, "vessel.safety-text",
         {"text": "SART ACTIVE"}),
        ({"type": 21, "mmsi": 994_121_001, "name": "BUOY 1"}, "vessel.position",
         {"name": "BUOY 1"}),
        ({"type": 24, "mmsi": 412_420_002, "partno": 0, "shipname": "LITTLE BOAT"},
         "vessel.static", {"name": "LITTLE BOAT", "call_sign": None}),
        ({"type": 24, "mmsi": 412_420_002, "partno": 1, "ship_type": 30, "callsign": "BV1"},
         "vessel.static", {"ship_type": 30, "call_sign": "BV1", "name": None}),
        ({"type": 27, "mmsi": 412_420_001, "lon": 121.5, "lat": 27.5, "speed": 9},
         "vessel.position", {"lon_deg": 121.5, "sog_kn": 9.0}),
    ],
)  # fmt: skip
def test_each_message_type_says_what_it_knows(message, kind, expected):
    position = decode(sentences(**message)).positions[0][1]

    assert position.kind == kind
    assert {name: getattr(position, name) for name in expected} == expected


def test_an_extended_class_b_report_is_a_fix_and_a_card():
    parts = sentences(type=19, mmsi=412_420_003, lon=120.6, lat=27.5, shipname="NINETEEN")

    decoded = decode(parts)

    assert [p.kind for _, p in decoded.positions] == ["vessel.position", "vessel.static"]
    assert decoded.positions[1][1].name == "NINETEEN"
    assert decoded.used == 1


def test_parts_of_a_message_are_joined_across_records_in_any_order():
    first, second = sentences(**STATIC)

    for parts in ([first, second], [second, first]):
        card = only(decode(parts))
        assert (card.name, card.call_sign) == ("ZHE CANG YU 01234", "BVMX5")
        assert (card.imo, card.ship_type) == (9_074_729, 30)


def test_a_restart_between_two_parts_loses_nothing():
    first, second = sentences(**STATIC)
    before = decode([first])
    saved = msgspec.msgpack.encode(before.pending)

    after = decode([second], msgspec.msgpack.decode(saved, type=Pending), first_offset=1)

    assert before.positions == []
    assert only(after).name == "ZHE CANG YU 01234"


def test_records_that_were_applied_already_change_nothing():
    first, second = sentences(**STATIC)
    state = decode([first, second]).pending

    again = decode([second], state, first_offset=1)

    assert (again.positions, again.rejects) == ([], [])
    assert again.skipped == {"redelivered": 1}
    assert again.pending == state


def test_a_part_whose_fellow_does_not_come_within_two_seconds_is_refused():
    first, second = sentences(**STATIC)

    decoded = decode([first, second], ingest_ms=[NOON_MS, NOON_MS + 2_001])

    [reject] = decoded.rejects
    assert (reject.row, reject.reason) == (1, Reason.INCOMPLETE)
    assert first.decode() in reject.hint
    assert decoded.positions == []


def test_parts_that_come_exactly_two_seconds_apart_are_joined():
    assert only(decode(sentences(**STATIC), ingest_ms=[NOON_MS, NOON_MS + 2_000])).imo


def test_parts_of_two_stations_are_not_mixed():
    ours, other = sentences(**STATIC), sentences(**{**STATIC, "shipname": "SOMEBODY ELSE"})
    lines = [
        tagged(ours[0], "s:north"),
        tagged(other[0], "s:south"),
        tagged(ours[1], "s:north"),
        tagged(other[1], "s:south"),
    ]

    names = [(p.station, p.name) for _, p in decode(lines).positions]

    assert names == [("north", "ZHE CANG YU 01234"), ("south", "SOMEBODY ELSE")]


def test_a_part_that_comes_twice_is_used_once():
    first, second = sentences(**STATIC)

    decoded = decode([first, first, second])

    assert only(decoded).imo == 9_074_729
    assert decoded.skipped["duplicate-part"] == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"!AIVDM,1,1,,A,13@:`L001N0ded0O6Fp8wW<00<0t,0*63", Reason.CHECKSUM),
        (b"!AIVDM,1,1,,A,13@:`L001N0ded0O6Fp8wW<00<0t,0", Reason.CHECKSUM),
        (b"foobar", Reason.NOT_NMEA),
        (b"\xff\xfe\x00", Reason.NOT_NMEA),
        (b"!AIVDM,1,2*54", Reason.NOT_NMEA),
        (b"!AIVDM,1,1,,B,,0*25", Reason.UNDECODABLE),
        (b"x" * 2_000, Reason.TOO_LARGE),
        (b"x\n" * 40_000, Reason.TOO_LARGE),
        (None, Reason.TOMBSTONE),
    ],
)
def test_what_is_broken_is_refused_by_name_and_its_neighbour_is_used(value, reason):
    [good] = sentences(type=1, mmsi=412_420_001, lon=120.5, lat=27.5)

    decoded = decode([value, good])

    assert [(r.row, r.reason) for r in decoded.rejects] == [(0, reason)]
    assert [row for row, _ in decoded.positions] == [1]


def test_comments_stamps_and_other_sentences_are_skipped_and_counted():
    value = b"\xef\xbb\xbf# a comment\r\n\r\n$GPGGA,184353.07,1929.045,S*00\r\n" + stamped()

    decoded = decode([value])

    assert decoded.skipped == {"comment": 1, "blank": 1, "other-sentence": 1, "stamp": 1}
    assert decoded.sentences == 4


def test_two_sentences_on_one_line_are_both_used():
    [one] = sentences(type=1, mmsi=412_420_001, lon=120.5, lat=27.5)
    [two] = sentences(type=1, mmsi=412_420_002, lon=120.6, lat=27.6)

    decoded = decode([one + tagged(two, "s:north,c:1384257599")])

    assert [p.subject for _, p in decoded.positions] == ["412420001", "412420002"]


def test_the_receive_time_is_the_tag_blocks_then_the_stamps_then_the_records():
    [line] = sentences(type=5 - 4, mmsi=412_420_001, lon=120.5, lat=27.5, second=60)
    tag = tagged(line, "s:north,c:1384257590")

    assert only(decode([stamped() + b"\n" + tag])).event_time_ms == 1_384_257_590_000
    assert only(decode([stamped() + b"\n" + line])).event_time_ms == NOON_MS + 4_684
    assert only(decode([line])).event_time_ms == NOON_MS
    assert only(decode([tagged(line, "c:1384257590123")])).event_time_ms == 1_384_257_590_123
    assert only(decode([line + b",r003669946,1384257591"])).event_time_ms == 1_384_257_591_000


def test_a_stamp_in_one_record_is_for_the_sentence_in_the_next():
    [line] = sentences(type=1, mmsi=412_420_001, lon=120.5, lat=27.5, second=60)

    stamped_then_plain = decode([stamped(), line, line])

    times = [p.event_time_ms for _, p in stamped_then_plain.positions]
    assert times == [NOON_MS + 4_684, NOON_MS]


def test_a_tag_block_with_a_wrong_checksum_is_not_believed_but_its_sentence_is_used():
    [line] = sentences(type=1, mmsi=412_420_001, lon=120.5, lat=27.5, second=60)

    decoded = decode([b"\\s:north,c:1384257590*00\\" + line])

    assert only(decoded).event_time_ms == NOON_MS
    assert decoded.suspect == {"tag-block-checksum": 1}


@pytest.mark.parametrize(
    ("received_ms", "second", "expected_ms"),
    [
        (NOON_MS + 4_684, 3, NOON_MS + 3_000),
        (NOON_MS + 400, 59, NOON_MS - 1_000),
        (NOON_MS + 59_900, 0, NOON_MS + 60_000),
        (NOON_MS + 4_684, 60, NOON_MS + 4_684),
        (NOON_MS + 4_684, 63, NOON_MS + 4_684),
        (NOON_MS, 30, NOON_MS - 30_000),
    ],
)
def test_the_instant_is_the_nearest_with_the_messages_second(received_ms, second, expected_ms):
    assert instant_ms(received_ms, second) == expected_ms


def test_waiting_parts_are_bounded():
    lines = []
    for number in range(70):
        first = sentences(**{**STATIC, "mmsi": 412_420_000 + number})[0]
        lines.append(tagged(first, f"s:station{number}"))

    decoded = decode(lines)

    assert Counter(r.reason for r in decoded.rejects) == {Reason.INCOMPLETE: 6}
    assert len(decoded.pending.feeds["shore"].waiting) == 64


def test_positions_are_laid_out_as_columns():
    values = [*sentences(type=18, mmsi=412_420_002, lon=120.5, lat=27.5), *sentences(**STATIC)]
    raw = RawBatch(
        topic="vessel.nmea",
        partition=0,
        offsets=np.array([5, 6, 7]),
        ingest_time_ms=np.full(3, NOON_MS),
        keys=[b"shore"] * 3,
        values=values,
    )

    batch = to_batch(raw, decode_nmea(raw, Pending()).positions)

    assert batch.offset.tolist() == [5, 7]
    assert batch.nav_status.tolist() == [-1, -1]
    assert batch.lon_deg[0] == 120.5
    assert np.isnan(batch.lon_deg[1])
    assert [said is None for said in batch.extra] == [True, False]


def test_a_stamp_or_tag_block_that_makes_no_sense_says_nothing():
    assert stamp_ms(b"$PGHP,1,2013,13,12,12,0,4,684,219*00") is None
    assert tag_block(b"s:north,c:nonsense*00").sound is False
    assert tag_block(b"").received_ms is None


def test_half_a_message_at_a_cut_is_refused_and_not_joined_with_what_comes_after():
    first, _ = sentences(**{**STATIC, "shipname": "BEFORE THE CUT"})
    other_first, other_second = sentences(**{**STATIC, "shipname": "AFTER IT"})
    begin = CONNECTION_BEGINS + b"\r\n"

    mixed = decode([first, other_second])
    cut = decode([first, begin + other_second, other_first])

    # Two ships under one sequence id within two seconds: only the marker tells them apart.
    assert only(mixed).name == "BEFORE THE CUT"
    assert [p.name for _, p in cut.positions] == ["AFTER IT"]
    assert [(r.row, r.reason) for r in cut.rejects] == [(1, Reason.INCOMPLETE)]
    assert "cut" in cut.rejects[0].hint
    assert cut.sentences == 4 == cut.used + sum(cut.skipped.values()) + len(cut.rejects)


def test_a_connection_of_one_station_leaves_the_parts_of_another_alone():
    first, second = sentences(**{**STATIC, "shipname": "STAYS"})
    before = decode([first], key=b"north")
    begun = decode([CONNECTION_BEGINS], before.pending, key=b"south", first_offset=1)
    after = decode([second], begun.pending, key=b"north", first_offset=2)

    assert only(after).name == "STAYS"
