"""A worker that cannot be right does not start, and says what mends it."""

import subprocess
import sys
from pathlib import Path

import pytest

from agents.app import changelog_of
from deploy import topics_admin
from schemas.topics import TOPICS

pytestmark = pytest.mark.kafka


def start(broker: str, prefix: str, folder: Path, *more: str) -> tuple[int, str]:
    """Run a worker that is to end by itself; return its code and what it said."""
    words = ["--broker", broker, "--prefix", prefix, "--state", str(folder), *more]
    argv = [sys.executable, "-m", "deploy.cli", "worker", "readings", *words]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_topics_that_are_missing_are_named_with_the_cure(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    code, said = start(broker, prefix, tmp_path)

    assert code == 3
    assert f"no topic {prefix}sensor.readings" in said
    assert "citybrain topics apply" in said
    assert "Traceback" not in said


def test_partitions_that_were_added_to_a_topic_in_use_are_refused(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    topics_admin.ensure_changelog(broker, changelog_of("readings", prefix), 2, 1)

    code, said = start(broker, prefix, tmp_path)

    assert code == 3
    assert "has 2 partitions, its agent's input has 4" in said
    assert "replay the input from its beginning" in said


def test_a_broker_that_does_not_answer_is_said(tmp_path: Path) -> None:
    code, said = start("127.0.0.1:1", "", tmp_path)

    assert code == 3
    assert "No Kafka answers at 127.0.0.1:1" in said


def test_a_city_that_is_broken_is_refused(broker: str, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "city").mkdir()

    code, said = start(broker, prefix, tmp_path, "--city", str(tmp_path / "city"))

    assert code == 3
    assert "citybrain city check" in said
