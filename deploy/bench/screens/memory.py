"""Whether a process's memory stays level: what was sampled, in few figures and a verdict."""

from collections.abc import Sequence

import msgspec
import numpy as np

LEVEL_MIB_PER_MIN = 0.5
"""Below this it counts as flat. The page granularity of one sample is 4 KiB, but a process
that reads and writes megabytes each second breathes by some of them: over five minutes
that is a slope of 0.1 to 0.2 either way. What really grew showed 1 and more."""
LEAST_S = 300.0
"""A slope over less time says nothing: no verdict then."""
_MEAN_S = 20.0


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory of one process over the part of a run that counts, in MiB.

    Attributes:
        warm_mib, end_mib: In the first and the last twenty seconds, on average.
        most_mib: At its highest.
        slope_mib_per_min: Least squares over the second half.
        half_s: How long that half was.
        flat: The slope is below `LEVEL_MIB_PER_MIN`; None when the half was too short to say.
    """

    warm_mib: float
    end_mib: float
    most_mib: float
    slope_mib_per_min: float
    half_s: float
    flat: bool | None


def judge(samples: Sequence[tuple[float, float]]) -> Memory:
    """Return what samples of (seconds, MiB) say, the oldest first; at least two."""
    at_s, resident = np.array(samples, np.float64).T
    half = at_s >= (at_s[0] + at_s[-1]) / 2
    half_s = float(at_s[-1] - at_s[half][0])
    slope = float(np.polyfit(at_s[half] - at_s[0], resident[half], 1)[0] * 60)
    return Memory(
        warm_mib=float(resident[at_s <= at_s[0] + _MEAN_S].mean()),
        end_mib=float(resident[at_s >= at_s[-1] - _MEAN_S].mean()),
        most_mib=float(resident.max()),
        slope_mib_per_min=slope,
        half_s=half_s,
        flat=slope < LEVEL_MIB_PER_MIN if half_s >= LEAST_S * 0.97 else None,
    )


def as_words(memory: Memory) -> str:
    """Return it as a line for people."""
    verdict = {
        True: f"flat (below {LEVEL_MIB_PER_MIN} MiB a minute)",
        False: f"NOT FLAT ({LEVEL_MIB_PER_MIN} MiB a minute or more)",
        None: "too short to say whether flat: give it --duration 600",
    }[memory.flat]
    return (
        f"{memory.warm_mib:.1f} MiB after the warm-up, {memory.end_mib:.1f} at the end, "
        f"most {memory.most_mib:.1f}; {memory.slope_mib_per_min:+.2f} MiB a minute over the "
        f"last {memory.half_s:.0f} s: {verdict}"
    )
