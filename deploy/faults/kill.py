"""Twenty kills under load: nothing lost, nothing doubled, and back how soon."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from deploy import topic_reader, topics_admin
from deploy.backtest import Backtest
from deploy.cities import LONGGANG, load_city
from deploy.errors import Fault
from deploy.faults.account import SOURCES, Line, Side, account, side
from deploy.faults.consumed import until_consumed
from deploy.faults.fleet import Fleet, Place
from deploy.faults.load import RECORDS_A_SECOND, Load, records
from deploy.feeding import Outgoing, Pace, feed
from feeds.recordings import KeyedRecord
from schemas.topics import TOPICS
from streams.operator import Send

_LOOK_S = 0.1
_READY_S = 120.0
_CONSUMED_S = 300.0
_FIRST_SHARE, _LAST_SHARE = 0.05, 0.95
"""Between which parts of the load the kills lie."""


class Plan(NamedTuple):
    """What to do to the agents.

    Attributes:
        seed: Of the load and of the moments and victims.
        times: How many kills; the agents take turns in a shuffled order.
        minutes: Length of the load in event time.
        rate: Records a second.
        city: Folder of the city's files.
    """

    seed: int = 1
    times: int = 20
    minutes: int = 24
    rate: int = 1_000
    city: Path = LONGGANG


class Recovery(NamedTuple):
    """One kill: whose, when in the run, and how long until it consumed again."""

    agent: str
    at_s: float
    took_s: float


class Result(NamedTuple):
    """What became of a run.

    Attributes:
        events: Records published.
        fed_s: How long that took; `settled_s` more until all was consumed.
        starts: Processes started by agent.
    """

    events: int
    fed_s: float
    settled_s: float
    recoveries: list[Recovery]
    starts: dict[str, int]
    lines: list[Line]

    @property
    def is_right(self) -> bool:
        """Whether it equals an undisturbed run."""
        return all(line.is_right for line in self.lines)


def undisturbed(load: Load) -> Side:
    """Return what the load makes where nothing fails: the same operators, no broker."""
    sends: list[Send] = []
    Backtest(load.city, sends.append).run(records(load), drain_s=0.0)
    return side((send.topic, send.value) for send in sends if send.topic in SOURCES)


async def found_on(address: str, prefix: str) -> Side:
    """Return what a run has left on its topics."""
    messages: list[tuple[str, bytes]] = []
    names = [prefix + topic for topic in SOURCES]
    reader = topic_reader.read(address, names, from_beginning=True, until_end=True)
    async with aclosing(reader):
        async for batch in reader:
            messages += [
                (record.topic.removeprefix(prefix), record.value)
                for record in batch
                if record.value is not None
            ]
    return side(messages)


def outgoing(feed_of: Iterator[KeyedRecord], prefix: str) -> Iterator[Outgoing]:
    """Yield records as they are published."""
    for record in feed_of:
        yield Outgoing(prefix + record.topic, record.key, record.value, record.event_time_ms)


async def run(plan: Plan, place: Place, say: Callable[[str], None]) -> Result:
    """Run the load, the kills and the account.

    Args:
        plan: What to do.
        place: Where; topics of its prefix are made there.
        say: Told what is going on.

    Raises:
        Fault: An agent does not come up, or does not get through.
    """
    load = Load(load_city(plan.city), plan.seed, plan.minutes)
    say("the undisturbed run, without a broker")
    expected = undisturbed(load)
    topics_admin.apply(place.address, topics_admin.prefixed(TOPICS, place.prefix), {})
    with Fleet(place) as fleet:
        say("starting the agents")
        await until_ready(fleet, fleet.agents, _READY_S)
        say(f"feeding {plan.rate} records a second, killing {plan.times} times")
        began_s = time.monotonic()
        events, recoveries = await _under_load(plan, load, fleet, place, say)
        fed_s = time.monotonic() - began_s
        await until_consumed(
            place.address,
            place.prefix,
            timeout_s=_CONSUMED_S,
            look=fleet.look,
            log=fleet.log,
        )
        settled_s = time.monotonic() - began_s - fed_s
        starts = {agent: fleet.starts.count(agent) for agent in fleet.agents}
    found = await found_on(place.address, place.prefix)
    return Result(events, fed_s, settled_s, recoveries, starts, account(expected, found))


async def until_ready(fleet: Fleet, agents: list[str], timeout_s: float) -> None:
    """Wait until `agents` consume, starting again those that end.

    Raises:
        Fault: One does not, with the end of its log.
    """
    deadline = time.monotonic() + timeout_s
    for agent in agents:
        while not await asyncio.to_thread(fleet.is_ready, agent):
            fleet.look()
            if time.monotonic() > deadline:
                raise Fault(f"The agent {agent} is not ready:\n{fleet.log(agent)}")
            await asyncio.sleep(_LOOK_S)


async def _under_load(
    plan: Plan, load: Load, fleet: Fleet, place: Place, say: Callable[[str], None]
) -> tuple[int, list[Recovery]]:
    speed = plan.rate / RECORDS_A_SECOND
    whole_s = plan.minutes * 60 / speed
    events = outgoing(records(load), place.prefix)
    feeding = asyncio.create_task(feed(place.address, events, Pace(speed)))
    killing = asyncio.create_task(_kill(plan, whole_s, fleet, say))
    watching = asyncio.create_task(_watch(fleet))
    try:
        sent, recoveries = await asyncio.gather(feeding, killing)
    finally:
        for task in (feeding, killing, watching):
            task.cancel()
        await asyncio.gather(feeding, killing, watching, return_exceptions=True)
    return sent, recoveries


async def _watch(fleet: Fleet) -> None:
    while True:
        fleet.look()
        await asyncio.sleep(_LOOK_S)


async def _kill(
    plan: Plan, whole_s: float, fleet: Fleet, say: Callable[[str], None]
) -> list[Recovery]:
    """Kill at random moments; return how long each victim took to consume again."""
    dice = random.Random(plan.seed)
    moments = sorted(dice.uniform(_FIRST_SHARE, _LAST_SHARE) * whole_s for _ in range(plan.times))
    victims: list[str] = []
    while len(victims) < plan.times:
        victims += dice.sample(fleet.agents, len(fleet.agents))
    began_s = time.monotonic()
    recovering: list[asyncio.Task[Recovery]] = []
    for at_s, agent in zip(moments, victims, strict=False):
        await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
        await _strike(fleet, agent)
        say(f"{time.monotonic() - began_s:6.1f} s  kill -9 {agent}")
        recovering.append(asyncio.create_task(_recovery(fleet, agent, began_s)))
    return list(await asyncio.gather(*recovering))


async def _strike(fleet: Fleet, agent: str) -> None:
    """Kill `agent`; one that is down from the last time is waited for."""
    while not fleet.send(agent, signal.SIGKILL):  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(_LOOK_S)


async def _recovery(fleet: Fleet, agent: str, began_s: float) -> Recovery:
    """Wait until `agent` consumes again; killed once more meanwhile, it takes longer."""
    killed_s = time.monotonic()
    while not await asyncio.to_thread(fleet.is_ready, agent):
        if time.monotonic() - killed_s > _READY_S:
            raise Fault(f"The agent {agent} did not come back:\n{fleet.log(agent)}")
        await asyncio.sleep(_LOOK_S)
    return Recovery(agent, killed_s - began_s, time.monotonic() - killed_s)
