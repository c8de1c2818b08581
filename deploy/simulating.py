"""What `citybrain simulate` plays: the whole city, or stories amid a small part of it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from feeds.recordings import KeyedRecord
from feeds.simulator.backdrop import around
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from feeds.simulator.whole import Simulator, rates_at
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.city.model import City

FOREVER_S = 10 * 365 * 86_400
HURRY = 1_000.0
"""How many times as fast people are at no pace at all."""

_STEP_S = 0.25
_OF_ANY_DAY = frozenset(
    {
        SENSOR_READINGS,
        SENSOR_READINGS_URGENT,
        CAMERA_DETECTIONS,
        VESSEL_POSITIONS,
        VESSEL_NMEA,
        CITIZEN_COMPLAINTS,
    }
)


class Plan(NamedTuple):
    """What is played.

    Attributes:
        city: Whose devices.
        seed: Of all dice.
        scenarios: Names of stories; none is the calm city.
        rate_hz: Reports a second of each sensor of the whole city; None is a
            small part of the city, around the stories.
        start_ms: First instant (event time).
        duration_s: Of the whole; None for as long as the stories last, or for ever.
        speed: At which it will be sent: a batch is a quarter of a wall second.
    """

    city: City
    seed: int
    scenarios: Sequence[str]
    rate_hz: float | None
    start_ms: int
    duration_s: float | None
    speed: float | None


def stories(plan: Plan) -> list[Played]:
    """Return the plan's stories, each from where it begins."""
    return [Played(SCENARIOS[name], plan.city, plan.seed, plan.start_ms) for name in plan.scenarios]


def length_s(plan: Plan) -> float:
    """Return how long the plan lasts, in seconds of event time."""
    if plan.duration_s is not None:
        return plan.duration_s
    return max((SCENARIOS[name].duration_s for name in plan.scenarios), default=FOREVER_S)


def topics(plan: Plan) -> frozenset[str]:
    """Return the topics of all that may be sent."""
    told = (record.topic for story in stories(plan) for record in story.records)
    return _OF_ANY_DAY.union(told)


def acts(plan: Plan) -> Iterator[Iterator[list[KeyedRecord]]]:
    """Yield what is to be sent, in batches, in acts that are paced each by itself.

    A story that has a season of its own is an act before all others, alone: amid
    sources that have long gone on it would be late.
    """
    step_ms = round(_STEP_S * 1000 * max(1.0, plan.speed or 1.0 / _STEP_S))
    played = stories(plan)
    for one in played:
        if one.start_ms != plan.start_ms:
            yield _alone(one, step_ms)
    now = [one for one in played if one.start_ms == plan.start_ms]
    if played and not now:
        return
    if plan.rate_hz is None:
        simulator = around(plan.city, plan.seed, now)
    else:
        simulator = Simulator(plan.city, plan.seed, rates_at(plan.rate_hz), scripts=now)
    until_ms = plan.start_ms + round(length_s(plan) * 1000)
    yield simulator.batches(plan.start_ms, until_ms, step_ms)


def _alone(played: Played, step_ms: int) -> Iterator[list[KeyedRecord]]:
    for begin_ms in range(played.start_ms, played.until_ms, step_ms):
        yield played.between(begin_ms, begin_ms + step_ms)
