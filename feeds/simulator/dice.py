"""Dice without memory: a throw is a function of who throws, when, and for what.

Sixty-four bits from a counter by SplitMix64's finalizer (Steele, Lea, Flood:
"Fast splittable pseudorandom number generators", 2014): whole columns at once,
and the same bits on every machine.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bits: TypeAlias = NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_HALF: Final = np.uint64(0xFFFF)
_FOUR_UNIFORMS: Final = 131_070.0  # mean of the sum of four 16-bit numbers
_SIGMA: Final = 37_837.2  # its standard deviation: 65,536 x sqrt(4 / 12)


def players(seed: int, names: Iterable[str]) -> Bits:
    """Return for each name the number by which it throws under `seed`."""
    digests = (blake2b(f"{seed}/{name}".encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def throw(who: Bits, when: int | NDArray[np.int64], what: int = 0) -> Bits:
    """Return 64 bits for each of `who` at `when`; `what` sets throws for two purposes apart."""
    instant = np.atleast_1d(np.asarray(when)).astype(np.uint64)
    with np.errstate(over="ignore"):
        moment = _mixed(instant * _GOLDEN + np.uint64(what + 1))
        return _mixed(who + moment)


def share(bits: Bits) -> NDArray[np.float64]:
    """Return a number in [0, 1) of each throw."""
    drawn: NDArray[np.float64] = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return drawn


def bell(bits: Bits) -> NDArray[np.float64]:
    """Return a number about 0 of each throw, bell-shaped, of standard deviation 1.

    The sum of four uniforms: never beyond 3.5, which no meter's jitter is either.
    """
    total = (
        (bits & _HALF)
        + ((bits >> np.uint64(16)) & _HALF)
        + ((bits >> np.uint64(32)) & _HALF)
        + (bits >> np.uint64(48))
    )
    drawn: NDArray[np.float64] = (total.astype(np.float64) - _FOUR_UNIFORMS) / _SIGMA
    return drawn


def _mixed(bits: Bits) -> Bits:
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return bits ^ (bits >> np.uint64(31))
