"""Contestant `ours`: the real agent, its state durable, its outputs in Kafka."""

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

from aiokafka import TopicPartition

from agents.app import create_app
from agents.settings import Settings
from agents.spec import AgentSpec
from agents.worker import run
from deploy.bench.course import PARTITIONS, Course, Lap
from deploy.bench.workload import CLEAR_AT, COMMUNITIES, KIND, RAISE_AT, SOURCE, grids
from schemas.alerts import Severity
from schemas.envelope import Datum
from schemas.records import RawBatch
from schemas.topics import SENSOR_READINGS
from streams import skew
from streams.city.model import City, SensorRecord
from streams.geo.areas import AreaIndex
from streams.lateness import Timing
from streams.matters.routing import AreaChain
from streams.operator import Operator, Outcome, Row
from streams.operators.readings import readings_operator
from streams.registry import READING_RULES
from streams.rules import threshold

_LOOK_S = 0.02


class _Place(NamedTuple):
    """What `readings_operator` asks of a city."""

    code: str
    areas: AreaIndex
    datums: dict[str, Datum]
    timings: dict[str, Timing]
    sensors: dict[str, SensorRecord]
    params: dict[str, Any]


def build_place(seed: int) -> City:
    """Return a city of 484 grids in 102 communities."""
    areas = grids(seed)
    chains = {
        area.code: AreaChain(area.code, area.code, f"community-{number % COMMUNITIES}", "bench")
        for number, area in enumerate(areas)
    }
    timing = Timing(out_of_orderness_ms=0, allowed_lateness_ms=60_000)
    place = _Place(
        "bench",
        AreaIndex(areas, chains),
        {SOURCE: Datum.WGS84},
        {SOURCE: timing},
        sensors={},
        params={skew.NAME: skew.Params()},
    )
    return cast("City", place)


def build_operator(place: City) -> Operator:
    """Return the operator of one partition: decode, grid of every event, threshold."""
    kind = threshold.Kind(
        unit="%", levels=(RAISE_AT,), clear=(CLEAR_AT,), severity=(Severity.MODERATE,)
    )
    rules = {threshold.NAME: READING_RULES[threshold.NAME]}
    params = threshold.Params(kinds={KIND: kind}, version="bench")
    return readings_operator(place, rules, {threshold.NAME: threshold.setting_of(params)})


class Counted:
    """An operator whose events are counted, and whose first record starts the clock."""

    def __init__(self, operator: Operator, race: "Race") -> None:
        self._operator = operator
        self._race = race

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        self._race.lap.begin()
        outcome = self._operator.take(raw, now_ms)
        self._race.events += outcome.used
        self._race.inside += outcome.used - outcome.communities.get("", 0)
        return outcome

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        return self._operator.wake(now_ms, caught_up=caught_up)

    def changes(self) -> list[Row]:
        return self._operator.changes()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        self._operator.restore(rows)

    def watermark_ms(self) -> int | None:
        return self._operator.watermark_ms()

    def next_due_ms(self) -> int | None:
        return self._operator.next_due_ms()


class Race:
    """One run of the agent over a course, ended when all of it is committed."""

    def __init__(self, course: Course) -> None:
        self.lap = Lap(course)
        self.events = 0
        self.inside = 0
        self._work = course.work
        self._ends = {
            TopicPartition(course.readings, number): end
            for number, end in enumerate(course.ends)
            if end
        }
        place = build_place(course.work.seed)
        spec = AgentSpec(
            "readings",
            (SENSOR_READINGS,),
            lambda _partition: Counted(build_operator(place), self),
        )
        settings = Settings(course.broker, Path(course.data_dir), course.prefix)
        self.app: Any = create_app(spec, settings, {SENSOR_READINGS: PARTITIONS})
        self.app.task(self._watch)

    async def _watch(self) -> None:
        while not self._done():  # noqa: ASYNC110 - the consumer tells nobody when it is done
            await asyncio.sleep(_LOOK_S)
        await self.app.consumer.commit()
        self.lap.finish(self.events, self.inside)
        os.kill(os.getpid(), signal.SIGTERM)

    def _done(self) -> bool:
        """Whether every record is acknowledged: its outputs and its state are safe."""
        if self.events < self._work.events:
            return False
        standings = self.app.consumer.standings(self._ends)
        return all(standings[tp].done == end for tp, end in self._ends.items())


def main() -> int:
    """Run the course of this process."""
    return run(Race(Course.from_argv()).app, "WARNING")


if __name__ == "__main__":
    raise SystemExit(main())
