"""Two ends of the same stories: what differs is found, what an outage may change is not."""

from typing import Any

import pytest

from deploy.faults.endstate import EndState, compare, end_of
from schemas.instants import instant_of

Said = dict[str, list[dict[str, Any]]]
LATE_MS = 5_000
WHEN = "2026-01-01T00:00:00.000Z"


def an_alert(name: str = "a", severity: str = "Minor") -> dict[str, Any]:
    return {
        "id": f"message-{name}",
        "alert_id": name,
        "transition": "onset",
        "event_time": WHEN,
        "kind": "gas.exceeded",
        "subject": "gas-1",
        "severity": severity,
    }


def an_order(unit: str, change: str = "issued") -> dict[str, Any]:
    return {
        "incident_kind": "gas.exceeded",
        "incident_id": "i",
        "case_id": "c",
        "order_id": f"order-{unit}",
        "unit": unit,
        "change": change,
        "event_time": WHEN,
    }


def a_case(*, is_over: bool = True) -> dict[str, Any]:
    ended = {"ended_time": "2026-01-01T01:00:00.000Z"} if is_over else {}
    about = {"incident_id": "i", "incident_kind": "gas.exceeded", "event_time": WHEN}
    return {"case_id": "c", **about, **ended}


def a_breach(told: str, name: str = "b", *, is_late: bool = False) -> dict[str, Any]:
    return {
        "id": name,
        "case_id": "c",
        "action": "breached",
        "clock": "respond",
        "deadline_time": "2026-01-01T00:01:00.000Z",
        "event_time": told,
        "late_detected": is_late,
    }


def an_incident(name: str = "i") -> dict[str, Any]:
    stands = {"kind": "gas.exceeded", "state": "open", "alert_ids": ["a"]}
    return {"incident_id": name, **stands, "event_time": WHEN}


def a_run(**more: list[dict[str, Any]]) -> Said:
    return {
        "alerts": [an_alert()],
        "incidents": [an_incident()],
        "cases": [a_case()],
        "dispatch.orders": [an_order("fire")],
        "case.events": [],
        **{name.replace("_", "."): value for name, value in more.items()},
    }


def verdict(found: Said):
    return compare(end_of(a_run()), end_of(found), LATE_MS)


def a_call(name: str) -> Said:
    """Everything that comes of one ticket, whose alert was given this name."""
    alert = {**an_alert(name), "kind": "complaint.stall", "subject": "12345-7"}
    incident = {**an_incident(f"i-{name}"), "kind": "complaint.stall", "alert_ids": [name]}
    case = {**a_case(), "incident_id": f"i-{name}", "incident_kind": "complaint.stall"}
    return a_run(alerts=[an_alert(), alert], incidents=[an_incident(), incident], cases=[case])


def test_a_ticket_is_the_same_whenever_it_was_written() -> None:
    assert compare(end_of(a_call("early")), end_of(a_call("late")), LATE_MS).is_right
    assert not compare(end_of(a_call("early")), end_of(a_run()), LATE_MS).is_right


def test_what_differs_is_said_in_words() -> None:
    assert verdict(a_run(alerts=[])).faults == [
        "alerts: message-a (gas.exceeded, gas-1, Minor) is lost"
    ]


def stays(*names: str) -> Said:
    """Stays in harbour of one boat, whose alerts were given these names."""
    return a_run(
        alerts=[{**an_alert(name), "kind": "vessel.harbour", "subject": "boat"} for name in names]
    )


def test_a_boat_that_puts_out_in_answer_to_people_stays_as_often_whenever_it_went() -> None:
    first, second = end_of(stays("early", "late")), end_of(stays("later", "last"))

    assert compare(first, second, LATE_MS).is_right
    assert not compare(first, end_of(stays("later")), LATE_MS).is_right


def test_who_is_called_back_while_a_recall_is_in_force_is_left_out() -> None:
    called = a_run(alerts=[an_alert(), {**an_alert("b"), "kind": "vessel.against-recall"}])

    assert verdict(called).is_right


def failures(*onsets: str) -> Said:
    """Failures of one feed, by the minute: one incident, re-opened, and ended in between."""
    kind = {"kind": "feed.down", "subject": "cameras"}
    run = a_run()
    for number, onset in enumerate(onsets):
        told = {"onset_time": onset, "event_time": onset}
        run["alerts"].append({**an_alert(onset), **kind, **told})
        feed = {**an_incident("feed"), **kind, **told, "alert_ids": list(onsets[: number + 1])}
        case = {**a_case(is_over=number == 0), **told, "incident_id": "feed", "case_id": "f"}
        order = {**an_order("desk"), **told, "incident_id": "feed", "order_id": onset}
        run["incidents"] += [feed]
        run["cases"] += [case]
        run["dispatch.orders"] += [order]
    return run


