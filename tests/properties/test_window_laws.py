"""Windows against the sets of values that they must hold."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.summary import Summary
from streams.windows import Hopping, Panes, Session, Telling, tumbling

VALUES = st.lists(
    st.tuples(st.integers(-50, 150), st.floats(0, 120)),
    min_size=1,
    max_size=25,
    unique_by=lambda v: v[0],
)
SPECS = [tumbling(10, 500), Hopping(30, 7, 500), Session(9, 500)]


def expected(spec, values):
    """Return (start, end) -> summary, worked out from the definition."""
    windows = {}
    if isinstance(spec, Session):
        times = sorted(at for at, _ in values)
        edges = [i for i, (a, b) in enumerate(pairwise(times), 1) if b - a >= spec.gap_ms]
        for first, last in pairwise([0, *edges, len(times)]):
            windows[times[first], times[last - 1] + spec.gap_ms] = []
    else:
        for start in range(-200, 300):
            if start % spec.every_ms == 0:
                windows[start, start + spec.size_ms] = []
    told = {}
    for (start, end), inside in windows.items():
        inside += [value for at, value in values if start <= at < end]
        if inside:
            told[start, end] = summary_of(inside)
    return told


def summary_of(values):
    summary = Summary()
    for value in values:
        summary = summary.add(value)
    return numbers(summary)


def numbers(summary):
    return (summary.count, summary.least, summary.greatest, summary.total, summary.leq)


def put(spec, panes, values):
    results = []
    for at, value in values:
        taken = spec.take(panes, at, value)
        assert not taken.refused
        panes = msgspec.msgpack.decode(msgspec.msgpack.encode(taken.panes), type=Panes)
        results += taken.results
    return panes, results


@pytest.mark.parametrize("spec", SPECS, ids=repr)
@settings(max_examples=60)
@given(values=VALUES, data=st.data())
def test_any_order_tells_each_window_once_with_exactly_its_values(spec, values, data):
    shuffled = data.draw(st.permutations(values))
    panes, early = put(spec, Panes(), shuffled)
    results = spec.close(panes, 1_000).results

    assert early == []
    assert {(r.start_ms, r.end_ms): numbers(r.summary) for r in results} == expected(spec, values)
    assert {r.revision for r in results} == {0}


@pytest.mark.parametrize("spec", SPECS, ids=repr)
@settings(max_examples=60)
@given(values=VALUES, data=st.data())
def test_late_values_correct_until_the_last_revisions_hold_everything(spec, values, data):
    shuffled = data.draw(st.permutations(values))
    cut = data.draw(st.integers(0, len(values)))
    panes, results = put(spec, Panes(), shuffled[:cut])
    closing = spec.close(panes, data.draw(st.integers(-50, 200)))
    panes, late = put(spec, closing.panes, shuffled[cut:])
    results = [*results, *closing.results, *late, *spec.close(panes, 300).results]

    newest = {}
    for told in results:
        before = newest.get(told.id_ms)
        assert told.revision == (0 if before is None else before.revision + 1)
        assert (told.telling is Telling.FINAL) == (before is None)
        newest[told.id_ms] = told
    standing = [told for told in newest.values() if told.telling is not Telling.ABSORBED]
    assert {(r.start_ms, r.end_ms): numbers(r.summary) for r in standing} == expected(spec, values)
