"""Verify before close: a sensor, a photo or a word; otherwise it stays unverified."""

from schemas.dispatch import CaseState


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
