import msgspec
import numpy as np
import pytest

from schemas.alerts import Severity, Transition
from schemas.readings import ReadingBatch
from streams.keyed import Columns
from streams.rules import threshold
from streams.rules.threshold import STATE, Kind, Params, setting_of
from streams.threshold_kinds import Direction

S = 1_000
WATER = Kind(
    unit="m",
    levels=(3.0, 4.0),
    clear=(2.5, 3.5),
    severity=(Severity.MODERATE, Severity.SEVERE),
    for_s=60,
    keep_for_s=120,
    unseen_s=600,
    label="水位",
    finding="water.high",
)
PRESSURE = Kind(unit="%", levels=(150.0,), severity=(Severity.MINOR,), direction=Direction.BELOW)
SMOKE = Kind(unit="1", levels=(0.5,), severity=(Severity.EXTREME,), label="烟感报警")
STAGES = {"water.level": {"river": (25.0, 27.3), "bay": (4.0, 5.0)}}
PARAMS = Params(kinds={"water.level": WATER, "battery.level": PRESSURE}, version="7")


def readings(*rows, kind="water.level", lon_deg=np.nan):
    """Rows: (second, value) of device d1, or (second, value, device)."""
    size = len(rows)
    times = np.array([row[0] * S for row in rows], np.int64)
    return ReadingBatch(
        ["iot"] * size,
        [kind] * size,
        [row[2] if len(row) > 2 else "d1" for row in rows],
        times,
        times,
        np.array([row[1] for row in rows], np.float64),
        np.full(size, lon_deg),
        np.full(size, lon_deg / 4),
        np.arange(size),
        np.arange(size),
    )


class Watch:
    """The rule with its state, as an engine would keep it."""

    def __init__(self, params=PARAMS):
        self.setting, self.state = setting_of(params, STAGES), Columns(STATE)

    def read(self, *rows, **more):
        verdict = threshold.evaluate(readings(*rows, **more), self.state, self.setting)
        self.state.put(verdict.slots, verdict.rows)
        return verdict.alerts

    def pass_time(self, second):
        due = self.state.due(second * S)
        verdict = threshold.close(due, self.state, second * S, self.setting)
        self.state.put(verdict.slots, verdict.rows)
        return verdict.alerts


