"""The vectorised ladder against one that is written out for a single key."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import hysteresis
from streams.hysteresis import Ladder

STATE = np.dtype(hysteresis.FIELDS)
LADDERS = [
    Ladder((10.0,), (10.0,)),
    Ladder((10.0, 20.0, 30.0), (8.0, 16.0, 30.0), for_ms=5, keep_for_ms=7, unseen_ms=20),
    Ladder((-10.0, -20.0), (-8.0, -20.0), falls=True, keep_for_ms=3, unseen_ms=9),
    Ladder((10.0, 20.0), (5.0, 15.0), at_least=2, of_last=3, keep_for_ms=4),
    Ladder((10.0,), (5.0,), for_ms=30, unseen_ms=12),
]
LEVELS = [0.0, 5.0, 7.0, 9.0, 10.0, 11.0, 15.5, 16.0, 17.0, 20.0, 25.0, 31.0]


class Plain:
    """One key; every instant at which something can happen is looked at in turn."""

    def __init__(self, ladder):
        self.ladder = ladder
        self.as_of = self.seen = self.rung = self.wanted = self.since = self.onset = 0
        self.history, self.moves = [], []

    def row(self, at, value):
        if at <= self.as_of:
            return
        self.until(at)
        self.as_of = self.seen = at
        asked = self.asked(value)
        if self.ladder.of_last > 1:
            self.history = [*self.history, asked > self.rung][-self.ladder.of_last :]
            if asked > self.rung:
                if sum(self.history) >= self.ladder.at_least:
                    self.onset = self.onset or at
                    self.move(at, asked, "raised")
                else:
                    self.since = 0
                return
        if asked == self.rung:
            self.since = 0
        elif not self.since or (asked > self.rung) != (self.wanted > self.rung):
            self.since, self.wanted = at, asked
        elif asked > self.rung:
            self.wanted = min(asked, self.wanted)
        else:
            self.wanted = max(asked, self.wanted)
        self.until(at)

    def asked(self, value):
        def beyond(level):
            return value < level if self.ladder.falls else value > level

        reached = sum(map(beyond, self.ladder.raise_at))
        uncleared = sum(map(beyond, self.ladder.clear_at))
        if reached > self.rung:
            return reached
        return min(self.rung, uncleared)

    def until(self, now):
        for at in range(self.as_of, now + 1):
            full = self.since and at >= self.since + (
                self.ladder.for_ms if self.wanted > self.rung else self.ladder.keep_for_ms
            )
            unseen = self.ladder.unseen_ms and at >= self.seen + self.ladder.unseen_ms
            if full:
                self.as_of = max(self.as_of, at)
                rising = self.wanted > self.rung
                self.onset = self.onset or self.since
                self.move(at, self.wanted, "raised" if rising else "receded")
            if unseen and (self.rung or self.since or any(self.history)):
                self.as_of = max(self.as_of, at)
                self.since, self.history = 0, []
                if self.rung:
                    self.move(at, 0, "not-seen")

    def move(self, at, rung, reason):
        self.moves.append((at, self.rung, rung, self.onset, reason))
        self.rung, self.since, self.history = rung, 0, []
        if not rung:
            self.onset = 0


@st.composite
def batches(draw):
    """Rows of five keys, each key on its own ladder, times mostly rising."""
    count = draw(st.integers(1, 40))
    at, rows = 1, []
    for _ in range(count):
        at += draw(st.integers(0, 6))
        back = draw(st.sampled_from([0, 0, 0, 0, 5]))
        sign = draw(st.sampled_from([1, 1, -1]))
        rows.append(
            (draw(st.integers(0, 4)), max(at - back, 1), sign * draw(st.sampled_from(LEVELS)))
        )
    cuts = draw(st.sets(st.integers(0, count), max_size=4))
    return rows, cuts, at + draw(st.integers(0, 40))


def stepped(table, rows):
    slots = np.array([slot for slot, _, _ in rows], np.int64)
    out = hysteresis.step(
        table,
        slots,
        np.array([at for _, at, _ in rows], np.int64),
        np.array([value for _, _, value in rows], np.float64),
        ladder_of=slots,
        ladders=LADDERS,
    )
    after = table.copy()
    after[out.slots] = out.rows
    return after, out.moves


def closed(table, now_ms):
    due = np.flatnonzero((table["due_ms"] > 0) & (table["due_ms"] <= now_ms))
    out = hysteresis.close(table, due, now_ms, ladder_of=due, ladders=LADDERS)
    after = table.copy()
    after[out.slots] = out.rows
    return after, out.moves


@settings(max_examples=200)
@given(drawn=batches())
def test_every_key_moves_as_one_written_out_row_by_row(drawn):
    rows, cuts, end_ms = drawn
    table, moves = np.zeros(5, STATE), []
    plains = [Plain(ladder) for ladder in LADDERS]
    for start, stop in pairwise(sorted({0, *cuts, len(rows)})):
        table.flags.writeable = False
        table, more = stepped(table, rows[start:stop])
        newest_ms = max(at for _, at, _ in rows[:stop])
        table, passed = closed(table, newest_ms)
        moves += [*more, *passed]
        for slot, at, value in rows[start:stop]:
            plains[slot].row(at, value)
        for plain in plains:
            plain.until(newest_ms)
    table, passed = closed(table, end_ms)
    moves += passed

    for slot, plain in enumerate(plains):
        plain.until(end_ms)
        ours = [(m.at_ms, m.was, m.rung, m.onset_ms, m.reason) for m in moves if m.slot == slot]
        assert ours == plain.moves
        row = table[slot]
        assert (row["as_of_ms"], row["seen_ms"], row["rung"]) == (
            plain.as_of,
            plain.seen,
            plain.rung,
        )
        assert (row["since_ms"], row["onset_ms"]) == (plain.since, plain.onset)
        assert row["due_ms"] == 0 or row["due_ms"] > end_ms
