import numpy as np
import pytest

from streams.keyed import Columns

LEVEL = np.dtype([("as_of_ms", "<i8"), ("value", "<f8")])


def rows(*pairs):
    return np.array(list(pairs), dtype=LEVEL)


def filled(count, page_rows=4):
    columns = Columns(LEVEL, page_rows)
    slots = columns.slots([f"k{number}" for number in range(count)])
    columns.put(slots, rows(*((number, number / 2) for number in range(count))))
    return columns


def test_keys_get_slots_as_they_are_seen_and_keep_them():
    columns = Columns(LEVEL, 4)

    assert columns.slots(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert columns.slots(["a", "c"]).tolist() == [1, 2]
    assert columns.keys == [("", "b"), ("", "a"), ("", "c")]
    assert columns.find("c") == 2
    assert columns.find("z") is None


def test_one_subject_has_a_state_in_each_family():
    columns = Columns(LEVEL, 4)

    assert columns.slots(["a", "b"], "noise").tolist() == [0, 1]
    assert columns.slots(["b", "a"], "water").tolist() == [2, 3]
    assert columns.slots(["a"], "noise").tolist() == [0]
    assert columns.find("a", "water") == 3
    assert columns.keys[2] == ("water", "b")


def test_due_names_the_slots_whose_time_has_come():
    columns = Columns(np.dtype([("due_ms", "<i8")]), 4)
    slots = columns.slots(["never", "past", "now", "later"])
    columns.put(slots, np.array([(0,), (5,), (10,), (11,)], dtype=columns.rows.dtype))

    assert columns.due(10).tolist() == [1, 2]


def test_a_new_key_starts_as_zeros():
    columns = filled(9)
    columns.slots(["new"])

    assert columns.rows[9].tolist() == (0, 0.0)
    assert columns.rows[8].tolist() == (8, 4.0)


def test_rows_cannot_be_written_past_put():
    columns = filled(3)

    with pytest.raises(ValueError, match="read-only"):
        columns.rows["value"][0] = 7


def test_only_written_pages_are_given_and_only_once():
    columns = filled(10)
    assert [page for page, _ in columns.dirty_pages()] == [0, 1, 2]
    assert columns.dirty_pages() == []

    columns.put(np.array([9, 8, 1]), rows((1, 1), (2, 2), (3, 3)))
    assert [page for page, _ in columns.dirty_pages()] == [0, 2]


def test_a_key_without_a_row_yet_is_in_its_page_too():
    columns = filled(4)
    columns.dirty_pages()
    columns.slots(["late comer"])

    assert [page for page, _ in columns.dirty_pages()] == [1]


def test_pages_bring_everything_back():
    columns, again = filled(10), Columns(LEVEL, 4)
    for page, raw in columns.dirty_pages():
        again.load(page, raw)

    assert again.keys == columns.keys
    np.testing.assert_array_equal(again.rows, columns.rows)
    assert again.slots(["k7"]).tolist() == [7]
    assert again.dirty_pages() == []


def test_a_page_written_later_replaces_the_one_before_when_loaded_last():
    columns = filled(4)
    columns.dirty_pages()
    columns.put(np.array([2]), rows((99, 9.5)))
    again = Columns(LEVEL, 4)
    for page, raw in columns.dirty_pages():
        again.load(page, raw)

    assert again.rows[2].tolist() == (99, 9.5)


@pytest.mark.parametrize(
    "other",
    [
        Columns(np.dtype([("as_of_ms", "<i8"), ("level", "<f8")]), 4),
        Columns(np.dtype([("as_of_ms", "<i8"), ("value", "<f4")]), 4),
        Columns(LEVEL, 8),
    ],
    ids=["another name", "another width", "another page size"],
)
def test_a_page_of_another_shape_is_refused(other):
    ((page, raw),) = filled(3).dirty_pages()

    with pytest.raises(ValueError, match="page 0 holds"):
        other.load(page, raw)


def test_pages_out_of_order_are_refused():
    pages = filled(6).dirty_pages()
    columns = Columns(LEVEL, 4)
    columns.load(*pages[1])

    with pytest.raises(ValueError, match="page 0 comes after 6 keys"):
        columns.load(*pages[0])


def test_a_page_that_a_crash_kept_back_leaves_slots_that_no_key_has():
    columns = filled(2)
    old = dict(columns.dirty_pages())
    columns.slots([f"k{number}" for number in range(6)])
    new = dict(columns.dirty_pages())

    again = Columns(LEVEL, 4)
    again.load(0, old[0])
    again.load(1, new[1])

    assert [key for _, key in again.keys] == ["k0", "k1", "", "", "k4", "k5"]
    assert again.slots(["k2", "k5", "k1"]).tolist() == [6, 5, 1]
    once_more = Columns(LEVEL, 4)
    for page, raw in sorted({**new, 0: old[0], **dict(again.dirty_pages())}.items()):
        once_more.load(page, raw)
    assert once_more.keys == again.keys


def test_an_empty_key_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Columns(LEVEL, 4).slots(["a", ""])


def test_a_key_in_two_pages_is_refused():
    columns = Columns(LEVEL, 4)
    ((_, raw),) = filled(4).dirty_pages()
    columns.load(0, raw)

    with pytest.raises(ValueError, match="two pages"):
        columns.load(1, raw)


def test_put_refuses_what_does_not_fit():
    columns = filled(2)

    with pytest.raises(ValueError, match="rows of"):
        columns.put(np.array([0]), np.array([1.0]))
    with pytest.raises(IndexError, match="of 2"):
        columns.put(np.array([2]), rows((1, 1)))
