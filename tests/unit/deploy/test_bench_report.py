"""The table of the benchmark: what is scaled, what is compared, what is wrong."""

import pytest

from deploy.bench.course import Finish
from deploy.bench.engine import Contestant, Plan, Result
from deploy.bench.report import as_json, as_table, notes, rows
from deploy.bench.workload import Expected, Workload

PLAN = Plan(list(Contestant), Workload(events=2_000_000, devices=9_400), faust_events=100_000)
RIGHT = Expected(onsets=10, clears=9, inside=90)


def result(
    contestant: Contestant,
    events: int,
    *,
    work_s: float,
    once_s: float = 1.0,
    wall_s: float = 10.0,
    onsets: int | None = 10,
) -> Result:
    finish = Finish(events, 90, wall_s, start_cpu_s=once_s / 2, work_cpu_s=work_s)
    clears = None if onsets is None else 9
    return Result(contestant, finish, work_s + once_s, RIGHT, onsets, clears)


OURS = result(Contestant.OURS, 2_000_000, work_s=4.0)
FAUST = result(Contestant.FAUST, 100_000, work_s=20.0, wall_s=25.0)
BARE = result(Contestant.BARE, 2_000_000, work_s=5.0, wall_s=8.0, onsets=None)


def test_cpu_per_million_is_that_of_the_whole_process() -> None:
    row = rows(PLAN, [OURS])[0]
    assert row["cpu_s_per_million"] == pytest.approx(2.5)
    assert row["cpu_s_per_million_at_work"] == pytest.approx(2.0)
    assert row["events_per_s"] == pytest.approx(200_000)


def test_fewer_events_are_scaled_and_the_start_is_counted_once() -> None:
    row = rows(PLAN, [FAUST])[0]
    assert row["cpu_s_per_million_at_work"] == pytest.approx(200.0)
    assert row["cpu_s_per_million"] == pytest.approx(200.5)
    assert any("measured on 100,000 events and scaled" in note for note in notes(PLAN, [FAUST]))


def test_others_are_compared_with_only_when_they_took_part() -> None:
    ours = rows(PLAN, [OURS, FAUST, BARE])[0]
    assert ours["times_stock_faust"] == pytest.approx(200.5 / 2.5)
    assert ours["share_of_bare_rate"] == pytest.approx(0.8)
    alone = rows(PLAN, [OURS])[0]
    assert "times_stock_faust" not in alone
    assert "share_of_bare_rate" not in alone


@pytest.mark.parametrize(
    ("told", "is_right"),
    [
        (OURS, True),
        (BARE, True),
        (result(Contestant.OURS, 2_000_000, work_s=4.0, onsets=11), False),
        (result(Contestant.OURS, 2_000_000, work_s=4.0, onsets=0), False),
    ],
)
def test_a_wrong_count_is_told(told: Result, is_right: bool) -> None:  # noqa: FBT001
    assert told.is_right == is_right
    assert ("WRONG" in as_table(PLAN, [told])) != is_right


def test_the_table_names_everyone_and_fits_a_terminal() -> None:
    table = as_table(PLAN, [OURS, FAUST, BARE])
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == [
        "ours",
        "faust",
        "bare",
    ]
    assert max(map(len, table.splitlines())) < 100


def test_figures_of_other_engines_are_said_to_be_of_another_run() -> None:
    assert "not in this one" in as_json(PLAN, [OURS])["elsewhere"]
