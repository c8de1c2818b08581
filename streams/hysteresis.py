"""Hysteresis: which rung of its ladder each key is on, and when it moves.

A ladder has rungs 1, 2, ... with a raise level and a clear level each; rung 0
is "nothing". A value beyond a rung's raise level asks to go up, one that is no
longer beyond the clear level of the present rung asks to go down, anything
between asks for nothing. A move happens once it was asked for without a break
for `for_ms` (up) or `keep_for_ms` (down) of event time, to the rung nearest to
the present one that was asked for on the way. A value counts until the next
one, so a move falls on the instant at which its time is full, whether a row
shows it or the watermark (`close`). With `at_least` of `of_last`, moving up
takes that many rows that ask for it among the latest, instead of a time.

Most keys of a batch ask for nothing: those are done with array arithmetic, and
only the others are walked row by row.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FIELDS = [
    ("as_of_ms", "<i8"),  # event time up to which the key is decided
    ("seen_ms", "<i8"),  # event time of its latest row
    ("value", "<f8"),  # of its latest row
    ("rung", "<i8"),
    ("wanted", "<i8"),  # the rung that is asked for, when since_ms is not 0
    ("since_ms", "<i8"),
    ("onset_ms", "<i8"),  # since when it is not on rung 0
    ("history", "<u8"),  # of the latest rows, one bit each: asked to go up
    ("due_ms", "<i8"),  # when `close` must look at it; 0 never
]
"""Fields of a key's row. A dtype that holds them may hold others too."""

_NEVER_MS = 1 << 62
MAX_OF_LAST = 63
"""Rows that `history` can remember."""


class Reason(StrEnum):
    """Why a key moved."""

    RAISED = "raised"
    RECEDED = "receded"
    NOT_SEEN = "not-seen"


class Ladder(NamedTuple):
    """Levels in rising order of badness, and how long they must be asked for.

    Attributes:
        raise_at: Level of each rung: beyond it (not at it) asks to go up.
        clear_at: Level of each rung: at it, or on its good side, asks to go down.
        falls: Whether smaller is worse.
        for_ms: Event time before a move up.
        keep_for_ms: Event time before a move down.
        at_least: Rows among `of_last` that must ask to go up; 1 of 1 is none.
        unseen_ms: Event time without a row after which the key is on rung 0; 0 never.
    """

    raise_at: tuple[float, ...]
    clear_at: tuple[float, ...]
    falls: bool = False
    for_ms: int = 0
    keep_for_ms: int = 0
    at_least: int = 1
    of_last: int = 1
    unseen_ms: int = 0


class Move(NamedTuple):
    """A key's move from one rung to another.

    Attributes:
        slot: The key.
        row: The row that was its latest then; -1 for the one in the prior state.
        at_ms: Event time of the move; `onset_ms` of the stay above rung 0.
        value: The latest value at that time.
    """

    slot: int
    row: int
    at_ms: int
    was: int
    rung: int
    onset_ms: int
    value: float
    reason: Reason


class Stepped(NamedTuple):
    """New rows of the keys that were looked at, and the moves by event time.

    `last_row` is each key's latest row, -1 where none was newer than the state.
    """

    slots: NDArray[np.int64]
    rows: NDArray[Any]
    last_row: NDArray[np.int64]
    moves: list[Move]


