"""One case under way: what dispatch knows, and how it says what it does."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from schemas.dispatch import CaseState, Clock, DispatchOrder, OrderChange, Reminder
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentState
from streams.matters import sla
from streams.matters.cases import Case, Order, furthest
from streams.matters.merge import NOTICE_REASON
from streams.matters.routing import Areas, Call, Level, Roster, Routing, route_of
from streams.matters.sla import Note, SlaParams

SOURCE = "citybrain.dispatch"


class DispatchParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table `[dispatch]` of rules.toml.

    Attributes:
        escalate_on: Clocks whose breach asks the next level. After `respond` every
            level has the same time to accept before the one above it is asked.
        return_limit: The return that sends a case to the city desk.
        reminder_gap_s: Least time between two loudspeaker calls for one incident.
        forget_s: How long after its end a case is remembered (wall time).
        sla: Table `[dispatch.sla]`, the promises.
    """

    escalate_on: tuple[Clock, ...] = (Clock.RESPOND, Clock.ON_SITE)
    return_limit: int = 3
    reminder_gap_s: int = 600
    forget_s: int = 86_400
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
    """

    routing: Routing
    roster: Roster
    areas: Areas
    speaker_at: Callable[[str], Speaker | None]
    minute_of_day: Callable[[int], int]


class Work:
    """One case in one call: its newest form, and what was said about it so far."""

    def __init__(
        self, case: Case, now_ms: int, directory: Directory, params: DispatchParams
    ) -> None:
        self.case = case
        self.now_ms = now_ms
        self.directory = directory
        self.params = params
        self.orders: list[DispatchOrder] = []
        self.reminders: list[Reminder] = []

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
        return is_open or self.incident.reason == NOTICE_REASON

    @property
    def respond_ms(self) -> int:
        """How long one level has to accept."""
        return self.params.sla.of(self.incident.kind).respond_s * 1000

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
        self._remember(order, known=known)
        self.orders.append(self._message(order, change, facts, fields))

    def tell(self, notes: list[Note]) -> None:
        """Say what is due about the clocks, on the order that speaks for the case."""
        for note in notes:
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

    def finished(self) -> Case:
        """Return the case with its state and its next deadline."""
        case = self.case
        if case.ended_ms is None:
            times = [sla.next_due_ms(case.clocks), case.escalate_at_ms]
            due_ms = min((at_ms for at_ms in times if at_ms is not None), default=None)
            return msgspec.structs.replace(case, state=furthest(case.live), due_ms=due_ms)
        if case.incident.state is IncidentState.OPEN:  # its updates must still find the case
            return msgspec.structs.replace(case, due_ms=None)
        over_ms = max(case.ended_ms, case.incident.ingest_time_ms or 0)
        return msgspec.structs.replace(case, due_ms=over_ms + self.params.forget_s * 1000)

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
            source=SOURCE,
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
