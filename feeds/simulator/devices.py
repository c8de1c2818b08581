"""Devices that report at a period, each at its own instant of it.

What sensors and cameras share: a report at `n * period + phase`, in the order of
the phases, so that a stretch of time comes out in event-time order by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feeds.recordings import KeyedRecord
from feeds.simulator.dice import Bits, players, share, throw
from feeds.simulator.wire import stamps

_PHASE = 11  # purpose of a throw


class Roster(NamedTuple):
    """Devices of one period, by phase.

    Attributes:
        names: Their codes.
        who: By which they throw dice.
        phase_ms: When in each period they report, rising.
        period_ms: Between two reports of one.
    """

    names: tuple[str, ...]
    who: Bits
    phase_ms: NDArray[np.int64]
    period_ms: int


class Turn(NamedTuple):
    """Neighbours in a roster that report one after another in the period from `begin_ms`.

    What they measure is that of the period's beginning, so that it does not
    depend on where a stretch is cut.
    """

    first: int
    end: int
    at_ms: NDArray[np.int64]
    begin_ms: int


def roster(seed: int, names: Sequence[str], period_ms: int) -> Roster:
    """Return `names` in the order in which they report."""
    who = players(seed, names)
    phase_ms = (share(throw(who, period_ms, _PHASE)) * period_ms).astype(np.int64)
    order = np.argsort(phase_ms, kind="stable")
    return Roster(tuple(names[at] for at in order), who[order], phase_ms[order], period_ms)


def turns(devices: Roster, from_ms: int, until_ms: int) -> Iterator[Turn]:
    """Yield who reports in [from, until), in order of time."""
    if not devices.names:
        return
    period_ms, phase_ms = devices.period_ms, devices.phase_ms
    for number in range(from_ms // period_ms, (until_ms - 1) // period_ms + 1):
        begin_ms = number * period_ms
        first, end = np.searchsorted(phase_ms, (from_ms - begin_ms, until_ms - begin_ms)).tolist()
        if end > first:
            yield Turn(first, end, begin_ms + phase_ms[first:end], begin_ms)


Clock = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""What a device's own clock shows at some instants."""


def right(at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instants themselves: a clock that is right."""
    return at_ms


class Said(NamedTuple):
    """What is constant in the records of a roster.

    Attributes:
        topics: Of each device.
        keys: Of each device.
        heads: Beginning of each device's records, up to the event time.
    """

    topics: tuple[str, ...]
    keys: tuple[bytes, ...]
    heads: tuple[bytes, ...]


def records(
    said: Said, turn: Turn, tails: Sequence[bytes], clock: Clock = right
) -> list[KeyedRecord]:
    """Return the records of one turn; `tails` is what stands after the event time."""
    mine = slice(turn.first, turn.end)
    return [
        KeyedRecord(topic, key, head + stamp + tail, at_ms)
        for topic, key, head, stamp, tail, at_ms in zip(
            said.topics[mine],
            said.keys[mine],
            said.heads[mine],
            stamps(clock(turn.at_ms)),
            tails,
            turn.at_ms.tolist(),
            strict=True,
        )
    ]
