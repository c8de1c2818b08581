"""Stories on real Kafka whose agents are killed in the middle, and stay away for a while."""

import asyncio
from pathlib import Path

import pytest

from deploy.faults.fleet import Place
from deploy.faults.scenarios import Plan, run

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

STORIES = ("city-task", "whistle")
AGENTS = ("incidents", "dispatch")  # no device has a part in them
OUTAGE_S = 25.0  # longer than the units of both stories have to answer


def test_killed_in_the_middle_and_away_for_long_the_stories_end_as_if_nothing_was(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    places = (
        Place(broker, f"{prefix}calm-", tmp_path / "calm"),
        Place(broker, f"{prefix}broken-", tmp_path / "broken"),
    )
    told: list[str] = []

    plan = Plan(STORIES, outage_s=OUTAGE_S, speed=10.0, still_s=30.0, agents=AGENTS)

    verdict = asyncio.run(run(plan, places, told.append))

    assert verdict.is_right, "\n".join([*map(str, verdict.lines), *verdict.faults])
    found = {line.sort: line.found for line in verdict.lines}
    assert found["cases"] >= len(STORIES)
    assert found["orders"] >= 5, "three communities, two departments"
    assert any("nobody for 25 s" in words for words in told)
