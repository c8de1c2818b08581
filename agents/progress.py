"""How far partitions are done, and whether they get on: lag without progress is a failure."""

from collections.abc import Hashable, Mapping
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class DoneRanges:
    """How far one partition is done without a hole.

    Ranges chain: one may be added before an earlier one is; the committable
    offset moves only over an unbroken chain from where the partition began.
    """

    def __init__(self) -> None:
        self._position: int | None = None
        self._waiting: dict[int, int] = {}

    def begin(self, start: int) -> None:
        """Take `start` as the beginning, unless one is known.

        It is the position that the consumer really began at, which is after the
        committed offset where retention has deleted the records in between.
        """
        if self._position is None:
            self._position = start

    def add(self, start: int, next_offset: int) -> None:
        """Mark offsets `start` to `next_offset` (exclusive) as done."""
        self._waiting[start] = max(next_offset, self._waiting.get(start, next_offset))
        while self._position is not None and self._position in self._waiting:
            self._position = self._waiting.pop(self._position)

    @property
    def committable(self) -> int | None:
        """The offset that a restart may begin at; None before anything was read."""
        return self._position


class Standing(NamedTuple):
    """Where a partition stands: offsets not done yet, and how far it is done."""

    backlog: int
    done: int


class Progress(Generic[K]):
    """Watches partitions; one with backlog whose `done` stands still is stuck.

    Args:
        patience_s: How long it may stand still.
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
