"""Complaints about a venue, month by month, beside the reminders that worked."""

import msgspec
import pytest

from schemas.cases import CaseRecord
from schemas.dispatch import CaseState, Reminder
from schemas.examples import EXAMPLES
from schemas.incidents import Incident, Link
from streams.matters.dispatch import case_id_of
from streams.matters.loudness import Key, Loudness, complaints_of, loudness, venue_near
from streams.noise.limits import Venue

(RECORD,) = EXAMPLES[CaseRecord]
MAY = "2026-05"
SQUARES = [
    Venue(code="square-a", name="A", area_class="2", lon_deg=120.553, lat_deg=27.575),
    Venue(code="square-b", name="B", area_class="2", lon_deg=120.555, lat_deg=27.575),  # 197 m
]
NEAR = venue_near(SQUARES, 150.0)


def incident(name="i", **said):
    (example,) = EXAMPLES[Incident][:1]
    facts = {"incident_id": name, "kind": "noise.exceeded", "subject": "square-a", "links": ()}
    return msgspec.structs.replace(example, **{**facts, **said})


def ticket(name="t", east_m=0.0, **said):
    lon_deg = 120.553 + east_m / 98_700
    where = {"lon_deg": lon_deg, "lat_deg": 27.575}
    return incident(
        name, **{"kind": "complaint.noise", "subject": f"12345-{name}", **where, **said}
    )


def joined(kind="complaint.noise"):
    return Link("a", kind, "caller", 10.0, 5.0, "noise")


def case(name="i", **said):
    facts = {"case_id": case_id_of(name), "incident_id": name, "state": CaseState.CLOSED}
    return msgspec.structs.replace(RECORD, **{**facts, "orders": (), **said})


def call(number, name="i"):
    return Reminder(
        source="s", kind="k", subject="speaker", event_time_ms=0, reminder_id=f"r{number}",
        incident_id=name, venue="square-a", text_id="t", text="t",
    )  # fmt: skip


def counted(incidents, cases=(), calls=(), month=lambda _at_ms: MAY):
    return loudness(
        {one.incident_id: one for one in incidents},
        {one.case_id: one for one in cases},
        {one.reminder_id: one for one in calls},
        NEAR,
        month,
    )


def test_tickets_that_joined_the_noise_and_tickets_alone_are_counted_for_the_venue():
    loud = incident(links=(joined(), joined(), joined("crowd.gathering")))

    assert counted([loud, ticket()]) == {Key(MAY, "square-a"): Loudness(complaints=3, times=1)}


def test_a_ticket_belongs_to_the_nearest_venue_within_reach_and_else_to_none():
    assert list(counted([ticket(east_m=120)])) == [Key(MAY, "square-b")]
    assert counted([ticket(east_m=-160)]) == {}
    assert counted([ticket(lon_deg=None, lat_deg=None)]) == {}


def test_what_was_merged_is_counted_where_it_went():
    assert complaints_of(ticket(merged_into="i")) == 0


def test_other_matters_at_the_place_are_no_complaints_about_noise():
    assert counted([ticket(kind="complaint.garbage"), ticket("u", kind="fire.seen")]) == {}


@pytest.mark.parametrize(
    ("said", "worked", "sent"),
    [
        ({"verified": "sensor"}, 1, 0),
        ({"verified": "sensor", "orders": RECORD.orders}, 0, 1),
        ({"state": CaseState.DETECTED}, 0, 0),
        ({"verified": ""}, 0, 0),
        ({"state": CaseState.FALSE_ALARM, "verified": ""}, 0, 0),
    ],
    ids=["quieter", "somebody went", "goes on", "the meter fell silent", "false alarm"],
)
def test_a_reminder_has_worked_when_a_meter_says_that_it_ended_and_nobody_was_sent(
    said, worked, sent
):
    told = counted([incident()], [case(**said)], [call(1), call(2)])

    assert told == {Key(MAY, "square-a"): Loudness(0, 1, 2, worked, sent)}


def test_an_incident_counts_in_the_month_in_which_it_began():
    old, new = incident("old", opened_time_ms=1), incident("new", opened_time_ms=2)

    told = counted([old, new], month=lambda at_ms: f"2026-0{at_ms}")
    assert [key.month for key in told] == ["2026-01", "2026-02"]
