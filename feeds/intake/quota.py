"""Quotas: a bucket of tokens for each key, one token an event."""

from math import ceil, inf


class Bucket:
    """Lets `burst` events pass at once, and `rate_per_s` a second in the long run.

    Args:
        rate_per_s: How fast it fills.
        burst: What it holds.
        now_s: A monotonic clock's.
    """

    def __init__(self, rate_per_s: float, burst: int, now_s: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._left = float(burst)
        self._seen_s = now_s

    def take(self, count: int, now_s: float) -> float:
        """Take `count` tokens; return 0, or the seconds until so many would be there.

        Nothing is taken when there are not enough. More than the bucket holds
        never are: that is infinity.
        """
        filled = self._left + (now_s - self._seen_s) * self.rate_per_s
        self._left, self._seen_s = min(float(self.burst), filled), now_s
        if count <= self._left:
            self._left -= count
            return 0.0
        if count > self.burst:
            return inf
        return (count - self._left) / self.rate_per_s

    def give_back(self, count: int) -> None:
        """Put back what was taken for events that were not published."""
        self._left = min(float(self.burst), self._left + count)


def retry_after_s(wait_s: float) -> int:
    """Return whole seconds for the header `Retry-After`."""
    return max(1, ceil(wait_s))
