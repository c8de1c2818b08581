"""A process's memory is judged by its second half, and by nothing that is too short."""

import pytest

from deploy.bench.screens.memory import as_words, judge


def samples(
    seconds: int, *, warm_mib: float = 200, slope_mib_per_min: float = 0.0, until_s: float = 0
) -> list[tuple[float, float]]:
    """Return samples of every second: a rise by 20 MiB until `until_s`, then the slope."""
    return [
        (1_000.0 + s, warm_mib + min(20, 20 * s / max(1, until_s)) + slope_mib_per_min * s / 60)
        for s in range(seconds + 1)
    ]


def test_what_rises_early_and_then_stays_is_flat() -> None:
    memory = judge(samples(600, until_s=250))

    assert memory.flat is True
    assert memory.slope_mib_per_min == pytest.approx(0)
    assert memory.warm_mib == pytest.approx(200.8)
    assert memory.end_mib == memory.most_mib == pytest.approx(220)
    assert "flat (below 0.5" in as_words(memory)


@pytest.mark.parametrize(("slope", "flat"), [(0.4, True), (0.6, False), (-3.0, True)])
def test_the_slope_of_the_second_half_decides(slope: float, *, flat: bool) -> None:
    memory = judge(samples(600, slope_mib_per_min=slope))

    assert memory.slope_mib_per_min == pytest.approx(slope)
    assert memory.flat is flat


def test_a_short_run_is_not_judged() -> None:
    memory = judge(samples(60, slope_mib_per_min=7))

    assert memory.flat is None
    assert "--duration 600" in as_words(memory)
