"""Real AIS logs: what must come out of each, to the sentence.

The counts were checked against the files with grep and against gpsd's own JSON.
"""

import gzip
import json
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from feeds.recordings import read_nmea
from schemas.positions import Position
from schemas.records import RawBatch, Reason
from streams import columns
from streams.geo.fences import FenceIndex
from streams.rules import distress
from streams.vessels.ais import Decoded, Pending, decode_nmea, to_batch
from streams.vessels.alerts import Setting
from streams.vessels.messages import POSITION, STATIC

pytestmark = pytest.mark.recordings

GPSD_LOGS = ["gpsd_ais-nmea.log", "gpsd_ais-18-27.log", "gpsd_ais-raw-messages.log"]
DANISH_TYPES = {1: 20_044, 3: 4_151, 4: 1_234, 5: 69, 18: 493, 21: 25, 24: 61}


def _decode(path: Path) -> Decoded:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return _decode_lines(raw.split(b"\n"))


def _decode_lines(lines: list[bytes], ingest_ms: int = 1_700_000_000_000) -> Decoded:
    batch = RawBatch(
        topic="vessel.nmea",
        partition=0,
        offsets=np.arange(len(lines)),
        ingest_time_ms=np.full(len(lines), ingest_ms),
        keys=[b"shore"] * len(lines),
        values=lines,
    )
    return decode_nmea(batch, Pending())


def _waiting(decoded: Decoded) -> int:
    feeds = decoded.pending.feeds.values()
    return sum(len(some.sentences) for feed in feeds for some in feed.waiting.values())


def _types(decoded: Decoded) -> Counter[int | None]:
    return Counter(position.msg_type for _, position in decoded.positions)


def _reasons(decoded: Decoded) -> Counter[Reason]:
    return Counter(reject.reason for reject in decoded.rejects)