def said(alerts):
    return [(a.transition.value, a.event_time_ms // S, a.severity.value) for a in alerts]


def test_a_level_must_be_exceeded_for_its_time_before_it_counts():
    watch = Watch()

    assert watch.read((100, 3.2), (130, 3.1), (159, 3.3)) == []
    assert said(watch.read((160, 3.3))) == [("onset", 160, "Moderate")]


def test_a_dip_on_the_way_starts_the_time_anew():
    assert Watch().read((100, 3.2), (130, 3.0), (131, 3.2), (165, 3.3)) == []


def test_the_watermark_tells_what_no_reading_tells():
    watch = Watch()
    watch.read((100, 3.2))

    assert watch.pass_time(159) == []
    assert said(watch.pass_time(160)) == [("onset", 160, "Moderate")]
    assert watch.pass_time(400) == []


def test_the_same_alert_comes_at_the_same_instant_by_reading_or_by_watermark():
    by_reading, by_watermark = Watch(), Watch()
    by_watermark.read((100, 3.2))

    assert by_reading.read((100, 3.2), (500, 3.2)) == by_watermark.pass_time(300)


def test_one_stay_is_one_alert_up_the_ladder_and_down_again():
    watch = Watch()
    alerts = watch.read(
        (100, 3.2), (160, 3.2), (200, 4.5), (260, 4.5),
        (300, 3.2), (420, 3.2), (430, 2.0), (550, 2.0),
    )  # fmt: skip

    assert said(alerts) == [
        ("onset", 160, "Moderate"),
        ("update", 260, "Severe"),
        ("update", 420, "Moderate"),
        ("clear", 550, "Moderate"),
    ]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert len({alert.id for alert in alerts}) == 4
    assert {alert.onset_time_ms for alert in alerts} == {100 * S}


def test_between_clear_and_raise_level_nothing_moves():
    watch = Watch()
    watch.read((100, 3.2), (160, 3.2))

    assert watch.read(*((second, 2.6) for second in range(170, 600, 30))) == []


def test_an_alert_ends_when_its_sensor_is_not_seen():
    watch = Watch()
    watch.read((100, 3.2), (160, 3.2))
    (cleared,) = watch.pass_time(2_000)

    assert said([cleared]) == [("clear", 760, "Moderate")]
    assert cleared.reason == "not-seen"
    assert cleared.sentence == "d1 水位已 600 秒没有数据，告警就此结束"


def test_not_seen_counts_from_the_latest_reading_not_from_the_onset_that_time_brought():
    watch = Watch()
    watch.read((100, 3.2))
    watch.pass_time(160)

    assert said(watch.read((720, 3.2))) == [("clear", 700, "Moderate")]


def test_smaller_can_be_worse():
    watch = Watch()
    onset, clear = watch.read((1, 150), (2, 149), (3, 150), kind="battery.level")

    assert said([onset, clear]) == [("onset", 2, "Minor"), ("clear", 3, "Minor")]
    assert onset.kind == "battery.level.exceeded"
    assert onset.sentence == "d1 battery.level 149 %，低于限值 150 %"


def test_an_alert_says_what_was_measured_against_what_and_where():
    (alert,) = Watch().read((100, 3.2), (130, 3.25), (170, 9.0), lon_deg=120.0)

    assert (alert.value, alert.limit, alert.unit) == (3.25, 3.0, "m")
    assert (alert.kind, alert.subject, alert.rule, alert.rule_version) == (
        "water.high", "d1", "threshold", "7",
    )  # fmt: skip
    assert (alert.lon_deg, alert.lat_deg) == (120.0, 30.0)
    assert alert.transition is Transition.ONSET
    assert alert.sentence == "d1 水位 3.25 m，超过限值 3 m，已持续 60 秒"


def test_a_yes_or_a_no_is_told_without_value_and_limit():
    watch = Watch(Params(kinds={"smoke.alarm": SMOKE}))
    onset, clear = watch.read((100, 1), (110, 0), kind="smoke.alarm")

    assert onset.sentence == "d1 烟感报警"
    assert clear.sentence == "d1 烟感报警，告警解除"


def test_an_alert_by_watermark_still_knows_where_its_sensor_was():
    watch = Watch()
    watch.read((100, 3.2), lon_deg=120.0)
    (alert,) = watch.pass_time(200)

    assert (alert.lon_deg, alert.lat_deg, alert.value) == (120.0, 30.0, 3.2)


def test_sensors_and_kinds_do_not_mix():
    watch = Watch()
    watch.read((100, 3.2, "a"), (100, 3.2, "b"), (100, 99.0, "c"))
    both = readings((160, 1.0, "a"), (160, 3.2, "b"), (160, 3.2, "a"))
    mixed = both._replace(kind=["battery.level", "water.level", "never heard of"])
    verdict = threshold.evaluate(mixed, watch.state, watch.setting)

    assert {(alert.subject, alert.kind) for alert in verdict.alerts} == {
        ("a", "battery.level.exceeded"),
        ("b", "water.high"),
    }


def test_enough_of_the_latest_readings_can_decide_in_place_of_a_time():
    kind = Kind(unit="m", levels=(3.0,), severity=(Severity.MINOR,), at_least=2, of_last=3)
    watch = Watch(Params(kinds={"water.level": kind}))

    assert watch.read((1, 4.0), (2, 1.0), (3, 1.0), (4, 4.0)) == []
    assert said(watch.read((5, 1.0), (6, 4.0))) == [("onset", 6, "Minor")]


def test_a_kind_that_is_no_longer_watched_is_let_go_of():
    watch = Watch()
    watch.read((100, 3.2), (160, 3.2))
    watch.setting = setting_of(Params(kinds={"battery.level": PRESSURE}))

    assert watch.read((200, 9.9)) == []
    assert watch.pass_time(2_000) == []
    assert watch.state.due(10_000 * S).tolist() == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": [3, 4]}, "one entry a rung"),
        ({"levels": []}, "one entry a rung"),
        ({"levels": [4, 3], "severity": ["Minor", "Severe"]}, "mildest first"),
        ({"clear": [3.1]}, "beyond levels"),
        ({"for_s": -1}, "negative"),
        ({"at_least": 3, "of_last": 2}, "at_least"),
        ({"at_least": 1, "of_last": 64}, "of_last"),
        ({"at_least": 2, "of_last": 3, "for_s": 5}, "not both"),
        ({"fro_s": 5}, "unknown field"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(wrong, message):
    table = {"unit": "m", "levels": [3.0], "severity": ["Minor"], **wrong}

    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert({"kinds": {"water.level": table}}, Params)


def test_each_station_has_stages_of_its_own_and_one_without_is_not_watched():
    gauges = Kind(
        unit="m",
        by_station=True,
        station_margin=0.2,
        severity=(Severity.MODERATE, Severity.SEVERE),
        finding="water.high",
    )
    watch = Watch(Params(kinds={"water.level": gauges}))

    said = watch.read((1, 24.9, "river"), (1, 4.1, "bay"), (1, 90.0, "unlisted"))
    said += watch.read((60, 27.4, "river"), (60, 3.9, "bay"), (120, 3.7, "bay"))

    assert [(a.subject, a.transition, a.value, a.limit) for a in said] == [
        ("bay", Transition.ONSET, 4.1, 4.0),
        ("river", Transition.ONSET, 27.4, 27.3),
        ("bay", Transition.CLEAR, 3.7, 4.0),
    ]
    assert said[1].severity is Severity.SEVERE


def test_a_kind_by_station_that_has_levels_too_is_refused():
    with pytest.raises(ValueError, match="no levels here"):
        Kind(unit="m", by_station=True, levels=(3.0,), severity=(Severity.MINOR,))


@pytest.mark.parametrize(
    ("kind", "unit", "hint"),
    [
        ("water.level", "cm", "levels of water.level are in m, not cm"),
        ("water.level", "ppm", "water.level takes m, cm, mm"),
        ("water.levle", "m", "did you mean water.level"),
    ],
)
def test_levels_in_another_unit_or_of_an_unknown_kind_are_refused(kind, unit, hint):
    with pytest.raises(ValueError, match=hint):
        Params(kinds={kind: Kind(unit=unit, levels=(3.0,), severity=(Severity.MINOR,))})
