"""Workers that die in the middle of every story, for three minutes: the end is the same."""

from collections.abc import Sequence

import pytest

from deploy.cities import load_city
from deploy.faults.endstate import compare, end_of
from deploy.faults.frail import FrailRehearsal, around_one_middle
from deploy.faults.scenarios import BY_THEMSELVES
from deploy.rehearsal import Rehearsal
from feeds.simulator.scenarios import SCENARIOS
from streams.city.model import City
from streams.matters.chain import Chains

MIDDLE_MS = 1_764_072_000_000
OUTAGE_S = 180
UNTIL_ALL_IS_TOLD_S = 3_000

TOGETHER = tuple(name for name in SCENARIOS if name not in BY_THEMSELVES)
ACTS = (TOGETHER, *((name,) for name in BY_THEMSELVES))


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.mark.parametrize("names", ACTS, ids=["together", *BY_THEMSELVES])
def test_three_minutes_without_a_worker_in_the_middle_of_each_story_change_no_end(
    city: City, names: Sequence[str]
) -> None:
    scenarios = [SCENARIOS[name] for name in names]

    def stories():
        return around_one_middle(city, 1, scenarios, MIDDLE_MS)

    calm = Rehearsal(city, 1, stories(), crews=True)
    calm.play(UNTIL_ALL_IS_TOLD_S)
    broken = FrailRehearsal(city, 1, stories(), OUTAGE_S)
    broken.play(UNTIL_ALL_IS_TOLD_S)

    assert broken.deaths == 1
    late_ms = city.params["dispatch"].sla.late_ms
    silent_from_ms = max(one.until_ms for one in stories())
    ends = [end_of(one.said, silent_from_ms) for one in (calm, broken)]
    verdict = compare(*ends, late_ms)
    assert verdict.is_right, "\n".join([*map(str, verdict.lines), *verdict.faults])
    assert verdict.lines[0].expected > 10, "alerts"
    assert verdict.late > 0 or names != TOGETHER, "some promise broke while nobody was there"
    chains = Chains()
    for event in broken.said["case.events"]:
        chains.take(event)
    newest = {one["case_id"]: one for one in broken.said["cases"]}
    assert chains.findings({k: (c["events"], c["last_hash"]) for k, c in newest.items()}) == []
