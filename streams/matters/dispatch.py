"""Dispatch: incidents become orders, words and commands move them, clocks watch them.

Four ways in, one per cause, and each gives the messages to send and the cases
that moved. State is one `Case` per incident, by case id. Everything may come
again: an incident is known by its revision, a word by its key, a clock's note by
what was told; and every message's id is a function of what it says, so whoever
reads it twice can tell. What else they are given is said in `Desk`.
"""

from collections.abc import Sequence

from schemas.commands import CaseAction, CaseCommand, CommandReply
from schemas.dispatch import (
    CaseState,
    DispatchUpdate,
    OrderChange,
)
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters import functions, news, proof, story
from streams.matters.cases import Case
from streams.matters.casework import Directory, DispatchParams, Work
from streams.matters.decision import Desk, Dispatched, Refusal
from streams.matters.deskwork import ACTIONS, act
from streams.matters.docket import Docket
from streams.matters.fieldwork import move, order_of
from streams.matters.folding import matter_of
from streams.matters.life import begin, revive, since_ms
from streams.matters.orders import answer, arm, close
from streams.matters.standing import heard, status
from streams.matters.watching import watch
from streams.matters.words import Word, id_of, of_command, of_update, unfit

# Words about one case are in one partition and are said by people: what a crash
# brings again is the last few seconds of them. Sixty-four words about one case
# are more than its whole life has, and an older double that names its order would
# be refused as an illegal move, for the table has no way back.
_KEPT_WORDS = 64
CITY = "city"
"""The subject of a command that is about no case yet."""


def case_id_of(incident_id: str) -> str:
    """Return the id of the case that works on an incident."""
    return uuid5("case", incident_id)


