"""Functions of the city that ask many units at once, on the one state machine of cases.

联勤处置"一件办" HELPERS · 市级任务"一键达" CITY_TASK · 社区"吹哨" WHISTLE ·
社区自治"一键督" SUPERVISE · 综合查一次 VISIT. Each unit has an order of its own; an
answer is a move of that order (a receipt accepts it, a report-in arrives), so
refusals, the story and the clocks are those of every other case.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.alerts import Severity
from schemas.commands import CaseAction, CaseCommand
from schemas.dispatch import CaseState, OrderChange
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters.cases import (
    ASKED,
    CITY_TASK,
    HELPER,
    LEAD,
    VISIT,
    WHISTLE,
    Case,
    Order,
)
from streams.matters.casework import DispatchParams, Work
from streams.matters.life import begin
from streams.matters.orders import close, escalate, issue
from streams.matters.routing import TERRITORIAL, Assignment, Level, Unit, on_duty
from streams.matters.story import SOURCE
from streams.matters.words import SUPERVISORS, Word, id_of

_ANSWER_S = 3_600  # a task that names no time of its own
_LADDER = ("reminder", "supervisor", "notice")
_NOT_TAKEN: Mapping[str, tuple[str, str]] = {
    CITY_TASK: ("departments", "to areas and units; a whistle calls departments"),
    WHISTLE: ("units", "to departments"),
    VISIT: ("units", "to departments"),
}
"""What a function of the city does not take, and whom it goes to."""


class Plan(NamedTuple):
    """What a command to the city comes to.

    Attributes:
        cases: Those that it is carried out on; a new one has no steps yet.
        carry_out: Does it on one of them; returns why not.
        refused: Why none of it is done.
    """

    cases: Sequence[Case]
    carry_out: Callable[[Work, Word], str | None]
    refused: str | None = None


Planner = Callable[[CaseCommand, Mapping[str, Case | None], int, DispatchParams], Plan]


def look(work: Work) -> None:
    """Tell who has not answered in time, once."""
    work.put(answer_told=True)
    for order in work.case.unanswered:
        work.say(order, OrderChange.NOTED, "unanswered", order.revision, reason="unanswered")
        work.step("unanswered", order_id=order.order_id, unit=order.unit)


def is_owed(case: Case) -> tuple[Order, ...]:
    """Return the orders whose units owe what was due: a broken promise, an answer."""
    if case.is_ended:
        return ()
    late = case.unanswered if case.answer_told else ()
    if any(clock.is_breached and clock.stopped_ms is None for clock in case.clocks):
        return late or (case.current,)
    return late


# -- 联勤处置"一件办": one case, several departments -------------------------------


def _helpers(work: Work, command: CaseCommand, word: Word) -> str | None:
    case = work.case
    if not case.live:
        return "nobody-leads: helpers are asked once somebody has the case"
    if word.role not in SUPERVISORS and word.unit != case.current.unit:
        return "role-required: the unit that leads, or a supervisor, asks for helpers"
    units = _nearest(work, command.departments) + _named(work, command.units)
    busy = {order.unit for order in case.live}
    new = [unit for unit in units if unit.code not in busy]
    if why := _unknown(work, command, units) or (None if new else "nobody-new: all are at work"):
        return why
    lead = case.current
    work.put(
        orders=tuple(
            msgspec.structs.replace(one, part=LEAD) if one is lead and not one.part else one
            for one in case.orders
        )
    )
    work.step(command.action.value, word, order_id=lead.order_id)
    _ask(work, new, word, HELPER, command.within_s)
    return None


# -- 市级任务"一键达": a task of the city to many -----------------------------------


def _city_task(
    command: CaseCommand, cases: Mapping[str, Case | None], now_ms: int, _: DispatchParams
) -> Plan:
    if command.role not in SUPERVISORS:
        return Plan((), _never, f"role-required: one of {', '.join(sorted(SUPERVISORS))}")
    if not command.text.strip():
        return Plan((), _never, "text-required: say in `text` what is to be done")
    if command.level and command.level not in TERRITORIAL:
        return Plan((), _never, f"unknown-level: one of {', '.join(TERRITORIAL)}")
    case = _case_of(command, cases, CITY_TASK, now_ms)

    def carry_out(work: Work, word: Word) -> str | None:
        units = _of_areas(work, command) + _named(work, command.units)
        if why := _unknown(work, command, units):
            return why
        begin(work)
        work.step(command.action.value, word, reason=command.text)
        _ask(work, units, word, ASKED, command.within_s)
        return None

    return Plan((case,), carry_out)


# -- 社区"吹哨": a community calls departments ----------------------------------------


def _whistle(
    command: CaseCommand, cases: Mapping[str, Case | None], now_ms: int, _: DispatchParams
) -> Plan:
    if not command.departments:
        return Plan((), _never, "departments-required: name whom the community needs")
    case = _case_of(command, cases, WHISTLE, now_ms)

    def carry_out(work: Work, word: Word) -> str | None:
        caller = work.directory.roster.units.get(command.unit)
        if caller is None or caller.level not in TERRITORIAL:
            return "role-required: `unit` is to be the community, or a grid of it, that calls"
        work.put(chain=work.directory.areas.chain_of(caller.area))
        units = _nearest(work, command.departments)
        if why := _unknown(work, command, units):
            return why
        begin(work)
        work.step(command.action.value, word, reason=command.text or word.reason)
        _ask(work, units, word, ASKED, command.within_s)
        return None

    return Plan((case,), carry_out)


# -- 综合查一次: inspections of one place are one visit --------------------------------


def _visit(
    command: CaseCommand, cases: Mapping[str, Case | None], now_ms: int, params: DispatchParams
) -> Plan:
    if len(command.areas) != 1 or not command.departments:
        return Plan((), _never, "place-required: one place in `areas`, and who inspects it")
    (place,) = command.areas
    planned = [
        case
        for case in cases.values()
        if case and case.function == VISIT and case.place == place and not case.is_ended
        if now_ms - case.known_ms <= params.visit_s * 1000
    ]
    new = _case_of(command, cases, VISIT, now_ms)
    case = min(planned, key=lambda one: one.known_ms, default=new)

    def carry_out(work: Work, word: Word) -> str | None:
        if not work.case.steps:
            chain = work.directory.areas.chain_of(place)
            if chain is None:
                return f"unknown-area: no place {place!r} in the city's files"
            work.put(chain=chain, place=place)
        units = _departments(work, command.departments)
        if why := _unknown(work, command, units):
            return why
        if not work.case.steps:
            begin(work)
        work.step(command.action.value, word, reason=command.text)
        known = {order.unit for order in work.case.live}
        _ask(work, [one for one in units if one.code not in known], word, ASKED, command.within_s)
        return None

    return Plan((case,), carry_out)


# -- 社区自治"一键督": overdue work is supervised --------------------------------------


def _supervise_all(
    command: CaseCommand, cases: Mapping[str, Case | None], _: int, __: DispatchParams
) -> Plan:
    if command.role not in SUPERVISORS:
        return Plan((), _never, f"role-required: one of {', '.join(sorted(SUPERVISORS))}")
    owing = sorted(key for key, case in cases.items() if case and is_owed(case))
    return Plan([case for key in owing if (case := cases[key])], _supervise)


def _supervise_one(work: Work, command: CaseCommand, word: Word) -> str | None:
    if command.role not in SUPERVISORS:
        return f"role-required: one of {', '.join(sorted(SUPERVISORS))}"
    if not is_owed(work.case):
        return "nothing-overdue: no promise of this case is broken and unkept"
    return _supervise(work, word)


def _supervise(work: Work, word: Word) -> str | None:
    """Take the next step: a reminder, then the supervisor, then a notice."""
    how = _LADDER[min(work.case.supervised, len(_LADDER) - 1)]
    work.put(supervised=work.case.supervised + 1)
    for order in is_owed(work.case):
        reason = f"supervised: {how}"
        work.say(order, OrderChange.NOTED, word.key, reason=reason, by=word.by)
        work.step(
            CaseAction.SUPERVISE.value, word, order_id=order.order_id, unit=order.unit, reason=how
        )
    if how == "supervisor" and work.may_escalate:
        escalate(work, "supervised")
    return None


# -- what they share -------------------------------------------------------------------


def _close_function(work: Work, command: CaseCommand, word: Word) -> str | None:
    """Close what many were asked for: by its own unit one order, by the desk the whole."""
    if word.role not in SUPERVISORS:
        return "role-required: the desk closes it when all have answered"
    waiting = [order.unit for order in work.case.unanswered]
    if waiting and not word.reason.strip():
        return f"unanswered: by {', '.join(waiting[:20])}; close it with a reason"
    close(work, CaseState.CLOSED, word.at_ms, word.reason, word=word, action=command.action.value)
    return None


def _ask(work: Work, units: Sequence[Unit], word: Word, part: str, within_s: int | None) -> None:
    for unit in units:
        chosen = Assignment(unit, unit.level, ())
        issue(work, chosen, OrderChange.ISSUED, word.at_ms, word.reason, part=part)
    answer_by_ms = word.at_ms + (within_s or _ANSWER_S) * 1000
    work.put(answer_by_ms=answer_by_ms, answer_told=False)


def _case_of(
    command: CaseCommand, cases: Mapping[str, Case | None], function: str, now_ms: int
) -> Case:
    """Return the case that a command opens, or the one that it opened before."""
    name = uuid5(function, command.source, id_of(command))
    case_id = uuid5("case", name)
    known = cases.get(case_id)
    if known is not None:
        return known
    at_ms = min(command.ingest_time_ms or now_ms, now_ms)
    incident = Incident(
        source=SOURCE,
        kind=f"city.{function}",
        subject=id_of(command),
        event_time_ms=at_ms,
        trace=command.trace,
        incident_id=name,
        rule="command",
        state=IncidentState.OPEN,
        change=IncidentChange.OPENED,
        severity=Severity.MINOR,
        revision=1,
        opened_time_ms=at_ms,
        created_time_ms=at_ms,
        first_seen_time_ms=at_ms,
        last_seen_time_ms=at_ms,
        alert_count=0,
        alert_ids=(),
        area=command.areas[0] if len(command.areas) == 1 else "",
        reason=command.reason,
        sentence=command.text,
    )
    return Case(case_id, incident, function=function)


def _of_areas(work: Work, command: CaseCommand) -> list[Unit]:
    """Return the units of the areas that are listed, or drawn, or all of a level.

    A ring that holds no area is nobody, not everybody.
    """
    level = Level(command.level or Level.COMMUNITY)
    wanted = set(command.areas)
    if command.ring_deg:
        index = TERRITORIAL.index(level)
        wanted |= {chain[index] for chain in work.directory.areas.within(command.ring_deg)}
    everybody = not (wanted or command.units or command.ring_deg)
    units = work.directory.roster.units.values()
    if everybody:
        return [unit for unit in units if unit.level == level]
    return [unit for unit in units if unit.level in TERRITORIAL and unit.area in wanted]


def _departments(work: Work, departments: Sequence[str]) -> list[Unit]:
    """Return the unit of each department that answers for the place, in their order."""
    found = []
    for department in dict.fromkeys(departments):
        serving = work.directory.roster.serving(Level.DEPARTMENT, work.case.chain, department)
        found += serving[:1]
    return found


def _nearest(work: Work, departments: Sequence[str]) -> list[Unit]:
    """Return the unit of each department that can come soonest; the first, where none can."""
    found = []
    for department in dict.fromkeys(departments):
        serving = work.directory.roster.serving(Level.DEPARTMENT, work.case.chain, department)
        minute = work.call.minute_of_day
        there = [unit for unit in serving if on_duty(unit.duty, minute)]
        picked = work.pick(there).unit if there else None
        found += [picked] if picked else serving[:1]
    return found


def _named(work: Work, codes: Sequence[str]) -> list[Unit]:
    units = work.directory.roster.units
    return [units[code] for code in dict.fromkeys(codes) if code in units]


def _unknown(work: Work, command: CaseCommand, units: Sequence[Unit]) -> str | None:
    """Return what a command names that the function does not take, or the city does not have."""
    field, whom = _NOT_TAKEN.get(work.case.function, ("", ""))
    if field and getattr(command, field):
        return f"{field}-not-taken: a {work.case.function} goes {whom}"
    codes = {unit.code for unit in units}
    areas = {unit.area for unit in units}
    departments = {unit.department for unit in units}
    if missing := [code for code in command.units if code not in codes]:
        return f"unknown-unit: {', '.join(missing[:5])}"
    if missing := [name for name in command.departments if name not in departments]:
        return f"unknown-department: no unit of {', '.join(missing[:5])} answers for the place"
    if work.case.function == CITY_TASK and (
        missing := [code for code in command.areas if code not in areas]
    ):
        return f"unknown-area: no unit answers for {', '.join(missing[:5])}"
    return None if units else "nobody: the command reaches no unit"


def _never(_: Work, __: Word) -> str | None:
    return None


ON_A_CASE: Mapping[CaseAction, Callable[[Work, CaseCommand, Word], str | None]] = {
    CaseAction.HELPERS: _helpers,
    CaseAction.SUPERVISE: _supervise_one,
    CaseAction.CLOSE: _close_function,
}
OF_THE_CITY: Mapping[CaseAction, Planner] = {
    CaseAction.CITY_TASK: _city_task,
    CaseAction.WHISTLE: _whistle,
    CaseAction.VISIT: _visit,
    CaseAction.SUPERVISE: _supervise_all,
}
