"""Scenes of a city, told with a clock that jumps: `city.at(...)`, then what must be said."""

import msgspec
import pytest

from schemas.dispatch import (
    CaseState,
    Clock,
    ClockNote,
    OrderChange,
)
from streams.matters.casework import DispatchParams
from streams.matters.decision import Dispatched
from streams.matters.dispatch import case_id_of


def noise(city, change, rung, **facts):
    return city.hears(change, kind="noise.exceeded", rung=rung, **facts)


def works_through(city, by, *actions):
    for action in actions:
        city.is_told(action, by)


# -- the way of an order --------------------------------------------------------


def test_an_incident_becomes_an_order_to_the_worker_of_its_place(scene):
    city = scene()
    (order,) = city.hears("opened", lon_deg=120.5, lat_deg=27.5).orders

    assert (order.unit, order.unit_name, order.level) == ("m1", "worker of M1", "micro-grid")
    assert (order.change, order.state) == (OrderChange.ISSUED, CaseState.DISPATCHED)
    assert order.boundary_version == "v1"
    assert order.case_id == case_id_of("i1")
    assert order.respond_by_time_ms - city.start_ms == 60_000
    assert order.on_site_by_time_ms - city.start_ms == 45 * 60_000
    assert order.created_time_ms - order.opened_time_ms == 5_000


def test_what_happens_at_sea_goes_to_the_desk_for_places_outside(scene):
    city = scene()
    (order,) = city.hears("opened", lon_deg=121.5, lat_deg=27.5).orders

    assert order.unit == "coast-desk"


def test_a_level_with_nobody_on_duty_is_passed_over_at_once_and_that_is_said(scene, people):
    asleep = [
        {**unit, "duty": ["00:00-06:00"]} if unit["code"] == "m1" else unit for unit in people
    ]
    (order,) = scene(people=asleep).hears("opened").orders

    assert (order.unit, order.reason) == ("g1", "nobody-to-tell:micro-grid")


def test_with_nobody_anywhere_the_desk_takes_it(scene, people):
    only_desks = [unit for unit in people if unit["level"] == "city"]
    city = scene(people=only_desks)
    city.hears("opened")

    assert city.sent() == ["desk"]


def test_a_case_goes_from_its_order_to_its_end(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=20).is_told("accept", "m1")
    city.at(minutes=2).is_told("depart", "m1")
    city.at(minutes=12).is_told("arrive", "m1")
    city.at(minutes=30).is_told("handle", "m1")
    city.at(minutes=31).is_told("verify", "m1")
    city.at(minutes=32).is_told("close", "m1")

    assert [o.state.value for o in city.orders if not o.clock] == [
        "dispatched",
        "accepted",
        "departed",
        "on-site",
        "handled",
        "verified",
        "closed",
    ]
    assert city.breaches() == []
    assert city.case().is_ended
    assert city.case().due_ms is None, "its incident is still open: its updates must find it"
    assert [o.revision for o in city.orders] == list(range(len(city.orders)))
    assert len({o.id for o in city.orders}) == len(city.orders)


def test_an_illegal_move_is_answered_and_changes_nothing(scene):
    city = scene()
    city.hears("opened")
    (answer,) = city.is_told("handle", "m1").orders

    assert answer.change is OrderChange.REFUSED
    assert answer.reason == (
        "illegal-move: handle while dispatched; possible: accept, return, false-alarm"
    )
    assert city.case().state is CaseState.DISPATCHED
    assert answer.revision == 0


def test_word_about_no_known_case_is_for_the_dead_letters(scene):
    city = scene()
    out = city.is_told("accept", "m1", name="never-heard-of")

    assert out.refused == [(0, "unknown-case")]
    assert out.orders == []


def test_word_about_an_order_that_is_not_there_is_refused(scene):
    city = scene()
    city.hears("opened")
    (answer,) = city.is_told("accept", "m1", order_id="other").orders

    assert answer.reason.startswith("unknown-order")


def test_a_false_alarm_ends_the_case_and_all_its_clocks(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=10).is_told("false-alarm", "m1", reason="a film is shot here")
    city.at(minutes=60)

    assert city.orders[-1].state is CaseState.FALSE_ALARM
    assert city.orders[-1].reason == "a film is shot here"
    assert city.notes() == []


