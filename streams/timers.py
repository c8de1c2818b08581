"""Deadlines: which keys are due, by absolute time.

Nothing is stored here that the states do not know: after a restart, `set` each
key again from the deadline in its state. Times are instants (event time or wall
time, whichever the owner uses), never counts of ticks.
"""

import heapq
from typing import Generic, TypeVar

K = TypeVar("K", str, int)

# A heap with many outdated entries is rebuilt, but a short one is not worth it.
_REBUILD_AT = 1_024


class Deadlines(Generic[K]):
    """At most one deadline a key; the heap keeps outdated entries until met."""

    def __init__(self) -> None:
        self._due_ms: dict[K, int] = {}
        self._heap: list[tuple[int, K]] = []

    def __len__(self) -> int:
        return len(self._due_ms)

    def set(self, key: K, due_ms: int | None) -> None:
        """Let `key` be due at `due_ms`, in place of any deadline it had; None ends it."""
        if due_ms is None:
            self._due_ms.pop(key, None)
        elif self._due_ms.get(key) != due_ms:
            self._due_ms[key] = due_ms
            heapq.heappush(self._heap, (due_ms, key))
            if len(self._heap) > max(_REBUILD_AT, 2 * len(self._due_ms)):
                self._rebuild()

    def next_due_ms(self) -> int | None:
        """Return the earliest deadline, None when there is none."""
        self._drop_outdated()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now_ms: int) -> list[K]:
        """Remove and return the keys due at or before `now_ms`.

        Returns:
            Keys by deadline; those of one instant by key.
        """
        due: list[K] = []
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            due_ms, key = heapq.heappop(heap)
            if self._due_ms.get(key) == due_ms:
                del self._due_ms[key]
                due.append(key)
        return due

    def _drop_outdated(self) -> None:
        heap = self._heap
        while heap and self._due_ms.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)

    def _rebuild(self) -> None:
        self._heap = [(due_ms, key) for key, due_ms in self._due_ms.items()]
        heapq.heapify(self._heap)
