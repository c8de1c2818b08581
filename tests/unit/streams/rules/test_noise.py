from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from schemas.alerts import Severity, Transition
from schemas.readings import ReadingBatch
from streams.local_time import clock_text, utc_offsets
from streams.noise.levels import leq
from streams.noise.limits import LimitRow, Venue, compile_limits
from streams.noise.posts import NoiseSensor, place_sensors
from streams.rules import noise

OFFSETS = utc_offsets([(0, 8 * 3_600_000)])
MINUTE = 60
QUIET_DB, OVER_DB = 50.0, 71.3


def class_rows(area_class, day_db, night_db):
    return [
        LimitRow(limit_db=day_db, area_class=area_class, from_minute=360, until_minute=1320),
        LimitRow(limit_db=night_db, area_class=area_class, from_minute=1320, until_minute=360),
    ]


def venue(code, area_class, use="square", name="龙港广场"):
    return Venue(
        code=code, name=name, area_class=area_class, lon_deg=120.55, lat_deg=27.58, use=use,
    )  # fmt: skip


VENUES = {v.code: v for v in (
    venue("square", "2"), venue("ward", "2", use="hospital"), venue("homes", "1"),
)}  # fmt: skip
LIMITS = compile_limits(
    class_rows("1", 55, 45) + class_rows("2", 60, 50), VENUES.values(), {}, OFFSETS
)
SENSORS = {
    "n-1": NoiseSensor(venue="square"),
    "n-ward": NoiseSensor(venue="ward"),
    "n-homes": NoiseSensor(venue="homes"),
    "n-free": NoiseSensor(area_class="2"),
    "n-minutes": NoiseSensor(venue="square", sample_s=60),
}


def a_setting(**changes):
    sensors = {"n-1": SENSORS["n-1"]} if changes else SENSORS
    return place_sensors(noise.Params(**changes), LIMITS, VENUES, sensors)


SETTING = a_setting()


def at(text):
    zone = ZoneInfo("Asia/Shanghai")
    return round(datetime.fromisoformat(f"2026-06-05T{text}").replace(tzinfo=zone).timestamp())


def batch(rows, kind="noise.laeq"):
    """`rows`: (sensor, second, level)."""
    numbers = np.arange(len(rows))
    times_ms = np.array([round(row[1] * 1000) for row in rows], dtype=np.int64)
    nowhere = np.full(len(rows), np.nan)
    return ReadingBatch(
        ["meter"] * len(rows), [kind] * len(rows), [row[0] for row in rows],
        times_ms, times_ms, np.array([row[2] for row in rows], dtype=float),
        nowhere, nowhere, numbers, numbers,
    )  # fmt: skip


def story(start, *parts, sensor="n-1", step_s=1):
    """`parts`: (seconds, level); a level of None is a silence."""
    rows, second = [], at(start)
    for lasts_s, level in parts:
        rows += [
            (sensor, second + s, level) for s in range(0, lasts_s, step_s) if level is not None
        ]
        second += lasts_s
    return rows


def heard(rows, state=None, setting=SETTING):
    verdict = noise.evaluate(batch(rows), state or {}, setting)
    return verdict.alerts, {**(state or {}), **verdict.changed}


def told(alerts, kind="noise.exceeded"):
    return [
        (clock_text(a.event_time_ms, OFFSETS), str(a.transition), str(a.reason), a.rung)
        for a in alerts
        if a.kind == kind
    ]


def test_a_square_dance_that_is_turned_down_after_the_reminder_ends_self_corrected():
    alerts, state = heard(
        story("20:00:00", (10 * MINUTE, QUIET_DB), (5 * MINUTE, OVER_DB), (8 * MINUTE, QUIET_DB))
    )

    assert told(alerts) == [
        ("20:13", "onset", "over-limit-held", 1),
        ("20:20", "clear", "self-corrected", 1),
    ]
    assert len({alert.alert_id for alert in alerts if alert.kind == "noise.exceeded"}) == 1
    assert state["n-1"].due_ms is None


def test_a_square_dance_that_goes_on_gets_a_grid_worker_then_the_police():
    alerts, _ = heard(
        story("20:00:00", (10 * MINUTE, QUIET_DB), (40 * MINUTE, OVER_DB), (8 * MINUTE, QUIET_DB))
    )

    assert told(alerts) == [
        ("20:13", "onset", "over-limit-held", 1),
        ("20:18", "update", "still-over", 2),
        ("20:33", "update", "still-over", 3),
        ("20:55", "clear", "self-corrected", 3),
    ]
    severities = [a.severity for a in alerts if a.kind == "noise.exceeded"]
    assert severities == [Severity.MODERATE, Severity.MODERATE, Severity.SEVERE, Severity.SEVERE]


