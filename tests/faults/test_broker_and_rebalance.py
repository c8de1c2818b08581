"""The broker goes and comes back, workers come and go: nothing is lost or doubled."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from deploy import topics_admin
from deploy.broker import EmbeddedBroker
from deploy.cities import load_city
from deploy.faults.account import account
from deploy.faults.consumed import until_consumed
from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import found_on, outgoing, undisturbed, until_ready
from deploy.faults.load import RECORDS_A_SECOND, Load, records
from deploy.feeding import Pace, feed
from schemas.topics import TOPICS

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

READY_S = 120.0
CONSUMED_S = 300.0
RATE = 2_000


@pytest.fixture
def own_broker(kafka_tools: None, tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """Give a broker of this test's own, which may be stopped."""
    node = EmbeddedBroker(tmp_path / "broker")
    node.start()
    try:
        yield node
    finally:
        node.stop()


async def disturbed(
    place: Place, fleet: Fleet, load: Load, disturb: Callable[[float], Awaitable[None]]
) -> None:
    """Feed the load while something disturbs; then wait until all is consumed.

    `disturb` is given how long the feeding takes.
    """
    speed = RATE / RECORDS_A_SECOND
    events = outgoing(records(load), place.prefix)
    feeding = asyncio.create_task(feed(place.address, events, Pace(speed)))
    watching = asyncio.create_task(watch(fleet))
    try:
        await asyncio.gather(feeding, disturb(load.minutes * 60 / speed))
        await until_consumed(place.address, place.prefix, timeout_s=CONSUMED_S)
    finally:
        watching.cancel()
        feeding.cancel()
        await asyncio.gather(watching, feeding, return_exceptions=True)


async def watch(fleet: Fleet) -> None:
    while True:
        fleet.look()
        await asyncio.sleep(0.1)


async def is_equal(place: Place, load: Load) -> None:
    lines = account(undisturbed(load), await found_on(place.address, place.prefix))
    assert all(line.is_right for line in lines), "\n".join(map(str, lines))
    assert lines[0].found > 50


def test_a_broker_that_is_restarted_under_load_loses_and_doubles_nothing(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    state = own_broker.running()
    assert state is not None
    place = Place(state.address, "restart-", tmp_path / "agents")
    load = Load(load_city(), seed=11, minutes=20)

    async def restart(whole_s: float) -> None:
        await asyncio.sleep(whole_s * 0.4)
        # In this thread: the broker is tied to the thread that starts it.
        own_broker.stop()
        await asyncio.sleep(2.0)
        assert own_broker.start() == place.address

    async def run() -> None:
        with Fleet(place) as fleet:
            await until_ready(fleet, fleet.agents, READY_S)
            await disturbed(place, fleet, load, restart)
        await is_equal(place, load)

    topics_admin.apply(place.address, topics_admin.prefixed(TOPICS, place.prefix), {})
    asyncio.run(run())


def test_a_worker_added_and_removed_under_load_loses_and_doubles_nothing(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    place = Place(broker, prefix, tmp_path)
    load = Load(load_city(), seed=13, minutes=20)
    drained_s: list[float] = []

    async def come_and_go(whole_s: float) -> None:
        await asyncio.sleep(whole_s * 0.15)
        with Fleet(place, ["readings"], instance="1") as second:
            await until_ready(second, ["readings"], READY_S)
            await asyncio.sleep(whole_s * 0.25)
            leaving = second.process("readings")
            assert leaving is not None
            began_s = time.monotonic()
            leaving.send_signal(signal.SIGTERM)
            await asyncio.to_thread(leaving.wait, 60)
            drained_s.append(time.monotonic() - began_s)
            assert leaving.returncode == 0, second.log("readings")

    async def run() -> None:
        with Fleet(place) as fleet:
            await until_ready(fleet, fleet.agents, READY_S)
            before = fleet.pids()
            await disturbed(place, fleet, load, come_and_go)
            assert fleet.pids() == before, "nobody else had to be started again"
        await is_equal(place, load)

    topics_admin.apply(place.address, topics_admin.prefixed(TOPICS, place.prefix), {})
    asyncio.run(run())
    assert drained_s[0] < 10, "SIGTERM: stop intake, finish, commit, leave within ten seconds"


def test_a_stop_of_all_agents_under_load_drains_in_time_with_exit_code_0(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    place = Place(broker, prefix, tmp_path)
    load = Load(load_city(), seed=17, minutes=20)

    async def run() -> dict[str, int | None]:
        with Fleet(place) as fleet:
            await until_ready(fleet, fleet.agents, READY_S)
            events = outgoing(records(load), prefix)
            over = asyncio.Event()
            feeding = asyncio.create_task(feed(broker, events, Pace(30.0), over=over))
            await asyncio.sleep(5.0)
            children = {agent: fleet.process(agent) for agent in fleet.agents}
            began_s = time.monotonic()
            for agent in fleet.agents:
                fleet.send(agent, signal.SIGTERM)
            for child in children.values():
                assert child is not None
                await asyncio.to_thread(child.wait, 60)
            assert time.monotonic() - began_s < 10 * len(children), "they share few processors"
            over.set()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            return {agent: child and child.returncode for agent, child in children.items()}

    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    assert set(asyncio.run(run()).values()) == {0}