def step(
    table: NDArray[Any],
    slots: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    ladder_of: NDArray[np.int64],
    ladders: Sequence[Ladder],
) -> Stepped:
    """Take the rows of a batch into account.

    Args:
        table: State of all keys, by slot; has the fields of `FIELDS`.
        slots: The key of each row. A row that is not newer than its key is skipped.
        times_ms: Event time of each row, positive.
        values: What was measured; not NaN.
        ladder_of: Index of each row's ladder; the same for all rows of a key.
        ladders: The ladders.
    """
    if not len(slots):
        return Stepped(slots, table[slots], slots, [])
    order = np.argsort(slots, kind="stable")
    slots, at_ms = slots[order], times_ms[order]
    values, ladder_of = values[order], ladder_of[order]
    first = np.flatnonzero(np.concatenate(([True], slots[1:] != slots[:-1])))
    end = np.append(first[1:], len(slots))
    keys = slots[first]
    new = table.take(keys)  # an index in brackets takes ten times as long

    rung = np.repeat(new["rung"], end - first)
    up, down = _asked(values, ladder_of, ladders)
    before_ms = np.concatenate((at_ms[:1], at_ms[:-1]))
    before_ms[first] = new["as_of_ms"]
    seen_ms = before_ms.copy()
    seen_ms[first] = new["seen_ms"]
    unseen_ms = np.array([ladder.unseen_ms or _NEVER_MS for ladder in ladders])[ladder_of]
    moves_maybe = (up > rung) | (down < rung) | (at_ms <= before_ms)
    moves_maybe |= (rung > 0) & (at_ms - seen_ms >= unseen_ms)
    walked = np.logical_or.reduceat(moves_maybe, first)
    walked |= (new["since_ms"] != 0) | (new["history"] != 0)

    last_row = order[end - 1]
    _pass_over(new, at_ms[end - 1], values[end - 1], unseen_ms[end - 1])
    places = np.flatnonzero(walked)
    walks = _walks(table, keys[places], ladder_of[first[places]], ladders)
    for walk, start, stop in zip(walks, first[places], end[places], strict=True):
        part = slice(start, stop)
        columns = (order, at_ms, values, up, down)
        for row in zip(*(column[part].tolist() for column in columns), strict=True):
            walk.take(*row)
    last_row[places] = [walk.row for walk in walks]
    _store(walks, new, places)
    return Stepped(keys, new, last_row, _moves(walks))


def close(
    table: NDArray[Any],
    slots: NDArray[np.int64],
    watermark_ms: int,
    *,
    ladder_of: NDArray[np.int64],
    ladders: Sequence[Ladder],
) -> Stepped:
    """Let the keys make the moves that are due at or before the watermark.

    Args:
        table: As in `step`.
        slots: The keys, each once; `ladder_of` the index of each one's ladder.
        watermark_ms: No earlier row is expected.
        ladder_of: As above.
        ladders: The ladders.
    """
    new = table.take(slots)
    walks = _walks(table, slots, ladder_of, ladders)
    for walk in walks:
        walk.pass_time(watermark_ms)
    _store(walks, new, np.arange(len(slots)))
    return Stepped(slots, new, np.full(len(slots), -1, np.int64), _moves(walks))


