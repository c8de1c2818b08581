"""Distress: at once, once a device, and not for a ship with a wrong setting."""

import pyais
import pytest

from schemas.alerts import Severity
from streams.rules import distress
from streams.vessels.messages import decode_message


def burst(mmsi, minute, sea, *, status=14, text=None, place=(120.9, 27.5)):
    """Return what a device's burst of eight messages decodes to (M.1371-5, annex 9)."""
    said = {"mmsi": mmsi, "lon": place[0], "lat": place[1], "status": status, "second": 60}
    messages = [{"type": 1, **said} for _ in range(7)]
    messages.append({"type": 14, "mmsi": mmsi, "text": text} if text else messages[0])
    at_ms = sea.t0_ms + minute * 60_000
    return [
        position
        for at, message in enumerate(messages)
        for position in decode_message(
            [line.encode() for line in pyais.encode_dict(message, sentence_type="VDM")],
            "ais",
            "shore",
            at_ms + at * 2_000,
        )
    ]


@pytest.mark.parametrize(
    ("mmsi", "name"),
    [(970_412_001, "SART"), (972_412_001, "MOB"), (974_412_001, "EPIRB")],
)
def test_a_device_in_distress_is_one_alert_however_many_bursts_it_sends(sea, mmsi, name):
    run = sea.run(distress)

    for minute in range(5):
        run.take(*burst(mmsi, minute, sea, text=f"{name} ACTIVE"))

    assert run.story() == [(0, "vessel.distress", "onset")]
    [alert] = run.alerts
    assert (alert.severity, alert.life_safety) == (Severity.EXTREME, True)
    assert (alert.lon_deg, alert.lat_deg) == (120.9, 27.5)
    assert name in alert.sentence


def test_a_device_under_test_raises_nothing(sea):
    run = sea.run(distress)

    run.take(*burst(970_412_001, 0, sea, status=15, text="SART TEST"))

    assert run.alerts == []


def test_a_text_alone_raises_the_alarm_and_the_first_place_updates_it(sea):
    run = sea.run(distress)
    text = sea.static(0, "972412001", kind="vessel.safety-text", text="MOB ACTIVE")

    run.take(text)
    run.take(*burst(972_412_001, 1, sea))

    assert run.story() == [(0, "vessel.distress", "onset"), (1, "vessel.distress", "update")]
    assert run.alerts[0].lon_deg is None
    assert run.alerts[1].lon_deg == 120.9
    assert len({alert.alert_id for alert in run.alerts}) == 1


def test_status_14_of_an_ordinary_ship_is_a_fault_of_data_told_once(sea):
    run = sea.run(distress)

    run.take(*[sea.fix(at / 6, "538001652", nav_status=14, sog_kn=17.4) for at in range(57)])

    assert run.story() == [(0, "vessel.false-distress", "onset")]
    assert (run.alerts[0].severity, run.alerts[0].life_safety) == (Severity.MINOR, False)


def test_an_ordinary_ship_that_mends_its_status_clears_the_fault(sea):
    run = sea.run(distress)

    run.take(sea.fix(0, nav_status=14), sea.fix(1, nav_status=-1), sea.fix(2, nav_status=0))

    assert run.story() == [
        (0, "vessel.false-distress", "onset"),
        (2, "vessel.false-distress", "clear"),
    ]


def test_the_words_of_an_ordinary_ship_raise_nothing(sea):
    run = sea.run(distress)

    run.take(sea.static(0, kind="vessel.safety-text", text="SART ACTIVE SEEN OFF NANJI"))

    assert run.alerts == []


def test_a_device_that_falls_silent_clears_after_an_hour_and_may_call_again(sea):
    run = sea.run(distress)

    run.take(sea.fix(0, "970412001", nav_status=14))
    run.until(59)
    run.until(60)
    run.take(sea.fix(90, "970412001", nav_status=14))

    assert run.story() == [
        (0, "vessel.distress", "onset"),
        (60, "vessel.distress", "clear"),
        (90, "vessel.distress", "onset"),
    ]


def test_bursts_that_are_delivered_again_say_nothing(sea):
    run = sea.run(distress)
    first, second = sea.fix(0, "970412001", nav_status=14), sea.fix(1, "970412001", nav_status=14)
    run.take(first, second)
    run.until(61)

    run.take(first, second)

    assert run.story() == [(0, "vessel.distress", "onset"), (61, "vessel.distress", "clear")]


def test_what_is_delivered_again_ends_no_fault_that_was_told_at_the_same_instant(sea):
    run = sea.run(distress)
    fine, wrong = sea.fix(0, nav_status=0), sea.fix(0, nav_status=14)
    run.take(fine, wrong)

    run.take(fine, wrong)

    assert run.story() == [(0, "vessel.false-distress", "onset")]