def on_incidents(
    incidents: Sequence[Incident],
    docket: Docket,
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return the orders that `incidents`, in the order of their topic, call for.

    Returns:
        Orders and reminders; a redelivered incident gives none.
    """
    desk = _desk(docket, now_ms, directory, params)
    for incident in incidents:
        case = desk.case(case_id_of(incident.incident_id))
        if case is None and incident.state is IncidentState.OPEN and incident.actionable:
            _open(desk, incident)
        elif case is not None and _is_news(case, incident):
            _follow_on(desk, case, incident)
    return desk.out


def on_updates(
    updates: Sequence[DispatchUpdate],
    docket: Docket,
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return what words from the field change; arguments as in `Desk`.

    An update stops clocks at the wall instant when intake took it, so that what
    waited in Kafka through an outage is not held against those who said it:
    after a restart, let waiting updates through before asking `on_due`.

    Returns:
        Orders moved or refused; an update of no known case, or of one that nobody
        was ever asked to work on, is in `refused`.
    """
    desk = _desk(docket, now_ms, directory, params)
    for row, update in enumerate(updates):
        case = _at_work(desk, update.subject)
        if case is None or not case.was_ordered:
            desk.out.refused.append(Refusal(row, "unknown-case"))
            continue
        word = of_update(update, now_ms)
        if word.key not in case.seen:
            work = desk.work(case, word.at_ms)
            order = order_of(case, word)
            why = move(work, word)
            if why is not None:
                order = order or case.current
                work.say(order, OrderChange.REFUSED, word.key, reason=why, by=word.by)
            elif order is not None:
                heard(desk, order.unit, word)
            _hear(work, word)
            desk.take(work)
    return desk.out


def on_commands(
    commands: Sequence[CaseCommand],
    docket: Docket,
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return what commands change; arguments as in `Desk`.

    Returns:
        What was done, and one reply a command. A refused command has moved
        nothing: whoever sends it again is answered by how things stand then.
    """
    desk = _desk(docket, now_ms, directory, params)
    for command in commands:
        key, why = _obey(desk, command)
        desk.out.replies.append(_reply(command, key, why, now_ms))
    return desk.out


def on_due(
    keys: Sequence[str],
    docket: Docket,
    now_ms: int,
    directory: Directory,
    params: DispatchParams,
) -> Dispatched:
    """Return what the cases `keys` are due to be told by `now_ms`.

    Returns:
        Warnings, breaches and escalations; ended cases that are past remembering
        are None in `changed`. A key that is not due gives nothing.
    """
    desk = _desk(docket, now_ms, directory, params)
    for key in keys:
        case = docket.cases.get(key)
        if case is None or case.due_ms is None or case.due_ms > now_ms:
            continue
        if case.is_ended:
            desk.out.changed[key] = None
        else:
            work = desk.work(case, case.due_ms)
            watch(work)
            desk.take(work)
    return desk.out


def _at_work(desk: Desk, subject: str) -> Case | None:
    """Return the case that a case_id or incident_id means: of a relapse, the case before."""
    case = desk.case(subject) or desk.case(case_id_of(subject))
    if case is not None and case.into and not case.was_ordered:
        return desk.case(case.into) or case
    return case


def _desk(docket: Docket, now_ms: int, directory: Directory, params: DispatchParams) -> Desk:
    return Desk(docket, now_ms, directory, params, docket.crews.draft(), Dispatched.nothing(), {})


def _hear(work: Work, word: Word) -> None:
    work.put(seen=(*work.case.seen, word.key)[-_KEPT_WORDS:])


def _obey(desk: Desk, command: CaseCommand) -> tuple[str, str | None]:
    """Carry out a command; return the case that it moved, and why it is refused."""
    if why := unfit(command):
        return "", why
    word = of_command(command, desk.now_ms)
    if command.subject == CITY:
        return _of_the_city(desk, command, word)
    case = _at_work(desk, command.subject)
    if case is None:
        return "", "unknown-case: `subject` is to be a case_id, or `city`"
    if word.key in case.seen:
        return case.case_id, None
    work, into = desk.work(case, word.at_ms), None
    if command.action in ACTIONS or command.action is CaseAction.MERGE:
        target = desk.case(command.into) if command.action is CaseAction.MERGE else None
        into = desk.work(target, word.at_ms) if target else None
        why = act(work, word, into)
    elif command.action in functions.ON_A_CASE and _is_of_functions(case, command):
        why = functions.ON_A_CASE[command.action](work, command, word)
    elif command.action in functions.OF_THE_CITY or command.action is CaseAction.STATUS:
        why = f"wrong-subject: {command.action} is a command to the {CITY}: subject {CITY!r}"
    else:
        why = move(work, word)
    if why is None:
        _hear(work, word)
        desk.take(work)
        if into is not None:
            desk.take(into)
        heard(desk, word.unit or word.by, word)
    return case.case_id, why


def _is_of_functions(case: Case, command: CaseCommand) -> bool:
    """Tell the desk's end of a function from a unit's end of its own order."""
    own = any(order.unit == (command.unit or command.by) for order in case.live)
    return command.action is not CaseAction.CLOSE or (bool(case.function) and not own)


def _of_the_city(desk: Desk, command: CaseCommand, word: Word) -> tuple[str, str | None]:
    """Carry out a command that is about no case yet, or about all of them."""
    if command.action is CaseAction.STATUS:
        return "", status(desk, command, word)
    if command.action not in functions.OF_THE_CITY:
        return "", f"wrong-subject: {command.action} is about a case: `subject` is its case_id"
    cases = {**desk.docket.cases, **desk.out.changed}
    done = [key for key, case in cases.items() if case and word.key in case.seen]
    if done:  # what it would come to now may be another case
        return done[0] if len(done) == 1 else "", None
    plan = functions.OF_THE_CITY[command.action](command, cases, desk.now_ms, desk.params)
    works: list[Work] = []
    why: str | None = plan.refused
    for case in plan.cases:
        work = desk.work(case, word.at_ms)
        why = why or plan.carry_out(work, word)
        _hear(work, word)
        works.append(work)
    if why is not None:
        return "", why
    for work in works:
        desk.take(work)
    return plan.cases[0].case_id if len(plan.cases) == 1 else "", None


def _reply(command: CaseCommand, case_id: str, why: str | None, now_ms: int) -> CommandReply:
    reason, _, hint = (why or "").partition(": ")
    return CommandReply(
        source=story.SOURCE,
        kind="command.reply",
        subject=command.subject,
        event_time_ms=now_ms,
        id=uuid5("reply", command.source, id_of(command), reason),
        trace=command.trace,
        command_id=id_of(command),
        action=command.action,
        accepted=why is None,
        reason=reason,
        hint=hint,
        case_id=case_id,
    )


def _open(desk: Desk, incident: Incident) -> None:
    """Open a case, or take up the one of the same matter that ended a moment ago."""
    key = case_id_of(incident.incident_id)
    ended_id = desk.closed.get(matter_of(incident)) or desk.docket.folds.ended(incident)
    ended = desk.case(ended_id) if ended_id else None
    within_ms = desk.params.relapse_s * 1000
    if ended and ended.ended_ms is not None and desk.now_ms - ended.ended_ms <= within_ms:
        pointer = desk.work(Case(key, incident), incident.ingest_time_ms)
        begin(pointer)
        pointer.put(into=ended.case_id)
        close(pointer, CaseState.MERGED, desk.now_ms, "relapse")
        desk.take(pointer)
        work = desk.work(ended, incident.ingest_time_ms)
        work.put(incident=incident, resolved_ms=None)
        revive(work, "relapse", since_ms(incident))
        answer(work, incident.rung, since_ms(incident), "relapse")
        desk.take(work)
        return
    work = desk.work(Case(key, incident), incident.ingest_time_ms)
    _locate(work)
    begin(work)
    answer(work, incident.rung, since_ms(incident))
    desk.take(work)


def _locate(work: Work) -> None:
    """Find where the matter is, by today's boundaries, and who is competent."""
    incident, areas = work.incident, work.directory.areas
    if incident.lon_deg is None or incident.lat_deg is None:
        chain = areas.chain_of(incident.area)
    else:
        chain = areas.chain_at(incident.lon_deg, incident.lat_deg)
    law = work.directory.enforcement
    work.put(chain=chain, boundary_version=areas.boundary_version)
    work.put(competence=law.of(incident.kind), law_version=law.version)


def _is_news(case: Case, incident: Incident) -> bool:
    """Say whether a case has something to follow.

    One that a relapse has taken up works on the newer incident: of the one before,
    only that it comes back after the end of both is news.
    """
    heard = case.incident
    if heard.incident_id == incident.incident_id:
        return incident.revision > heard.revision
    is_over = case.is_ended and heard.state is IncidentState.RESOLVED
    return is_over and incident.change is IncidentChange.REOPENED


def _follow_on(desk: Desk, case: Case, incident: Incident) -> None:
    """Let the case that works on an incident follow it."""
    work = desk.work(case, incident.ingest_time_ms)
    into = desk.case(case.into) if case.into else None
    if into is not None and into.incident.incident_id == incident.incident_id:
        work.put(incident=incident)  # a relapse: its work is done in the case before
        desk.take(work)
        _follow_on(desk, into, incident)
        return
    if case.incident.merged_into and not incident.merged_into:
        work.put(into="")  # it was split away again
        into = None
    into = _goes_on_in(desk, into)
    if into is not None and not into.is_ended:
        work.put(incident=incident)
    elif incident.merged_into and not case.is_ended:
        _join(desk, work, incident)
    else:
        _follow(work, incident)
    desk.take(work)


def _goes_on_in(desk: Desk, case: Case | None) -> Case | None:
    """Return the case that goes on with what was merged into `case`, however often since."""
    while case is not None and case.state is CaseState.MERGED and case.into:
        case = desk.case(case.into)
    return case


def _join(desk: Desk, work: Work, incident: Incident) -> None:
    """Let one case go on where its incident was merged into another by hand.

    Where nobody works on the other, those who are at work here finish it.
    """
    into = _goes_on_in(desk, desk.case(case_id_of(incident.merged_into)))
    if into is not None and into.case_id == work.case.case_id:
        into = None
    if work.case.live and (into is None or into.is_ended):
        _follow(work, incident)
        return
    work.put(incident=incident, into=into.case_id if into else "")
    close(work, CaseState.MERGED, work.now_ms, "incident-merged")
    if into is not None and not into.is_ended:
        other = desk.work(into, incident.ingest_time_ms)
        other.step("joined", reason=f"case:{work.case.case_id}")
        desk.take(other)


def _follow(work: Work, incident: Incident) -> None:
    """Follow an incident that went on."""
    work.put(incident=incident)
    case, changed_ms = work.case, incident.ingest_time_ms or work.now_ms
    is_open = incident.state is IncidentState.OPEN
    # What is held calls nobody in; it is followed, so that its end is known.
    risen = is_open and incident.actionable and incident.rung > case.served_rung
    work.put(resolved_ms=None if is_open else case.resolved_ms or work.now_ms)
    if case.is_ended:
        # Somebody closed it while it went on: a higher rung takes it up again. A
        # false alarm stays one until the incident itself comes back. What came back
        # while it was held is taken up when it is set free.
        came_back = is_open and (case.came_back or incident.change is IncidentChange.REOPENED)
        work.put(came_back=came_back)
        back = came_back and incident.actionable
        if back or (risen and case.state is CaseState.CLOSED):
            work.put(into="")
            revive(work, "relapse" if back else "rung-risen", changed_ms)
            answer(work, incident.rung, changed_ms, incident.change.value)
    elif risen:
        answer(work, incident.rung, changed_ms, "rung-risen")
    elif incident.change is IncidentChange.RESOLVED and not case.live:
        _close_by_itself(work)
    elif incident.change in {IncidentChange.RESOLVED, IncidentChange.REOPENED}:
        _note_change(work, incident.change)
    else:
        news.follow(work)


def _close_by_itself(work: Work) -> None:
    """Close what ended before anybody went; what only fell silent has not corrected itself."""
    is_measured = proof.is_measured(work.incident)
    work.put(proof=proof.SENSOR if is_measured else "")
    reason = "self-corrected" if is_measured else work.incident.reason
    close(work, CaseState.CLOSED, work.now_ms, reason)


def _note_change(work: Work, change: IncidentChange) -> None:
    """Tell those at work that it is over, or that it is back."""
    for order in work.case.live:
        work.say(order, OrderChange.NOTED, work.incident.revision, reason=f"incident-{change}")
    if change is IncidentChange.REOPENED or not work.may_escalate:
        arm(work, work.now_ms + work.respond_ms)
    if change is IncidentChange.RESOLVED:
        proof.wait_until(work, work.now_ms)
