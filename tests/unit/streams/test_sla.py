import msgspec
import pytest

from schemas.dispatch import Clock, ClockNote
from streams.matters.sla import (
    KindPromise,
    Promise,
    Running,
    SlaParams,
    deadline_ms,
    due_notes,
    next_due_ms,
    start,
    stop,
)

PARAMS = SlaParams()
SECOND = 1000


def told(notes):
    return [(note.clock, note.note) for note in notes]


def only(clock, clocks):
    return tuple(one for one in clocks if one.clock is clock)


def test_the_four_promises_of_the_city():
    clocks = start("noise.exceeded", 10_000, PARAMS)

    assert {one.clock: one.deadline_ms - 10_000 for one in clocks} == {
        Clock.RESPOND: 60 * SECOND,
        Clock.ORDER: 120 * SECOND,
        Clock.DEPART: 180 * SECOND,
        Clock.ON_SITE: 45 * 60 * SECOND,
    }


def test_a_kind_may_have_promises_of_its_own():
    fire = KindPromise("fire.*", Promise(respond_s=15, depart_s=60))
    params = SlaParams(kinds=(fire,))

    assert deadline_ms(start("fire.smoke", 0, params), Clock.DEPART) == 60 * SECOND
    assert deadline_ms(start("noise.exceeded", 0, params), Clock.DEPART) == 180 * SECOND


@pytest.mark.parametrize(
    ("now_s", "notes"),
    [
        (29.999, []),
        (30, [ClockNote.WARN_50]),
        (48, [ClockNote.WARN_80]),
        (59.999, [ClockNote.WARN_80]),
        (60, [ClockNote.BREACH]),
    ],
)
def test_one_look_tells_the_gravest_note_only(now_s, notes):
    clocks = only(Clock.RESPOND, start("x", 0, PARAMS))

    assert [n.note for n in due_notes(clocks, int(now_s * SECOND), PARAMS)[0]] == notes


def test_looking_every_second_tells_each_note_once():
    clocks, notes = start("x", 0, PARAMS), []
    for now_ms in range(0, 3_000 * SECOND, SECOND):
        said, clocks = due_notes(clocks, now_ms, PARAMS)
        notes += said

    assert sorted(told(notes)) == sorted((clock, note) for clock in Clock for note in ClockNote)
    assert next_due_ms(clocks) is None
    assert not any(note.late for note in notes)


@pytest.mark.parametrize(("late_by_ms", "late"), [(5_000, False), (5_001, True)])
def test_a_breach_found_long_after_its_deadline_says_so_and_keeps_its_true_deadline(
    late_by_ms, late
):
    clocks = only(Clock.RESPOND, start("x", 0, PARAMS))
    (note,), clocks = due_notes(clocks, 60_000 + late_by_ms, PARAMS)

    assert (note.note, note.deadline_ms, note.late) == (ClockNote.BREACH, 60_000, late)
    assert due_notes(clocks, 10**9, PARAMS)[0] == []


def test_a_clock_that_stopped_in_time_is_never_heard_of_again():
    notes, clocks = stop(start("x", 0, PARAMS), Clock.RESPOND, 59_999, 59_999, PARAMS)

    assert notes == []
    assert all(n.clock is not Clock.RESPOND for n in due_notes(clocks, 10**9, PARAMS)[0])


def test_the_deadlines_own_instant_is_too_late():
    (note,), _ = stop(start("x", 0, PARAMS), Clock.RESPOND, 60_000, 60_100, PARAMS)

    assert (note.note, note.late) == (ClockNote.BREACH, False)


def test_stopping_after_a_breach_neither_repeats_nor_removes_it():
    clocks = only(Clock.RESPOND, start("x", 0, PARAMS))
    _, clocks = due_notes(clocks, 61_000, PARAMS)
    notes, clocks = stop(clocks, Clock.RESPOND, 62_000, 62_000, PARAMS)

    assert notes == []
    assert clocks[0].is_breached


def test_a_wall_clock_set_back_repeats_nothing():
    _, clocks = due_notes(only(Clock.RESPOND, start("x", 0, PARAMS)), 50_000, PARAMS)

    assert due_notes(clocks, 31_000, PARAMS)[0] == []


def test_the_first_stop_counts():
    _, clocks = stop(start("x", 0, PARAMS), Clock.DEPART, 1_000, 1_000, PARAMS)
    _, clocks = stop(clocks, Clock.DEPART, 9_000, 9_000, PARAMS)

    assert [one.stopped_ms for one in clocks if one.clock is Clock.DEPART] == [1_000]


def test_the_next_instant_is_the_first_untold_one():
    clocks = start("x", 0, PARAMS)
    due = []
    while (due_ms := next_due_ms(clocks)) is not None:
        due.append(due_ms)
        _, clocks = due_notes(clocks, due_ms, PARAMS)

    assert due == [s * SECOND for s in (30, 48, 60, 90, 96, 120, 144, 180, 1350, 2160, 2700)]


def test_a_clock_survives_the_tables_codec():
    clock = Running(Clock.DEPART, 1, 2, ClockNote.WARN_50, 3)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(clock), type=Running) == clock


def test_a_promise_of_nothing_is_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"promise": {"respond_s": 0}}, SlaParams)
