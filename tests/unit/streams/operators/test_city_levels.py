"""Every level of the city's rules.toml: up, up again, down, and over."""

import pytest

from schemas.alerts import Alert
from schemas.topics import ALERTS, SENSOR_READINGS
from streams.operators.readings import readings_operator
from streams.registry import READING_RULES, settings

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


@pytest.mark.parametrize(
    ("kind", "unit", "told", "story"),
    [
        (
            "gas.combustible", "%VOL", [0.5, 1.3, 2.6, 2.0, 0.5],
            ["onset Severe", "update Extreme", "update Severe", "clear Severe"],
        ),
        (
            "gas.toxic", "ppb", [1_000, 8_000, 15_000, 8_000, 1_000],
            ["onset Severe", "update Extreme", "update Severe", "clear Severe"],
        ),
        ("smoke.alarm", "1", [0, 1, 1, 0, 0], ["onset Extreme", "clear Extreme"]),
        (
            "temperature.air", "degF", [86, 134, 158, 134, 86],
            ["onset Severe", "update Extreme", "update Severe", "clear Severe"],
        ),
        (
            "manhole.tilt", "deg", [1, 20, 60, 20, 1],
            ["onset Moderate", "update Severe", "update Moderate", "clear Moderate"],
        ),
    ],
)  # fmt: skip
def test_levels_go_up_and_down_in_the_kinds_own_unit(kit, kind, unit, told, story):
    assert said(kit, kind, told, unit=unit, step_s=400) == story


def test_a_gauge_is_judged_by_its_own_stages(kit):
    gauge = "LG-water-001"
    warning_m, guarantee_m = kit.city.stages[gauge]
    told_m = [warning_m - 1, warning_m + 0.1, guarantee_m + 0.1, warning_m + 0.05, warning_m - 1]

    story = said(kit, "water.level", [100 * m for m in told_m], unit="cm", step_s=700, device=gauge)

    assert story == ["onset Moderate", "update Severe", "update Moderate", "clear Moderate"]


def test_a_car_that_stays_a_day_and_a_night_is_told_once(kit):
    hours = [0, *[1] * 26, 0, 0]

    assert said(kit, "parking.occupied", hours, unit="1", step_s=HOUR_S) == [
        "onset Minor",
        "clear Minor",
    ]


def said(kit, kind, told, *, unit, step_s, device="device-1"):
    """Return what the city's rules say of these values, each kept for `step_s`."""
    operator = readings_operator(kit.city, READING_RULES, settings(READING_RULES, kit.city))
    log, story = kit.log(SENSOR_READINGS), []
    for number, value in enumerate([*told, told[-1]]):
        reading = kit.reading(number * step_s, value, device, kind=kind, unit=unit)
        outcome = operator.take(log.batch(reading), reading.event_time_ms)
        story += [f"{a.transition} {a.severity}" for a in kit.sent(outcome, ALERTS, Alert)]
    return story