def test_an_onset_says_what_was_heard_against_which_limit_and_why():
    alerts, _ = heard(story("20:00:00", (3 * MINUTE, QUIET_DB), (5 * MINUTE, OVER_DB)))

    onset = alerts[-1]
    assert (onset.subject, onset.area, onset.rule) == ("square", "square", "noise")
    assert (onset.lon_deg, onset.lat_deg) == (120.55, 27.58)
    assert (onset.value, onset.limit, onset.unit) == (OVER_DB, 60, "dB(A)")
    assert onset.window_end_time_ms - onset.window_start_time_ms == 60_000
    assert onset.inputs == ("n-1", "limit:class-2/all-days/06:00-22:00")
    assert onset.sentence == (
        "龙港广场 20:06 等效声级 71.3 dB(A)，"
        "超过昼间限值 60 dB(A)（2类区） 11.3 dB，已持续 3 分钟，已播放提醒"
    )


def test_a_sensor_without_a_venue_is_its_own_subject():
    alerts, _ = heard(story("20:00:00", (6 * MINUTE, OVER_DB), sensor="n-free"))

    assert {(a.subject, a.area, a.lon_deg) for a in alerts} == {("n-free", "", None)}


def test_a_level_at_the_limit_complies_and_warns():
    alerts, _ = heard(story("12:00:00", (20 * MINUTE, 60.0)))

    assert told(alerts) == []
    assert told(alerts, "noise.warn") == [("12:01", "onset", "approaching", 0)]
    assert alerts[0].severity is Severity.MINOR


def test_approaching_the_limit_warns_until_it_recedes():
    alerts, _ = heard(
        story("12:00:00", (5 * MINUTE, 58.0), (10 * MINUTE, 56.5), (9 * MINUTE, 55.0))
    )

    # 56.5 is no longer approaching (57), but not yet far below (56)
    assert told(alerts, "noise.warn") == [
        ("12:01", "onset", "approaching", 0),
        ("12:20", "clear", "receded", 0),
    ]


def test_a_warning_turns_into_the_alert():
    alerts, _ = heard(story("12:00:00", (5 * MINUTE, 59.0), (5 * MINUTE, 65.0)))

    assert [(a.kind, str(a.transition), str(a.reason)) for a in alerts] == [
        ("noise.warn", "onset", "approaching"),
        ("noise.warn", "clear", "exceeded"),
        ("noise.exceeded", "onset", "over-limit-held"),
    ]


def test_over_for_less_than_the_hold_opens_nothing():
    alerts, _ = heard(story("12:00:00", *[(100, OVER_DB), (120, QUIET_DB)] * 4))

    assert told(alerts) == []


def test_below_the_limit_but_not_calm_does_not_close():
    alerts, _ = heard(story("12:00:00", (6 * MINUTE, OVER_DB), (20 * MINUTE, 59.0)))

    assert [row[1] for row in told(alerts)] == ["onset"]


@pytest.mark.parametrize(
    ("start", "sensor", "expected"),
    [
        ("20:00:00", "n-ward", [("20:03", "onset", "no-loudspeaker-here", 2),
                                ("20:18", "update", "still-over", 3)]),
        ("22:30:00", "n-homes", [("22:33", "onset", "night-quiet", 2),
                                 ("22:48", "update", "still-over", 3)]),
        ("20:00:00", "n-homes", [("20:03", "onset", "over-limit-held", 1),
                                 ("20:08", "update", "still-over", 2)]),
        ("22:30:00", "n-1", [("22:33", "onset", "over-limit-held", 1),
                             ("22:38", "update", "still-over", 2)]),
    ],
)  # fmt: skip
def test_where_no_loudspeaker_may_speak_a_grid_worker_goes_at_once(start, sensor, expected):
    alerts, _ = heard(story(start, (22 * MINUTE, OVER_DB), sensor=sensor))

    assert told(alerts) == expected


def test_over_again_while_the_loudspeaker_rests_a_grid_worker_goes_at_once():
    parts = (8 * MINUTE, QUIET_DB), (6 * MINUTE, OVER_DB), (8 * MINUTE, QUIET_DB)
    story_again = story("19:52:00", *parts, (4 * MINUTE, OVER_DB))
    rested, _ = heard(story_again)
    resting, _ = heard(story_again, setting=a_setting(reminder_rest_s=20 * MINUTE))

    assert told(rested) == [
        ("20:03", "onset", "over-limit-held", 1),
        ("20:11", "clear", "self-corrected", 1),
        ("20:17", "onset", "over-limit-held", 1),
    ]
    assert told(resting)[2:] == [("20:17", "onset", "reminder-rests", 2)]


def test_the_night_limit_holds_from_ten_and_is_told():
    alerts, _ = heard(story("21:50:00", (16 * MINUTE, 55.0)))

    # 55 keeps the day's 60; from 22:00:00 on it is over the night's 50.
    assert told(alerts) == [("22:03", "onset", "over-limit-held", 1)]
    assert alerts[-1].onset_time_ms == (at("22:00:01")) * 1000
    assert "夜间限值 50 dB(A)" in alerts[-1].sentence


