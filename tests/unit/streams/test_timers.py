import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.clock import ManualClock
from streams.timers import Deadlines

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from("abcdef"), st.none() | st.integers(0, 50)),
        st.tuples(st.just("pop"), st.integers(0, 60), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(steps=STEPS)
def test_deadlines_behave_like_a_sorted_list(steps):
    deadlines, model = Deadlines[str](), {}
    for what, first, due_ms in steps:
        if what == "set":
            deadlines.set(first, due_ms)
            model.pop(first, None)
            if due_ms is not None:
                model[first] = due_ms
        else:
            expected = sorted((due, key) for key, due in model.items() if due <= first)
            assert deadlines.pop_due(first) == [key for _, key in expected]
            model = {key: due for key, due in model.items() if due > first}

        assert deadlines.next_due_ms() == min(model.values(), default=None)
        assert len(deadlines) == len(model)


def test_a_deadline_moved_many_times_leaves_one_entry_behind():
    deadlines = Deadlines[str]()
    for due_ms in range(10_000):
        deadlines.set("a", due_ms)

    assert len(deadlines._heap) <= 1_025
    assert deadlines.pop_due(20_000) == ["a"]


def test_a_key_set_again_to_the_time_it_had_is_due_once():
    deadlines = Deadlines[int]()
    deadlines.set(1, 10)
    deadlines.set(1, 20)
    deadlines.set(1, 10)

    assert deadlines.pop_due(30) == [1]
    assert deadlines.pop_due(30) == []


def test_a_manual_clock_moves_only_when_told_and_never_back():
    clock = ManualClock(1_000)

    assert clock.now_ms() == clock.now_ms() == 1_000
    assert clock.advance(500) == clock.now_ms() == 1_500
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
