"""Devices and feeds on virtual time: who is silent, who is given up, what comes thin."""

import pytest

from schemas.alerts import Alert
from schemas.devices import DeviceState, DeviceStatus
from schemas.heard import Heard
from schemas.topics import ALERTS, DEVICES_HEARD, DEVICES_STATUS, SENSOR_READINGS
from streams.devices.feeds import DEGRADED, DOWN
from streams.devices.watching import SILENT
from streams.operators.devices import DevicesOperator
from streams.operators.readings import readings_operator
from streams.registry import READING_RULES, settings

SMOKE, GAS = "LG-smoke-001", "LG-gas-001"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Watched:
    """A city's devices agent: counts come in, time passes, what is told is kept."""

    def __init__(self, kit):
        self.kit, self.log = kit, kit.log(DEVICES_HEARD)
        self.operator = DevicesOperator(kit.city)
        self.alerts, self.statuses = [], []

    def hear(self, second, *devices, count=100, source="iot"):
        at_ms = self.kit.t0_ms + second * 1000
        said = Heard(
            source=source, kind="feed.heard", subject="sensor.readings/0", event_time_ms=at_ms,
            ingest_time_ms=at_ms, count=count, devices=devices, ago_ms=(0,) * len(devices),
        )  # fmt: skip
        raw = self.log.batch(said)
        self.keep(self.operator.take(raw, at_ms))
        return raw

    def look(self, second, *, caught_up=True):
        self.keep(self.operator.wake(self.kit.t0_ms + second * 1000, caught_up=caught_up))

    def steady(self, begin, end, *devices, count=100, source="iot"):
        for second in range(begin, end, 10):
            self.hear(second, *devices, count=count, source=source)
            self.look(second)

    def restart(self):
        kept = self.kit.kept()
        kept.put(self.operator.changes())
        self.operator = kept.begin(DevicesOperator(self.kit.city))

    def keep(self, outcome):
        self.alerts += self.kit.sent(outcome, ALERTS, Alert)
        self.statuses += self.kit.sent(outcome, DEVICES_STATUS, DeviceStatus)

    def story(self, *kinds):
        return [
            ((a.event_time_ms - self.kit.t0_ms) / 1000, a.kind, str(a.transition), a.subject)
            for a in self.alerts
            if a.kind in (kinds or (SILENT,))
        ]

    def states(self, device):
        return [(one.state, one.reason) for one in self.statuses if one.subject == device]


@pytest.fixture
def watched(kit):
    return Watched(kit)


# -- devices -----------------------------------------------------------------------


def test_a_silence_is_told_once_and_ends_with_the_next_event(watched):
    watched.hear(0, SMOKE, GAS)
    watched.steady(10, 1_300, GAS)
    watched.hear(1_300, SMOKE, GAS)
    watched.steady(1_310, 2_000, GAS)

    assert watched.story() == [
        (600, SILENT, "onset", SMOKE),
        (1_300, SILENT, "clear", SMOKE),
        (1_900, SILENT, "onset", SMOKE),
    ]
    assert watched.states(SMOKE) == [
        (DeviceState.ONLINE, "heard"),
        (DeviceState.OFFLINE, "silent"),
        (DeviceState.ONLINE, "heard"),
        (DeviceState.OFFLINE, "silent"),
    ]


def test_the_end_of_a_whole_feed_makes_nobody_silent(watched):
    watched.steady(0, 300, SMOKE, GAS)
    watched.look(2 * HOUR)
    watched.steady(2 * HOUR, 2 * HOUR + 300, GAS)
    assert watched.story() == []

    watched.steady(2 * HOUR + 300, 2 * HOUR + 620, GAS)

    assert watched.story() == [(2 * HOUR + 600, SILENT, "onset", SMOKE)]


def test_a_silence_between_two_events_of_one_count_is_told_from_both_ends(watched):
    watched.hear(0, SMOKE, GAS)
    watched.hear(200, GAS)
    watched.hear(400, GAS)
    watched.hear(650, SMOKE)

    assert watched.story() == [(600, SILENT, "onset", SMOKE), (650, SILENT, "clear", SMOKE)]


def test_a_device_that_never_spoke_is_offline_without_an_alert(watched):
    watched.steady(0, 700, GAS)

    assert watched.states(SMOKE) == [(DeviceState.OFFLINE, "never-heard")]
    assert watched.story() == []

    watched.hear(700, SMOKE)
    assert watched.states(SMOKE)[-1] == (DeviceState.ONLINE, "heard")


def test_each_class_has_its_own_patience(watched):
    watched.hear(0, SMOKE, GAS, "LG-manhole-001")
    for second in range(100, 3_700, 100):
        watched.hear(second, GAS)

    assert watched.story() == [
        (600, SILENT, "onset", SMOKE),
        (3_600, SILENT, "onset", "LG-manhole-001"),
    ]


def test_after_thirty_days_a_device_is_given_up_and_nags_no_more(watched):
    watched.hear(0, SMOKE, GAS)
    for day in range(1, 32):
        watched.hear(day * DAY - 100, GAS)
        watched.hear(day * DAY, GAS)
        watched.hear(day * DAY + 250, GAS)
        watched.hear(day * DAY + 500, GAS)
    assert watched.states(SMOKE)[-1] == (DeviceState.DEAD, "given-up")
    told = [one for one in watched.story() if one[3] == SMOKE]
    watched.hear(40 * DAY, GAS)

    assert told[-1] == (30 * DAY, SILENT, "clear", SMOKE)
    assert [one for one in told if one[3] == SMOKE] == [
        one for one in watched.story() if one[3] == SMOKE
    ]


