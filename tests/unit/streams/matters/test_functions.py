"""Stories of the city's functions, forty-five minutes each on a clock that jumps."""

import pytest

from schemas.dispatch import CaseState, OrderChange

# -- 联勤处置"一件办" ---------------------------------------------------------------------


def joint(scene):
    city = scene()
    city.hears()
    city.at(seconds=30).works("m1", "accept")
    reply = city.at(minutes=2).commands(
        "helpers", departments=("police", "fire"), reason="a fight at a bonfire", within_s=180
    )
    assert reply.accepted, reply.hint
    return city


def test_one_case_with_several_departments_is_closed_only_when_all_are(scene):
    city = joint(scene)
    city.at(minutes=3).works("police", "accept", "depart", "arrive", "handle", "verify")
    city.at(minutes=4).works("m1", "depart", "arrive", "handle", "verify")
    early = city.commands("close", "m1")
    assert (early.reason, "police, fire" in early.hint) == ("helpers-open", True)

    city.at(minutes=20).works("police", "close")
    assert not city.case().is_ended
    assert city.commands("close", "m1").reason == "helpers-open"
    city.at(minutes=30).works("fire", "accept", "depart", "arrive", "handle", "verify", "close")
    city.at(minutes=45).works("m1", "close")

    assert city.case().state is CaseState.CLOSED
    assert {one.unit: one.part for one in city.records[-1].orders} == {
        "m1": "lead",
        "police": "helper",
        "fire": "helper",
    }
    assert city.faults() == []


def test_a_helper_that_does_not_answer_in_its_time_is_named(scene):
    city = joint(scene)
    city.at(minutes=3).works("police", "accept")
    city.at(minutes=6)

    assert [event.unit for event in city.steps("unanswered")] == ["fire"]


def test_what_a_helper_hands_back_has_another_helper(scene):
    city = joint(scene)
    city.at(minutes=3).works("police", "return", reason="no car")

    live = {order.unit: order.part for order in city.case().live}
    assert live == {"m1": "lead", "fire": "helper", "desk": "helper"}


# -- 市级任务"一键达" ---------------------------------------------------------------------


def task(city, **fields):
    reply = city.commands("city-task", name="city", text="check all fire doors", **fields)
    assert reply.accepted, (reply.reason, reply.hint)
    return reply.case_id


def test_a_task_reaches_the_communities_and_lists_who_has_not_answered(scene):
    city = scene()
    key = task(city, areas=("LG-C1", "LG-C3"), within_s=1_800)
    city.at(minutes=5).works("c1", "receipt", name=key)
    record = city.records[-1]
    assert (record.function, record.answered, record.unanswered) == ("city-task", ("c1",), ("c3",))

    city.at(minutes=31)
    assert [event.unit for event in city.steps("unanswered")] == ["c3"]
    assert city.commands("close", name=key).reason == "unanswered"
    city.works("c1", "handle", "verify", "close", name=key)
    city.at(minutes=45).works("c3", "receipt", "handle", "verify", "close", name=key)
    assert city.case(key).state is CaseState.CLOSED
    assert city.steps("breached") == [], "a task has its own time, not the four clocks"
    assert city.faults() == []


def test_a_task_goes_to_whom_it_names_to_an_area_drawn_or_to_all_of_a_level(scene):
    ring = (120.0, 27.0, 121.0, 27.0, 121.0, 28.0)
    for fields, units in [
        ({"units": ("g2", "police")}, ["g2", "police"]),
        ({"ring_deg": ring}, ["c1", "c2"]),
        ({"ring_deg": ring, "level": "grid"}, ["g1", "g2"]),
        ({"level": "community"}, ["c1", "c2", "c3"]),
    ]:
        city = scene()
        key = task(city, **fields)
        assert [order.unit for order in city.case(key).orders] == units


def test_a_task_to_who_is_not_there_is_refused_whole(scene):
    city = scene()
    reply = city.commands("city-task", name="city", text="x", areas=("LG-C1", "LG-C9"))

    assert (reply.reason, city.cases) == ("unknown-area", {})
    assert city.commands("city-task", "c1", "city", text="x").reason == "role-required"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ring_deg": (121.5, 27.0, 122.0, 27.0, 122.0, 28.0)}, "nobody"),
        ({"level": "gird"}, "unknown-level"),
        ({"level": "city"}, "unknown-level"),
        ({"departments": ("police",)}, "departments-not-taken"),
    ],
    ids=["a ring drawn over the sea", "a level misspelt", "no level of areas", "a department"],
)
def test_a_task_that_means_no_area_goes_to_nobody_and_never_to_everybody(scene, fields, reason):
    city = scene()
    reply = city.commands("city-task", name="city", text="x", **fields)

    assert (reply.reason, reply.case_id, city.orders) == (reason, "", [])


def test_a_task_that_a_community_hands_back_is_the_desks(scene):
    city = scene()
    key = task(city, areas=("LG-C1", "LG-C3"))
    city.works("c1", "return", name=key, reason="we have no fire doors")
    assert {order.unit: order.part for order in city.case(key).live} == {
        "c3": "asked",
        "desk": "asked",
    }

    city.works("c3", "return", name=key, reason="nor have we")
    assert [order.unit for order in city.case(key).live] == ["desk"]
    assert city.commands("return", "desk", key, reason="who then?").reason == "nobody-left"


