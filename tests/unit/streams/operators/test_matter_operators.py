"""Alerts to incidents to orders: what is said once survives restarts and redelivery."""

import msgspec
import pytest

from schemas.alerts import Alert, Severity, Transition
from schemas.dispatch import (
    CaseState,
    Clock,
    ClockNote,
    DispatchOrder,
    DispatchUpdate,
    FieldAction,
    OrderChange,
    Reminder,
)
from schemas.incidents import Incident, IncidentChange
from schemas.records import Reason, Stage
from schemas.topics import (
    ALERTS,
    CASE_EVENTS,
    CASES,
    CASES_LATEST,
    DISPATCH_ORDERS,
    DISPATCH_ORDERS_LATEST,
    DISPATCH_UPDATES,
    INCIDENTS,
    INCIDENTS_LATEST,
    REMINDERS,
    UNITS_STATUS,
)
from streams.directory import directory_of, place_of
from streams.operator import NOTHING
from streams.operators.dispatch import DispatchOperator
from streams.operators.incidents import IncidentsOperator

DAY_MS = 86_400_000


def an_alert(at_ms, transition=Transition.ONSET, **said):
    """Return a message about gas at one sensor, placed inside the city."""
    fields = {
        "kind": "gas.exceeded", "subject": "gas-1", "alert_id": "a", "onset_time_ms": at_ms,
        "lon_deg": 120.553, "lat_deg": 27.575,
    } | said  # fmt: skip
    return Alert(
        source="citybrain.threshold",
        event_time_ms=at_ms,
        id=f"{fields['alert_id']}-{transition}-{at_ms}",
        rule="threshold",
        transition=transition,
        severity=Severity.SEVERE,
        **fields,
    )


def incidents_operator(kit):
    """Return the operator of the city's incidents, which tells people at once."""
    params = msgspec.structs.replace(kit.city.params["incidents"], group_wait_s=0.0)
    return IncidentsOperator(kit.city.code, params, place_of(kit.city))


def dispatch_operator(kit):
    return DispatchOperator(kit.city.code, directory_of(kit.city), kit.city.params["dispatch"])


@pytest.fixture
def alerts(kit):
    return kit.log(ALERTS)


@pytest.fixture
def incidents(kit):
    return kit.log(INCIDENTS)


@pytest.fixture
def updates(kit):
    return kit.log(DISPATCH_UPDATES)


def restarted(kit, operator, build):
    kept = kit.kept()
    kept.put(operator.changes())
    return kept.begin(build(kit))


def an_incident(kit, alert, now_ms):
    """Return what the incidents' operator makes of one alert."""
    outcome = incidents_operator(kit).take(kit.log(ALERTS).batch(alert), now_ms)
    (incident,) = kit.sent(outcome, INCIDENTS, Incident)
    return incident


# -- incidents ---------------------------------------------------------------------


def test_an_incident_is_said_to_its_city_and_as_the_latest_of_its_id(kit, alerts) -> None:
    outcome = incidents_operator(kit).take(alerts.batch(an_alert(kit.t0_ms)), kit.t0_ms)

    (incident,) = kit.sent(outcome, INCIDENTS, Incident)
    said = [(send.topic, send.key) for send in outcome.sends]
    assert said == [
        (INCIDENTS, b"longgang"),
        (INCIDENTS_LATEST, incident.incident_id.encode()),
    ]
    assert len({send.value for send in outcome.sends}) == 1


def test_an_incident_goes_on_after_a_restart(kit, alerts) -> None:
    first = incidents_operator(kit)
    opened = first.take(alerts.batch(an_alert(kit.t0_ms)), kit.t0_ms)
    begun = restarted(kit, first, incidents_operator)

    ended = an_alert(kit.t0_ms + 60_000, Transition.CLEAR, onset_time_ms=kit.t0_ms)
    outcome = begun.take(alerts.batch(ended), kit.t0_ms + 60_000)

    (was,) = kit.sent(opened, INCIDENTS, Incident)
    (now,) = kit.sent(outcome, INCIDENTS, Incident)
    assert (now.incident_id, now.change, now.revision) == (
        was.incident_id, IncidentChange.RESOLVED, 2
    )  # fmt: skip


