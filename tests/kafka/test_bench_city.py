"""The city benchmark on a real Kafka: every alarming event gives its alert."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from deploy.cli import cli

pytestmark = pytest.mark.kafka


def test_every_probe_of_a_tenth_of_the_city_gives_an_alert(
    kafka_tools: None, tmp_path: Path
) -> None:
    told = tmp_path / "bench.json"
    arguments = ["--times", "0.1", "--seconds", "15", "--probes", "1", "--json", str(told)]
    outcome = CliRunner().invoke(cli, ["bench", "city", *arguments])

    (lap,) = orjson.loads(told.read_bytes())["laps"]
    assert lap["alerts_got"] == lap["alerts_expected"] == 60, outcome.output
    assert lap["events_per_s"] > 500
    assert set(lap["used"]) >= {"kafka", "readings", "urgent", "incidents", "dispatch"}
    assert all(one["memory_bytes"] > 0 for one in lap["used"].values())
