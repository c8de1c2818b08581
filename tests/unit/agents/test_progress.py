"""Lag without progress is a failure; lag with progress, and no lag, are none."""

from agents.progress import Progress, Standing

PATIENCE_S = 30.0


def looked_at(*looks):
    """Return what each look at one partition found."""
    progress = Progress(PATIENCE_S)
    return [progress.stuck({"a": standing}, now_s) for standing, now_s in looks]


def test_a_partition_that_stands_still_with_a_backlog_is_stuck_after_the_patience() -> None:
    found = looked_at((Standing(5, 100), 0.0), (Standing(9, 100), 29.9), (Standing(9, 100), 30.0))

    assert found == [[], [], ["a"]]


def test_progress_begins_the_patience_anew() -> None:
    found = looked_at(
        (Standing(5, 100), 0.0), (Standing(4, 101), 29.0), (Standing(4, 101), 58.9),
        (Standing(4, 101), 59.0),
    )  # fmt: skip

    assert found == [[], [], [], ["a"]]


def test_a_partition_without_backlog_is_never_stuck() -> None:
    assert looked_at((Standing(0, 100), 0.0), (Standing(0, 100), 1_000.0)) == [[], []]


def test_a_backlog_that_comes_after_a_quiet_hour_has_its_whole_patience() -> None:
    found = looked_at(
        (Standing(0, 100), 0.0), (Standing(0, 100), 3600.0), (Standing(1, 100), 3601.0),
        (Standing(1, 100), 3629.9), (Standing(1, 100), 3630.0),
    )  # fmt: skip

    assert found == [[], [], [], [], ["a"]]


def test_a_partition_that_went_back_is_making_progress() -> None:
    assert looked_at((Standing(5, 100), 0.0), (Standing(50, 60), 40.0)) == [[], []]


def test_only_the_partition_that_stands_still_is_named() -> None:
    progress: Progress[str] = Progress(PATIENCE_S)
    progress.stuck({"still": Standing(1, 5), "going": Standing(1, 5)}, 0.0)

    found = progress.stuck({"still": Standing(1, 5), "going": Standing(1, 6)}, 31.0)

    assert found == ["still"]


def test_after_a_rebalance_patience_begins_anew() -> None:
    progress: Progress[str] = Progress(PATIENCE_S)
    progress.stuck({"a": Standing(1, 5)}, 0.0)

    progress.forget()

    assert progress.stuck({"a": Standing(1, 5)}, 31.0) == []
    assert progress.stuck({"a": Standing(1, 5)}, 61.0) == ["a"]
