"""Dispatch: incidents become orders, words from the field move them, clocks watch them.

Three ways in, one per cause, and each gives the messages to send and the cases
that moved. State is one `Case` per incident, by case id. Everything may come
again: an incident is known by its revision, a field update by its id, a clock's
note by what was told; and every message's id is a function of what it says, so
whoever reads it twice can tell.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.dispatch import (
    CaseState,
    Clock,
    ClockNote,
    DispatchOrder,
    DispatchUpdate,
    OrderChange,
    Reminder,
)
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters import sla
from streams.matters.cases import Case
from streams.matters.casework import Directory, DispatchParams, Work, with_state
from streams.matters.fieldwork import move, word_of
from streams.matters.orders import answer, arm, close, escalate

# Updates of one case are in one partition and are said by people: what a crash
# brings again is the last few seconds of them. Sixty-four words about one case
# are more than its whole life has, and an older double that names its order would
# be refused as an illegal move, for the table has no way back.
_KEPT_UPDATES = 64


class Refusal(NamedTuple):
    """An update that belongs to no case, for the dead letters: its index, and why."""

    row: int
    reason: str


class Dispatched(NamedTuple):
    """What dispatch decided: messages in order, cases that moved (None: forgotten)."""

    orders: list[DispatchOrder]
    reminders: list[Reminder]
    changed: dict[str, Case | None]
    refused: list[Refusal]

    def take(self, work: Work) -> None:
        """Take in what was done about one case."""
        self.orders.extend(work.orders)
        self.reminders.extend(work.reminders)
        self.changed[work.case.case_id] = work.finished()


def case_id_of(incident_id: str) -> str:
    """Return the id of the case that works on an incident."""
    return uuid5("case", incident_id)


def on_incidents(
    incidents: Sequence[Incident],
    prior: Mapping[str, Case],
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return the orders that `incidents` call for.

    Args:
        incidents: In the order of their topic.
        prior: Cases by case id, read only.
        now_ms: Wall time.
        directory: The city: routing, roster, boundaries, loudspeakers.
        params: The city's `[dispatch]`.

    Returns:
        Orders and reminders; a redelivered incident gives none.
    """
    out = Dispatched([], [], {}, [])
    for incident in incidents:
        key = case_id_of(incident.incident_id)
        case = _newest(key, prior, out)
        if case is None and incident.state is IncidentState.OPEN:
            work = Work(Case(key, incident), now_ms, directory, params)
            _open(work)
            out.take(work)
        elif case is not None and incident.revision > case.incident.revision:
            work = Work(case, now_ms, directory, params)
            _follow(work, incident)
            out.take(work)
    return out


def on_updates(
    updates: Sequence[DispatchUpdate],
    prior: Mapping[str, Case],
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return what words from the field change.

    An update stops clocks at the wall instant when intake took it, so that what
    waited in Kafka through an outage is not held against those who said it:
    after a restart, let waiting updates through before asking `on_due`.

    Returns:
        Orders moved or refused; an update of no known case is in `refused`.
    """
    out = Dispatched([], [], {}, [])
    for row, update in enumerate(updates):
        key = update.subject
        case = _newest(key, prior, out) or _newest(case_id_of(key), prior, out)
        if case is None:
            out.refused.append(Refusal(row, "unknown-case"))
            continue
        word = word_of(update)
        if word not in case.seen:
            work = Work(case, now_ms, directory, params)
            work.put(seen=(*case.seen, word)[-_KEPT_UPDATES:])
            move(work, update)
            out.take(work)
    return out


def on_due(
    keys: Sequence[str],
    prior: Mapping[str, Case],
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return what the cases `keys` are due to be told by `now_ms`.

    Returns:
        Warnings, breaches and escalations; ended cases that are past remembering
        are None in `changed`. A key that is not due gives nothing.
    """
    out = Dispatched([], [], {}, [])
    for key in keys:
        case = prior.get(key)
        if case is None or case.due_ms is None or case.due_ms > now_ms:
            continue
        if case.is_ended:
            out.changed[key] = None
        else:
            work = Work(case, now_ms, directory, params)
            _watch(work)
            out.take(work)
    return out


def _newest(key: str, prior: Mapping[str, Case], out: Dispatched) -> Case | None:
    return out.changed[key] if key in out.changed else prior.get(key)


def _open(work: Work) -> None:
    """Find where the matter is, by today's boundaries, and answer its rung."""
    incident, areas = work.incident, work.directory.areas
    if incident.lon_deg is None or incident.lat_deg is None:
        chain = areas.chain_of(incident.area)
    else:
        chain = areas.chain_at(incident.lon_deg, incident.lat_deg)
    work.put(chain=chain, boundary_version=areas.boundary_version)
    answer(work, incident.rung, incident.created_time_ms)


def _follow(work: Work, incident: Incident) -> None:
    """Follow an incident that went on."""
    work.put(incident=incident)
    case, changed_ms = work.case, incident.ingest_time_ms or work.now_ms
    is_open = incident.state is IncidentState.OPEN
    risen = is_open and incident.rung > case.served_rung
    if case.is_ended:
        # Somebody closed it while it went on: a higher rung takes it up again. A
        # false alarm stays one until the incident itself comes back.
        if incident.change is IncidentChange.REOPENED or (risen and case.state is CaseState.CLOSED):
            _revive(work)
            answer(work, incident.rung, changed_ms, incident.change.value)
    elif risen:
        answer(work, incident.rung, changed_ms, "rung-risen")
    elif incident.change is IncidentChange.RESOLVED and not case.live:
        close(work, CaseState.CLOSED, work.now_ms, "self-corrected")
    elif incident.change in {IncidentChange.RESOLVED, IncidentChange.REOPENED}:
        for order in case.live:
            word = f"incident-{incident.change}"
            work.say(order, OrderChange.NOTED, incident.revision, reason=word)
        if incident.change is IncidentChange.REOPENED or not work.may_escalate:
            arm(work, work.now_ms + work.respond_ms)


def _revive(work: Work) -> None:
    """Begin another life of an ended case: its orders are history, its clocks are new."""
    call = work.case.speaker
    work.put(
        speaker=call and with_state(call, CaseState.DETECTED),
        state=CaseState.DETECTED,
        orders=(),
        served_rung=0,
        returns=0,
        clocks=(),
        escalate_at_ms=None,
        ended_ms=None,
    )


def _watch(work: Work) -> None:
    """Tell what is due, and ask the next level where nobody has answered."""
    notes, clocks = sla.due_notes(work.case.clocks, work.now_ms, work.params.sla)
    work.put(clocks=clocks)
    work.tell(notes)
    broken = [
        note.clock
        for note in notes
        if note.note is ClockNote.BREACH
        and note.clock is not Clock.RESPOND
        and note.clock in work.params.escalate_on
    ]
    escalate_at_ms = work.case.escalate_at_ms
    if escalate_at_ms is not None and escalate_at_ms <= work.now_ms:
        escalate(work, "nobody-accepted")
    elif broken and work.may_escalate:
        escalate(work, f"{broken[0]}-breached")
