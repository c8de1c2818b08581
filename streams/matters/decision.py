"""What dispatch decides in one call: what it is made with, and what comes of it."""

from typing import NamedTuple

from schemas.cases import CaseEvent, CaseRecord
from schemas.commands import CommandReply
from schemas.dispatch import CaseState, DispatchOrder, Reminder
from streams.matters import story
from streams.matters.cases import Case
from streams.matters.casework import Directory, DispatchParams, Work
from streams.matters.docket import Docket
from streams.matters.folding import matter_of
from streams.matters.responders import Crews, Standing


class Refusal(NamedTuple):
    """An update that belongs to no case, for the dead letters: its index, and why."""

    row: int
    reason: str


class Dispatched(NamedTuple):
    """What dispatch decided: messages in order, cases that moved (None: forgotten).

    `units` are those that said something of themselves.
    """

    orders: list[DispatchOrder]
    reminders: list[Reminder]
    changed: dict[str, Case | None]
    refused: list[Refusal]
    events: list[CaseEvent]
    records: list[CaseRecord]
    replies: list[CommandReply]
    units: dict[str, Standing]

    @classmethod
    def nothing(cls) -> "Dispatched":
        """Return a decision that says and moves nothing."""
        return cls([], [], {}, [], [], [], [], {})

    def take(self, work: Work) -> None:
        """Take in what was done about one case."""
        self.orders.extend(work.orders)
        self.reminders.extend(work.reminders)
        self.events.extend(work.events)
        case = work.finished()
        if case.revision != work.case.revision:
            self.records.append(story.record_of(case, work.now_ms))
        self.changed[case.case_id] = case


class Desk(NamedTuple):
    """What a decision is made with.

    Attributes:
        docket: The cases before this call, and what is found by how they stood; read only.
        now_ms: Wall time.
        directory: The city: routing, roster, boundaries, loudspeakers.
        params: The city's `[dispatch]`.
        crews: How the units stand, what was decided in this call included.
        out: What was decided so far.
        closed: Cases closed in this call, by their matter.
    """

    docket: Docket
    now_ms: int
    directory: Directory
    params: DispatchParams
    crews: Crews
    out: Dispatched
    closed: dict[str, str]

    def case(self, key: str) -> Case | None:
        """Return a case as it stands, what was decided in this call included."""
        return self.out.changed[key] if key in self.out.changed else self.docket.cases.get(key)

    def take(self, work: Work) -> None:
        """Take in what was done about one case."""
        self.out.take(work)
        self.crews.put(work.case.case_id, work.case.tasks)
        if work.case.state is CaseState.CLOSED:
            self.closed[matter_of(work.case.incident)] = work.case.case_id

    def hear(self, unit: str, standing: Standing) -> None:
        """Take in what a unit says of itself."""
        if standing != self.crews.standing(unit):
            self.crews.hear(unit, standing)
            self.out.units[unit] = standing

    def work(self, case: Case, at_ms: int | None) -> Work:
        """Return the work on one case; `at_ms` as in `Work`."""
        return Work(case, self.now_ms, self.directory, self.params, at_ms=at_ms, crews=self.crews)
