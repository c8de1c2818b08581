"""Laws of the clocks: interleaving, cuts and redelivery change nothing that is told."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.skew import Clocks, Params

T0_MS = 1_757_980_800_000
PARAMS = Params(limit_s=30, of_last=5)

events = st.tuples(st.sampled_from("abc"), st.sampled_from([-5, 0, 30, 31, 90, 28_800]))
streams = st.lists(events, max_size=60)


class Columns(NamedTuple):
    """The columns that a look needs."""

    source: list[str]
    subject: list[str]
    event_time_ms: np.ndarray
    ingest_time_ms: np.ndarray
    offset: np.ndarray


def columns(rows, first=0):
    """Lay (subject, seconds ahead, ingest time) out as rows from offset `first` on."""
    taken_ms = np.array([at_ms for _, _, at_ms in rows], np.int64)
    ahead_ms = np.array([ahead_s * 1000 for _, ahead_s, _ in rows], np.int64)
    offset = np.arange(first, first + len(rows))
    return Columns(
        ["iot"] * len(rows), [who for who, *_ in rows], taken_ms + ahead_ms, taken_ms, offset
    )


def timed(rows):
    """Give each event an ingest time of its own."""
    return [(who, ahead_s, T0_MS + n * 1000) for n, (who, ahead_s) in enumerate(rows)]


@given(streams, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_how_devices_interleave_does_not_matter(rows, dice):
    arrived = timed(rows)
    queues = {who: [row for row in arrived if row[0] == who] for who in "abc"}
    order = [who for who, *_ in arrived]
    dice.shuffle(order)
    told = Clocks(PARAMS).look(columns(arrived), 0)
    shuffled = Clocks(PARAMS).look(columns([queues[who].pop(0) for who in order]), 0)
    assert sorted(told, key=lambda a: a.id) == sorted(shuffled, key=lambda a: a.id)


@given(streams, st.lists(st.integers(0, 60), max_size=5))
@settings(max_examples=100)
def test_cuts_restarts_and_redelivery_change_nothing(rows, cuts):
    arrived = timed(rows)
    whole = Clocks(PARAMS).look(columns(arrived), 0)
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    clocks, kept, told = Clocks(PARAMS), None, []
    for first, end in pairwise(edges):
        part = columns(arrived[first:end], first)
        told += clocks.look(part, first)
        kept = clocks.changes() or kept
        clocks = Clocks(PARAMS)
        if kept is not None:
            clocks.restore(kept)
        # The sequencer's row was lost: it takes the part for new.
        assert clocks.look(part, first) == []
    assert told == whole


@given(streams)
@settings(max_examples=100)
def test_flag_and_clear_alternate_and_agree_with_the_median(rows):
    arrived = timed(rows)
    last = {who: [-1.0] * PARAMS.of_last for who in "abc"}
    flagged: set[str] = set()
    clocks = Clocks(PARAMS)
    for n, (who, ahead_s, at_ms) in enumerate(arrived):
        last[who] = [*last[who][1:], ahead_s]
        is_ahead = float(np.median(last[who])) > PARAMS.limit_s
        told = clocks.look(columns([(who, ahead_s, at_ms)], n), 0)
        assert [a.transition for a in told] == (
            [] if is_ahead is (who in flagged) else ["onset" if is_ahead else "clear"]
        )
        (flagged.add if is_ahead else flagged.discard)(who)
