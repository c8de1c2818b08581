"""Failed sign-ins: each makes the next one wait longer."""

from collections import OrderedDict

_FREE = 5
_LONGEST_S = 300.0
_MOST_DOUBLINGS = 10  # enough for the longest wait; a count is as high as a guesser likes
_FORGET_S = 3_600.0
_MOST_KEPT = 10_000


class Throttle:
    """Counts failures by name (a user, an address); time is handed in, in seconds."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, names: tuple[str, ...], now_s: float) -> float:
        """Return how long any of `names` must still wait."""
        return max(self._wait_s(name, now_s) for name in names)

    def fail(self, names: tuple[str, ...], now_s: float) -> None:
        """Count a failure."""
        for name in names:
            count, at_s = self._failed.pop(name, (0, now_s))
            self._failed[name] = (1 if now_s - at_s > _FORGET_S else count + 1, now_s)
        while len(self._failed) > _MOST_KEPT:
            self._failed.popitem(last=False)

    def succeed(self, name: str) -> None:
        """Forget the failures of one name, such as a user; those of an address stay."""
        self._failed.pop(name, None)

    def _wait_s(self, name: str, now_s: float) -> float:
        count, at_s = self._failed.get(name, (0, 0.0))
        if count < _FREE:
            return 0.0
        doublings = min(count - _FREE, _MOST_DOUBLINGS)
        return max(0.0, at_s + min(_LONGEST_S, 2.0**doublings) - now_s)
