import numpy as np
import pytest

from schemas.records import Reason
from schemas.units import KINDS, convert


def one(kind, unit, value):
    values, refusals = convert([kind], [unit], np.array([value]))
    return refusals[0] if refusals else float(values[0])


@pytest.mark.parametrize(
    ("kind", "unit", "value", "canonical"),
    [
        ("noise.laeq", "dB(A)", 55.5, 55.5),
        ("water.level", "m", 3.12, 3.12),
        ("water.level", "cm", 312.0, 3.12),
        ("water.level", "mm", 3120.0, 3.12),
        ("temperature.air", "degF", 98.6, 37.0),
        ("temperature.air", "degF", -40.0, -40.0),
        ("temperature.air", "K", 273.15, 0.0),
        ("gas.combustible", "%LEL", 25.0, 25.0),
        ("gas.combustible", "%VOL", 5.0, 100.0),
        ("gas.combustible", "ppm", 12_500.0, 25.0),
        ("gas.toxic", "ppb", 1500.0, 1.5),
        ("battery.level", "/", 0.5, 50.0),
        ("smoke.alarm", "1", 1.0, 1.0),
    ],
)
def test_a_value_is_converted_to_its_kinds_own_unit(kind, unit, value, canonical):
    assert one(kind, unit, value) == canonical


@pytest.mark.parametrize(
    ("kind", "unit", "value", "reason", "hint"),
    [
        ("noise.laeq", "dB", 55.0, Reason.UNKNOWN_UNIT, "takes dB(A)"),
        ("noise.leq", "dB(A)", 55.0, Reason.UNKNOWN_KIND, "did you mean noise.laeq"),
        ("tide", "m", 1.0, Reason.UNKNOWN_KIND, "water.level"),
        ("noise.laeq", "dB(A)", 161.0, Reason.OUT_OF_RANGE, "0 to 160"),
        ("noise.laeq", "dB(A)", -0.1, Reason.OUT_OF_RANGE, "0 to 160"),
        ("water.level", "m", 312.0, Reason.OUT_OF_RANGE, "did you mean cm"),
        ("gas.combustible", "%VOL", 1e308, Reason.OUT_OF_RANGE, "0 to 2000"),
        ("smoke.alarm", "1", 2.0, Reason.OUT_OF_RANGE, "0 to 1"),
        ("water.level", "m", float("nan"), Reason.NOT_FINITE, "leave"),
        ("water.level", "m", float("inf"), Reason.NOT_FINITE, "leave"),
        ("water.level", "m", float("-inf"), Reason.NOT_FINITE, "leave"),
    ],
)
def test_what_is_not_physical_is_refused_with_a_cure(kind, unit, value, reason, hint):
    refusal = one(kind, unit, value)

    assert refusal.reason is reason
    assert hint in refusal.hint


def test_a_mixed_batch_is_converted_row_by_row_and_not_modified():
    said = np.array([300.0, 70.0, 3.0, 5.0, 1.0])
    said.setflags(write=False)

    values, refusals = convert(
        ["water.level", "noise.laeq", "water.level", "tide", "water.level"],
        ["cm", "dB(A)", "m", "m", "ft"],
        said,
    )

    assert values[:3].tolist() == [3.0, 70.0, 3.0]
    assert {i: r.reason for i, r in refusals.items()} == {
        3: Reason.UNKNOWN_KIND,
        4: Reason.UNKNOWN_UNIT,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_is_and_takes_its_own_unit(kind):
    spec = KINDS[kind]

    assert spec.low < spec.high
    assert spec.description.endswith(".")
    assert one(kind, spec.unit, spec.high) == spec.high
    assert spec.unit not in spec.accepted