# -- clocks ----------------------------------------------------------------------


def test_a_silent_worker_breaks_three_promises_once_each_and_the_ladder_is_climbed(scene):
    city = scene()
    city.hears("opened")
    city.at(minutes=60)

    assert city.notes() == [
        (Clock.RESPOND, ClockNote.WARN_50, 30),
        (Clock.RESPOND, ClockNote.WARN_80, 48),
        (Clock.RESPOND, ClockNote.BREACH, 60),
        (Clock.DEPART, ClockNote.WARN_50, 90),
        (Clock.DEPART, ClockNote.WARN_80, 144),
        (Clock.DEPART, ClockNote.BREACH, 180),
        (Clock.ON_SITE, ClockNote.WARN_50, 1350),
        (Clock.ON_SITE, ClockNote.WARN_80, 2160),
        (Clock.ON_SITE, ClockNote.BREACH, 2700),
    ]
    assert city.sent() == ["m1", "g1", "c1", "desk", "leader"]
    assert city.orders[3].change is OrderChange.CLOCK
    assert city.orders[4].change is OrderChange.ESCALATED
    assert city.orders[4].event_time_ms == city.start_ms + 60_000


def test_the_order_clock_is_stopped_by_the_order(scene):
    city = scene()
    city.hears("opened")
    city.at(minutes=60)

    assert Clock.ORDER not in {clock for clock, _, _ in city.notes()}


def test_an_order_that_comes_too_late_breaks_the_order_clock(scene):
    city = scene()
    incident = city.an_incident()
    city.at(minutes=3).hears_again(incident)

    assert city.breaches() == [(Clock.ORDER, ClockNote.BREACH, 180)]
    assert city.orders[-1].late_detected
    assert city.orders[-1].deadline_time_ms == city.start_ms + 120_000


def test_an_acceptance_stops_the_ladder(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=61)
    city.at(seconds=70).is_told("accept", "g1")
    city.at(seconds=170).is_told("depart", "g1")
    city.at(minutes=44)

    assert city.sent() == ["m1", "g1"]


def test_nobody_on_site_in_time_asks_the_level_above(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=20).is_told("accept", "m1")
    city.at(seconds=90).is_told("depart", "m1")
    city.at(minutes=45)

    assert city.sent() == ["m1", "g1"]
    assert city.orders[-1].reason == "on-site-breached"


def test_the_top_of_the_ladder_is_told_once_and_no_further(scene):
    city = scene()
    city.hears("opened")
    city.at(minutes=40)

    assert [o.reason for o in city.orders].count("nobody-accepted; top-of-ladder") == 1


def test_three_minutes_of_outage_lose_and_double_nothing(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=31)
    city.sleeps_until(seconds=211).look()
    assert city.notes()[1:] == [
        (Clock.RESPOND, ClockNote.BREACH, 211),
        (Clock.DEPART, ClockNote.BREACH, 211),
    ]

    late = [o for o in city.orders if o.clock_note is ClockNote.BREACH]
    assert [o.deadline_time_ms - city.start_ms for o in late] == [60_000, 180_000]
    assert all(o.late_detected for o in late)
    assert city.sent() == ["m1", "g1"], "one level at a time: each has its minute"
    assert city.look().orders == []
    city.at(seconds=270)
    assert city.sent() == ["m1", "g1"]
    city.at(seconds=272)
    assert city.sent() == ["m1", "g1", "c1"]


def test_word_that_waited_through_an_outage_is_taken_at_its_own_time(scene):
    city = scene()
    city.hears("opened")
    accept = city.at(seconds=20).an_update("accept", "m1", ingest_time_ms=city.now_ms)
    city.sleeps_until(seconds=170).is_told_again(accept)
    city.look()

    assert Clock.RESPOND not in {clock for clock, _, _ in city.notes()}
    assert city.sent() == ["m1"]


def test_word_after_the_deadline_that_nobody_saw_pass_still_tells_the_breach(scene):
    city = scene()
    city.hears("opened")
    city.sleeps_until(seconds=100).is_told("accept", "m1")

    assert city.breaches() == [(Clock.RESPOND, ClockNote.BREACH, 100)]
    assert city.case().state is CaseState.ACCEPTED


