"""`citybrain replay` on a real Kafka: what is in the file is on the topic."""

import asyncio
from pathlib import Path

import orjson
import pytest
from aiokafka import ConsumerRecord
from click.testing import CliRunner

from deploy import topic_reader, topics_admin
from deploy.cli import cli
from schemas.topics import SENSOR_READINGS, TOPICS, VESSEL_NMEA, VESSEL_POSITIONS

pytestmark = pytest.mark.kafka

NOISE = "datetime, LEQ dB -A \n2025-03-22 00:00:00,44.1\n2025-03-22 00:00:01,nonsense\n"
NMEA = b"\\s:AISD,c:1384257600*11\\\r\n!BSVDM,1,1,,A,13@:`L001N0ded0O6Fp8wW<00<0t,0*62\r\nhalf a li"


@pytest.fixture
def topics(broker: str, prefix: str) -> str:
    """Give the prefix of topics that are there."""
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    return prefix


def records_of(broker: str, topic: str) -> list[ConsumerRecord]:
    async def gather() -> list[ConsumerRecord]:
        reader = topic_reader.read(broker, [topic], from_beginning=True, until_end=True)
        return [record async for records in reader for record in records]

    return asyncio.run(gather())


def replay(broker: str, prefix: str, *arguments: str) -> tuple[int, str]:
    place = ["--broker", broker, "--prefix", prefix]
    outcome = CliRunner().invoke(cli, ["replay", *arguments, *place])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
    return outcome.exit_code, outcome.output


def test_a_noise_series_becomes_readings_and_bad_rows_stay_as_they_are(
    broker: str, topics: str, tmp_path: Path
) -> None:
    (tmp_path / "noise.csv").write_text(NOISE)

    told = replay(
        broker, topics, str(tmp_path / "noise.csv"), "--as", "sensor", "--source", "LG-noise-001"
    )

    assert told == (0, "2 records sent\n")
    good, bad = records_of(broker, topics + SENSOR_READINGS)
    assert good.key == bad.key == b"LG-noise-001"
    fields = orjson.loads(good.value)
    assert (fields["event_time"], fields["value"]) == ("2025-03-21T16:00:00.000Z", 44.1)
    assert bad.value == b"2025-03-22 00:00:01,nonsense"


def test_an_nmea_log_keeps_its_lines_and_its_station(
    broker: str, topics: str, tmp_path: Path
) -> None:
    (tmp_path / "log.nmea").write_bytes(NMEA)

    told = replay(
        broker,
        topics,
        *(str(tmp_path / "log.nmea"), "--as", "nmea", "--source", "bacao", "--speed", "max"),
    )

    assert told == (0, "2 records sent\n")
    sentence, half = records_of(broker, topics + VESSEL_NMEA)
    assert sentence.key == b"bacao"
    assert sentence.value.endswith(b"!BSVDM,1,1,,A,13@:`L001N0ded0O6Fp8wW<00<0t,0*62")
    assert half.value == b"half a li"


@pytest.mark.recordings
def test_real_beidou_tracks_go_to_one_partition_a_boat(
    broker: str, topics: str, recordings: Path
) -> None:
    track = min((recordings / "ais" / "tianchi_samples").glob("*.csv"))

    code, output = replay(broker, topics, str(track), "--as", "position", "--speed", "max")

    records = records_of(broker, topics + VESSEL_POSITIONS)
    assert (code, output) == (0, f"{len(records)} records sent\n")
    assert len(records) > 500
    assert len({(record.key, record.partition) for record in records}) == 1
    times = [orjson.loads(record.value)["event_time"] for record in records]
    assert times == sorted(times)


def test_a_file_that_nothing_reads_as_that_is_refused(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "picture.png").write_bytes(b"")

    code, output = replay(broker, prefix, str(tmp_path / "picture.png"), "--as", "camera")

    assert code == 2
    assert "picture.png cannot be read as camera" in output
    assert replay(broker, prefix, str(tmp_path / "none"), "--as", "nmea")[0] == 2


def test_a_speed_is_a_number_above_zero_or_max(broker: str, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "a.nmea").write_bytes(NMEA)

    for wrong in ("0", "-1", "fast", "inf", "nan"):
        asked = [str(tmp_path / "a.nmea"), "--as", "nmea", "--speed", wrong]
        assert replay(broker, prefix, *asked)[0] == 2
