"""Sliding Leq windows of many sensors at once, from a batch of levels.

Each sensor has a ring: the energies of its latest `size` slots, 0 where it was
not heard. A batch's levels are laid behind the rings in one long column, each
sensor's in a stretch of its own, and every window sum is then a difference of
two running sums. Energies are whole numbers, so the differences are exact, and
how the input was cut into batches leaves no trace.

A slot is one sample long; a reading belongs to the slot that its event time
lies in, and the first reading of a slot counts: redelivery is harmless. The
window of a slot is it and the `size - 1` before it, closed at the start and
open at the end.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.noise.levels import leq_of_energy

_BYTES = 8


class Heard(NamedTuple):
    """Levels in (sensor, slot) order, each slot once, newer than the sensor's ring.

    Attributes:
        sensor: Index of the sensor in `rings`; does not fall.
        slot: The slot; rises within a sensor.
        energy: Its energy (`levels.energies`), above zero.
    """

    sensor: NDArray[np.int64]
    slot: NDArray[np.int64]
    energy: NDArray[np.int64]


class Windows(NamedTuple):
    """What follows from a `Heard`, one window a level, in its order.

    Attributes:
        leq_db: Leq over the slots that were heard, dB(A).
        slots_heard: How many those were.
        place: Position of the window's last slot in `column`.
        column: All the energies, see the module's docstring.
        size: Slots a window.
    """

    leq_db: NDArray[np.float64]
    slots_heard: NDArray[np.int64]
    place: NDArray[np.int64]
    column: NDArray[np.int64]
    size: int

    def ring(self, window: int) -> bytes:
        """Return the energies of one window, oldest first."""
        last = int(self.place[window])
        return self.column[last + 1 - self.size : last + 1].tobytes()

    def rings(self, windows: NDArray[np.int64]) -> list[bytes]:
        """Return the energies of several windows."""
        if not len(windows):
            return []
        span = np.arange(1 - self.size, 1)
        raw = self.column[self.place[windows][:, None] + span].tobytes()
        width = self.size * _BYTES
        return [raw[at : at + width] for at in range(0, len(raw), width)]


def slide(heard: Heard, rings: list[bytes], next_slot: NDArray[np.int64], size: int) -> Windows:
    """Return the window of each level.

    Args:
        heard: The levels; every sensor of `rings` has at least one.
        rings: Energies of each sensor's latest `size` slots, oldest first.
        next_slot: The slot after the last of each ring.
        size: Slots a window.
    """
    rows = len(heard.slot)
    first = np.flatnonzero(np.diff(heard.sensor, prepend=-1))
    before = np.empty(rows, dtype=np.int64)
    before[1:] = heard.slot[:-1]
    before[first] = next_slot - 1
    # A gap of a whole window or more clears it, however long it is.
    walked = np.cumsum(np.minimum(heard.slot - before, size))
    walked_before = np.concatenate(([0], walked))[first]
    walked_in_all = np.diff(np.append(walked_before, walked[-1] if rows else 0))
    begins = np.arange(len(first)) * size + walked_before
    place = walked - 1 + (np.arange(len(first)) + 1)[heard.sensor] * size
    column = np.zeros(int((walked_in_all + size).sum()), dtype=np.int64)
    if rings:
        older = np.frombuffer(b"".join(rings), dtype=np.int64).reshape(-1, size)
        column[begins[:, None] + np.arange(size)] = older
    column[place] = heard.energy
    energy = _window_sums(column, place, size)
    count = _window_sums((column > 0).astype(np.int64), place, size)
    return Windows(leq_of_energy(energy, count), count, place, column, size)


def filled(ring: bytes, index: int, energy: int) -> bytes | None:
    """Return `ring` with a slot filled in; None when it was heard already, or lies outside."""
    at = index * _BYTES
    if not 0 <= at < len(ring) or any(ring[at : at + _BYTES]):
        return None
    return ring[:at] + energy.to_bytes(_BYTES, "little") + ring[at + _BYTES :]


def fitted(ring: bytes, size: int) -> bytes:
    """Return a ring with `size` slots: a changed window keeps what it can."""
    width = size * _BYTES
    return ring if len(ring) == width else ring[-width:].rjust(width, b"\0")


def ring_leq(ring: bytes) -> float:
    """Return the Leq of a ring that was heard at least once, dB(A)."""
    energy = np.frombuffer(ring, dtype="<i8")
    return float(leq_of_energy(energy.sum(keepdims=True), np.array([np.count_nonzero(energy)]))[0])


def _window_sums(
    column: NDArray[np.int64], place: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Return the sum of the `size` entries up to each place.

    The running sum may wrap around; the difference of two does not care.
    """
    running = np.zeros(len(column) + 1, dtype=np.int64)
    np.cumsum(column, out=running[1:])
    sums: NDArray[np.int64] = running[place + 1] - running[place + 1 - size]
    return sums
