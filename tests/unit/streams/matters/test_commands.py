"""Commands to a case: what is done, what is refused and why, what the story says of it."""

import pytest

from schemas.cases import CaseStage
from schemas.dispatch import CaseState, Clock, ClockNote
from streams.matters.casework import DispatchParams

WAY = ("accept", "depart", "arrive", "handle", "verify", "close")


def test_a_case_goes_through_the_seven_stages_and_its_story_is_whole(scene):
    city = scene()
    city.hears()
    for minute, action in enumerate(WAY):
        city.at(minutes=minute, seconds=20).works("m1", action)

    stages = list(dict.fromkeys(record.stage for record in city.records))
    assert stages == [
        CaseStage.ASSIGN,
        CaseStage.HANDLE,
        CaseStage.FEED_BACK,
        CaseStage.VERIFY,
        CaseStage.EVALUATE,
    ]
    assert city.story() == ["opened", "issued", *WAY]
    assert city.faults() == []
    assert [reply.accepted for reply in city.replies] == [True] * 6
    last = city.records[-1]
    assert (last.events, last.last_hash) == (8, city.events[-1].hash)


def test_a_case_that_only_a_loudspeaker_has_heard_of_is_still_a_report(scene):
    city = scene()
    city.hears(kind="noise.exceeded", rung=1)

    assert city.records[-1].stage is CaseStage.REPORT
    assert city.story() == ["opened", "reminder"]


def test_an_update_of_the_field_and_a_command_move_an_order_alike(scene):
    by_update, by_command = scene(), scene()
    by_update.hears()
    by_command.hears()
    for action in WAY:
        by_update.is_told(action, "m1")
    by_command.works("m1", *WAY)

    assert by_update.story() == by_command.story()
    assert by_update.case().orders == by_command.case().orders
    assert by_update.case().clocks == by_command.case().clocks


@pytest.mark.parametrize(
    ("action", "fields", "reason"),
    [
        ("handle", {"unit": "m1"}, "illegal-move"),
        ("return", {"unit": "m1"}, "reason-required"),
        ("accept", {"unit": "g1"}, "not-your-order"),
        ("accept", {"order_id": "none-such"}, "unknown-order"),
        ("receipt", {"unit": "m1"}, "illegal-move"),
        ("reassign", {"unit": "m1", "reason": "why", "to_unit": "c1"}, "role-required"),
        ("reassign", {"reason": "why", "to_unit": "nobody"}, "unknown-unit"),
        ("reassign", {"reason": "why", "to_unit": "m1"}, "already-yours"),
        ("take-over", {"unit": "c1"}, "reason-required"),
        ("review", {"reason": "fine"}, "nothing-to-review"),
        ("merge", {"reason": "same", "into": "none"}, "unknown-case"),
        ("reopen", {"reason": "why"}, "illegal-move"),
        ("pause", {"reason": "lunch"}, "unlisted-reason"),
        ("resume", {}, "not-paused"),
        ("helpers", {"departments": ("none",)}, "unknown-department"),
        ("supervise", {}, "nothing-overdue"),
        ("city-task", {}, "wrong-subject"),
        ("accept", {"name": "no-such-case"}, "unknown-case"),
        ("accept", {"name": "city"}, "wrong-subject"),
    ],
)
def test_a_refusal_is_named_says_what_would_be_right_and_writes_nothing(
    scene, action, fields, reason
):
    city = scene()
    city.hears()
    before = (dict(city.cases), len(city.events), len(city.orders), len(city.records))
    reply = city.commands(action, **fields)

    assert (reply.accepted, reply.reason) == (False, reason)
    assert reply.hint
    assert before == (city.cases, len(city.events), len(city.orders), len(city.records))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reason": "x" * 2_001}, "too-long"),
        ({"unit": "x" * 257}, "too-long"),
        ({"within_s": 0}, "bad-time"),
        ({"within_s": 2**53}, "bad-time"),
        ({"ring_deg": (120.0, 27.0, 121.0)}, "bad-ring"),
        ({"ring_deg": (120.0, 27.0)}, "bad-ring"),
    ],
)
@pytest.mark.parametrize("subject", ["i1", "city"])
def test_what_is_beyond_all_bounds_is_refused_before_anything_is_looked_at(
    scene, subject, fields, reason
):
    city = scene()
    city.hears()

    assert city.commands("city-task", name=subject, text="x", **fields).reason == reason


