"""One case under way: what dispatch knows, and how it says what it does."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.cases import CaseEvent
from schemas.dispatch import CaseState, Clock, ClockNote, DispatchOrder, OrderChange, Reminder
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentState
from streams.matters import sla, spent, story
from streams.matters.cases import Case, Order, Pause
from streams.matters.enforcement import Competences
from streams.matters.merge import NOTICE_REASON
from streams.matters.responders import LATE_MS, Crews, Moment, pick
from streams.matters.routing import (
    Areas,
    Call,
    Level,
    Picked,
    Roster,
    Routing,
    Unit,
    route_of,
)
from streams.matters.sla import Note, SlaParams
from streams.matters.words import Word


class DispatchParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table `[dispatch]` of rules.toml.

    Attributes:
        escalate_on: Clocks whose breach asks the next level. After `respond` every
            level has the same time to accept before the one above it is asked.
        return_limit: The return that sends a case to the city desk.
        reminder_gap_s: Least time between two loudspeaker calls for one incident.
        report_s: How long a loudspeaker has to report that it spoke (row 55).
        forget_s: How long after its end a case is remembered (wall time).
        review_s: How long a supervisor has to review a return.
        depart_s: How long an accepted order may stay before it goes back.
        clear_s: How long a sensor is to be below its clear level to prove the end.
        prove_s: How long after `handle` a proof is waited for (row 56).
        relapse_s: The same matter again so soon after the end is the same case.
        pause_reasons: The only reasons for which clocks stand still (row 63), and
            `pause_max_s`, how long in all.
        visit_s: Inspections of one place planned so close to each other are one visit.
        group_interval_s: That a matter has grown is told no oftener (row 48).
        repeat_s: So long nobody has answered: it is told again.
        position_s: A unit's place older than this is not trusted (row 59).
        sla: Table `[dispatch.sla]`, the promises.
    """

    escalate_on: tuple[Clock, ...] = (Clock.RESPOND, Clock.ON_SITE)
    return_limit: int = 3
    reminder_gap_s: int = 600
    report_s: int = 60
    forget_s: int = 86_400
    review_s: int = 300
    depart_s: int = 900
    clear_s: int = 300
    prove_s: int = 300
    relapse_s: int = 1_800
    pause_reasons: tuple[str, ...] = ("bad-weather", "no-access", "third-party")
    pause_max_s: int = 3_600
    visit_s: int = 7 * 86_400
    group_interval_s: int = 60
    repeat_s: int = 1_800
    position_s: int = 300
    sla: SlaParams = SlaParams()


class Speaker(NamedTuple):
    """A loudspeaker, where it stands, and the approved text that it may say."""

    device: str
    venue: str
    text_id: str
    text: str


class Directory(NamedTuple):
    """What dispatch asks of a city.

    Attributes:
        speaker_at: The loudspeaker of an incident's area, None where there is none.
        minute_of_day: The local minute of the day of a wall instant in ms.
        enforcement: Which department is competent, by kind.
    """

    routing: Routing
    roster: Roster
    areas: Areas
    speaker_at: Callable[[str], Speaker | None]
    minute_of_day: Callable[[int], int]
    enforcement: Competences = Competences()


