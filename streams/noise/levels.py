"""Arithmetic of sound levels: energies are averaged, decibels never.

Formulas are the textbook's, as ISO 1996-1 and GB 3096-2008 use them:
Leq,T = 10 lg (1/T · Σ tᵢ · 10^(Lᵢ/10)); LN is the level exceeded N % of the time.

Rules add energies as whole numbers (`energies`, `leq_of_energy`): integer sums
do not depend on the order or the batch in which they were formed, so a replay
that is cut elsewhere gives the same bytes.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Loudest level that a reading may say, dB(A); above it `energies` saturates.
LOUDEST_DB = 140.0
# Fractions of the reference energy that are kept: at 20 dB(A) an energy is 12,800
# units, so that rounding costs 0.0002 dB, and less the louder it is.
_ENERGY_UNITS = 128
# Longest sum of the loudest level that an int64 holds: 720 of them.
LONGEST_SUM = 2**63 // int(_ENERGY_UNITS * 10 ** (LOUDEST_DB / 10))
_LEQ_DECIMALS = 3


def leq(levels_db: ArrayLike, durations: ArrayLike | None = None) -> float:
    """Return the equivalent continuous level of `levels_db`, dB(A).

    Args:
        levels_db: Levels, dB(A); of intervals, or Leq of windows to combine.
        durations: How long each lasted, any one unit; None for equally long.

    Raises:
        ValueError: No levels, or durations that sum to zero.
    """
    energy = 10.0 ** (np.asarray(levels_db, dtype=np.float64) / 10.0)
    weights = np.ones_like(energy) if durations is None else np.asarray(durations, np.float64)
    total = float(weights.sum())
    if not total > 0:
        raise ValueError("a level needs some time to be an average of")
    return float(10.0 * np.log10((energy * weights).sum() / total))


def exceeded_level(levels_db: ArrayLike, percent: float) -> float:
    """Return LN: the level that is exceeded `percent` % of the time, dB(A).

    L10 is the 90th percentile of equally long levels, L90 the 10th.
    """
    return float(np.percentile(np.asarray(levels_db, dtype=np.float64), 100.0 - percent))


def energies(levels_db: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return levels as whole units of energy, at least 1 each (0 says "not heard")."""
    power = 10.0 ** (np.minimum(levels_db, LOUDEST_DB) / 10.0)
    return np.maximum(np.rint(power * _ENERGY_UNITS), 1).astype(np.int64)


def leq_of_energy(energy: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the Leq, dB(A), of sums of `energies` over `count` equal intervals.

    Rounded to a thousandth of a decibel, so that a steady tone at a limit
    equals the limit whatever its own rounding. NaN where nothing was counted.
    """
    heard = np.asarray(count) > 0
    mean = np.asarray(energy) / np.where(heard, count, 1)
    level = 10.0 * np.log10(np.where(heard, mean, 1.0) / _ENERGY_UNITS)
    return np.round(np.where(heard, level, np.nan), _LEQ_DECIMALS).astype(np.float64)
