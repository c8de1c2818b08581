"""Cameras' detections and citizens' tickets, as the city's own files judge them."""

import json

import pytest

from schemas.alerts import Alert, Severity
from schemas.codec import encode
from schemas.complaints import Channel, Complaint
from schemas.detections import Detection
from schemas.records import Reason
from schemas.topics import ALERTS, CAMERA_DETECTIONS, CITIZEN_COMPLAINTS
from streams.operators.claims import complaints_operator, detections_operator
from streams.registry import COMPLAINT_RULES, DETECTION_RULES, settings

CAMERA = "LG-CAM-00001"
HOUR_S = 3_600


def seen(t0_ms, second, confidence, kind="stall.outside", **said):
    fields = {"source": "cameras", "subject": CAMERA} | said
    at_ms = t0_ms + round(second * 1000)
    return Detection(kind=kind, event_time_ms=at_ms, confidence=confidence, **fields)


def ticket(t0_ms, second, number, **said):
    fields = {
        "source": "hotline", "kind": "complaint.noise", "channel": Channel.HOTLINE_12345,
        "category": "噪音扰民", "place": "somebody's home", "text": "what was said",
        "lon_deg": 120.553, "lat_deg": 27.575,
    } | said  # fmt: skip
    return Complaint(subject=number, event_time_ms=t0_ms + round(second * 1000), **fields)


class Feed:
    """One partition of a topic with its operator; keeps the alerts."""

    def __init__(self, kit, topic, build):
        self.kit, self.build, self.log = kit, build, kit.log(topic)
        self.operator = build(kit)
        self.alerts, self.outcomes = [], []

    def take(self, *records):
        now_ms = max(record.event_time_ms for record in records)
        self.keep(self.operator.take(self.log.batch(*records), now_ms))

    def until(self, second):
        """Let the feed be silent; its time goes on with the wall's after half a minute."""
        now_ms = self.kit.t0_ms + second * 1000 + 31_000
        self.keep(self.operator.wake(now_ms, caught_up=True))

    def restart(self):
        kept = self.kit.kept()
        kept.put(self.operator.changes())
        self.operator = kept.begin(self.build(self.kit))

    def keep(self, outcome):
        self.outcomes.append(outcome)
        self.alerts += self.kit.sent(outcome, ALERTS, Alert)

    def story(self):
        """Return (second, transition, doubtful, count) of each alert."""
        t0_ms = self.kit.t0_ms
        return [
            ((a.event_time_ms - t0_ms) / 1000, str(a.transition), a.doubtful, a.count)
            for a in self.alerts
        ]


@pytest.fixture
def cameras(kit):
    def build(kit):
        told = settings(DETECTION_RULES, kit.city)
        return detections_operator(kit.city, DETECTION_RULES, told)

    return Feed(kit, CAMERA_DETECTIONS, build)


@pytest.fixture
def hotline(kit):
    def build(kit):
        told = settings(COMPLAINT_RULES, kit.city)
        return complaints_operator(kit.city, COMPLAINT_RULES, told)

    return Feed(kit, CITIZEN_COMPLAINTS, build)


# -- cameras -----------------------------------------------------------------------


def test_a_sure_detection_is_an_alert_where_its_camera_stands(kit, cameras):
    cameras.take(seen(kit.t0_ms, 0, 0.9, snapshot="snap/1.jpg"))

    (alert,) = cameras.alerts
    camera = kit.city.cameras[CAMERA]
    assert (alert.kind, alert.severity, alert.doubtful) == ("stall.outside", Severity.MINOR, False)
    assert (alert.lon_deg, alert.lat_deg) == (camera.lon_deg, camera.lat_deg)
    assert (alert.confidence, alert.count, alert.snapshot) == (0.9, 1, "snap/1.jpg")
    assert "占道经营" in alert.sentence


def test_what_is_less_sure_than_doubtful_is_set_aside_and_counted(kit, cameras):
    cameras.take(*(seen(kit.t0_ms, second, 0.3) for second in range(60)))

    assert cameras.alerts == []
    assert sum(outcome.set_aside["confidence-too-low"] for outcome in cameras.outcomes) > 50


def test_a_doubtful_detection_says_so_and_becomes_sure_by_an_update(kit, cameras):
    cameras.take(seen(kit.t0_ms, 0, 0.6), seen(kit.t0_ms, 10, 0.6), seen(kit.t0_ms, 20, 0.9))

    assert cameras.story() == [(0, "onset", True, 1), (20, "update", False, 3)]
    doubtful, sure = cameras.alerts
    assert doubtful.alert_id == sure.alert_id
    assert (doubtful.severity, sure.severity) == (Severity.UNKNOWN, Severity.MINOR)
    assert "疑似" in doubtful.sentence


def test_fire_takes_two_sure_detections_of_three(kit, cameras):
    cameras.take(*(seen(kit.t0_ms, 4 * n, c, "fire.seen") for n, c in enumerate([0.9, 0.5, 0.5])))
    assert cameras.story() == [(0, "onset", True, 1)]

    cameras.take(*(seen(kit.t0_ms, 20 + n, 0.9, "fire.seen") for n in range(5)))

    assert cameras.story()[1:] == [(21, "update", False, 5)]
    assert cameras.alerts[-1].life_safety
    assert cameras.alerts[-1].severity is Severity.EXTREME


