"""Every story twice on real Kafka: undisturbed, and with all workers killed in its middle."""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from agents.roster import AGENTS
from deploy import topic_reader, topics_admin
from deploy.answering import answer
from deploy.cities import LONGGANG, load_city
from deploy.errors import ungrouped
from deploy.faults.consumed import FLOW, until_consumed
from deploy.faults.endstate import TOPICS as COMPARED
from deploy.faults.endstate import EndState, Verdict, compare, end_of
from deploy.faults.fleet import Fleet, Place
from deploy.faults.frail import around_one_middle
from deploy.faults.kill import until_ready
from deploy.feeding import Pace
from deploy.pouring import pour
from feeds.people import People
from feeds.simulator.backdrop import around
from feeds.simulator.scenarios import SCENARIOS
from feeds.simulator.story import Played
from schemas.topics import TOPICS
from streams.city.model import City
from streams.directory import department_of

_READY_S = 180.0
_CONSUMED_S = 300.0
_LOOK_S = 0.2
_POLL_S = 3.0
_STEP_S = 0.25
_FIRST_KILLS = 0.25
"""At this share of the play each agent is killed, and started again at once."""

AT_THE_WORLDS_PACE = "feed-outage"
"""Feeds are watched on wall time: this story cannot be hurried."""

BY_THEMSELVES = ("moratorium", "typhoon-switch", AT_THE_WORLDS_PACE)
"""Stories that play at another season or pace, or that switch something for the whole city."""


class Plan(NamedTuple):
    """What is played.

    Attributes:
        scenarios: Names of stories that may be played side by side.
        seed: Of all dice.
        outage_s: How long no worker runs, from the middle of all stories on.
        speed: How many times as fast as the world; people hurry as much.
        still_s: A run is over when no message came for so long, or all cases ended.
        city: Folder of the city's files.
        agents: Who takes part, and is killed.
    """

    scenarios: Sequence[str]
    seed: int = 1
    outage_s: float = 180.0
    speed: float = 20.0
    still_s: float = 75.0
    city: Path = LONGGANG
    agents: Sequence[str] = tuple(AGENTS)


async def run(plan: Plan, places: tuple[Place, Place], say: Callable[[str], None]) -> Verdict:
    """Play the plan undisturbed in the first place and disturbed in the second.

    Args:
        plan: What is played.
        places: Two prefixes of one Kafka; their topics are made.
        say: Told what is going on.

    Raises:
        Fault: An agent does not come up, or does not get through.
    """
    city = load_city(plan.city)
    scenarios = [SCENARIOS[name] for name in plan.scenarios]
    longest_ms = 1000 * max(one.duration_s for one in scenarios)
    middle_ms = time.time_ns() // 1_000_000 - longest_ms
    ends = []
    for place, is_disturbed in zip(places, (False, True), strict=True):
        stories = around_one_middle(city, plan.seed, scenarios, middle_ms)
        way = "disturbed" if is_disturbed else "undisturbed"
        say(f"{way}, {longest_ms / 1000 / plan.speed:.0f} s: {', '.join(plan.scenarios)}")
        topics_admin.apply(place.address, topics_admin.prefixed(TOPICS, place.prefix), {})
        ends.append(await _one(plan, city, stories, place, say, is_disturbed=is_disturbed))
    calm, broken = ends
    return compare(calm, broken, city.params["dispatch"].sla.late_ms)


