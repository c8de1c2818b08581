"""A child that ends is started again: at once the first time, then with growing rests."""

from typing import Any

import pytest

from deploy.supervisor import Child


class Process:
    """A process that runs until it is given a code."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


class Starts:
    """Starts processes, and remembers them."""

    def __init__(self) -> None:
        self.processes: list[Process] = []

    def __call__(self, agent: str) -> Any:
        self.processes.append(Process())
        return self.processes[-1]


@pytest.fixture
def starts() -> Starts:
    return Starts()


def test_a_child_is_started_at_the_first_look_and_left_alone_while_it_runs(starts) -> None:
    child = Child("readings", starts)

    assert [child.look(float(second)) for second in range(5)] == [None] * 5
    assert len(starts.processes) == 1


def test_the_first_end_is_followed_by_a_start_at_once(starts) -> None:
    child = Child("readings", starts)
    child.look(0.0)
    starts.processes[0].code = -9

    assert child.look(1.0) == "agent readings ended with code -9; starting again in 0 s"
    assert child.process is None
    child.look(1.0)

    assert child.process is starts.processes[1]


def rests(starts: Starts, ran_s: float, ends: int) -> list[float]:
    """Return how long a child waits after each of so many ends."""
    child, now_s, told = Child("readings", starts), 0.0, []
    for _ in range(ends):
        while child.process is None:
            child.look(now_s)
            now_s += 0.0 if child.process else 0.5
        now_s += ran_s
        starts.processes[-1].code = 1
        assert "code 1" in (child.look(now_s) or "")
        ended_s = now_s
        while child.process is None:
            child.look(now_s)
            now_s += 0.0 if child.process else 0.5
        told.append(now_s - ended_s)
    return told


def test_a_child_that_keeps_ending_soon_rests_longer_each_time_up_to_half_a_minute(starts) -> None:
    assert rests(starts, ran_s=1.0, ends=8) == [0.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_child_that_ends_soon_all_night_long_is_still_started(starts) -> None:
    assert rests(starts, ran_s=1.0, ends=1_100)[-1] == 30.0


def test_a_child_that_has_run_for_long_is_always_started_at_once(starts) -> None:
    assert rests(starts, ran_s=21.0, ends=4) == [0.0] * 4


def test_a_long_run_forgives_the_short_ones_before_it(starts) -> None:
    child = Child("readings", starts)
    for ended_s in (1.0, 2.0):
        child.look(ended_s - 1)
        starts.processes[-1].code = 1
        child.look(ended_s)
    child.look(10.0)
    starts.processes[-1].code = 1

    assert (child.look(40.0) or "").endswith("again in 0 s")