def test_a_restart_remembers_who_was_heard_and_what_was_told(watched):
    watched.hear(0, SMOKE, GAS)
    watched.steady(10, 400, GAS)
    watched.restart()
    watched.steady(400, 700, GAS)
    watched.restart()
    watched.hear(700, SMOKE)

    assert watched.story() == [(600, SILENT, "onset", SMOKE), (700, SILENT, "clear", SMOKE)]


def test_counts_that_come_again_say_nothing(watched):
    raws = [
        watched.hear(second, GAS, *([SMOKE] if not second else [])) for second in range(0, 700, 50)
    ]
    told = len(watched.alerts), len(watched.statuses)

    for raw in raws:
        watched.keep(watched.operator.take(raw, watched.kit.t0_ms + 700_000))

    assert (len(watched.alerts), len(watched.statuses)) == told


# -- feeds -------------------------------------------------------------------------


def test_a_feed_that_falls_to_nothing_is_down_after_two_minutes_and_says_when_it_is_back(watched):
    watched.steady(0, 1_200, source="ais")
    for second in range(1_200, 1_500, 5):
        watched.look(second)
    watched.hear(1_500, source="ais")

    assert watched.story(DOWN, DEGRADED) == [
        (1_310, DOWN, "onset", "ais"),
        (1_500, DOWN, "clear", "ais"),
    ]
    assert watched.alerts[-1].value == 310


def test_a_feed_that_speaks_seldom_is_given_twice_its_usual_gap(watched):
    for second in range(0, 6_000, 400):
        watched.hear(second, count=1, source="hotline")
        watched.look(second)
    watched.look(5_600 + 790)
    assert watched.story(DOWN) == []

    watched.look(5_600 + 801)

    assert watched.story(DOWN) == [(6_400, DOWN, "onset", "hotline")]


def test_less_than_half_of_the_usual_for_five_minutes_is_thin(watched):
    watched.steady(0, 20 * MINUTE, count=100, source="ais")
    watched.steady(20 * MINUTE, 30 * MINUTE, count=40, source="ais")
    watched.steady(30 * MINUTE, 40 * MINUTE, count=100, source="ais")

    (onset, clear) = watched.story(DEGRADED, DOWN)
    assert onset[2:] == ("onset", "ais")
    assert 24 * MINUTE <= onset[0] <= 27 * MINUTE
    assert clear[2] == "clear"
    assert 30 * MINUTE < clear[0] <= 35 * MINUTE


def test_what_is_usual_is_that_of_the_hour(watched):
    """Half as much every night is no fault; half as much at noon is."""
    for hour in range(49):
        by_day = 12 <= hour % 24 < 24
        for minute in range(60):
            second = hour * HOUR + minute * MINUTE
            watched.hear(second, count=1_000 if by_day else 300, source="ais")
            watched.look(second)
    learned = len(watched.story(DEGRADED))
    for minute in range(60):
        watched.hear(49 * HOUR + minute * MINUTE, count=300, source="ais")
        watched.look(49 * HOUR + minute * MINUTE)
    assert len(watched.story(DEGRADED)) == learned

    for minute in range(60):
        watched.hear(50 * HOUR + minute * MINUTE, count=120, source="ais")
        watched.look(50 * HOUR + minute * MINUTE)

    assert len(watched.story(DEGRADED)) == learned + 1


def test_a_watcher_that_was_away_calls_nobody_down(watched):
    watched.steady(0, 1_200, source="ais")
    watched.restart()
    watched.look(5_000, caught_up=False)
    watched.look(5_001)
    watched.steady(5_010, 5_100, source="ais")

    assert watched.story(DOWN) == []


def test_an_outage_of_our_own_is_no_usual_gap(watched):
    watched.steady(0, 20 * MINUTE, source="ais")
    watched.restart()
    watched.look(25 * MINUTE, caught_up=False)
    watched.steady(25 * MINUTE, 30 * MINUTE, source="ais")
    for second in range(30 * MINUTE, 33 * MINUTE, 5):
        watched.look(second)

    assert watched.story(DOWN) == [(30 * MINUTE - 10 + 120, DOWN, "onset", "ais")]


def test_an_outage_of_our_own_is_no_thin_feed(watched):
    watched.steady(0, 20 * MINUTE, source="ais")
    watched.restart()
    watched.look(23 * MINUTE, caught_up=False)
    watched.steady(23 * MINUTE, 40 * MINUTE, source="ais")
    assert watched.story(DOWN, DEGRADED) == []

    watched.steady(40 * MINUTE, 50 * MINUTE, count=40, source="ais")

    assert [told[1:3] for told in watched.story(DOWN, DEGRADED)] == [(DEGRADED, "onset")]


def test_a_feed_that_was_never_heard_for_long_has_no_usual(watched):
    watched.steady(0, 300, source="ais")
    watched.look(HOUR)

    assert watched.story(DOWN) == []


# -- what the partitions tell ------------------------------------------------------


def test_a_partition_tells_what_it_heard_every_ten_seconds(kit):
    operator = readings_operator(kit.city, READING_RULES, settings(READING_RULES, kit.city))
    log, told = kit.log(SENSOR_READINGS), []
    for second in range(25):
        readings = [kit.reading(second, 1.0, GAS), kit.reading(second, 50.0, "x", source="other")]
        outcome = operator.take(log.batch(*readings), kit.t0_ms + second * 1000)
        told += kit.sent(outcome, DEVICES_HEARD, Heard)
    told += kit.sent(operator.wake(kit.t0_ms + 60_000, caught_up=True), DEVICES_HEARD, Heard)

    mine = [one for one in told if one.source == "iot"]
    assert [one.count for one in mine] == [11, 10, 4]
    assert sum(one.count for one in told) == 50
    assert {one.devices for one in mine} == {(GAS,)}
    assert mine[0].event_time_ms == kit.t0_ms + 10_000
