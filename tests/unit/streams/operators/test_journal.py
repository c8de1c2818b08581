"""A checkpoint of many rows is kept whole, or not at all, wherever a crash cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.operators.journal import Journal

ROWS = st.dictionaries(st.binary(min_size=1, max_size=3), st.none() | st.binary(max_size=4))


def written(table, rows):
    """Return a table after `rows`, as a changelog leaves it."""
    after = dict(table)
    for key, value in rows:
        after.pop(key, None) if value is None else after.__setitem__(key, value)
    return after


@given(steps=st.lists(st.tuples(ROWS, st.integers(0, 12)), max_size=6))
def test_crash_after_crash_each_checkpoint_is_there_whole_or_not_at_all(steps):
    table, whole = {}, {}
    for rows, kept in steps:
        journal = Journal()
        assert journal.unwrap(table.items()) == whole
        wrapped = journal.wrap(sorted(rows.items(), key=lambda row: row[0]))
        table = written(table, wrapped[:kept])
        found = Journal().unwrap(table.items())
        after = written(whole, rows.items())
        assert found in (whole, after)
        if kept >= len(wrapped):
            assert found == after
        whole = found


LARGE = [(b"%d" % number, bytes(200_000)) for number in range(8)]


@pytest.mark.parametrize("kept", range(14))
def test_rows_too_large_for_one_record_are_kept_together_all_the_same(kept):
    journal = Journal()
    table = written({}, journal.wrap([(b"0", b"old"), (b"9", b"old")]))
    wrapped = journal.wrap(LARGE)
    chunks = [value for key, value in wrapped if key not in dict(LARGE)]
    assert len(chunks) > 1
    assert max(map(len, chunks)) < 1_000_000

    found = Journal().unwrap(written(table, wrapped[:kept]).items())

    new = {**dict(LARGE), b"9": b"old"}
    assert found == (new if kept >= len(chunks) else {b"0": b"old", b"9": b"old"})


def test_a_journal_that_begins_again_goes_on_counting():
    first = Journal()
    table = written({}, first.wrap([(b"a", b"1")]))
    second = Journal()
    second.unwrap(table.items())
    table = written(table, second.wrap([(b"a", b"2")])[:1])

    assert Journal().unwrap(table.items()) == {b"a": b"2"}