def test_a_kind_with_a_promise_of_its_own_keeps_that(scene):
    sla = {"kinds": [{"kind": "fire.*", "promise": {"respond_s": 15}}]}
    city = scene(params=msgspec.convert({"sla": sla}, DispatchParams))
    city.hears("opened", kind="fire.smoke")
    city.at(seconds=20)

    assert city.breaches() == [(Clock.RESPOND, ClockNote.BREACH, 15)]
    assert city.sent() == ["m1", "g1"]


# -- handing back ------------------------------------------------------------------


def test_what_one_hands_back_another_takes_and_no_clock_restarts(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=20).is_told("return", "m1", reason="not my street")
    city.at(seconds=60)

    assert city.sent() == ["m1", "g1", "c1"]
    assert city.orders[2].reason == "returned-by:m1"
    assert city.breaches() == [(Clock.RESPOND, ClockNote.BREACH, 60)]


def test_after_a_kept_promise_the_heir_has_a_minute_of_its_own(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=20).is_told("accept", "m1")
    city.at(seconds=55).is_told("return", "m1", reason="too big for me")
    city.at(seconds=114)
    assert city.sent() == ["m1", "g1"]

    city.at(seconds=115)
    assert city.sent() == ["m1", "g1", "c1"]
    assert city.breaches() == []


def test_the_third_return_goes_to_the_city_desk_and_ends_there(scene):
    city = scene()
    city.hears("opened")
    for number, unit in enumerate(["m1", "g1", "c1"]):
        city.at(seconds=number).is_told("return", unit, reason="not mine")
    (answer,) = city.at(seconds=9).is_told("return", "desk", reason="not mine").orders

    assert city.sent() == ["m1", "g1", "c1", "desk"]
    assert answer.change is OrderChange.REFUSED
    assert answer.reason.startswith("nobody-left")


def test_who_is_not_the_last_may_hand_back_though_the_desk_has_it(scene):
    city = scene()
    city.hears("opened")
    for unit in ("m1", "g1"):
        city.is_told("return", unit, reason="not mine")
    city.at(minutes=3)
    assert [order.unit for order in city.case().live] == ["c1", "desk", "leader"]

    assert city.commands("return", "c1", reason="not mine").accepted
    assert city.case().returns == 3
    assert [order.unit for order in city.case().live] == ["desk", "leader"]
    assert city.commands("return", "desk", reason="not mine").accepted
    assert city.commands("return", "leader", reason="not mine").accepted
    assert [order.unit for order in city.case().live] == ["desk"]
    assert city.commands("return", "desk", reason="not mine").reason == "nobody-left"


def test_what_was_taken_over_from_the_desk_and_is_handed_back_is_the_desks_again(scene):
    city = scene()
    city.hears("opened")
    for unit in ("m1", "g1"):
        city.is_told("return", unit, reason="not mine")
    city.commands("reassign", to_unit="desk", reason="we decide")
    city.commands("take-over", "c2", reason="we are next door")
    assert city.commands("return", "c2", reason="it is not ours either").accepted

    assert [order.unit for order in city.case().live] == ["desk"]
    assert city.case().returns == 3


def test_when_the_one_who_accepted_hands_back_the_silent_other_has_a_minute_left(scene):
    city = scene()
    city.hears("opened")
    city.at(seconds=65).is_told("accept", "g1")
    city.at(seconds=100).is_told("return", "g1", reason="called away")
    city.at(seconds=159)
    assert city.sent() == ["m1", "g1"]

    city.at(seconds=160)
    assert city.sent() == ["m1", "g1", "c1"]


def test_handing_back_needs_a_reason(scene):
    city = scene()
    city.hears("opened")
    (answer,) = city.is_told("return", "m1").orders

    assert answer.reason.startswith("reason-required")


# -- the ladder of noise --------------------------------------------------------------


def test_the_first_rung_speaks_through_the_loudspeaker_and_sends_nobody(scene):
    city = scene()
    (reminder,) = noise(city, "opened", 1).reminders
    city.at(minutes=60)

    assert (reminder.subject, reminder.text_id) == ("speaker-1", "quiet")
    assert city.sent() == []
    assert city.case().state is CaseState.DETECTED