@pytest.mark.parametrize("restart", [False, True])
def test_alerts_that_come_again_give_nothing_again(kit, alerts, restart) -> None:
    operator = incidents_operator(kit)
    batch = alerts.batch(an_alert(kit.t0_ms), b"broken", None)
    assert len(operator.take(batch, kit.t0_ms).sends) == 4
    if restart:
        operator = restarted(kit, operator, incidents_operator)

    again = operator.take(batch, kit.t0_ms)

    assert (again.sends, again.read, again.used, again.refused) == ([], 0, 0, {})


def test_a_torn_checkpoint_of_incidents_doubles_no_incident(kit, alerts) -> None:
    batch = alerts.batch(
        an_alert(kit.t0_ms), an_alert(kit.t0_ms, subject="gas-2", alert_id="b"),
        an_alert(kit.t0_ms + 5_000, Transition.UPDATE, onset_time_ms=kit.t0_ms),
    )  # fmt: skip
    first = incidents_operator(kit)
    said = {one.id for one in kit.sent(first.take(batch, kit.t0_ms), INCIDENTS, Incident)}
    rows = first.changes()
    for count in range(len(rows)):
        kept = kit.kept()
        kept.put(rows[:count])

        again = kept.begin(incidents_operator(kit)).take(batch, kit.t0_ms)

        assert {one.id for one in kit.sent(again, INCIDENTS, Incident)} <= said


def test_what_is_long_over_is_forgotten_once_no_alert_waits(kit, alerts) -> None:
    operator = incidents_operator(kit)
    ended = an_alert(kit.t0_ms + 1, Transition.CLEAR, onset_time_ms=kit.t0_ms)
    operator.take(alerts.batch(an_alert(kit.t0_ms), ended), kit.t0_ms)
    operator.changes()

    assert operator.wake(kit.t0_ms + 2 * DAY_MS, caught_up=False) == NOTHING
    assert operator.changes() == []

    operator.wake(kit.t0_ms + 2 * DAY_MS, caught_up=True)
    journal, *rows = operator.changes()
    assert journal[1] is not None
    assert len(rows) == 2
    assert {value for _, value in rows} == {None}


# -- dispatch ----------------------------------------------------------------------


def test_nobody_is_sent_for_what_is_held_and_clocks_start_when_it_is_set_free(
    kit, incidents
) -> None:
    operator = dispatch_operator(kit)
    held = msgspec.structs.replace(
        an_incident(kit, an_alert(kit.t0_ms), kit.t0_ms),
        actionable=False,
        held=("silence:s",),
    )
    assert operator.take(incidents.batch(held), kit.t0_ms).sends == []

    freed_ms = kit.t0_ms + 3_600_000
    free = msgspec.structs.replace(
        held,
        revision=2,
        change=IncidentChange.UPDATED,
        actionable=True,
        held=(),
        told_time_ms=freed_ms,
    )
    (order,) = kit.sent(
        operator.take(incidents.batch(free), freed_ms), DISPATCH_ORDERS, DispatchOrder
    )
    assert order.respond_by_time_ms == freed_ms + 60_000


def test_what_is_silenced_while_people_work_on_it_calls_nobody_else_in(kit, incidents) -> None:
    alert = an_alert(
        kit.t0_ms, kind="noise.exceeded", subject="square-central", area="square-central", rung=2
    )
    incident = an_incident(kit, alert, kit.t0_ms)
    operator = dispatch_operator(kit)
    assert kit.sent(
        operator.take(incidents.batch(incident), kit.t0_ms), DISPATCH_ORDERS, DispatchOrder
    )

    risen = msgspec.structs.replace(
        incident, revision=2, change=IncidentChange.UPDATED, rung=3, actionable=False
    )
    said = operator.take(incidents.batch(risen), kit.t0_ms + 1_000)
    assert kit.sent(said, DISPATCH_ORDERS, DispatchOrder) == []

    free = msgspec.structs.replace(risen, revision=3, actionable=True)
    said = operator.take(incidents.batch(free), kit.t0_ms + 2_000)
    (police,) = kit.sent(said, DISPATCH_ORDERS, DispatchOrder)
    assert police.level == "department"