def test_a_limit_that_changes_while_it_is_exceeded_is_an_update():
    alerts, _ = heard(story("21:56:00", (6 * MINUTE, OVER_DB)))

    assert told(alerts) == [
        ("21:59", "onset", "over-limit-held", 1),
        ("22:00", "update", "limit-changed", 1),
    ]
    assert alerts[-1].event_time_ms == at("22:00:01") * 1000
    assert (alerts[-2].limit, alerts[-1].limit) == (60, 50)
    assert alerts[-1].sentence.endswith("限值自此时起改变")


def test_a_noise_that_only_the_morning_makes_lawful_is_not_called_self_corrected():
    alerts, _ = heard(story("05:40:00", (30 * MINUTE, 55.0)))

    assert told(alerts)[-1] == ("06:05", "clear", "limit-changed", 2)


def test_silence_ends_what_is_open_and_says_so():
    alerts, state = heard(story("12:00:00", (6 * MINUTE, OVER_DB)))
    due_ms = state["n-1"].due_ms

    assert due_ms == (at("12:06:00") + 300) * 1000
    assert noise.close(["n-1"], state, due_ms - 1, SETTING) == ([], {}, [])
    verdict = noise.close(["n-1"], state, due_ms, SETTING)
    assert told(verdict.alerts) == [("12:11", "clear", "no-data", 1)]
    assert verdict.alerts[0].alert_id == alerts[-1].alert_id
    assert verdict.alerts[0].sentence == "龙港广场 12:11 声级数据已中断 5 分钟，告警就此结束"
    assert verdict.changed["n-1"].due_ms is None
    assert noise.close(["n-1"], verdict.changed, due_ms, SETTING).alerts == []


def test_silence_that_nobody_closed_is_closed_by_the_next_reading():
    rows = story("12:00:00", (6 * MINUTE, OVER_DB), (10 * MINUTE, None), (5 * MINUTE, OVER_DB))
    _, state = heard(rows[: 6 * MINUTE])

    together, _ = heard(rows)
    closed = noise.close(["n-1"], state, state["n-1"].due_ms, SETTING)
    after, _ = heard(rows[6 * MINUTE :], {**state, **closed.changed})
    assert together[3:] == [*closed.alerts, *after]
    assert told(together)[1:] == [
        ("12:11", "clear", "no-data", 1),
        ("12:19", "onset", "over-limit-held", 1),
    ]


def test_an_unheard_minute_breaks_the_hold():
    alerts, _ = heard(story("12:00:00", (2 * MINUTE, OVER_DB), (70, None), (2 * MINUTE, OVER_DB)))

    assert told(alerts) == []


def test_a_window_of_which_too_little_was_heard_says_nothing():
    alerts, state = heard(story("12:00:00", (20 * MINUTE, OVER_DB), step_s=2))

    assert alerts == []
    assert state["n-1"].judged_ms == 0


def test_four_seconds_in_five_are_enough():
    rows = [row for i, row in enumerate(story("12:00:00", (6 * MINUTE, OVER_DB))) if i % 5]

    alerts, _ = heard(rows)
    assert told(alerts) == [("12:04", "onset", "over-limit-held", 1)]


def test_minute_values_climb_the_same_ladder():
    alerts, _ = heard(story("20:00:30", (20 * MINUTE, OVER_DB), sensor="n-minutes", step_s=60))

    assert told(alerts) == [
        ("20:04", "onset", "over-limit-held", 1),
        ("20:09", "update", "still-over", 2),
    ]


def test_the_first_reading_of_a_second_counts_and_redelivery_is_harmless():
    rows = story("12:00:00", (6 * MINUTE, OVER_DB))
    alerts, state = heard(rows)

    assert heard(rows, state) == ([], state)
    louder = [(sensor, second, 100.0) for sensor, second, _ in rows]
    assert heard(louder[-30:], state) == ([], state)
    twice = sorted(rows + louder, key=lambda row: row[1])
    assert heard(twice) == (alerts, state)


def test_a_late_second_corrects_the_latest_message():
    rows = story("12:00:00", (4 * MINUTE, OVER_DB))
    onset_second = at("12:03:30")
    missing = [row for row in rows if onset_second - 20 <= row[1] < onset_second - 15]
    alerts, state = heard([row for row in rows if row not in missing])
    late = [(sensor, second, 80.0) for sensor, second, _ in missing]

    corrections, after = heard(late, state)
    assert [a.transition for a in corrections] == [Transition.CORRECTION] * 5
    assert [a.revision for a in corrections] == [1, 2, 3, 4, 5]
    assert {a.alert_id for a in corrections} == {alerts[-1].alert_id}
    assert len({a.id for a in [*corrections, alerts[-1]]}) == 6
    last = corrections[-1]
    assert last.value == pytest.approx(_leq_of_message(rows, missing, alerts[-1]), abs=0.001)
    assert (last.event_time_ms, last.rung) == (alerts[-1].event_time_ms, 1)
    assert last.reason == "late-data"
    assert last.sentence.startswith("更正：补到迟到数据后等效声级由")
    assert heard(late, after) == ([], after)


