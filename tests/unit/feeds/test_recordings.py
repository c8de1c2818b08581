"""Recordings: files become records, whatever is in them."""

import gzip
import tarfile

import pytest

from feeds.recordings import read_beidou, read_jsonl, read_nmea, read_noise
from schemas.codec import decode
from schemas.positions import Position
from schemas.readings import Reading

BOAT = """渔船ID,lat,lon,速度,方向,time,type
20578,27.152,120.432,0.22,0,0924 23:58:08,围网
oops,not,a,row
20578,27.153,120.433,5.40,90,0924 23:47:42,围网
"""


def test_a_boats_rows_come_oldest_first_after_its_gear(tmp_path):
    file = tmp_path / "20578.csv"
    file.write_text(BOAT, encoding="utf-8")

    bad, *good = read_beidou(file)
    static, first, second = (decode(Position, record.value) for record in good)

    assert bad.value == b"oops,not,a,row"
    assert (static.kind, static.gear, static.subject) == (
        "vessel.static",
        "purse-seine",
        "bd:20578",
    )
    assert first.event_time_ms == 1_569_340_062_000  # 24 Sep 2019 23:47:42 in Beijing
    assert (first.lon_deg, first.lat_deg, first.sog_kn) == (120.433, 27.153, 5.4)
    assert second.event_time_ms > first.event_time_ms


def test_a_stray_byte_spoils_its_own_row_alone(tmp_path):
    file = tmp_path / "20578.csv"
    file.write_text(BOAT.replace("oops", "o\rops").replace("a,row", "a\0row"), encoding="utf-8")

    bad = [record.value for record in read_beidou(file) if not record.key]
    kept = [record for record in read_beidou(file) if record.key]

    assert bad == [b"o", b"ops,not,a\0row"]
    assert len(kept) == 3


def test_boats_of_an_archive_are_merged_by_time(tmp_path):
    for boat in ("20578", "20579"):
        (tmp_path / f"{boat}.csv").write_text(BOAT.replace("20578", boat), encoding="utf-8")
    archive = tmp_path / "boats.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for boat in ("20578", "20579"):
            tar.add(tmp_path / f"{boat}.csv", arcname=f"{boat}.csv")

    records = list(read_beidou(archive))

    times = [record.event_time_ms for record in records]
    assert times == sorted(times)
    assert {record.key for record in records} == {b"", b"bd:20578", b"bd:20579"}


def test_noise_rows_are_local_time_and_bad_ones_are_handed_on(tmp_path):
    file = tmp_path / "noise.csv"
    file.write_text("datetime, LEQ dB -A \n2025-03-22 00:00:00,44.1\n2025-03-22 00:00:01,-\n")

    good, bad = read_noise(file, "N1")

    reading = decode(Reading, good.value)
    assert (reading.kind, reading.value, reading.unit) == ("noise.laeq", 44.1, "dB(A)")
    assert reading.event_time_ms == 1_742_572_800_000  # 21 Mar 16:00 UTC
    assert bad.value == b"2025-03-22 00:00:01,-"
    assert bad.event_time_ms == reading.event_time_ms + 1000


def test_what_stands_before_a_sentence_stays_with_it(tmp_path):
    lines = [
        b"\\si:AISD*3F\\",
        b"$PGHP,1,2013,11,12,12,0,0,11,219,,2190067,1,62*26",
        b"!BSVDM,1,1,,A,13@:`L001N0ded0O6Fp8wW<00<0t,0*62",
        b"# the end",
    ]
    file = tmp_path / "log.txt.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))

    sentence, comment = read_nmea(file, "shore")

    assert sentence.value == b"\r\n".join(lines[:3])
    assert sentence.key == b"shore"
    assert sentence.event_time_ms == comment.event_time_ms == 1_384_257_600_011


def test_json_lines_keep_their_bytes_and_give_key_and_time(tmp_path):
    file = tmp_path / "lines.jsonl"
    good = b'{"subject":"a","event_time":"2026-05-01T12:00:00Z"}'
    file.write_bytes(good + b"\n\nno json\n")

    first, second = read_jsonl(file, "sensor.readings")

    assert (first.key, first.value, first.event_time_ms) == (b"a", good, 1_777_636_800_000)
    assert (second.key, second.value) == (b"", b"no json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no recording at .*gone"):
        list(read_beidou(tmp_path / "gone.csv"))
