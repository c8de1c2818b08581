"""Summary of some values: count, sum, least, greatest, mean, energy average.

Sums are exact (Shewchuk's expansions, as in `math.fsum`), so a summary does not
depend on the order or the grouping in which its values came.
"""

import math

import msgspec


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """What is known about some values.

    Attributes:
        count: How many.
        least: The smallest; of none, infinity.
        greatest: The largest; of none, minus infinity.
        parts: Their sum, as floats that do not overlap.
        energy_parts: The sum of 10^(value/10), likewise.
    """

    count: int = 0
    least: float = math.inf
    greatest: float = -math.inf
    parts: tuple[float, ...] = ()
    energy_parts: tuple[float, ...] = ()

    def add(self, value: float) -> "Summary":
        """Return the summary with one more value, which must be finite."""
        return Summary(
            self.count + 1,
            min(self.least, value),
            max(self.greatest, value),
            _plus(self.parts, value),
            _plus(self.energy_parts, 10.0 ** (value / 10.0)),
        )

    def merge(self, other: "Summary") -> "Summary":
        """Return the summary of the values of both."""
        parts, energy_parts = self.parts, self.energy_parts
        for part in other.parts:
            parts = _plus(parts, part)
        for part in other.energy_parts:
            energy_parts = _plus(energy_parts, part)
        return Summary(
            self.count + other.count,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
            parts,
            energy_parts,
        )

    @property
    def total(self) -> float:
        """The sum."""
        return math.fsum(self.parts)

    @property
    def mean(self) -> float:
        """The arithmetic mean, NaN of no values. Never of decibels: see `leq`."""
        return self.total / self.count if self.count else math.nan

    @property
    def leq(self) -> float:
        """The energy average of levels of equal durations, NaN of none.

        Leq = 10 lg (1/N · Σ 10^(L/10)), as ISO 1996-1 and GB 3096-2008 use it.
        """
        if not self.count:
            return math.nan
        return 10.0 * math.log10(math.fsum(self.energy_parts) / self.count)


def _plus(parts: tuple[float, ...], value: float) -> tuple[float, ...]:
    """Return non-overlapping floats whose exact sum is that of `parts` and `value`.

    J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust
    Geometric Predicates" (1997), Grow-Expansion.
    """
    grown = []
    for part in parts:
        large, small = (value, part) if abs(value) >= abs(part) else (part, value)
        value = large + small  # noqa: PLW2901, RUF100 - the running head of the expansion
        rest = small - (value - large)
        if rest:
            grown.append(rest)
    return (*grown, value)