def _leq_of_message(rows, late, message):
    begins, ends = message.window_start_time_ms // 1000, message.window_end_time_ms // 1000
    seconds = {second for _, second, _ in late}
    return leq([80.0 if s in seconds else db for _, s, db in rows if begins <= s < ends])


def test_a_correction_that_would_undo_the_onset_says_so():
    rows = story("12:00:00", (4 * MINUTE, 60.1))
    hole = range(at("12:03:00") - 5, at("12:03:00"))
    alerts, state = heard([row for row in rows if row[1] not in hole])
    assert told(alerts) == [("12:03", "onset", "over-limit-held", 1)]

    corrections, after = heard([("n-1", second, 20.0) for second in hole], state)
    assert corrections[-1].value < 60
    assert corrections[-1].reason == "late-data-would-undo"
    assert after["n-1"].ladder == state["n-1"].ladder


def test_a_late_second_outside_the_message_fills_the_window_and_says_nothing():
    rows = story("12:00:00", (6 * MINUTE, OVER_DB))
    hole = at("12:05:50")
    _, state = heard([row for row in rows if row[1] != hole])

    alerts, after = heard([("n-1", hole, OVER_DB)], state)
    assert alerts == []
    assert after == heard(rows)[1]


def test_a_message_of_an_hour_ago_is_no_longer_kept_for_correction():
    rows = story("12:00:00", (4 * MINUTE, OVER_DB), (90 * MINUTE, QUIET_DB))
    _, soon = heard(rows[: 20 * MINUTE])
    _, later = heard(rows)

    assert soon["n-1"].said.message.transition is Transition.CLEAR
    assert later["n-1"].said is None


def test_a_sensor_that_nobody_placed_is_noted_and_others_go_on():
    rows = [*story("12:00:00", (4 * MINUTE, OVER_DB)), ("n-9", at("12:04:00"), 50.0)]
    verdict = noise.evaluate(batch(rows), {}, SETTING)

    assert [(note.row, note.reason) for note in verdict.notes] == [(240, "unknown-subject")]
    assert told(verdict.alerts) == [("12:03", "onset", "over-limit-held", 1)]


def test_other_kinds_are_none_of_its_business():
    assert noise.evaluate(batch([("n-1", 1, 70.0)], "water.level"), {}, SETTING) == ([], {}, [])
    assert noise.evaluate(batch([]), {}, SETTING) == ([], {}, [])


def test_a_sensor_that_is_taken_out_of_the_city_is_forgotten_when_due():
    _, state = heard(story("12:00:00", (6 * MINUTE, OVER_DB)))
    without = SETTING._replace(posts={})

    assert noise.close(["n-1"], state, 2**60, without) == ([], {"n-1": None}, [])


def test_a_changed_window_keeps_what_it_can():
    rows = story("12:00:00", (6 * MINUTE, OVER_DB))
    _, state = heard(rows[: 2 * MINUTE])

    alerts, after = heard(rows[2 * MINUTE :], state, a_setting(window_s=30))
    assert told(alerts) == [("12:03", "onset", "over-limit-held", 1)]
    assert len(after["n-1"].ring) == 30 * 8
    longer, _ = heard(rows[4 * MINUTE :], after, a_setting(window_s=120))
    assert longer == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_s": 0}, "above zero"),
        ({"listen_s": -1}, "above zero"),
        ({"minimum_share": 0.0}, "minimum_share"),
        ({"clear_margin_db": -1.0}, "margins"),
        ({"window_s": 3600, "silence_s": 3600}, "at most 720 samples"),
        ({"silence_s": 30}, "silence_s"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        noise.Params(**changes)


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(msgspec.ValidationError, match="windows_s"):
        msgspec.convert({"windows_s": 60}, noise.Params)


@pytest.mark.parametrize(
    ("sensor", "message"),
    [
        (NoiseSensor(venue="nowhere"), "unknown venue 'nowhere'"),
        (NoiseSensor(area_class="9"), "no limits for class '9'"),
        (NoiseSensor(venue="square", sample_s=7), "whole number of samples"),
    ],
)
def test_a_sensor_that_cannot_be_placed_is_refused(sensor, message):
    with pytest.raises(ValueError, match=f"n-bad.*{message}"):
        place_sensors(noise.Params(), LIMITS, VENUES, {"n-bad": sensor})
