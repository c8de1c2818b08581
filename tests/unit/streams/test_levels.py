import csv
from statistics import fmean

import numpy as np
import pytest

from streams.noise.levels import (
    LONGEST_SUM,
    LOUDEST_DB,
    energies,
    exceeded_level,
    leq,
    leq_of_energy,
)


@pytest.mark.parametrize(
    ("levels_db", "expected"),
    [
        ([60.0, 70.0], 67.4036),
        ([50.0] * 59 + [90.0], 72.2440),
        ([50.0] * 54 + [85.0] * 6, 75.0),
        ([55.0], 55.0),
    ],
)
def test_levels_are_averaged_as_energy(levels_db, expected):
    assert leq(levels_db) == pytest.approx(expected, abs=0.02 if expected == 75.0 else 5e-5)


def test_windows_are_combined_by_energy_and_duration():
    # One hour at 60 and a quarter of an hour at 70, against every second of both.
    assert leq([60.0, 70.0], [3600, 900]) == pytest.approx(leq([60.0] * 3600 + [70.0] * 900))
    assert leq([60.0, 70.0], [3600, 0]) == pytest.approx(60.0)


@pytest.mark.parametrize(("levels_db", "durations"), [([], None), ([60.0], [0.0])])
def test_no_time_has_no_level(levels_db, durations):
    with pytest.raises(ValueError, match="some time"):
        leq(levels_db, durations)


def test_l10_is_exceeded_a_tenth_of_the_time():
    levels_db = np.arange(0.0, 101.0)

    assert exceeded_level(levels_db, 10) == 90.0
    assert exceeded_level(levels_db, 50) == 50.0
    assert exceeded_level(levels_db, 90) == 10.0


@pytest.mark.parametrize("level_db", [20.0, 30.0, 55.0, 60.3, 71.25, 90.0, 120.0, LOUDEST_DB])
def test_a_steady_tone_has_its_own_level_however_long_it_is(level_db):
    energy = energies(np.full(60, level_db))

    found = leq_of_energy(np.cumsum(energy), np.arange(1, 61))
    assert found == pytest.approx(np.full(60, level_db), abs=0.001)
    if level_db >= 30:
        assert (found == level_db).all()


def test_whole_energies_agree_with_the_formula():
    levels_db = np.random.default_rng(7).uniform(25, 120, 600)

    found = leq_of_energy(np.array([energies(levels_db).sum()]), np.array([600]))
    assert found[0] == pytest.approx(leq(levels_db), abs=0.001)


def test_the_longest_window_of_the_loudest_level_does_not_overflow():
    total = int(energies(np.array([LOUDEST_DB + 20]))[0]) * LONGEST_SUM

    assert total < 2**63
    assert leq_of_energy(np.array([total]), np.array([LONGEST_SUM]))[0] == LOUDEST_DB


def test_silence_is_heard_and_nothing_has_no_level():
    assert energies(np.array([-20.0, 0.0])).tolist() == [1, 128]
    assert np.isnan(leq_of_energy(np.array([0]), np.array([0]))[0])


def _column(path):
    with path.open() as lines:
        return [float(row[1]) for row in list(csv.reader(lines))[1:]]


def test_ten_days_of_minutes_have_the_levels_that_their_source_states(recordings):
    levels_db = _column(recordings / "noise" / "noisemonitor_test_data_laeq1m.csv")

    assert leq(levels_db) == pytest.approx(50.76, abs=0.005)
    assert exceeded_level(levels_db, 10) == pytest.approx(53.6, abs=0.05)
    assert exceeded_level(levels_db, 90) == pytest.approx(44.1, abs=0.05)


def test_twelve_hours_of_seconds_agree_with_the_definition(recordings):
    levels_db = _column(recordings / "noise" / "noisemonitor_laeq1s_first12h.csv")
    night, day = levels_db[: 6 * 3600], levels_db[6 * 3600 :]

    # The definition again, by other means: sound pressure squared, and its mean.
    def by_pressure(levels):
        reference_pa = 20e-6
        squares = [(reference_pa * 10 ** (level / 20)) ** 2 for level in levels]
        return 20 * np.log10(fmean(squares) ** 0.5 / reference_pa)

    assert leq(night) == pytest.approx(by_pressure(night), abs=1e-9)
    assert leq(night) == pytest.approx(44.241, abs=0.001)
    assert leq(day) == pytest.approx(47.307, abs=0.001)
    assert leq([leq(night), leq(day)], [len(night), len(day)]) == pytest.approx(leq(levels_db))
    assert leq(levels_db) == pytest.approx(46.039, abs=0.001)
