"""Verify before close: a sensor, a photo or a word; otherwise it stays unverified."""

import pytest

from schemas.dispatch import CaseState
from streams import hysteresis
from streams.noise import ladder


def handled(scene, **fields):
    city = scene()
    city.hears()
    city.works("m1", "accept", "depart", "arrive")
    city.at(minutes=5).works("m1", "handle", **fields)
    return city


def test_what_nothing_proves_is_unverified_and_is_not_closed(scene):
    city = handled(scene)
    city.at(minutes=10)

    assert city.case().state is CaseState.HANDLED_UNVERIFIED
    assert city.commands("close", "m1").reason == "illegal-move"
    assert city.commands("verify", "m1").reason == "proof-required"
    city.works("m1", "verify", reason="the heap is gone")
    city.works("m1", "close")
    assert (city.case().state, city.case().proof) == (CaseState.CLOSED, "word")


def test_a_photo_proves_it(scene):
    city = handled(scene, photo="photos/1.jpg")

    assert (city.case().state, city.case().proof) == (CaseState.VERIFIED, "photo")
    assert city.steps("handle")[0].photo == "photos/1.jpg"


def test_a_sensor_that_was_quiet_for_five_minutes_proves_and_closes_it(scene):
    city = handled(scene)
    city.at(minutes=7).hears("resolved")
    city.at(minutes=11, seconds=59)
    assert not city.case().is_ended

    city.at(minutes=12)
    assert (city.case().state, city.case().proof) == (CaseState.CLOSED, "sensor")
    assert city.story()[-2:] == ["verified", "closed"]
    assert city.faults() == []


def test_a_sensor_that_is_loud_again_proves_nothing(scene):
    city = handled(scene)
    city.at(minutes=7).hears("resolved")
    city.at(minutes=9).hears("reopened")
    city.at(minutes=30)

    assert city.case().state is CaseState.HANDLED_UNVERIFIED


@pytest.mark.parametrize(
    "reason",
    [
        hysteresis.Reason.NOT_SEEN,
        ladder.Reason.NO_DATA,
        "no-more-calls",
        "not-heard unregistered",
        "lost silence",
        "no-burst",
        "storm",
    ],
)
def test_that_nothing_is_heard_any_more_proves_nothing(scene, reason):
    city = handled(scene)
    city.at(minutes=7).hears("resolved", reason=reason)
    city.at(minutes=60)

    assert (city.case().state, city.case().proof) == (CaseState.HANDLED_UNVERIFIED, "")


def test_a_reminder_after_which_the_meter_fell_silent_has_corrected_nothing(scene):
    noise = {"kind": "noise.exceeded", "rung": 1}
    for reason, proof in (("self-corrected", "sensor"), ("no-data", "")):
        city = scene()
        city.hears(**noise)
        city.at(minutes=9).hears("resolved", reason=reason, **noise)

        (closed,) = city.steps("closed")
        assert (closed.reason, city.records[-1].verified) == (reason, proof)


def test_that_a_notice_is_over_proves_nothing(scene):
    city = scene()
    city.hears()
    city.hears("resolved", reason="notice")
    city.works("m1", "accept", "depart", "arrive", "handle")
    city.at(minutes=30)

    assert city.case().state is CaseState.HANDLED_UNVERIFIED


def test_a_sensor_closes_nothing_while_others_are_still_at_work(scene):
    city = scene()
    city.hears(kind="noise.exceeded", rung=2)
    city.hears("updated", kind="noise.exceeded", rung=3)
    city.works("g1", "accept", "depart", "arrive", "handle")
    city.works("police", "accept", "depart")
    city.hears("resolved", kind="noise.exceeded", rung=3)
    city.at(minutes=6)

    assert [order.state.value for order in city.case().orders] == ["verified", "departed"]
    assert not city.case().is_ended
