"""The only "now" among the decisions' types: wall time is handed in, never read."""

from typing import Protocol


class Clock(Protocol):
    """Something that knows the wall time."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970 UTC."""
        ...


class ManualClock:
    """A clock that stands still until it is moved: for tests and replays."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Return milliseconds since 1970 UTC."""
        return self._now_ms

    def advance(self, by_ms: int) -> int:
        """Move on by `by_ms` and return the new time.

        Raises:
            ValueError: When `by_ms` is negative: time does not run backwards.
        """
        if by_ms < 0:
            raise ValueError(f"a clock does not run backwards ({by_ms} ms)")
        self._now_ms += by_ms
        return self._now_ms
