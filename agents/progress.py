"""Stuck detection: lag without progress is a failure, however alive the process looks."""

from collections.abc import Hashable, Mapping
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Standing(NamedTuple):
    """Where a partition stands: offsets not done yet, and how far it is done."""

    backlog: int
    done: int


class Progress(Generic[K]):
    """Watches partitions; one with backlog whose `done` stands still is stuck.

    Args:
        patience_s: How long it may stand still (FEATURES row 28: 30 s).
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since: dict[K, tuple[int, float]] = {}

    def stuck(self, standings: Mapping[K, Standing], now_s: float) -> list[K]:
        """Return the partitions that are stuck at `now_s` (monotonic seconds)."""
        found = []
        for key, standing in standings.items():
            done, since_s = self._since.get(key, (standing.done, now_s))
            if standing.backlog == 0 or standing.done != done:
                since_s = now_s
            self._since[key] = (standing.done, since_s)
            if now_s - since_s >= self._patience_s:
                found.append(key)
        return found

    def forget(self) -> None:
        """Begin anew, as after a rebalance."""
        self._since.clear()