def test_the_same_command_again_is_answered_again_and_done_once(scene):
    city = scene()
    city.hears()
    first = city.commands("accept", "m1", id="mine")
    again = city.commands("accept", "m1", id="mine")

    assert (first.accepted, again.accepted) == (True, True)
    assert first.id == again.id
    assert city.story().count("accept") == 1


def test_taking_over_moves_the_case_in_one_step(scene):
    city = scene()
    city.hears()
    city.at(seconds=30).works("m1", "accept")
    city.at(seconds=50).works("c1", "take-over", reason="I am next door")

    states = {order.unit: order.state for order in city.case().orders}
    assert states == {"m1": CaseState.RETURNED, "c1": CaseState.ACCEPTED}
    assert city.case().returns == 0
    assert city.records[-1].unit == "c1"
    assert not any(clock.is_breached for clock in city.case().clocks)


def test_the_desk_reassigns_to_any_level_and_no_clock_restarts(scene):
    city = scene()
    city.hears()
    deadlines = [clock.deadline_ms for clock in city.case().clocks]
    city.at(seconds=20).commands("reassign", to_unit="police", reason="they know the man")

    assert city.records[-1].unit == "police"
    assert [clock.deadline_ms for clock in city.case().clocks] == deadlines


def test_a_return_is_reviewed_by_somebody_else_within_five_minutes(scene):
    city = scene()
    city.hears()
    city.at(seconds=30).works("m1", "return", reason="not my street")
    own = city.commands("review", "m1", role="supervisor", reason="fine")
    assert own.reason == "own-review"
    assert city.records[-1].review_by_time_ms == city.now_ms + 300_000

    assert city.at(seconds=60).commands("review", reason="right, it is not").accepted
    city.at(minutes=10)
    assert "review-overdue" not in city.story()


def test_a_return_that_nobody_reviews_is_told_once(scene):
    city = scene()
    city.hears()
    city.at(seconds=30).works("m1", "return", reason="not my street")
    city.at(minutes=20)

    (overdue,) = city.steps("review-overdue")
    assert overdue.event_time_ms - city.steps("return")[0].event_time_ms == 300_000


def test_an_order_that_was_accepted_and_not_left_for_goes_to_the_next_level(scene):
    city = scene(DispatchParams(depart_s=300))
    city.hears()
    city.at(seconds=20).works("m1", "accept")
    city.at(minutes=5, seconds=21)

    assert city.story()[-2:] == ["ack-timeout", "escalated"]
    assert [order.unit for order in city.case().live] == ["g1"]
    assert Clock.DEPART in city.case().breaches


def test_a_merged_case_is_worked_on_in_the_other(scene):
    city = scene()
    city.hears(name="i1")
    city.hears(name="i2", subject="camera-2")
    into = city.case("i2").case_id
    assert city.at(seconds=10).commands("merge", into=into, reason="one heap").accepted

    assert city.case("i1").state is CaseState.MERGED
    assert city.records[-2].into == into
    assert city.story("i2")[-1] == "joined"
    city.at(minutes=60)
    assert city.story("i1")[-1] == "merge", "nothing more is told of it"


def test_the_desk_reopens_what_ended_with_its_history(scene):
    city = scene()
    city.hears()
    city.works("m1", *WAY)
    city.at(minutes=5).commands("reopen", reason="it lies there still")

    assert city.case().lives == 2
    assert city.story()[-2:] == ["reopen", "issued"]
    assert city.faults() == []


def test_the_same_matter_again_within_half_an_hour_is_the_same_case(scene):
    city = scene()
    city.hears()
    city.works("m1", *WAY)
    city.hears("resolved")
    city.at(minutes=29).hears(name="i2")

    assert city.case("i2").into == city.case("i1").case_id
    assert city.case("i1").lives == 2
    assert city.story("i1")[-2:] == ["relapse", "issued"]
    city.at(minutes=29, seconds=10).works("m1", "accept")
    city.hears("resolved", name="i2")
    assert city.case("i1").resolved_ms == city.now_ms, "its incident is followed in the old case"


def test_a_word_about_the_incident_that_came_again_moves_the_case_that_works_on_it(scene):
    city = scene()
    city.hears()
    city.works("m1", *WAY)
    city.hears("resolved")
    city.at(minutes=29).hears(name="i2")

    assert city.is_told("accept", "m1", name="i2").refused == []
    assert city.commands("depart", "m1", name="i2").case_id == city.case("i1").case_id
    assert city.story("i1")[-2:] == ["accept", "depart"]
    assert city.faults() == []