def _asked(
    values: NDArray[np.float64], ladder_of: NDArray[np.int64], ladders: Sequence[Ladder]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each value the rungs that it reaches, and those that it does not clear."""
    sign = np.array([-1.0 if ladder.falls else 1.0 for ladder in ladders])
    badness = values * sign[ladder_of]
    up = _beyond(badness, sign, ladder_of, [ladder.raise_at for ladder in ladders])
    down = _beyond(badness, sign, ladder_of, [ladder.clear_at for ladder in ladders])
    return up, down


def _beyond(
    badness: NDArray[np.float64],
    sign: NDArray[np.float64],
    ladder_of: NDArray[np.int64],
    levels: Sequence[Sequence[float]],
) -> NDArray[np.int64]:
    """Count the levels of its ladder that each value is beyond."""
    count = np.zeros(len(badness), np.int64)
    for rung in range(max(map(len, levels))):
        level = np.array([at[rung] if rung < len(at) else np.nan for at in levels])
        count += badness > (level * sign)[ladder_of]
    return count


def _pass_over(
    new: NDArray[Any],
    at_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    unseen_ms: NDArray[np.int64],
) -> None:
    """Bring up to date the keys that ask for nothing."""
    new["as_of_ms"] = new["seen_ms"] = at_ms
    new["value"] = values
    waits = (new["rung"] > 0) & (unseen_ms < _NEVER_MS)
    new["due_ms"] = np.where(waits, at_ms + np.where(waits, unseen_ms, 0), 0)


class _Walk:
    """One key, row by row."""

    def __init__(self, slot: int, state: tuple[Any, ...], ladder: Ladder) -> None:
        self._slot = slot
        self._ladder = ladder
        self._as_of_ms: int = state[0]
        self._seen_ms: int = state[1]
        self._value: float = state[2]
        self._rung: int = state[3]
        self._wanted: int = state[4]
        self._since_ms: int = state[5]
        self._onset_ms: int = state[6]
        self._history: int = state[7]
        self.row = -1
        self.moves: list[Move] = []

    def take(self, row: int, at_ms: int, value: float, up: int, down: int) -> None:
        """Take a row that reaches rung `up` and does not clear rung `down`."""
        if at_ms <= self._as_of_ms:
            return
        self.pass_time(at_ms)
        self._as_of_ms = self._seen_ms = at_ms
        self._value, self.row = value, row
        asked = max(up, min(self._rung, down))
        if self._ladder.of_last > 1 and self._remember(asked > self._rung):
            self._onset_ms = self._onset_ms or at_ms
            self._move(at_ms, asked, Reason.RAISED)
        elif asked == self._rung or (self._ladder.of_last > 1 and asked > self._rung):
            self._since_ms = self._wanted = 0
        elif self._since_ms and (self._wanted > self._rung) == (asked > self._rung):
            nearer = min if asked > self._rung else max
            self._wanted = nearer(self._wanted, asked)
        else:
            self._since_ms, self._wanted = at_ms, asked
        self.pass_time(at_ms)

    def pass_time(self, now_ms: int) -> None:
        """Make the moves that are due at or before `now_ms`."""
        while (due_ms := min(self._full_ms(), self._unseen_ms())) <= now_ms:
            self._as_of_ms = max(self._as_of_ms, due_ms)
            if due_ms < self._full_ms():
                self._since_ms = self._wanted = self._history = 0
                if self._rung:
                    self._move(due_ms, 0, Reason.NOT_SEEN)
            elif self._wanted > self._rung:
                self._onset_ms = self._onset_ms or self._since_ms
                self._move(due_ms, self._wanted, Reason.RAISED)
            else:
                self._move(due_ms, self._wanted, Reason.RECEDED)

    def state(self) -> tuple[Any, ...]:
        """Return the state in the order of `FIELDS`."""
        due_ms = min(self._full_ms(), self._unseen_ms())
        return (
            *(self._as_of_ms, self._seen_ms, self._value, self._rung, self._wanted),
            *(self._since_ms, self._onset_ms, self._history),
            due_ms if due_ms < _NEVER_MS else 0,
        )

    def _full_ms(self) -> int:
        if not self._since_ms:
            return _NEVER_MS
        rising = self._wanted > self._rung
        return self._since_ms + (self._ladder.for_ms if rising else self._ladder.keep_for_ms)

    def _unseen_ms(self) -> int:
        if self._ladder.unseen_ms and (self._rung or self._since_ms or self._history):
            return self._seen_ms + self._ladder.unseen_ms
        return _NEVER_MS

    def _remember(self, asked_up: bool) -> bool:  # noqa: FBT001 - one bit of history
        """Note whether the row asked to go up; return whether enough did."""
        kept = (1 << self._ladder.of_last) - 1
        self._history = (self._history << 1 | asked_up) & kept
        return asked_up and self._history.bit_count() >= self._ladder.at_least

    def _move(self, at_ms: int, rung: int, reason: Reason) -> None:
        self.moves.append(
            Move(self._slot, self.row, at_ms, self._rung, rung, self._onset_ms, self._value, reason)
        )
        self._rung = rung
        self._since_ms = self._wanted = self._history = 0
        if not rung:
            self._onset_ms = 0


def _walks(
    table: NDArray[Any],
    slots: NDArray[np.int64],
    ladder_of: NDArray[np.int64],
    ladders: Sequence[Ladder],
) -> list[_Walk]:
    """Return a walk for each of some keys, from its present state."""
    states = table[[name for name, _ in FIELDS]].take(slots).tolist()
    return [
        _Walk(slot, state, ladders[index])
        for slot, state, index in zip(slots.tolist(), states, ladder_of.tolist(), strict=True)
    ]


def _store(walks: list[_Walk], new: NDArray[Any], places: NDArray[np.int64]) -> None:
    """Write where the walks ended to the rows at `places`."""
    states = np.array([walk.state() for walk in walks], dtype=FIELDS)
    for name, _ in FIELDS:
        new[name][places] = states[name]


def _moves(walks: list[_Walk]) -> list[Move]:
    """Return all moves by event time, those of one instant by key."""
    moves = [move for walk in walks for move in walk.moves]
    moves.sort(key=lambda move: move.at_ms)
    return moves