# file: sentences or lines, used, skipped, rejected by reason, parts left waiting
ACCOUNTS = {
    "dma_ais-sample.txt.gz": (
        80_247,
        26_077,
        {"tag-block": 26_077, "stamp": 27_050, "other-sentence": 973, "joined": 69, "blank": 1},
        {},
        0,
    ),
    "dma_538004030_drift_1.ais": (
        16_105,
        5_252,
        {"tag-block": 5_252, "stamp": 5_297, "other-sentence": 80, "joined": 223, "blank": 1},
        {},
        0,
    ),
    "dma_stream_example.txt": (
        8_552,
        3_651,
        {"stamp": 4_051, "other-type": 398, "joined": 449, "blank": 1},
        {Reason.UNDECODABLE: 2},
        0,
    ),
    "gfw_errors.nmea": (5, 3, {}, {Reason.CHECKSUM: 2}, 0),
    "gfw_mixed_types.nmea": (109, 60, {"other-type": 39, "joined": 10}, {}, 0),
    "gfw_multi-part.nmea": (94, 20, {"other-type": 23, "joined": 50, "blank": 1}, {}, 0),
    "gfw_sample.nmea": (3, 3, {}, {}, 0),
    "libais_tagblock.nmea": (6, 4, {"joined": 1, "blank": 1}, {}, 0),
    "libais_test.aivdm": (
        346,
        83,
        {"comment": 47, "blank": 36, "joined": 2, "other-type": 178},
        {},
        0,
    ),
    "libais_typeexamples.nmea": (27, 11, {"other-type": 15, "blank": 1}, {}, 0),
    "pyais_ais_test_messages.txt": (9, 7, {"comment": 1, "joined": 1}, {}, 0),
    "pyais_mixed.txt": (
        36,
        12,
        {"comment": 5, "blank": 8, "other-sentence": 4, "joined": 2, "stamp": 2},
        {Reason.NOT_NMEA: 2, Reason.CHECKSUM: 1},
        0,
    ),
    "pyais_nmea_data_sample.txt": (
        898,
        770,
        {"other-type": 8},
        {Reason.UNDECODABLE: 100, Reason.INCOMPLETE: 8},
        12,
    ),
    "pyais_timestamped.ais": (12, 4, {"stamp": 4, "blank": 3, "comment": 1}, {}, 0),
    "gpsd_ais-18-27.log": (281, 207, {"comment": 4, "blank": 1}, {Reason.UNDECODABLE: 69}, 0),
    "gpsd_ais-nmea.log": (
        1_501,
        165,
        {"comment": 4, "other-sentence": 1_313, "joined": 12, "other-type": 6, "blank": 1},
        {},
        0,
    ),
    "gpsd_ais-raw-messages.log": (122, 109, {"comment": 7, "joined": 5, "blank": 1}, {}, 0),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_sentence_of_a_real_log_is_used_skipped_or_refused_by_name(recordings, name):
    sentences, used, skipped, refused, waiting = ACCOUNTS[name]

    decoded = _decode(recordings / "ais" / name)

    assert decoded.sentences == sentences
    assert decoded.used == used
    assert decoded.skipped == Counter(skipped)
    assert _reasons(decoded) == Counter(refused)
    assert _waiting(decoded) == waiting
    assert sentences == used + sum(skipped.values()) + sum(refused.values()) + waiting


def test_the_danish_log_decodes_by_type_with_its_sentinels_absent(recordings):
    decoded = _decode(recordings / "ais" / "dma_ais-sample.txt.gz")
    positions = [p for _, p in decoded.positions]
    fixes = [p for p in positions if p.kind == POSITION]

    assert _types(decoded) == DANISH_TYPES
    assert len({p.subject for p in positions}) == 1508
    assert sum(p.heading_deg is None for p in fixes if p.msg_type in {1, 2, 3}) > 0
    assert all(p.sog_kn is None or p.sog_kn < 102.3 or p.msg_type == 9 for p in fixes)
    assert all(p.lon_deg is None or -180 <= p.lon_deg <= 180 for p in fixes)
    assert {p.station for p in positions} == {"AISD"}
    false_sart = [p for p in fixes if p.nav_status == 14]
    assert (len(false_sart), {p.subject for p in false_sart}) == (57, {"538001652"})


def test_instants_of_the_danish_log_lie_within_half_a_minute_of_its_stamps(recordings):
    decoded = _decode(recordings / "ais" / "dma_ais-sample.txt.gz")
    noon_ms = 1_384_257_600_000  # 12 Nov 2013 12:00:00 UTC, the log's first stamp

    instants = [p.event_time_ms for _, p in decoded.positions]
    assert min(instants) >= noon_ms - 30_000
    assert max(instants) <= noon_ms + 5 * 60_000 + 30_000


def _decode_gold(path: Path) -> Decoded:
    """Decode the sentences that gpsd printed beside its JSON."""
    lines = path.read_bytes().splitlines()
    return _decode_lines([line for line in lines if line.startswith((b"!", b"$"))])


def _gold(path: Path) -> list[dict]:
    """Return gpsd's own JSON, whose integers are M.1371's steps.

    In a log with satellite sentences gpsd printed an AIS record a second time
    with the next fix of its own: such repeats are dropped.
    """
    lines = path.read_text(errors="replace").splitlines()
    told = [line for line in lines if line.startswith('{"class":"AIS"')]
    records = [json.loads(line) for line, _ in groupby(told)]
    assert all(not record["scaled"] for record in records)
    return records


def _from_gold(gold: dict) -> dict:
    """Return the gold record in our units; a heading of 360 is none of 0 to 359."""
    number, steps = gold["type"], 600_000
    speed, course, angle_step, not_available = gold.get("speed"), gold.get("course"), 10, 1023
    if number == 27:
        steps, angle_step, not_available = 600, 1, 63
    told = {
        "subject": f"{gold['mmsi']:09d}",
        "msg_type": number,
        "nav_status": gold.get("status"),
        "heading_deg": gold["heading"] if gold.get("heading", 511) < 360 else None,
        "call_sign": gold.get("callsign") or None,
        "imo": gold.get("imo") or None,
        "ship_type": gold.get("shiptype"),
        "name": gold.get("shipname") or gold.get("name") or None,
        "text": gold.get("text"),
        "sog_kn": None,
        "cog_deg": None,
        "lon_deg": None,
        "lat_deg": None,
    }
    if speed is not None and speed != not_available:
        told["sog_kn"] = speed if number in {9, 27} else speed / 10
    if course is not None and course < 360 * angle_step:
        told["cog_deg"] = course / angle_step
    if "lon" in gold and abs(gold["lon"]) <= 180 * steps and abs(gold["lat"]) <= 90 * steps:
        told["lon_deg"], told["lat_deg"] = gold["lon"] / steps, gold["lat"] / steps
    return told


def _ours(position: Position, told: dict) -> dict:
    return {field: getattr(position, field) for field in told}


@pytest.mark.parametrize(("name", "compared"), list(zip(GPSD_LOGS, [156, 138, 107], strict=True)))
def test_decoded_fields_agree_with_gpsd(recordings, name, compared):
    gold = [
        _from_gold(record)
        for record in _gold(recordings / "ais" / f"{name}.chk")
        if record["type"] in {1, 2, 3, 4, 5, 9, 14, 18, 21, 27}
    ]
    decoded = _decode_gold(recordings / "ais" / f"{name}.chk")
    ours = [
        _ours(position, told)
        for position, told in zip(
            [p for _, p in decoded.positions if p.msg_type != 24], gold, strict=True
        )
    ]

    assert len(gold) == compared
    for mine, told in zip(ours, gold, strict=True):
        assert mine == pytest.approx(told, abs=1e-6)


def test_class_b_cards_agree_with_gpsd_part_by_part(recordings):
    """gpsd tells message 24 once both parts came; ours tells each part."""
    cards = compared = 0
    for name in GPSD_LOGS:
        ours: dict[str, set] = {}
        for _, position in _decode_gold(recordings / "ais" / f"{name}.chk").positions:
            if position.msg_type == 24 and position.kind == STATIC:
                cards += 1
                told = (position.name, position.call_sign, position.ship_type)
                ours.setdefault(position.subject, set()).add(told)
        for record in _gold(recordings / "ais" / f"{name}.chk"):
            if record["type"] == 24:
                mine = ours[f"{record['mmsi']:09d}"]
                compared += 1
                assert (record["shipname"], None, None) in mine
                assert (None, record["callsign"] or None, record["shiptype"]) in mine

    assert (cards, compared) == (80, 5)


def test_the_false_sart_of_the_danish_log_is_one_fault_of_data_and_no_distress(recordings):
    records = list(read_nmea(recordings / "ais" / "dma_ais-sample.txt.gz", "shore"))
    raw = RawBatch(
        topic="vessel.nmea",
        partition=0,
        offsets=np.arange(len(records)),
        ingest_time_ms=np.array([record.event_time_ms for record in records]),
        keys=[record.key for record in records],
        values=[record.value for record in records],
    )
    batch = to_batch(raw, decode_nmea(raw, Pending(), "ais").positions)
    in_time = columns.take(batch, np.argsort(batch.event_time_ms, kind="stable"))
    setting = Setting(distress.Params(), FenceIndex([]), {})

    verdict = distress.evaluate(in_time, {}, setting)

    told = [(a.kind, a.subject, a.transition, a.life_safety) for a in verdict.alerts]
    assert told == [("vessel.false-distress", "538001652", "onset", False)]