def test_a_relapse_is_one_of_the_case_closed_last_after_a_restart_too(scene):
    city = scene()
    for name, minutes in (("i2", 0), ("i1", 40)):
        city.at(minutes=minutes).hears(name=name)
        city.works("m1", *WAY, name=name)
        city.hears("resolved", name=name)
    for key in sorted(city.cases, key=lambda key: -city.cases[key].ended_ms):
        city.cases[key] = city.cases.pop(key)  # as rows of a table may come back

    city.sleeps_until(minutes=45)
    city.hears(name="i3")

    assert city.case("i3").into == city.case("i1").case_id


def test_the_same_matter_later_is_another_case(scene):
    city = scene()
    city.hears()
    city.works("m1", *WAY)
    city.hears("resolved")
    city.at(minutes=31).hears(name="i2")

    assert city.case("i2").into == ""
    assert city.case("i1").lives == 1


# -- the clocks ----------------------------------------------------------------------


def test_a_breach_says_where_the_time_went_from_the_citizens_side_and_from_ours(scene):
    city = scene()
    city.hears(opened_time_ms=city.now_ms - 200_000)
    city.at(seconds=40).works("m1", "accept")
    city.at(seconds=100).works("m1", "depart")
    city.at(minutes=45)

    (breach,) = city.steps("breached")
    assert (breach.clock, breach.clock_note) == (Clock.ON_SITE, ClockNote.BREACH)
    assert breach.deadline_time_ms - breach.event_time_ms == 0
    assert breach.since_created_ms == 45 * 60_000
    assert breach.since_event_ms == 45 * 60_000 + 200_000
    assert (breach.machine_ms, breach.queue_ms) == (200_000, 40_000)
    assert (breach.person_ms, breach.travel_ms) == (60_000, 2_600_000)
    assert city.records[-1].breaches == (Clock.ON_SITE,)


def test_clocks_stand_still_for_a_listed_reason_and_no_longer_than_allowed(scene):
    city = scene(DispatchParams(pause_max_s=600))
    city.hears()
    city.at(seconds=20).works("m1", "accept")
    city.at(seconds=60).commands("pause", reason="bad-weather")
    city.at(seconds=179)
    assert city.steps("breached") == []

    city.at(minutes=20)
    (resumed,), breach = city.steps("resumed"), city.steps("breached")[0]
    assert breach.deadline_time_ms == resumed.event_time_ms + 120_000, "180 s less the 60 before"
    assert city.case().paused_ms == 600_000
    assert city.commands("pause", reason="bad-weather").reason == "pause-used-up"


def test_a_pause_after_a_breach_does_not_remove_it(scene):
    city = scene()
    city.hears()
    city.at(seconds=70).commands("pause", reason="no-access")
    city.at(seconds=90).commands("resume")

    assert city.case().breaches == (Clock.RESPOND,)
    respond = city.case().clocks[0]
    assert (respond.is_breached, respond.paused_ms) == (True, 0)


def test_clocks_of_life_safety_never_stand_still(scene):
    city = scene()
    city.hears(life_safety=True)

    assert city.commands("pause", reason="bad-weather").reason == "life-safety"


def test_whoever_works_on_lets_the_clocks_run_again(scene):
    city = scene()
    city.hears()
    city.at(seconds=20).works("m1", "accept")
    city.at(seconds=60).commands("pause", reason="no-access")
    city.at(seconds=240).works("m1", "depart")

    assert city.case().pause is None
    assert city.case().paused_ms == 180_000
    assert city.case().breaches == ()


def test_breaches_of_an_outage_are_told_with_their_true_deadline_and_as_late(scene):
    city = scene()
    city.hears()
    city.at(seconds=10).sleeps_until(seconds=190).at(seconds=190)

    breaches = city.steps("breached")
    assert [(one.clock, one.late_detected) for one in breaches] == [
        (Clock.RESPOND, True),
        (Clock.DEPART, True),
    ]
    assert [one.since_created_ms for one in breaches] == [60_000, 180_000]
    city.sleeps_until(seconds=400).at(seconds=400)
    assert len(city.steps("breached")) == 2
    assert city.faults() == []
