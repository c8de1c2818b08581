"""Clocks that are ahead: what is flagged, once, and what never is."""

from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from schemas.alerts import Severity, Transition
from streams import skew
from streams.skew import Clocks, Params
from streams.skew_words import Cause, Facts, cause, sentence

S, HOUR_S = 1_000, 3_600
T0_MS = 1_757_980_800_000
PARAMS = Params()


class Columns(NamedTuple):
    """The columns that a look needs; of readings and of positions alike."""

    source: list[str]
    subject: list[str]
    event_time_ms: np.ndarray
    ingest_time_ms: np.ndarray
    offset: np.ndarray


class Device:
    """Sends one event a second over one partition, with its clock so much ahead."""

    def __init__(self, subject="gas-1", source="iot", first=0):
        self.subject, self.source, self.end = subject, source, first

    def sends(self, *ahead_s):
        """Return the next events, one for each of `ahead_s`."""
        size = len(ahead_s)
        offset = np.arange(self.end, self.end + size)
        self.end += size
        taken_ms = T0_MS + offset * S
        event_ms = taken_ms + np.round(np.array(ahead_s, float) * S).astype(np.int64)
        return Columns([self.source] * size, [self.subject] * size, event_ms, taken_ms, offset)


def told(alerts):
    """Return transition and seconds after T0 of each alert."""
    return [(alert.transition, (alert.event_time_ms - T0_MS) // S) for alert in alerts]


def test_a_clock_eight_hours_ahead_is_flagged_once_and_its_cause_named():
    clocks, device = Clocks(PARAMS), Device()
    alerts = [a for _ in range(40) for a in clocks.look(device.sends(*[8 * HOUR_S - 2] * 5), 0)]
    (alert,) = alerts
    assert told(alerts) == [(Transition.ONSET, 25)]  # the 26th event: more than half of 50
    assert (alert.kind, alert.rule, alert.subject) == ("device.clock-ahead", "skew", "gas-1")
    assert (alert.value, alert.limit, alert.unit) == (28_798.0, 30, "s")
    assert (alert.severity, alert.reason) == (Severity.MINOR, Cause.LOCAL_TIME)
    assert alert.onset_time_ms == alert.event_time_ms
    assert "UTC+8 的当地时间当作 UTC" in alert.sentence


def test_an_alert_stands_at_the_time_of_intake_not_at_that_of_the_wrong_clock():
    (alert,) = Clocks(PARAMS).look(Device().sends(*[400 * 86_400] * 30), 0)
    assert alert.event_time_ms == T0_MS + 25 * S
    assert alert.reason == Cause.NOT_SET


@pytest.mark.parametrize(
    "ahead_s",
    [
        [30.0] * 200,
        [-40_000.0] * 200,
        [900.0] * 25,
        ([900.0] * 25 + [0.0] * 25) * 4,
        ([0.0] * 9 + [900.0]) * 20,
    ],
    ids=["at the limit", "behind", "half of 50", "half, again and again", "one in ten"],
)
def test_what_is_no_wrong_clock(ahead_s):
    assert Clocks(PARAMS).look(Device().sends(*ahead_s), 0) == []


def test_one_event_more_than_half_and_one_millisecond_more_than_the_limit_flag():
    assert told(Clocks(PARAMS).look(Device().sends(*[30.001] * 26), 0)) == [(Transition.ONSET, 25)]


def test_a_clock_that_is_set_right_is_cleared_and_may_be_flagged_anew():
    clocks, device = Clocks(PARAMS), Device()
    onset, clear, again = clocks.look(device.sends(*[90.0] * 60, *[-0.5] * 60, *[90.0] * 60), 0)
    assert told([onset, clear, again]) == [
        (Transition.ONSET, 25),
        (Transition.CLEAR, 84),  # the 25th right one
        (Transition.ONSET, 145),
    ]
    assert clear.alert_id == onset.alert_id != again.alert_id
    assert len({onset.id, clear.id, again.id}) == 3
    assert (clear.onset_time_ms, clear.value) == (onset.onset_time_ms, -0.5)
    assert "已恢复" in clear.sentence


def test_a_device_is_followed_until_fifty_in_a_row_are_fine():
    clocks, device = Clocks(PARAMS), Device()
    clocks.look(device.sends(900.0, *[0.0] * 49), 0)
    assert len(clocks) == 1
    clocks.look(device.sends(0.0), 0)
    assert len(clocks) == 0


def test_thousands_of_devices_whose_clocks_are_right_leave_nothing_behind():
    clocks = Clocks(PARAMS)
    size = 20_000
    taken_ms = np.full(size, T0_MS)
    subjects = [f"gas-{number % 5_000}" for number in range(size)]
    batch = Columns(["iot"] * size, subjects, taken_ms - 5 * S, taken_ms, np.arange(size))
    assert clocks.look(batch, 0) == []
    assert len(clocks) == 0
    assert clocks.changes() is None


def test_the_same_subject_of_two_sources_is_two_devices():
    clocks = Clocks(PARAMS)
    assert clocks.look(Device(source="iot").sends(*[90.0] * 20), 0) == []
    assert clocks.look(Device(source="other", first=20).sends(*[90.0] * 20), 0) == []
    assert len(clocks) == 2


def test_a_restart_goes_on_where_it_was():
    device = Device()
    first, second = Clocks(PARAMS), Clocks(PARAMS)
    assert first.look(device.sends(*[90.0] * 20), 0) == []
    second.restore(first.changes())
    assert told(second.look(device.sends(*[90.0] * 20), 0)) == [(Transition.ONSET, 25)]
    third = Clocks(PARAMS)
    third.restore(second.changes())
    assert third.look(device.sends(*[90.0] * 60), 0) == []


@pytest.mark.parametrize("sequencer_at", [0, 20, 40], ids=["lost", "older", "as new"])
def test_redelivered_events_change_nothing_whatever_the_sequencer_knows(sequencer_at):
    device, clocks = Device(), Clocks(PARAMS)
    clocks.look(device.sends(*[90.0] * 40), 0)
    restarted = Clocks(PARAMS)
    restarted.restore(clocks.changes())
    again = Device().sends(*[90.0] * 30)
    assert restarted.look(again, sequencer_at) == []
    assert restarted.changes() is None


def test_events_that_the_sequencer_has_seen_are_not_counted():
    clocks = Clocks(PARAMS)
    assert clocks.look(Device().sends(*[90.0] * 40), 40) == []
    assert len(clocks) == 0


def test_state_is_written_only_when_it_moved():
    clocks, device = Clocks(PARAMS), Device()
    clocks.look(device.sends(90.0), 0)
    assert clocks.changes() is not None
    assert clocks.changes() is None
    clocks.look(Device("gas-2", first=1).sends(*[0.0] * 10), 0)
    assert clocks.changes() is None
    clocks.look(Device(first=11).sends(0.0), 0)
    assert clocks.changes() is not None


def test_state_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version 9"):
        Clocks(PARAMS).restore(msgspec.msgpack.encode([9, 0, []]))


def test_the_number_of_followed_devices_is_bounded_and_the_silent_make_room():
    clocks = Clocks(PARAMS)
    size = skew.MOST_DEVICES + 100
    for number in range(size):
        clocks.look(Device(f"gas-{number}", first=number).sends(90.0), 0)
    assert len(clocks) == skew.MOST_DEVICES
    raw = clocks.changes()
    assert raw is not None
    assert len(raw) < 1_000_000
    late = skew.FORGET_MS // S + 200
    # Those that are heard stay, so a device is told of even where too many are wrong.
    flagged = clocks.look(Device("gas-150", first=late).sends(*[90.0] * 25), 0)
    assert [alert.subject for alert in flagged] == ["gas-150"]
    clocks.look(Device("new", first=late + 25).sends(90.0), 0)
    assert len(clocks) == skew.MOST_DEVICES
    assert clocks.look(Device("gas-150", first=late + 26).sends(90.0), 0) == []


def test_state_stays_small_when_all_that_are_followed_have_sent_much():
    clocks = Clocks(PARAMS)
    size = skew.MOST_DEVICES * PARAMS.of_last
    subjects = [f"LG-noise-square-{number % skew.MOST_DEVICES}" for number in range(size)]
    taken_ms = np.full(size, T0_MS)
    ahead = Columns(["iot"] * size, subjects, taken_ms + 8 * HOUR_S * S, taken_ms, np.arange(size))
    assert len(clocks.look(ahead, 0)) == skew.MOST_DEVICES
    raw = clocks.changes()
    assert raw is not None
    assert len(raw) < 1_000_000


@pytest.mark.parametrize(
    ("ahead_s", "likely"),
    [
        (8 * HOUR_S, Cause.LOCAL_TIME),
        (8 * HOUR_S - 290, Cause.LOCAL_TIME),
        (14 * HOUR_S, Cause.LOCAL_TIME),
        (8 * HOUR_S - 310, Cause.NOT_SET),
        (7.5 * HOUR_S, Cause.NOT_SET),
        (24 * HOUR_S, Cause.NOT_SET),
        (31, Cause.NOT_SET),
    ],
)
def test_near_a_whole_hour_of_a_zone_it_is_local_time_sent_as_utc(ahead_s, likely):
    assert cause(ahead_s) is likely


@pytest.mark.parametrize(
    ("transition", "median_s", "says"),
    [
        (
            Transition.ONSET,
            28_798.0,
            "比接收时间快 8 小时{}，很可能把 UTC+8 的当地时间当作 UTC 时间发送，请改正时区",
        ),
        (Transition.ONSET, 45.25, "比接收时间快 45.2 秒{}，请检查设备对时"),
        (Transition.ONSET, 600.0, "比接收时间快 10 分钟{}，请检查设备对时"),
        (Transition.ONSET, 1_000_000.0, "比接收时间快 11.6 天{}，请检查设备对时"),
        (Transition.CLEAR, -0.5, "已恢复：比接收时间慢 0.5 秒{}"),
    ],
)
def test_sentences(transition, median_s, says):
    measure = "（最近 50 条数据的中位数，限值 30 秒）"
    said = sentence(transition, Facts("iot", "gas-1", median_s, 30, 50))
    assert said == f"gas-1（来源 iot）的时钟{says.format(measure)}"


@pytest.mark.parametrize("table", [{"limit_s": 0}, {"of_last": 0}, {"of_last": 101}])
def test_parameters_that_cannot_be_are_refused(table):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, Params)