def test_noise_that_ends_after_the_loudspeaker_corrected_itself(scene):
    city = scene()
    noise(city, "opened", 1)
    (closed,) = noise(city.at(minutes=3), "resolved", 1).orders

    assert (closed.state, closed.reason) == (CaseState.CLOSED, "self-corrected")
    assert (closed.unit, closed.level) == ("speaker-1", "loudspeaker")


def test_the_second_rung_sends_the_grid_worker_and_starts_the_clocks(scene):
    city = scene()
    noise(city, "opened", 1)
    (order,) = noise(city.at(minutes=5), "updated", 2).orders

    assert order.unit == "g1"
    assert order.respond_by_time_ms == city.start_ms + 6 * 60_000


def test_the_third_rung_sends_the_police_as_well(scene):
    city = scene()
    noise(city, "opened", 1)
    noise(city.at(minutes=5), "updated", 2)
    city.at(minutes=5, seconds=30).is_told("accept", "g1")
    noise(city.at(minutes=15), "updated", 3)
    city.is_told("accept", "police")
    works_through(city, "g1", "depart", "arrive", "handle")
    works_through(city, "police", "depart", "arrive")

    assert city.sent() == ["g1", "police"]
    assert [o.state.value for o in city.case().orders] == ["handled", "on-site"]
    assert city.case().state is CaseState.HANDLED


def test_when_one_closes_the_case_the_others_stand_down(scene):
    city = scene()
    noise(city, "opened", 2)
    noise(city, "updated", 3)
    works_through(city, "g1", "accept", "depart", "arrive", "handle", "verify", "close")

    closed = [o.unit for o in city.orders if o.change is OrderChange.CLOSED]
    assert closed == ["g1", "police"]


def test_a_silent_loudspeaker_sends_the_grid_worker_at_once(scene):
    city = scene()
    (reminder,) = noise(city, "opened", 1).reminders
    city.at(seconds=10).is_told("reminder-failed", "speaker-1", order_id=reminder.reminder_id)
    city.at(seconds=40).is_told("accept", "g1")
    noise(city.at(minutes=5), "updated", 2)

    assert city.sent() == ["g1"]
    assert city.orders[1].reason == "loudspeaker-failed"
    assert city.orders[1].respond_by_time_ms == city.start_ms + 70_000


def test_a_loudspeaker_that_played_is_noted(scene):
    city = scene()
    noise(city, "opened", 1)
    (noted,) = city.is_told("reminder-played", "speaker-1").orders

    assert (noted.change, noted.reason) == (OrderChange.NOTED, "reminder-played")
    assert city.sent() == []


def test_a_loudspeaker_that_does_not_report_is_shown_once_and_nobody_is_sent_for_that(scene):
    city = scene()
    noise(city, "opened", 1)
    city.at(seconds=59)
    assert city.steps("reminder-timed-out") == []

    city.at(minutes=4)
    (told,) = city.steps("reminder-timed-out")
    assert (told.unit, told.event_time_ms) == ("speaker-1", city.start_ms + 60_000)
    assert city.orders[-1].reason == "reminder-timed-out"
    assert city.sent() == []
    assert city.is_told("reminder-played", "speaker-1").orders[0].reason == "reminder-played"


def test_a_loudspeaker_that_has_reported_is_not_asked_again(scene):
    city = scene()
    noise(city, "opened", 1)
    city.at(seconds=20).is_told("reminder-played", "speaker-1")
    city.at(minutes=4)

    assert city.steps("reminder-timed-out") == []


def test_word_of_another_reminder_is_refused(scene):
    city = scene()
    noise(city, "opened", 1)
    (answer,) = city.is_told("reminder-failed", "x", order_id="some-other-call").orders

    assert answer.reason.startswith("unknown-reminder")
    assert city.sent() == []


def test_a_place_without_a_loudspeaker_starts_with_the_grid_worker(scene):
    city = scene()
    noise(city, "opened", 1, area="nowhere", lon_deg=120.5, lat_deg=27.5)

    assert city.sent() == ["g1"]
    assert city.orders[0].reason == "no-loudspeaker"


