"""The benchmark on a real Kafka: every contestant comes to the same counts."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient

from deploy.cli import cli

pytestmark = pytest.mark.kafka


def test_all_contestants_count_what_the_plain_loop_counts(broker: str, tmp_path: Path) -> None:
    told = tmp_path / "bench.json"
    arguments = ["--events", "20000", "--devices", "500", "--faust-events", "2000"]
    outcome = CliRunner().invoke(
        cli, ["bench", "engine", *arguments, "--json", str(told), "--broker", broker]
    )

    assert outcome.exit_code == 0, outcome.output
    report = orjson.loads(told.read_bytes())
    by_name = {row["contestant"]: row for row in report["results"]}
    assert {name: row["events"] for name, row in by_name.items()} == {
        "ours": 20_000,
        "faust": 2_000,
        "bare": 20_000,
    }
    for name in ("ours", "faust"):
        row = by_name[name]
        assert row["alerts_got"] == row["alerts_expected"] > 0
        assert row["inside_got"] == row["inside_expected"] > 0
    assert by_name["bare"]["alerts_got"] is None
    assert all(row["right"] for row in by_name.values())

    client = KafkaAdminClient(bootstrap_servers=broker)
    left = [topic for topic in client.list_topics() if topic.startswith("bench-")]
    client.close()
    assert left == []
