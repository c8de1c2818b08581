"""The agents as a fleet of processes that can be killed, and are started again."""

import http.client
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import NamedTuple, Self

from agents.roster import AGENTS
from deploy import processes
from deploy.cities import LONGGANG
from deploy.ports import free_ports
from deploy.supervisor import GRACE_S, Child

_READY = re.compile(rb"^citybrain_ready 1\.0$", re.MULTILINE)
_ANSWER_S = 10.0
_LOG_TAIL = 4_000


class Place(NamedTuple):
    """Where a fleet runs.

    Attributes:
        address: Kafka's bootstrap address.
        prefix: Of its topics and groups.
        folder: For the agents' state and their logs.
        city: Folder of the city's files.
    """

    address: str
    prefix: str
    folder: Path
    city: Path = LONGGANG


class Fleet:
    """Agents, one process each, watched as `citybrain worker` watches them.

    As a context manager it starts them and ends them in order. They die with
    the thread that made the fleet.

    Args:
        place: Where they run.
        agents: Which; all by default.
        instance: Tells apart several workers of one agent.
        options: More of `citybrain worker`.
    """

    def __init__(
        self,
        place: Place,
        agents: Sequence[str] = tuple(AGENTS),
        instance: str = "0",
        options: Sequence[str] = (),
    ) -> None:
        self._place = place
        self._instance = instance
        self._options = options
        self._ports = dict(zip(agents, free_ports(len(agents)), strict=True))
        self._children = {agent: Child(agent, self._start) for agent in agents}
        self.starts: list[str] = []
        """Agents in the order in which processes were started."""

    def __enter__(self) -> Self:
        self.look()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def agents(self) -> list[str]:
        """Their names."""
        return list(self._children)

    def look(self) -> list[str]:
        """Start what does not run and is due; return the news in words."""
        now_s = time.monotonic()
        told = [child.look(now_s) for child in self._children.values()]
        return [news for news in told if news is not None]

    def process(self, agent: str) -> Popen[bytes] | None:
        """Return the process of `agent`, None while there is none."""
        return self._children[agent].process

    def pids(self) -> dict[str, int]:
        """Return the process of each agent that has one."""
        return {
            agent: child.process.pid
            for agent, child in self._children.items()
            if child.process is not None and child.process.poll() is None
        }

    def send(self, agent: str, signum: int) -> bool:
        """Send a signal to the process of `agent`; False when there is none."""
        pid = self.pids().get(agent)
        if pid is not None:
            os.kill(pid, signum)
        return pid is not None

    def is_ready(self, agent: str) -> bool:
        """Whether `agent` says that it has recovered and consumes."""
        return _READY.search(self.metrics(agent)) is not None

    def metrics(self, agent: str) -> bytes:
        """Return the metrics page of `agent`; nothing while it does not answer."""
        door = http.client.HTTPConnection("127.0.0.1", self._ports[agent], timeout=_ANSWER_S)
        try:
            door.request("GET", "/metrics")
            return door.getresponse().read()
        except (OSError, http.client.HTTPException):
            return b""
        finally:
            door.close()

    def log(self, agent: str) -> str:
        """Return the end of what `agent` has written, over all its processes."""
        path = self._log_path(agent)
        return path.read_text(errors="replace")[-_LOG_TAIL:] if path.exists() else ""

    def end(self, grace_s: float = GRACE_S) -> None:
        """End all of them: SIGTERM, and force after `grace_s`."""
        running = [child.process for child in self._children.values() if child.process is not None]
        processes.end(running, grace_s)

    def _log_path(self, agent: str) -> Path:
        return self._place.folder / f"{agent}-{self._instance}.log"

    def _start(self, agent: str) -> Popen[bytes]:
        place = self._place
        place.folder.mkdir(parents=True, exist_ok=True)
        self.starts.append(agent)
        argv = [sys.executable, "-m", "deploy.cli", "worker", agent]
        argv += ["--broker", place.address, "--prefix", place.prefix, "--city", str(place.city)]
        argv += ["--state", str(place.folder / "state"), "--instance", self._instance]
        argv += ["--metrics-port", str(self._ports[agent]), *self._options]
        with self._log_path(agent).open("ab") as log:
            return processes.spawn(argv, output=log)