async def _one(
    plan: Plan,
    city: City,
    stories: Sequence[Played],
    place: Place,
    say: Callable[[str], None],
    *,
    is_disturbed: bool,
) -> EndState:
    """Play once; return the end."""
    begins_ms = min(one.start_ms for one in stories)
    until_ms = max(one.until_ms for one in stories)
    fleet = Fleet(place, plan.agents)
    watch = _Watch(fleet)
    over, listening = asyncio.Event(), asyncio.Event()
    with fleet:
        await until_ready(fleet, fleet.agents, _READY_S)
        began_ms = time.time_ns() // 1_000_000
        people = People(
            plan.seed,
            city.code,
            [one.desk for one in stories],
            crews=True,
            alike=department_of(city),
            hurry=plan.speed,
            when=lambda at_ms: began_ms + round((at_ms - begins_ms) / plan.speed),
        )
        step_ms = round(_STEP_S * 1000 * plan.speed)
        batches = around(city, plan.seed, stories).batches(begins_ms, until_ms, step_ms)
        whole_s = (until_ms - begins_ms) / 1000 / plan.speed
        playing: list[Coroutine[Any, Any, Any]] = [
            pour(place.address, batches, Pace(plan.speed), prefix=place.prefix)
        ]
        if is_disturbed:
            playing.append(_disturb(watch, whole_s, plan.outage_s, say))
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                group.create_task(answer(place.address, place.prefix, people, over, listening))
                group.create_task(watch.run(over))
                await listening.wait()
                await asyncio.gather(*playing)
                # Faster than the world, a count of seconds by wall time means nothing.
                silent_from_ms = time.time_ns() // 1_000_000 if plan.speed == 1 else None
                await until_ready(fleet, fleet.agents, _READY_S)
                await until_consumed(
                    place.address,
                    place.prefix,
                    timeout_s=_CONSUMED_S,
                    agents=[agent for agent in FLOW if agent in fleet.agents],
                    log=fleet.log,
                )
                end = await _at_end(place, people, plan.still_s, silent_from_ms, say)
                over.set()
    return end


async def _disturb(
    watch: "_Watch", whole_s: float, outage_s: float, say: Callable[[str], None]
) -> None:
    """Kill each agent, later all of them at once, and leave them dead for a while."""
    await asyncio.sleep(whole_s * _FIRST_KILLS)
    say("kill -9 of each agent in turn")
    for agent in watch.fleet.agents:
        watch.fleet.send(agent, signal.SIGKILL)
        await asyncio.sleep(_LOOK_S)
    await asyncio.sleep(whole_s * (0.5 - _FIRST_KILLS))
    say(f"kill -9 of all, and nobody for {outage_s:.0f} s")
    watch.is_away = True
    for agent in watch.fleet.agents:
        watch.fleet.send(agent, signal.SIGKILL)
    await asyncio.sleep(outage_s)
    watch.is_away = False
    say("all are started again")


class _Watch:
    """Starts again whoever died, unless nobody is to be there."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.is_away = False

    async def run(self, over: asyncio.Event) -> None:
        """Look until `over` is set."""
        while not over.is_set():
            if not self.is_away:
                self.fleet.look()
            await asyncio.sleep(_LOOK_S)


async def _at_end(
    place: Place,
    people: People,
    still_s: float,
    silent_from_ms: int | None,
    say: Callable[[str], None],
) -> EndState:
    """Return how it stands once all cases ended, or nothing has been said for long."""
    count, since_s, told = -1, time.monotonic(), ""
    while True:
        said = await _said(place)
        found = sum(map(len, said.values()))
        if found != count:
            count, since_s = found, time.monotonic()
        end = end_of(said, silent_from_ms)
        if (words := f"{end.ended} of {len(end.things['cases'])} cases have ended") != told:
            say(told := words)
        quiet_s = time.monotonic() - since_s
        if quiet_s > still_s or (people.is_done and end.is_over and quiet_s > _POLL_S):
            return end
        await asyncio.sleep(_POLL_S)


async def _said(place: Place) -> dict[str, list[dict[str, Any]]]:
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names = [place.prefix + topic for topic in COMPARED]
    reader = topic_reader.read(place.address, names, from_beginning=True, until_end=True)
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                if record.value is not None:
                    said[record.topic.removeprefix(place.prefix)].append(orjson.loads(record.value))
    return said


def acts(names: Sequence[str], speed: float) -> list[tuple[list[str], float]]:
    """Return which of the stories are played side by side, which by themselves, and how fast."""
    together = [name for name in names if name not in BY_THEMSELVES]
    alone = [[name] for name in BY_THEMSELVES if name in names]
    return [
        (one, 1.0 if one == [AT_THE_WORLDS_PACE] else speed) for one in (together, *alone) if one
    ]