def ordered(kit, incidents):
    """Return an operator that has just ordered a unit to a gas leak, and the order."""
    operator = dispatch_operator(kit)
    incident = an_incident(kit, an_alert(kit.t0_ms), kit.t0_ms)
    outcome = operator.take(incidents.batch(incident), kit.t0_ms)
    (order,) = kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
    return operator, order


def word(kit, second, action, case_id, **said):
    return DispatchUpdate(
        source="field",
        kind="dispatch.update",
        subject=case_id,
        event_time_ms=kit.t0_ms + second * 1000,
        id=f"{action}-{second}",
        action=action,
        by="somebody",
        **said,
    )


def notes(kit, outcome):
    return [
        (order.clock, order.clock_note)
        for order in kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
        if order.change is OrderChange.CLOCK
    ]


def test_an_order_is_said_to_its_city_and_as_the_latest_of_its_id(kit, incidents) -> None:
    operator = dispatch_operator(kit)
    incident = an_incident(kit, an_alert(kit.t0_ms), kit.t0_ms)

    outcome = operator.take(incidents.batch(incident), kit.t0_ms)

    (order,) = kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
    assert [(send.topic, send.key) for send in outcome.sends] == [
        (DISPATCH_ORDERS, b"longgang"),
        (DISPATCH_ORDERS_LATEST, order.order_id.encode()),
        (CASE_EVENTS, b"longgang"),
        (CASE_EVENTS, b"longgang"),
        (CASES, b"longgang"),
        (CASES_LATEST, order.case_id.encode()),
        (UNITS_STATUS, order.unit.encode()),
    ]
    assert (order.level, order.change) == ("department", OrderChange.ISSUED)


def test_a_loud_square_asks_its_loudspeaker_first(kit, incidents) -> None:
    alert = an_alert(
        kit.t0_ms, kind="noise.exceeded", subject="square-central", area="square-central", rung=1
    )
    outcome = dispatch_operator(kit).take(
        incidents.batch(an_incident(kit, alert, kit.t0_ms)), kit.t0_ms
    )

    spoken = [send.key for send in outcome.sends if send.topic == REMINDERS]
    assert spoken == [b"longgang"]
    assert not kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
    (reminder,) = kit.sent(outcome, REMINDERS, Reminder)
    assert reminder.subject == "LG-speaker-square-central"


@pytest.mark.parametrize("restart", [False, True])
def test_words_from_the_field_move_the_case(kit, incidents, updates, restart) -> None:
    operator, order = ordered(kit, incidents)
    if restart:
        operator = restarted(kit, operator, dispatch_operator)

    outcome = operator.take(
        updates.batch(
            word(kit, 10, FieldAction.ACCEPT, order.case_id),
            word(kit, 20, FieldAction.DEPART, order.incident_id),
        ),
        kit.t0_ms + 20_000,
    )

    moved = kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
    assert [one.state for one in moved] == [CaseState.ACCEPTED, CaseState.DEPARTED]
    assert {one.order_id for one in moved} == {order.order_id}


@pytest.mark.parametrize("restart", [False, True])
def test_incidents_and_words_that_come_again_give_nothing_again(
    kit, incidents, updates, restart
) -> None:
    operator = dispatch_operator(kit)
    incident = an_incident(kit, an_alert(kit.t0_ms), kit.t0_ms)
    opening = incidents.batch(incident, b"broken")
    (order,) = kit.sent(operator.take(opening, kit.t0_ms), DISPATCH_ORDERS, DispatchOrder)
    words = updates.batch(
        word(kit, 10, FieldAction.ACCEPT, order.case_id),
        word(kit, 11, FieldAction.ACCEPT, "no-such-case"),
    )
    operator.take(words, kit.t0_ms + 11_000)
    if restart:
        operator = restarted(kit, operator, dispatch_operator)

    for batch in (opening, words):
        again = operator.take(batch, kit.t0_ms + 12_000)
        assert (again.sends, again.used, again.refused) == ([], 0, {})