def test_a_frame_a_second_is_told_at_a_bounded_pace_and_counted_whole(kit, cameras):
    for minute in range(60):
        cameras.take(*(seen(kit.t0_ms, 60 * minute + s, 0.9) for s in range(60)))
    cameras.until(3_600 + 900)

    assert cameras.story() == [
        (0, "onset", False, 1),
        (60, "update", False, 61),
        (180, "update", False, 181),
        (420, "update", False, 421),
        (900, "update", False, 901),
        (1860, "update", False, 1861),
        (3599 + 900, "clear", False, 3600),
    ]


def test_a_restart_changes_neither_count_nor_pace(kit, cameras):
    cameras.take(*(seen(kit.t0_ms, s, 0.9) for s in range(40)))
    cameras.restart()
    cameras.take(*(seen(kit.t0_ms, s, 0.9) for s in range(40, 80)))

    assert cameras.story() == [(0, "onset", False, 1), (60, "update", False, 61)]


def test_two_kinds_before_one_camera_are_two_alerts(kit, cameras):
    cameras.take(seen(kit.t0_ms, 0, 0.9), seen(kit.t0_ms, 0, 0.95, "garbage.exposed"))

    assert {alert.kind for alert in cameras.alerts} == {"stall.outside", "garbage.exposed"}


def test_the_largest_crowd_is_the_value_of_its_alert(kit, cameras):
    crowd = [
        seen(kit.t0_ms, 70 * n, 0.9, "crowd.gathering", count=c) for n, c in enumerate([40, 90])
    ]
    cameras.take(*crowd)

    assert [alert.value for alert in cameras.alerts] == [40, 90]
    assert "90 个" in cameras.alerts[-1].sentence


def test_an_unknown_kind_is_refused_with_the_nearest(kit, cameras):
    raw = cameras.log.batch(json.dumps({
        "source": "cameras", "kind": "stall.outsid", "subject": CAMERA, "confidence": 0.9,
        "event_time": "2025-09-16T08:00:00+08:00",
    }).encode())  # fmt: skip
    outcome = cameras.operator.take(raw, kit.t0_ms)

    (letter,) = kit.letters(outcome)
    assert (letter.reason, letter.field) == (Reason.UNKNOWN_KIND, "kind")
    assert "did you mean stall.outside?" in letter.hint


# -- complaints --------------------------------------------------------------------


def test_a_ticket_is_an_alert_where_it_says_and_ends_after_two_hours_without_a_call(kit, hotline):
    hotline.take(ticket(kit.t0_ms, 0, "12345-1"))
    hotline.until(2 * HOUR_S)

    assert hotline.story() == [(0, "onset", False, 1), (2 * HOUR_S, "clear", False, 1)]
    onset, clear = hotline.alerts
    assert (onset.kind, onset.lon_deg, onset.inputs) == ("complaint.noise", 120.553, ("12345-1",))
    assert (clear.alert_id, clear.reason) == (onset.alert_id, "no-more-calls")


def test_a_hand_over_between_12345_and_110_is_one_alert_with_a_count(kit, hotline):
    hotline.take(ticket(kit.t0_ms, 0, "12345-1", chain="chain-7"))
    police = {"chain": "chain-7", "channel": Channel.POLICE_110}
    hotline.take(ticket(kit.t0_ms, 300, "110-44", **police))
    hotline.take(ticket(kit.t0_ms, 900, "12345-2"))
    hotline.until(1000)

    chained = [alert for alert in hotline.alerts if alert.subject == "chain-7"]
    assert [alert.count for alert in chained] == [1, 2]
    assert len({alert.alert_id for alert in chained}) == 1
    assert "110 工单 110-44），第 2 次来电" in chained[-1].sentence


def test_the_same_ticket_again_says_nothing(kit, hotline):
    hotline.take(ticket(kit.t0_ms, 0, "12345-1"), ticket(kit.t0_ms, 0, "12345-1"))
    hotline.restart()
    hotline.take(ticket(kit.t0_ms, 0, "12345-1"))
    hotline.until(300)

    assert len(hotline.alerts) == 1


def test_the_hotlines_own_category_says_what_other_is_about(kit, hotline):
    hotline.take(ticket(kit.t0_ms, 0, "1", kind="complaint.other", category="燃气异味"))
    hotline.take(ticket(kit.t0_ms, 1, "2", kind="complaint.other", category="宠物"))
    hotline.until(120)

    gas, other = hotline.alerts
    assert (gas.kind, gas.life_safety) == ("complaint.gas", True)
    assert (other.kind, other.life_safety) == ("complaint.other", False)


def test_an_unsure_place_is_left_to_the_desk(kit, hotline):
    hotline.take(ticket(kit.t0_ms, 0, "1", place_confidence=0.3, chain="c"))
    hotline.take(ticket(kit.t0_ms, 60, "2", place_confidence=0.8, chain="c"))
    hotline.until(200)

    unsure, sure = hotline.alerts
    assert (unsure.lon_deg, unsure.confidence) == (None, None)
    assert "地点不明" in unsure.sentence
    assert (sure.lon_deg, sure.confidence) == (120.553, 0.8)


def test_no_word_of_a_ticket_goes_on(kit, hotline):
    hotline.take(ticket(kit.t0_ms, 0, "1", category="free words of a caller"))
    hotline.until(120)

    (said,) = [encode(alert).decode() for alert in hotline.alerts]
    for words in ("somebody's home", "what was said", "free words"):
        assert words not in said