class Work:
    """One case in one call: its newest form, and what was said about it so far.

    Args:
        case: As it stands.
        now_ms: Wall time.
        directory: The city.
        params: The city's `[dispatch]`.
        at_ms: The wall instant of what is done: of the incident's message, of the
            word, of the deadline. Reading it again, it is the same.
        crews: How the units stand.
    """

    def __init__(
        self,
        case: Case,
        now_ms: int,
        directory: Directory,
        params: DispatchParams,
        *,
        at_ms: int | None,
        crews: Crews,
    ) -> None:
        self.case = case
        self.now_ms = now_ms
        self.directory = directory
        self.params = params
        late = at_ms is None or now_ms - at_ms > LATE_MS
        self.at_ms = now_ms if at_ms is None or late else at_ms
        self.crews = crews
        self.orders: list[DispatchOrder] = []
        self.reminders: list[Reminder] = []
        self.events: list[CaseEvent] = []

    @property
    def incident(self) -> Incident:
        """The incident, as last heard."""
        return self.case.incident

    @property
    def call(self) -> Call:
        """What the roster is asked for this case, now."""
        route = route_of(self.incident.kind, self.directory.routing)
        return Call(route, self.case.chain, self.directory.minute_of_day(self.now_ms))

    @property
    def may_escalate(self) -> bool:
        """Whether more people are asked: not for what is over, but a notice never is."""
        is_open = self.incident.state is IncidentState.OPEN
        return not self.case.function and (is_open or self.is_notice)

    @property
    def is_notice(self) -> bool:
        """Whether it is a finding without duration: that it is over proves nothing."""
        return self.incident.reason == NOTICE_REASON

    @property
    def respond_ms(self) -> int:
        """How long one level has to accept."""
        return self.params.sla.of(self.incident.kind).respond_s * 1000

    def pick(self, units: Sequence[Unit]) -> Picked:
        """Choose among units of one level that are on duty: the nearest free one."""
        incident, trust_ms = self.incident, self.params.position_s * 1000
        place = None
        if incident.lon_deg is not None and incident.lat_deg is not None:
            place = incident.lon_deg, incident.lat_deg
        case = self.case
        moment = Moment(case.case_id, case.chain, place, self.at_ms, self.crews, trust_ms)
        return pick(units, moment)

    def put(self, **changes: Any) -> None:
        """Change fields of the case."""
        self.case = msgspec.structs.replace(self.case, **changes)

    def say(self, order: Order, change: OrderChange, *facts: str | int, **fields: Any) -> None:
        """Send `order` as it stands, and remember it.

        The message's id is a function of the order and of `facts`, what makes
        this change unlike any other of the order: never of wall time.
        """
        known = any(one.order_id == order.order_id for one in self.case.orders)
        if change is not OrderChange.REFUSED and (known or order.level is Level.LOUDSPEAKER):
            order = msgspec.structs.replace(order, revision=order.revision + 1)
        if order.is_at_hand is (order.until_ms is not None):
            until_ms = None if order.is_at_hand else self.at_ms
            order = msgspec.structs.replace(order, until_ms=until_ms)
        self._remember(order, known=known)
        self.orders.append(self._message(order, change, facts, fields))

    def step(
        self, action: str, word: Word | None = None, at_ms: int | None = None, **fields: Any
    ) -> None:
        """Write one accepted step into the story; call it when the case has moved.

        Args:
            action: What was done.
            word: Who asked for it; None is the city itself.
            at_ms: Up to when the time is counted: the word's instant or now, if not
                said otherwise.
            **fields: More of the event.
        """
        case = self.case
        if at_ms is None:
            at_ms = word.at_ms if word else self.now_ms
        count = spent.counted(case.spent, case.told, at_ms)
        event = story.event_of(case, action, count, now_ms=self.now_ms, word=word, fields=fields)
        self.events.append(event)
        self.put(steps=case.steps + 1, last_hash=event.hash, told=event.to_state, spent=count)

    def tell(self, notes: list[Note]) -> None:
        """Say what is due about the clocks, on the order that speaks for the case."""
        for note in notes:
            if note.note is ClockNote.BREACH:
                self._tell_breach(note)
            self.say(
                self.case.current,
                OrderChange.CLOCK,
                note.clock,
                note.note,
                clock=note.clock,
                clock_note=note.note,
                deadline_time_ms=note.deadline_ms,
                late_detected=note.late,
            )

    def stop_clock(self, clock: Clock, at_ms: int) -> None:
        """Stop one clock at `at_ms` (wall), telling a breach that nobody was told of."""
        notes, clocks = sla.stop(self.case.clocks, clock, at_ms, self.now_ms, self.params.sla)
        self.put(clocks=clocks)
        self.tell(notes)

    def pause(self, reason: str, at_ms: int, until_ms: int) -> None:
        """Let the clocks stand still from `at_ms`, until `until_ms` at the latest."""
        self.put(pause=Pause(reason, at_ms, until_ms))

    def resume(self, at_ms: int) -> None:
        """Let clocks that stand still run again from `at_ms` on."""
        pause = self.case.pause
        if pause is None:
            return
        stood_ms = max(0, min(at_ms, pause.until_ms) - pause.since_ms)
        later = {
            name: getattr(self.case, name) + stood_ms
            for name in ("escalate_at_ms", "depart_by_ms")
            if getattr(self.case, name) is not None
        }
        self.put(
            pause=None,
            paused_ms=self.case.paused_ms + stood_ms,
            clocks=sla.shifted(self.case.clocks, stood_ms),
            **later,
        )
        self.step("resumed", at_ms=at_ms, reason=pause.reason)

    def _told(self) -> list[DispatchOrder]:
        """Return what was said that moved something."""
        return [one for one in self.orders if one.change is not OrderChange.REFUSED]

    def finished(self) -> Case:
        """Return the case with its state, its next deadline, its revision.

        A warning alone is no revision: whoever has the record has the deadlines.
        """
        case = self.case
        if self.events or any(one.change is not OrderChange.CLOCK for one in self._told()):
            case = msgspec.structs.replace(case, revision=case.revision + 1)
        if case.ended_ms is None:
            return msgspec.structs.replace(case, state=case.stands, due_ms=_due_ms(case))
        if case.incident.state is IncidentState.OPEN:  # its updates must still find the case
            return msgspec.structs.replace(case, due_ms=None)
        over_ms = max(case.ended_ms, case.incident.ingest_time_ms or 0)
        return msgspec.structs.replace(case, due_ms=over_ms + self.params.forget_s * 1000)

    def _tell_breach(self, note: Note) -> None:
        self.put(breaches=(*self.case.breaches, note.clock))
        self.step(
            "breached",
            at_ms=note.deadline_ms,
            order_id=self.case.current.order_id,
            unit=self.case.current.unit,
            clock=note.clock,
            clock_note=note.note,
            deadline_time_ms=note.deadline_ms,
            late_detected=note.late,
        )

    def _remember(self, order: Order, *, known: bool) -> None:
        if order.level is Level.LOUDSPEAKER:
            self.put(speaker=order)
        elif known:
            orders = (order if o.order_id == order.order_id else o for o in self.case.orders)
            self.put(orders=tuple(orders))
        else:
            self.put(orders=(*self.case.orders, order))

    def _message(
        self,
        order: Order,
        change: OrderChange,
        facts: tuple[str | int, ...],
        fields: dict[str, Any],
    ) -> DispatchOrder:
        incident, clocks = self.incident, self.case.clocks
        return DispatchOrder(
            source=story.SOURCE,
            kind="dispatch.order",
            subject=incident.subject,
            event_time_ms=self.now_ms,
            id=uuid5(order.order_id, change, *facts),
            trace=incident.trace,
            order_id=order.order_id,
            case_id=self.case.case_id,
            incident_id=incident.incident_id,
            incident_kind=incident.kind,
            unit=order.unit,
            unit_name=order.unit_name,
            level=order.level,
            state=order.state,
            change=change,
            created_time_ms=incident.created_time_ms,
            opened_time_ms=incident.opened_time_ms,
            revision=order.revision,
            respond_by_time_ms=sla.deadline_ms(clocks, Clock.RESPOND),
            order_by_time_ms=sla.deadline_ms(clocks, Clock.ORDER),
            depart_by_time_ms=sla.deadline_ms(clocks, Clock.DEPART),
            on_site_by_time_ms=sla.deadline_ms(clocks, Clock.ON_SITE),
            area=incident.area,
            lon_deg=incident.lon_deg,
            lat_deg=incident.lat_deg,
            boundary_version=self.case.boundary_version,
            rung=incident.rung,
            sentence=incident.sentence,
            life_safety=incident.life_safety,
            **fields,
        )


def with_state(order: Order, state: CaseState) -> Order:
    """Return `order`, standing in `state`."""
    return msgspec.structs.replace(order, state=state)


def _due_ms(case: Case) -> int | None:
    """Return when a case that has not ended is to be looked at again."""
    answer_by_ms = None if case.answer_told else case.answer_by_ms
    times = [case.review_by_ms, case.prove_by_ms, case.report_by_ms, answer_by_ms]
    if case.pause is None:
        times += [sla.next_due_ms(case.clocks), case.escalate_at_ms, case.depart_by_ms]
        times += [case.news_at_ms, case.repeat_at_ms]
    else:
        times.append(case.pause.until_ms)
    return min((at_ms for at_ms in times if at_ms is not None), default=None)