def test_a_word_about_no_known_case_is_a_dead_letter(kit, incidents, updates) -> None:
    operator, order = ordered(kit, incidents)

    outcome = operator.take(
        updates.batch(
            b"broken",
            word(kit, 9, FieldAction.ACCEPT, "no-such-case"),
            word(kit, 10, FieldAction.ACCEPT, order.case_id),
        ),
        kit.t0_ms + 10_000,
    )

    told = [(letter.stage, letter.reason, letter.offset) for letter in kit.letters(outcome)]
    assert told == [
        (Stage.DECODE, Reason.NOT_JSON, 0),
        (Stage.RULE, Reason.UNKNOWN_ORDER, 1),
    ]
    assert outcome.used == 1


def test_clocks_tell_at_their_instants_and_once(kit, incidents) -> None:
    operator, _ = ordered(kit, incidents)
    operator.wake(kit.t0_ms, caught_up=True)

    assert operator.next_due_ms() == kit.t0_ms + 30_000
    assert operator.wake(kit.t0_ms + 29_999, caught_up=True) == NOTHING
    outcome = operator.wake(kit.t0_ms + 30_000, caught_up=True)

    assert notes(kit, outcome) == [(Clock.RESPOND, ClockNote.WARN_50)]
    assert operator.wake(kit.t0_ms + 30_001, caught_up=True) == NOTHING
    assert operator.next_due_ms() == kit.t0_ms + 48_000


def test_a_restart_keeps_the_clocks_and_tells_what_is_overdue(kit, incidents) -> None:
    operator, order = ordered(kit, incidents)
    begun = restarted(kit, operator, dispatch_operator)

    assert begun.next_due_ms() == operator.next_due_ms() == kit.t0_ms + 30_000
    outcome = begun.wake(kit.t0_ms + 70_000, caught_up=True)

    told = kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
    (breach,) = [one for one in told if one.clock is Clock.RESPOND]
    assert (breach.clock_note, breach.late_detected) == (ClockNote.BREACH, True)
    assert breach.deadline_time_ms == order.respond_by_time_ms


def test_after_a_restart_no_clock_is_broken_before_the_field_was_heard(
    kit, incidents, updates
) -> None:
    operator, order = ordered(kit, incidents)
    begun = restarted(kit, operator, dispatch_operator)
    said = updates.batch(word(kit, 20, FieldAction.ACCEPT, order.case_id))

    assert begun.wake(kit.t0_ms + 70_000, caught_up=False) == NOTHING
    begun.take(said, kit.t0_ms + 70_100)
    outcome = begun.wake(kit.t0_ms + 70_200, caught_up=True)

    assert Clock.RESPOND not in {clock for clock, _ in notes(kit, outcome)}


def test_clocks_wait_five_seconds_for_the_field_and_no_longer(kit, incidents) -> None:
    operator, _ = ordered(kit, incidents)
    begun = restarted(kit, operator, dispatch_operator)

    assert begun.wake(kit.t0_ms + 70_000, caught_up=False) == NOTHING
    assert begun.wake(kit.t0_ms + 74_999, caught_up=False) == NOTHING
    outcome = begun.wake(kit.t0_ms + 75_000, caught_up=False)

    assert (Clock.RESPOND, ClockNote.BREACH) in notes(kit, outcome)


def test_a_torn_checkpoint_of_dispatch_doubles_no_order(kit, incidents, updates) -> None:
    first = dispatch_operator(kit)
    opening = incidents.batch(
        an_incident(kit, an_alert(kit.t0_ms), kit.t0_ms),
        an_incident(kit, an_alert(kit.t0_ms, subject="gas-2", alert_id="b"), kit.t0_ms),
    )
    outcome = first.take(opening, kit.t0_ms)
    orders = kit.sent(outcome, DISPATCH_ORDERS, DispatchOrder)
    words = updates.batch(*(word(kit, 10, FieldAction.ACCEPT, one.case_id) for one in orders))
    orders += kit.sent(first.take(words, kit.t0_ms + 10_000), DISPATCH_ORDERS, DispatchOrder)
    rows = first.changes()
    for count in range(len(rows)):
        kept = kit.kept()
        kept.put(rows[:count])
        begun = kept.begin(dispatch_operator(kit))

        again = [begun.take(opening, kit.t0_ms), begun.take(words, kit.t0_ms + 10_000)]

        told = [kit.sent(one, DISPATCH_ORDERS, DispatchOrder) for one in again]
        assert {one.id for some in told for one in some} <= {one.id for one in orders}
        assert [one.refused for one in again] == [{}, {}]
