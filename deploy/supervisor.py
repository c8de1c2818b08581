"""Keeps agents running, one process each: started again when one ends by itself.

An agent that fails ends its process on purpose, so that its batch is delivered
again to a process that begins from the durable state.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from subprocess import Popen

from deploy import processes

GRACE_S = 8.0
_LOOK_S = 0.2
_QUICK_S = 20.0
_LONGEST_REST_S = 30.0
_MOST_DOUBLINGS = 10


class Child:
    """One agent's process, and how it has fared."""

    def __init__(self, agent: str, start: Callable[[str], Popen[bytes]]) -> None:
        self.agent = agent
        self._start = start
        self._quick_ends = 0
        self._began_s = 0.0
        self._rest_until_s = 0.0
        self.process: Popen[bytes] | None = None

    def look(self, now_s: float) -> str | None:
        """Start the process when it is not running and due; return news in words."""
        if self.process is None:
            if now_s < self._rest_until_s:
                return None
            self._began_s = now_s
            self.process = self._start(self.agent)
            return None
        code = self.process.poll()
        if code is None:
            return None
        self.process = None
        self._quick_ends = self._quick_ends + 1 if now_s - self._began_s < _QUICK_S else 0
        rest_s = self._rest_s()
        self._rest_until_s = now_s + rest_s
        return f"agent {self.agent} ended with code {code}; starting again in {rest_s:.0f} s"

    def _rest_s(self) -> float:
        """Return how long it rests; at first not at all: a kill is not the agent's fault."""
        if self._quick_ends <= 1:
            return 0.0
        # Bounded first: after a night without Kafka the power would be no float any more.
        return min(_LONGEST_REST_S, 2.0 ** min(self._quick_ends - 1, _MOST_DOUBLINGS))


def supervise(agents: Sequence[str], start: Callable[[str], Popen[bytes]]) -> None:
    """Run `agents` until SIGINT or SIGTERM; then end them in order.

    Args:
        agents: Names of agents.
        start: Starts one agent's process, tied to this one.
    """
    over = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: over.set())
    children = [Child(agent, start) for agent in agents]
    try:
        while not over.is_set():
            now_s = time.monotonic()
            for child in children:
                if news := child.look(now_s):
                    print(news, file=sys.stderr, flush=True)  # noqa: T201
            over.wait(_LOOK_S)
    finally:
        running = [child.process for child in children if child.process is not None]
        processes.end(running, GRACE_S)
