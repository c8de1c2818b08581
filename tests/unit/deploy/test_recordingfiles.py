"""Which file is read as what, and how several are made one."""

from pathlib import Path

import pytest

from deploy.recordingfiles import KINDS, merged, reader_of
from feeds.recordings import KeyedRecord
from schemas.topics import (
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)

LINE = b'{"subject":"s","event_time":"2025-03-21T16:00:00Z"}\n'
FIX = "boat,lat,lon,speed,course,time,gear\n1,27.1,120.4,0.2,0,0924 23:58:08,x\n"


@pytest.mark.parametrize(
    ("name", "kind", "content", "topic"),
    [
        ("a.jsonl", "sensor", LINE, SENSOR_READINGS),
        ("a.json", "complaint", LINE, CITIZEN_COMPLAINTS),
        ("a.jsonl", "position", LINE, VESSEL_POSITIONS),
        ("a.csv", "position", FIX.encode(), VESSEL_POSITIONS),
        ("a.csv", "sensor", b"datetime,LEQ\n2025-03-22 00:00:00,44.1\n", SENSOR_READINGS),
        ("a.anything", "nmea", b"!AIVDM,1,1,,A,13@:`L001N0ded0O6Fp8wW<00<0t,0*62\n", VESSEL_NMEA),
    ],
)
def test_a_file_is_read_by_its_kind_and_name(tmp_path: Path, name, kind, content, topic) -> None:
    (tmp_path / name).write_bytes(content)
    reader = reader_of(tmp_path / name, kind)

    assert reader is not None
    assert {record.topic for record in reader(tmp_path / name, "device")} == {topic}


def test_a_reading_of_life_safety_goes_to_the_urgent_lane(tmp_path: Path) -> None:
    smoke = b'{"subject":"s","kind":"smoke.alarm","event_time":"2025-03-21T16:00:00Z"}\n'
    (tmp_path / "a.jsonl").write_bytes(LINE + smoke)
    reader = reader_of(tmp_path / "a.jsonl", "sensor")

    assert reader is not None
    topics = [record.topic for record in reader(tmp_path / "a.jsonl", "device")]
    assert topics == [SENSOR_READINGS, SENSOR_READINGS_URGENT]


def test_all_tickets_of_a_city_have_one_key(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINE + LINE.replace(b'"s"', b'"t"'))
    reader = reader_of(tmp_path / "a.jsonl", "complaint")

    assert reader is not None
    assert [record.key for record in reader(tmp_path / "a.jsonl", "longgang")] == [b"longgang"] * 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.png", "sensor"), ("a.csv", "camera"), ("a.csv", "complaint"), ("a.tar", "sensor")],
)
def test_what_nothing_reads_has_no_reader(name, kind) -> None:
    assert kind in KINDS
    assert reader_of(Path(name), kind) is None


def test_a_packed_file_is_known_by_the_name_within() -> None:
    assert reader_of(Path("a.csv.gz"), "sensor") is not None
    assert reader_of(Path("a.tar.gz"), "position") is not None


def test_recordings_are_merged_by_time_and_ties_stay_in_the_order_given() -> None:
    def of(name: str, *times_ms: int) -> list[KeyedRecord]:
        return [KeyedRecord("topic", name.encode(), b"", at_ms) for at_ms in times_ms]

    told = merged([of("a", 1, 5, 5), of("b", 0, 5, 9), []])

    assert [(one.key.decode(), one.event_time_ms) for one in told] == [
        ("b", 0), ("a", 1), ("a", 5), ("a", 5), ("b", 5), ("b", 9)
    ]  # fmt: skip
