"""The whole city on one machine: broker, topics, workers, data, view; and its end.

What is started here ends here, in the reverse order: data, workers, broker. The
children die with this process even when it is killed (see `processes`).
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

from deploy import demo_logins, processes, simulation, topics_admin, view
from deploy.broker import EmbeddedBroker
from deploy.cities import load_city
from deploy.errors import Fault, ungrouped
from deploy.ports import free_ports, is_free
from schemas.topics import TOPICS

_GRACE_S: Final = 9.0
_BROKER_GRACE_S: Final = 2.5
_LOOK_S: Final = 0.5
_MOST_RESTARTS: Final = 5
_EXCERPT_LINES: Final = 12
_PAGE_PORT: Final = 8080
_DOOR_PORT: Final = 8087


class Plan(NamedTuple):
    """What to start.

    Attributes:
        data_dir: Of the broker and the workers.
        broker: Kafka to use; None starts the embedded one.
        prefix: Before topic and group names.
        simulate: Play a simulated city into the input topics.
        seed: Of the simulation.
    """

    data_dir: Path
    broker: str | None
    prefix: str
    simulate: bool
    seed: int


def run(plan: Plan, console: Console) -> None:
    """Start the city, show it, and end it on SIGINT or SIGTERM.

    Raises:
        Fault: Something did not start, or the worker keeps ending.
    """
    with _kafka(plan, console) as address:
        table = topics_admin.prefixed(TOPICS, plan.prefix)
        _, left = topics_admin.apply(address, table, {})
        if left:
            words = "\n  ".join(str(gap) for gap in left)
            raise Fault(f"Topics differ from the table:\n  {words}", "See: citybrain topics check")
        asyncio.run(_serve(plan, address, console))


@contextmanager
def _kafka(plan: Plan, console: Console) -> Iterator[str]:
    """Give the address of the Kafka to use; end it if it was started here."""
    if plan.broker:
        yield plan.broker
        return
    node = EmbeddedBroker(plan.data_dir)
    if (other := node.running()) is not None:
        yield other.address
        return
    console.out("starting Kafka …", highlight=False)
    address = node.start()
    try:
        yield address
    finally:
        node.stop(_BROKER_GRACE_S)


async def _serve(plan: Plan, address: str, console: Console) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, over.set)
    services = [Kept(one, plan, address) for one in _services(plan)]
    recordings = simulation.find_recordings() if plan.simulate else None
    play = simulation.Play(address, plan.prefix, plan.seed, recordings)
    notes = [*(one.service.note for one in services), *_notes(plan, address)]
    stage = view.Stage(address, plan.prefix, [*notes, _fed_by(plan, recordings)], play.news)
    tasks: list[Coroutine[None, None, None]] = [
        *(one.keep(over) for one in services),
        view.show(stage, console, over),
    ]
    if plan.simulate:
        tasks.append(play.run(over))
    try:
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    group.create_task(_or_end(task, over))
    finally:
        processes.end([child for one in services if (child := one.child)], _GRACE_S)


async def _or_end(task: Coroutine[None, None, None], over: asyncio.Event) -> None:
    """Run a part of the city; when it fails, all of the city ends."""
    try:
        await task
    finally:
        over.set()


class Service(NamedTuple):
    """A part of the city that is a process of its own.

    Attributes:
        name: Of its log: `<data>/log/<name>.log`.
        words: The command of `citybrain` that it is.
        note: One line for the view: where to find it.
        environment: More of its environment.
    """

    name: str
    words: Sequence[str]
    note: str
    environment: Mapping[str, str]


def _services(plan: Plan) -> list[Service]:
    """Return what is started beside the broker; all of it ends together, before the broker."""
    port, page_port, door_port = free_ports(3)
    page_port = _PAGE_PORT if is_free(_PAGE_PORT) else page_port
    door_port = _DOOR_PORT if is_free(_DOOR_PORT) else door_port
    return [
        Service(
            "screens",
            ["screens", "--port", str(page_port)],
            f"screens http://127.0.0.1:{page_port}/   {_sign_in(plan)}",
            {},
        ),
        Service(
            "worker",
            ["worker"],
            f"metrics http://127.0.0.1:{port}/metrics, of the next agents at the next ports",
            {"CITYBRAIN_METRICS_PORT": str(port)},
        ),
        Service(
            "intake",
            ["intake"],
            f"events in at http://127.0.0.1:{door_port}/v1/events, key: citybrain keys new",
            {"CITYBRAIN_INTAKE_PORT": str(door_port)},
        ),
    ]


def _sign_in(plan: Plan) -> str:
    """Return how to sign in to the screens; a simulated city makes logins of its own."""
    if not plan.simulate:
        return "sign in: citybrain users add"
    logins = demo_logins.make(plan.data_dir, load_city())
    return "sign in: " + "   ".join(map(str, logins))


def _notes(plan: Plan, address: str) -> list[str]:
    started = "CITYBRAIN_BROKER's" if plan.broker else "embedded"
    return [f"Kafka ({started}) {address}   data and logs {plan.data_dir}"]


def _fed_by(plan: Plan, recordings: Path | None) -> str:
    if not plan.simulate:
        return "nothing is fed from here: publish, or use citybrain simulate or replay"
    real = f", and the recordings of {recordings}" if recordings else ""
    return f"fed by the simulated city (seed {plan.seed}){real}"


class Kept:
    """A service's process, started again when it ends by itself.

    Attributes:
        child: The process; None before its first start.
    """

    def __init__(self, service: Service, plan: Plan, address: str) -> None:
        self.service = service
        self._log_file = plan.data_dir / "log" / f"{service.name}.log"
        self._env = {
            **os.environ,
            "CITYBRAIN_BROKER": address,
            "CITYBRAIN_DATA": str(plan.data_dir),
            "CITYBRAIN_PREFIX": plan.prefix,
            **service.environment,
        }
        self.child: subprocess.Popen[bytes] | None = None

    async def keep(self, over: asyncio.Event) -> None:
        """Keep it running until `over`; it resumes where it had committed.

        Raises:
            Fault: It ended more than `_MOST_RESTARTS` times, each soon after its start.
        """
        quick = 0
        while not over.is_set():
            began_s = time.monotonic()
            child = self.child = self._start()
            while child.poll() is None and not over.is_set():
                await view.pause(over, _LOOK_S)
            if over.is_set():
                return
            patience_s = 2.0**quick
            quick = quick + 1 if time.monotonic() - began_s < max(10.0, patience_s) else 0
            if quick > _MOST_RESTARTS:
                raise Fault(
                    f"The {self.service.name} ended {quick} times soon after its start:\n"
                    f"{self._excerpt()}",
                    f"The whole log: {self._log_file}",
                )
            await view.pause(over, patience_s)

    def _start(self) -> subprocess.Popen[bytes]:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            words = [sys.executable, "-m", "deploy.cli", *self.service.words]
            return processes.spawn(words, output=log, env=self._env)

    def _excerpt(self) -> str:
        lines = self._log_file.read_text(errors="replace").splitlines()[-_EXCERPT_LINES:]
        return "\n".join(f"    {line}" for line in lines)
