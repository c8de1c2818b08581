"""Commands through the operator: what is sent where, and what a crash leaves of the chain."""

import msgspec
import pytest

from schemas.alerts import Severity
from schemas.cases import CaseEvent, CaseRecord
from schemas.commands import CaseAction, CaseCommand, CommandReply
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.records import Reason
from schemas.responders import UnitState, UnitStatus
from schemas.topics import (
    CASE_COMMANDS,
    CASE_EVENTS,
    CASE_REPLIES,
    CASES,
    CASES_LATEST,
    INCIDENTS,
    UNITS_STATUS,
)
from schemas.wire import to_wire
from streams.directory import directory_of
from streams.matters.chain import Chains
from streams.matters.dispatch import case_id_of
from streams.operators.dispatch import DispatchOperator

KEY = case_id_of("i-1")


def an_operator(kit):
    return DispatchOperator(kit.city.code, directory_of(kit.city), kit.city.params["dispatch"])


def an_incident(kit):
    at_ms = kit.t0_ms
    return Incident(
        source="citybrain.incidents", kind="gas.exceeded", subject="gas-1", rule="threshold",
        incident_id="i-1", state=IncidentState.OPEN, change=IncidentChange.OPENED,
        severity=Severity.SEVERE, revision=1, event_time_ms=at_ms, opened_time_ms=at_ms,
        created_time_ms=at_ms, first_seen_time_ms=at_ms, last_seen_time_ms=at_ms, alert_count=1,
        alert_ids=("a",), lon_deg=120.553, lat_deg=27.575,
    )  # fmt: skip


def a_command(kit, second, action, subject=KEY, **fields):
    return CaseCommand(
        source="app",
        kind="case.command",
        subject=subject,
        event_time_ms=kit.t0_ms + second * 1000,
        id=f"{action}-{second}",
        action=CaseAction(action),
        by="worker-31",
        **fields,
    )


@pytest.fixture
def logs(kit):
    return kit.log(INCIDENTS), kit.log(CASE_COMMANDS)


def test_a_command_is_answered_told_and_kept_as_the_newest_of_its_case(kit, logs):
    incidents, commands = logs
    operator = an_operator(kit)
    operator.take(incidents.batch(an_incident(kit)), kit.t0_ms)
    batch = commands.batch(
        a_command(kit, 10, "accept"), b"broken", a_command(kit, 11, "close"),
        a_command(kit, 12, "accept", "none-such"),
    )  # fmt: skip
    outcome = operator.take(batch, kit.t0_ms + 12_000)

    replies = kit.sent(outcome, CASE_REPLIES, CommandReply)
    assert [(one.command_id, one.accepted, one.reason) for one in replies] == [
        ("accept-10", True, ""),
        ("close-11", False, "illegal-move"),
        ("accept-12", False, "unknown-case"),
    ]
    assert [one.reason for one in kit.letters(outcome)] == [Reason.NOT_JSON]
    (event,) = kit.sent(outcome, CASE_EVENTS, CaseEvent)
    assert (event.action, event.seq, event.event_time_ms) == ("accept", 2, kit.t0_ms + 10_000)
    (record,) = kit.sent(outcome, CASES, CaseRecord)
    assert (record.events, record.last_hash) == (3, event.hash)
    assert [send.key for send in outcome.sends if send.topic == CASES_LATEST] == [KEY.encode()]


def test_the_citys_own_code_is_the_city(kit, logs):
    _, commands = logs
    task = a_command(kit, 1, "city-task", kit.city.code, role="desk", text="check fire doors")
    outcome = an_operator(kit).take(commands.batch(task), kit.t0_ms + 1_000)

    (reply,) = kit.sent(outcome, CASE_REPLIES, CommandReply)
    (record,) = kit.sent(outcome, CASES, CaseRecord)
    assert (reply.accepted, reply.case_id) == (True, record.case_id)
    assert len(record.unanswered) == 102, "every community"


def test_a_case_carries_who_is_competent_by_law(kit, logs):
    incidents, _ = logs
    outcome = an_operator(kit).take(incidents.batch(an_incident(kit)), kit.t0_ms)

    (record,) = kit.sent(outcome, CASES, CaseRecord)
    assert (record.department, record.field) == ("fire", "燃气安全")
    assert record.law_version == kit.city.enforcement.version != ""