def test_a_task_that_is_over_is_not_taken_up_again_but_given_anew(scene):
    city = scene()
    key = task(city, areas=("LG-C1",))
    city.works("c1", "receipt", "handle", "verify", "close", name=key)
    reply = city.commands("reopen", name=key, reason="the doors are shut")

    assert (reply.reason, city.case(key).lives) == ("illegal-move", 1)
    assert city.orders[-1].state is CaseState.CLOSED


def test_a_task_that_comes_again_is_one_task(scene):
    city = scene()
    first, again = task(city, id="mine"), task(city, id="mine")

    assert first == again
    assert len(city.orders) == 3


# -- 社区"吹哨" ---------------------------------------------------------------------------


def test_a_community_whistles_and_each_department_reports_within_its_clock(scene):
    city = scene()
    whistle = city.commands(
        "whistle", "c1", "city", departments=("police", "flood"), text="a flooded cellar",
        within_s=900,
    )  # fmt: skip
    key = whistle.case_id
    city.at(minutes=10).works("police", "report-in", name=key)
    city.at(minutes=12).works("flood", "accept", name=key)
    city.at(minutes=15)

    assert [event.unit for event in city.steps("unanswered")] == ["flood"], "it has not come"
    city.at(minutes=25).works("flood", "report-in", "handle", "verify", "close", name=key)
    city.at(minutes=45).works("police", "handle", "verify", "close", name=key)
    assert city.case(key).state is CaseState.CLOSED


def test_only_a_community_or_its_grids_whistle(scene):
    city = scene()

    assert (
        city.commands("whistle", "police", "city", departments=("flood",)).reason == "role-required"
    )
    assert city.commands("whistle", "c1", "city").reason == "departments-required"
    to_units = city.commands("whistle", "c1", "city", departments=("flood",), units=("police",))
    assert (to_units.reason, city.orders) == ("units-not-taken", [])


# -- 社区自治"一键督" ---------------------------------------------------------------------


def test_overdue_work_is_supervised_in_three_steps_counted_per_unit(scene):
    city = scene()
    city.hears(name="i1")
    city.hears(name="i2", subject="camera-2")
    city.at(seconds=10).works("m1", "accept", name="i1")
    city.at(seconds=20).works("m1", "accept", "depart", "arrive", "handle", name="i2")
    for minute in (4, 6, 8, 10):
        assert city.at(minutes=minute).commands("supervise", name="city").accepted

    told = [(event.unit, event.reason) for event in city.steps("supervise")]
    assert told == [("m1", "reminder"), ("m1", "supervisor"), ("m1", "notice"), ("m1", "notice")]
    assert all(event.case_id == city.case("i1").case_id for event in city.steps("supervise"))
    noted = [order.reason for order in city.orders if order.change is OrderChange.NOTED]
    assert noted[0] == "supervised: reminder"
    assert [order.unit for order in city.case("i1").live][-1] == "g1", "its supervisor has it too"


def test_one_case_is_supervised_by_its_id_and_a_field_worker_supervises_nobody(scene):
    city = scene()
    city.hears()
    city.at(minutes=2)

    assert city.commands("supervise").accepted
    assert city.commands("supervise", "m1").reason == "role-required"


# -- 综合查一次 ----------------------------------------------------------------------------


def test_inspections_of_one_place_within_days_are_one_visit(scene):
    city = scene()
    plan = {"name": "city", "areas": ("square-1",), "text": "yearly inspection"}
    first = city.commands("visit", departments=("fire",), **plan)
    again = city.at(minutes=3 * 1440).commands("visit", departments=("police", "fire"), **plan)

    assert first.case_id == again.case_id
    assert [order.unit for order in city.case(first.case_id).orders] == ["fire", "police"]

    later = city.at(minutes=9 * 1440).commands("visit", departments=("flood",), **plan)
    assert later.case_id != first.case_id


def test_a_plan_that_became_part_of_a_visit_and_comes_again_is_no_visit_of_its_own(scene):
    city = scene()
    plan = {"name": "city", "areas": ("square-1",), "text": "food stalls"}
    first = city.commands("visit", departments=("fire",), **plan)
    second = city.commands("visit", departments=("police",), id="mine", **plan)
    assert second.case_id == first.case_id
    city.commands("close", name=first.case_id, reason="the square is shut")

    assert city.commands("visit", departments=("police",), id="mine", **plan) == second
    assert len(city.cases) == 1


def test_supervision_that_comes_again_supervises_nobody_who_is_late_since(scene):
    city = scene()
    city.hears(name="i1")
    city.at(minutes=2).commands("supervise", name="city", id="mine")
    city.hears(name="i2", subject="camera-2")
    city.at(minutes=6).commands("supervise", name="city", id="mine")

    assert [event.case_id for event in city.steps("supervise")] == [city.case("i1").case_id]


def test_a_visit_needs_one_place_that_the_city_knows(scene):
    city = scene()

    assert city.commands("visit", name="city", departments=("fire",)).reason == "place-required"
    nowhere = city.commands("visit", name="city", departments=("fire",), areas=("nowhere",))
    assert nowhere.reason == "unknown-area"
