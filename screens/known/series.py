"""The course of every sensor over a day, in bounded memory.

Two rings a sensor: the last half hour in steps of 10 s and the last day in steps
of a minute. A step holds the worst value in it (the highest, or the lowest where
the limit lies below), so that a curve never hides that a limit was passed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FINE_MS, FINE_STEPS = 10_000, 180
COARSE_MS, COARSE_STEPS = 60_000, 1_440


class _Ring:
    """Steps by (sensor, slot). Memory is `rows * steps * 4` bytes and never grows."""

    def __init__(self, rows: int, step_ms: int, steps: int) -> None:
        self.step_ms = step_ms
        self.steps = steps
        self.worst = np.full((rows, steps), np.nan, np.float32)
        self.newest = 0  # number of the newest step, counted from 1970
        self.oldest = 0  # of the steps that were ever taken

    def take(
        self,
        rows: NDArray[np.int64],
        times_ms: NDArray[np.int64],
        values: NDArray[np.float64],
        sign: NDArray[np.float64],
    ) -> None:
        step = times_ms // self.step_ms
        self._advance(int(step.min()))
        self._advance(int(step.max()))
        kept = step > self.newest - self.steps
        rows, step, values = rows[kept], step[kept], values[kept]
        at = (rows, step % self.steps)
        signed = (sign[rows] * values).astype(np.float32)
        # One flat index: np.fmax.at takes NaN for "nothing yet".
        flat = at[0] * self.steps + at[1]
        worst = self.worst.ravel()
        held = worst[flat] * sign[rows].astype(np.float32)
        better = ~(held >= signed)
        flat, values = flat[better], values[better]
        order = np.argsort(signed[better], kind="stable")
        worst[flat[order]] = values[order]

    def _advance(self, step: int) -> None:
        self.oldest = min(self.oldest, step) if self.oldest else step
        if step <= self.newest:
            return
        gap = min(step - self.newest, self.steps) if self.newest else self.steps
        slots = np.arange(step - gap + 1, step + 1) % self.steps
        self.worst[:, slots] = np.nan
        self.newest = step

    @property
    def since(self) -> int:
        """Number of the oldest step that is kept."""
        return max(self.oldest, self.newest - self.steps + 1)

    def points(self, row: int, from_ms: int) -> list[tuple[int, float]]:
        """Return (start of the step in ms, worst value), oldest first."""
        first = max(from_ms // self.step_ms, self.newest - self.steps + 1)
        steps = np.arange(first, self.newest + 1)
        values = self.worst[row, steps % self.steps]
        heard = ~np.isnan(values)
        return [
            (int(step) * self.step_ms, round(float(value), 3))
            for step, value in zip(steps[heard], values[heard], strict=True)
        ]

    def at(self, at_ms: int) -> NDArray[np.float32]:
        """Return every sensor's value in the step of an instant, NaN where none is kept."""
        step = at_ms // self.step_ms
        if not self.newest - self.steps < step <= self.newest:
            return np.full(len(self.worst), np.nan, np.float32)
        return self.worst[:, step % self.steps].copy()


class Memory(NamedTuple):
    """Bytes that the rings take."""

    fine: int
    coarse: int


class Series:
    """The rings of all sensors, by row of their table."""

    def __init__(self, rows: int) -> None:
        self._fine = _Ring(rows, FINE_MS, FINE_STEPS)
        self._coarse = _Ring(rows, COARSE_MS, COARSE_STEPS)

    def take(
        self,
        rows: NDArray[np.int64],
        times_ms: NDArray[np.int64],
        values: NDArray[np.float64],
        sign: NDArray[np.float64],
    ) -> None:
        """Take in readings; `sign` by row is -1 where low values are the bad ones."""
        if not rows.size:
            return
        self._fine.take(rows, times_ms, values, sign)
        self._coarse.take(rows, times_ms, values, sign)

    def points(self, row: int, from_ms: int) -> list[tuple[int, float]]:
        """Return (ms, worst value) since `from_ms`: 10 s steps within half an hour."""
        fine = from_ms > (self._fine.newest - FINE_STEPS) * FINE_MS
        return (self._fine if fine else self._coarse).points(row, from_ms)

    def at(self, at_ms: int) -> NDArray[np.float32]:
        """Return every sensor's worst value in the minute of an instant."""
        return self._coarse.at(at_ms)

    @property
    def since_ms(self) -> int | None:
        """The oldest minute of which anything is kept; None before any reading."""
        return self._coarse.since * COARSE_MS if self._coarse.newest else None

    @property
    def memory(self) -> Memory:
        return Memory(self._fine.worst.nbytes, self._coarse.worst.nbytes)