def test_what_feeds_do_in_a_run_faster_than_the_world_is_left_out() -> None:
    assert verdict(failures(WHEN)).is_right


def test_at_the_worlds_pace_a_feed_fails_as_often_whenever_somebody_watched() -> None:
    silent_from_ms = instant_of("2026-01-01T01:00:00.000Z")

    def at_pace(said: Said) -> EndState:
        return end_of(said, silent_from_ms)

    first, later, last = (f"2026-01-01T{at}:00.000Z" for at in ("00:10", "00:13", "01:02"))
    early, late, after = failures(first), failures(later), failures(first, last)
    assert compare(at_pace(early), at_pace(late), LATE_MS).is_right
    assert compare(at_pace(early), at_pace(after), LATE_MS).is_right, "no device was played then"
    assert not compare(at_pace(early), at_pace(a_run()), LATE_MS).is_right


def test_equal_ends_are_right_and_a_message_told_twice_is_one() -> None:
    assert verdict(a_run()).is_right
    assert verdict(a_run(alerts=[an_alert(), an_alert()])).is_right


@pytest.mark.parametrize(
    "found",
    [
        a_run(alerts=[]),
        a_run(alerts=[an_alert(), an_alert("b")]),
        a_run(alerts=[an_alert(severity="Severe")]),
        a_run(incidents=[]),
        a_run(cases=[a_case(is_over=False)]),
        a_run(dispatch_orders=[]),
        a_run(dispatch_orders=[an_order("fire"), an_order("police")]),
        a_run(dispatch_orders=[an_order("fire"), {**an_order("fire"), "order_id": "other"}]),
    ],
    ids=[
        "alert lost",
        "alert strange",
        "alert says another thing",
        "incident lost",
        "case not over",
        "order lost",
        "order strange",
        "order twice",
    ],
)
def test_what_differs_is_found(found: Said) -> None:
    assert not verdict(found).is_right


def test_who_is_asked_again_because_a_case_was_opened_again_is_not_asked_twice() -> None:
    again = {**an_order("fire"), "order_id": "again", "reason": "reopened"}
    twice = {**again, "order_id": "and again"}

    assert verdict(a_run(dispatch_orders=[an_order("fire"), again])).is_right
    assert not verdict(a_run(dispatch_orders=[an_order("fire"), again, twice])).is_right


def a_crew(unit: str) -> dict[str, Any]:
    return {**an_order(unit), "level": "department"}


def test_which_crew_of_a_department_goes_may_differ_but_not_how_many() -> None:
    end = end_of(a_run(dispatch_orders=[a_crew("fire")]))
    other, more = [a_crew("fire-2")], [a_crew("fire"), a_crew("fire-2")]

    assert compare(end, end_of(a_run(dispatch_orders=other)), LATE_MS).is_right
    assert not compare(end, end_of(a_run(dispatch_orders=more)), LATE_MS).is_right


def test_a_promise_that_broke_in_the_outage_may_ask_the_next_level() -> None:
    late = a_breach("2026-01-01T00:03:00.000Z", is_late=True)
    orders = [an_order("fire"), an_order("leader", "escalated")]
    found = verdict(a_run(case_events=[late], dispatch_orders=orders))

    assert (found.is_right, found.breaches, found.late) == (True, 1, 1)


@pytest.mark.parametrize(
    ("breaches", "words"),
    [
        ([a_breach("2026-01-01T00:03:00.000Z")], "late_detected=False"),
        ([a_breach("2026-01-01T00:01:00.100Z", is_late=True)], "late_detected=True"),
        (
            [a_breach("2026-01-01T00:01:00.100Z", name) for name in ("one", "two")],
            "told 2 times",
        ),
    ],
    ids=["late and not said so", "in time and said to be late", "told twice"],
)
def test_a_breach_is_told_once_and_rightly(breaches: list[dict[str, Any]], words: str) -> None:
    (fault,) = verdict(a_run(case_events=breaches)).faults

    assert words in fault


def test_which_alert_names_a_matter_makes_no_difference() -> None:
    other = a_run(incidents=[an_incident("j")], cases=[{**a_case(), "incident_id": "j"}])
    other["dispatch.orders"] = [{**an_order("fire"), "incident_id": "j"}]

    assert verdict(other).is_right