def test_a_loudspeaker_is_not_asked_twice_within_ten_minutes(scene):
    city = scene()
    noise(city, "opened", 1)
    noise(city.at(minutes=4), "resolved", 1)
    noise(city.at(minutes=9), "reopened", 1)
    noise(city.at(minutes=9, seconds=30), "resolved", 1)
    noise(city.at(minutes=11), "reopened", 1)

    assert len(city.reminders) == 2
    assert len({reminder.reminder_id for reminder in city.reminders}) == 2
    assert len({order.id for order in city.orders}) == len(city.orders)


def test_what_comes_back_while_the_loudspeaker_rests_can_be_called_a_false_alarm(scene):
    city = scene()
    noise(city, "opened", 1)
    noise(city.at(minutes=4), "resolved", 1)
    noise(city.at(minutes=9), "reopened", 1)
    (closed,) = city.is_told("false-alarm", "operator", reason="a fair").orders

    assert (closed.change, closed.state) == (OrderChange.CLOSED, CaseState.FALSE_ALARM)


# -- the incident goes on ------------------------------------------------------------


def test_what_ends_by_itself_while_people_are_out_is_noted_and_they_close_it(scene):
    city = scene()
    city.hears("opened")
    (noted,) = city.at(seconds=30).hears("resolved").orders[-1:]
    city.at(minutes=10)

    assert (noted.change, noted.reason) == (OrderChange.NOTED, "incident-resolved")
    assert city.sent() == ["m1"], "no more people are asked about what is over"
    assert not city.case().is_ended
    assert city.breaches()[0] == (Clock.RESPOND, ClockNote.BREACH, 60)


def test_a_notice_is_over_at_once_and_still_climbs_the_ladder(scene):
    city = scene()
    city.hears("opened")
    city.hears("resolved", reason="notice")
    city.at(seconds=60)

    assert city.sent() == ["m1", "g1"]


def test_what_comes_back_begins_again_with_clocks_of_its_own(scene):
    city = scene()
    city.hears("opened")
    works_through(city, "m1", "accept", "depart", "arrive", "handle", "verify", "close")
    city.at(minutes=20).hears("resolved")
    (order,) = city.at(minutes=30).hears("reopened", reopened_count=1).orders

    assert (order.unit, order.state) == ("m1", CaseState.DISPATCHED)
    assert order.respond_by_time_ms == city.start_ms + 31 * 60_000
    assert order.order_id != city.orders[0].order_id


def test_a_false_alarm_stays_one_whatever_the_ladder_says(scene):
    city = scene()
    noise(city, "opened", 2)
    city.is_told("false-alarm", "g1", reason="a parade with a permit")

    assert noise(city, "updated", 3).orders == []


def test_what_was_closed_too_early_is_taken_up_by_the_next_rung(scene):
    city = scene()
    noise(city, "opened", 2)
    works_through(city, "g1", "accept", "depart", "arrive", "handle", "verify", "close")
    noise(city.at(minutes=15), "updated", 3)

    assert city.sent() == ["g1", "police"]


# -- again and again ----------------------------------------------------------------


def test_everything_that_comes_again_says_nothing_again(scene):
    city = scene()
    incidents = [city.an_incident("opened"), city.an_incident("updated")]
    city.hears_again(*incidents)
    updates = [city.an_update("accept", "m1"), city.an_update("handle", "m1")]
    city.is_told_again(*updates)

    assert city.hears_again(*incidents) == Dispatched.nothing()
    assert city.is_told_again(*updates) == Dispatched.nothing()


def test_an_ended_case_is_forgotten_a_day_after_it_and_its_incident_are_over(scene):
    city = scene()
    city.hears("opened")
    city.is_told("false-alarm", "m1", reason="nothing there")
    city.at(minutes=5 * 1440)
    assert list(city.cases) == [case_id_of("i1")]

    city.hears("resolved")
    city.at(minutes=6 * 1440 - 1)
    assert city.cases
    city.at(minutes=6 * 1440)
    assert city.cases == {}


@pytest.mark.parametrize("change", ["opened", "updated", "reopened"])
def test_an_open_incident_without_a_case_gets_one_whatever_it_says(scene, change):
    city = scene()
    city.hears(change)

    assert city.sent() == ["m1"]


def test_the_end_of_an_incident_without_a_case_is_nothing(scene):
    assert scene().hears("resolved") == Dispatched.nothing()
