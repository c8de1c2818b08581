"""A case follows its incident: what is merged and split by hand, held and set free."""

import pytest

from schemas.dispatch import CaseState
from schemas.incidents import IncidentState
from streams.matters.dispatch import case_id_of

WAY = ("accept", "depart", "arrive", "handle", "verify", "close")


def two(scene, **facts):
    """Give a city with two incidents, each with a crew."""
    city = scene()
    city.hears(name="i1")
    city.hears(name="i2", **{"subject": "camera-2", "lon_deg": 120.5, "lat_deg": 27.5} | facts)
    return city


# -- incidents that are merged by hand ------------------------------------------------------


def test_incidents_that_are_merged_have_one_case_and_the_other_crew_stands_down(scene):
    city = two(scene)
    city.at(seconds=10).hears("resolved", name="i2", merged_into="i1")

    gone, stays = city.case("i2"), city.case("i1")
    assert (gone.state, gone.into) == (CaseState.MERGED, stays.case_id)
    assert (city.story("i2")[-1], city.story("i1")[-1]) == ("closed", "joined")
    city.at(minutes=60)
    assert city.case("i2").breaches == ()
    assert city.story("i2")[-1] == "closed", "nothing more is told of it"
    assert city.faults() == []


def test_a_reminder_about_what_was_merged_has_corrected_nothing(scene):
    city = two(scene, kind="noise.exceeded", rung=1)
    city.hears("resolved", name="i2", kind="noise.exceeded", rung=1, merged_into="i1")

    assert city.case("i2").state is CaseState.MERGED
    assert city.case("i2").proof == ""


@pytest.mark.parametrize("change", ["unknown", "ended"])
def test_a_case_goes_on_where_the_incident_that_takes_it_in_has_none_at_work(scene, change):
    city = scene()
    if change == "ended":
        city.hears(name="i1")
        city.works("m1", *WAY, name="i1")
    city.hears(name="i2", subject="camera-2")
    city.at(seconds=10).hears("resolved", name="i2", merged_into="i1")

    assert [order.unit for order in city.case("i2").live] == ["m1"]


def test_what_is_split_away_again_has_a_crew_of_its_own_again(scene):
    city = two(scene)
    city.at(seconds=10).hears("resolved", name="i2", merged_into="i1")
    city.at(seconds=30).hears("reopened", name="i2", subject="camera-2")

    assert (city.case("i2").state, city.case("i2").lives) == (CaseState.DISPATCHED, 2)
    assert city.case("i2").into == ""
    assert city.case("i1").state is CaseState.DISPATCHED


# -- cases that are merged by a supervisor --------------------------------------------------


def test_what_was_merged_into_a_case_follows_it_into_the_next(scene):
    city = scene()
    for name in ("i1", "i2", "i3"):
        city.hears(name=name, subject=name)
    for name, into in (("i1", "i2"), ("i2", "i3")):
        assert city.commands("merge", name=name, into=case_id_of(into), reason="one heap").accepted
    city.at(minutes=5).hears("resolved", name="i1", subject="i1")
    city.hears("reopened", name="i1", subject="i1")

    assert (city.case("i1").state, city.case("i1").lives) == (CaseState.MERGED, 1)
    city.works("m1", *WAY, name="i3")
    city.hears("resolved", name="i1", subject="i1")
    city.hears("reopened", name="i1", subject="i1")
    assert city.case("i1").lives == 2, "where nobody works on it any more, it is taken up"


# -- an older incident of the matter that a case works on -----------------------------------


def relapsed(scene):
    """Give a city whose case of i1 has been taken up for i2, while i1 has not ended."""
    city = scene()
    city.hears(name="i1")
    city.works("m1", *WAY, name="i1")
    city.hears("updated", name="i1")
    city.at(minutes=20).hears(name="i2")
    assert city.case("i1").lives == 2
    return city


def test_the_end_of_the_incident_before_is_not_the_end_of_the_one_that_is_worked_on(scene):
    city = relapsed(scene)
    city.at(minutes=21).hears("resolved", name="i1")
    assert city.case("i1").resolved_ms is None
    city.at(minutes=30)
    assert "g1" in city.sent(), "who does not answer is still escalated"

    city.hears("resolved", name="i2")
    assert city.case("i1").resolved_ms == city.now_ms


def test_the_incident_before_that_comes_back_after_the_end_is_worked_on(scene):
    city = relapsed(scene)
    city.hears("resolved", name="i1")
    city.hears("resolved", name="i2")
    city.works("m1", *WAY, name="i1")
    city.at(minutes=25).hears("reopened", name="i1")

    assert (city.case("i1").lives, city.case("i1").incident.incident_id) == (3, "i1")


# -- what comes back while nobody is to be told of it ---------------------------------------


def ended(scene):
    city = scene()
    city.hears()
    city.works("m1", *WAY)
    city.at(minutes=3).hears("resolved")
    return city


HELD = {"actionable": False, "held": ("mode:typhoon",)}


def test_what_came_back_while_it_was_held_is_worked_on_when_it_is_set_free(scene):
    city = ended(scene)
    city.at(minutes=5).hears("reopened", **HELD)
    assert city.case().is_ended
    city.sleeps_until(minutes=20)
    city.hears("updated", released="mode:typhoon")

    assert (city.case().state, city.case().lives) == (CaseState.DISPATCHED, 2)
    respond = city.case().clocks[0]
    assert respond.started_ms == city.now_ms, "people's time begins when they may act"


def test_what_came_and_went_while_it_was_held_sends_nobody(scene):
    city = ended(scene)
    city.at(minutes=5).hears("reopened", **HELD)
    city.at(minutes=7).hears("resolved", **HELD)
    city.at(minutes=20).hears("updated", released="mode:typhoon", state=IncidentState.RESOLVED)

    assert city.case().lives == 1


def test_a_false_alarm_that_is_silenced_and_set_free_stays_one(scene):
    city = scene()
    city.hears()
    city.works("m1", "false-alarm", reason="a sack of leaves")
    city.at(minutes=5).hears("updated", **HELD)
    city.at(minutes=20).hears("updated", released="silence:1")

    assert city.case().state is CaseState.FALSE_ALARM


def test_supervision_of_another_life_begins_with_a_reminder(scene):
    city = scene()
    city.hears()
    city.at(minutes=4)
    for _ in range(3):
        assert city.commands("supervise").accepted
    city.works("m1", *WAY)
    city.at(minutes=10).commands("reopen", reason="it lies there still")
    assert city.at(minutes=15).commands("supervise").accepted

    assert city.steps("supervise")[-1].reason == "reminder"