def test_a_crash_between_sending_and_remembering_leaves_a_chain_that_is_whole(kit, logs):
    incidents, commands = logs
    opening = incidents.batch(an_incident(kit))
    words = commands.batch(a_command(kit, 70, "accept"), a_command(kit, 80, "depart"))
    first = an_operator(kit)
    told = [first.take(opening, kit.t0_ms)]
    kept = kit.kept()
    kept.put(first.changes())
    told.append(first.wake(kit.t0_ms + 61_000, caught_up=True))
    told.append(first.take(words, kit.t0_ms + 81_000))

    # What came after the checkpoint was sent, and is decided again: the words first now.
    begun = kept.begin(an_operator(kit))
    told.append(begun.take(words, kit.t0_ms + 90_000))
    told.append(begun.wake(kit.t0_ms + 91_000, caught_up=True))
    later = commands.batch(a_command(kit, 95, "arrive"))
    told.append(begun.take(later, kit.t0_ms + 95_000))

    chains = Chains()
    events = [event for one in told for event in kit.sent(one, CASE_EVENTS, CaseEvent)]
    for event in events:
        chains.take(to_wire(event))
    record = [one for out in told for one in kit.sent(out, CASES, CaseRecord)][-1]
    assert chains.findings({KEY: (record.events, record.last_hash)}) == []
    assert chains.repeated() > 0
    story = [step.wire["action"] for step in chains.story(KEY)]
    assert story.count("accept") == story.count("breached") == story.count("arrive") == 1


def test_a_log_that_was_cut_or_spliced_is_found(kit, logs):
    incidents, commands = logs
    operator = an_operator(kit)
    told = [operator.take(incidents.batch(an_incident(kit)), kit.t0_ms)]
    words = [a_command(kit, 10 + n, one) for n, one in enumerate(["accept", "depart", "arrive"])]
    told.append(operator.take(commands.batch(*words), kit.t0_ms + 20_000))
    events = [to_wire(e) for one in told for e in kit.sent(one, CASE_EVENTS, CaseEvent)]
    record = kit.sent(told[-1], CASES, CaseRecord)[-1]
    ends = {KEY: (record.events, record.last_hash)}

    def why(wires):
        chains = Chains()
        for wire in wires:
            chains.take(msgspec.json.decode(msgspec.json.encode(wire)))
        return [(one.seq, one.why) for one in chains.findings(ends)]

    assert why(events) == []
    assert why(events[:-1]) == [(4, "truncated")]
    assert (3, "unlinked") in why([*events[:2], *events[3:]])
    assert (2, "changed") in why([*events[:2], {**events[2], "by": "x"}, *events[3:]])


def test_what_a_forger_appends_is_found_and_stands_beside_the_story(kit, logs):
    incidents, commands = logs
    operator = an_operator(kit)
    told = [operator.take(incidents.batch(an_incident(kit)), kit.t0_ms)]
    told.append(operator.take(commands.batch(a_command(kit, 10, "accept")), kit.t0_ms + 10_000))
    events = [to_wire(e) for one in told for e in kit.sent(one, CASE_EVENTS, CaseEvent)]
    chains = Chains()
    for wire in [*events, {**events[2], "by": "somebody-else"}]:
        chains.take(wire)

    assert [(one.seq, one.why) for one in chains.findings()] == [(2, "changed")]
    assert [step.wire.get("by") for step in chains.story(KEY)] == [None, None, "worker-31"]


def test_how_a_unit_stands_is_told_once_and_known_after_a_crash(kit, logs):
    incidents, commands = logs
    operator = an_operator(kit)
    where = {"at_lon_deg": 120.553, "at_lat_deg": 27.575}
    words = commands.batch(
        a_command(kit, 1, "status", "city", unit="LG-fire", state=UnitState.OFF),
        a_command(kit, 2, "status", "city", unit="LG-fire-3", **where),
        a_command(kit, 3, "status", "city", unit="LG-fire-3", **where),
    )
    told = operator.take(words, kit.t0_ms + 3_000)
    kept = kit.kept()
    kept.put(operator.changes())
    again = kept.begin(an_operator(kit))
    late = msgspec.structs.replace(an_incident(kit), ingest_time_ms=kit.t0_ms + 9_000)
    sent = again.take(incidents.batch(late), kit.t0_ms + 9_000)

    first = kit.sent(told, UNITS_STATUS, UnitStatus)
    assert [(one.subject, one.state) for one in first] == [
        ("LG-fire", "off"),
        ("LG-fire-3", "free"),
    ]
    (record,) = kit.sent(sent, CASES, CaseRecord)
    assert record.unit == "LG-fire-3"
    (status,) = kit.sent(sent, UNITS_STATUS, UnitStatus)
    assert (status.subject, status.state, status.orders) == ("LG-fire-3", "busy", 1)
    assert (status.lon_deg, status.seen_time_ms) == (120.553, kit.t0_ms + 2_000)
