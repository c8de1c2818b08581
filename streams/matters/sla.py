"""Clocks toward people: four promises a case, with absolute deadlines on wall time.

A clock is data: its start, its deadline, what was told, when it stopped. Nothing
ticks and nothing is counted, so a restart loses no deadline: whoever asks
`due_notes` at any later instant is told what has not been told yet.

A clock covers [start, deadline): stopped at the deadline's own instant it is
broken. What was broken stays broken, whenever it stops.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.dispatch import Clock, ClockNote
from streams.matters.routing import fits

_WARNINGS = ((ClockNote.WARN_50, 50), (ClockNote.WARN_80, 80))  # percent
_TOLD: Mapping[ClockNote | None, int] = {
    None: 0,
    ClockNote.WARN_50: 1,
    ClockNote.WARN_80: 2,
    ClockNote.BREACH: 3,
}


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds from the start of people's work on a case to each stop.

    The defaults are the city's own: 1 minute to respond, 2 to order, 3 to depart,
    45 to be on site and handled.
    """

    respond_s: int = 60
    order_s: int = 120
    depart_s: int = 180
    on_site_s: int = 2_700

    def __post_init__(self) -> None:
        if min(self.respond_s, self.order_s, self.depart_s, self.on_site_s) <= 0:
            raise ValueError("a promise is at least one second")

    def seconds(self, clock: Clock) -> int:
        """Return how long `clock` may run."""
        return {
            Clock.RESPOND: self.respond_s,
            Clock.ORDER: self.order_s,
            Clock.DEPART: self.depart_s,
            Clock.ON_SITE: self.on_site_s,
        }[clock]


class KindPromise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other promises for kinds that fit `kind` (exact, or a prefix ending in "*")."""

    kind: str
    promise: Promise


class SlaParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table `[sla]` of rules.toml.

    Attributes:
        promise: For every kind that `kinds` does not name.
        kinds: Overrides; the first that fits is taken.
        late_ms: A breach found later than this after its deadline says so.
    """

    promise: Promise = Promise()
    kinds: tuple[KindPromise, ...] = ()
    late_ms: int = 5_000

    def of(self, kind: str) -> Promise:
        """Return the promise for incidents of `kind`."""
        for one in self.kinds:
            if fits(one.kind, kind):
                return one.promise
        return self.promise


class Running(msgspec.Struct, frozen=True, omit_defaults=True):
    """One clock of one case; instants in wall ms.

    Attributes:
        told: The last note that was told about it.
        stopped_ms: When its stop event came; None while it runs.
        paused_ms: How long it stood still; `deadline_ms` is later by so much.
    """

    clock: Clock
    started_ms: int
    deadline_ms: int
    told: ClockNote | None = None
    stopped_ms: int | None = None
    paused_ms: int = 0

    @property
    def is_breached(self) -> bool:
        """Whether its breach was told."""
        return self.told is ClockNote.BREACH


class Note(NamedTuple):
    """What is told about a clock, and `late`: its breach was found only after an outage."""

    clock: Clock
    note: ClockNote
    deadline_ms: int
    late: bool


def start(kind: str, started_ms: int, params: SlaParams) -> tuple[Running, ...]:
    """Return the four clocks of a case of `kind`, started at `started_ms` (wall)."""
    promise = params.of(kind)
    return tuple(
        Running(clock, started_ms, started_ms + promise.seconds(clock) * 1000) for clock in Clock
    )


def stop(
    clocks: Sequence[Running], clock: Clock, at_ms: int, now_ms: int, params: SlaParams
) -> tuple[list[Note], tuple[Running, ...]]:
    """Stop one clock; a breach before `at_ms` that nobody was told of is told now.

    Args:
        clocks: The case's clocks.
        clock: Which one stops; one that has stopped is left alone.
        at_ms: When its stop event happened (wall), at most `now_ms`.
        now_ms: When that is known.
        params: For `late_ms`.
    """
    notes: list[Note] = []
    after: list[Running] = []
    for one in clocks:
        if one.clock is not clock or one.stopped_ms is not None:
            after.append(one)
            continue
        stopped = msgspec.structs.replace(one, stopped_ms=at_ms)
        if at_ms >= one.deadline_ms and not one.is_breached:
            notes.append(_note(one, ClockNote.BREACH, now_ms, params))
            stopped = msgspec.structs.replace(stopped, told=ClockNote.BREACH)
        after.append(stopped)
    return notes, tuple(after)


def due_notes(
    clocks: Sequence[Running], now_ms: int, params: SlaParams
) -> tuple[list[Note], tuple[Running, ...]]:
    """Return what is to be told by `now_ms`, in order of deadline, and the clocks after.

    Of several overdue notes of one clock only the gravest is told: after an
    outage nobody needs the warning of a promise that is broken.
    """
    notes: list[Note] = []
    after: list[Running] = []
    for one in clocks:
        note = _gravest(one, now_ms)
        if note is not None:
            notes.append(_note(one, note, now_ms, params))
        after.append(one if note is None else msgspec.structs.replace(one, told=note))
    return sorted(notes, key=lambda note: note.deadline_ms), tuple(after)


def shifted(clocks: Sequence[Running], stood_ms: int) -> tuple[Running, ...]:
    """Return the clocks after they stood still; what stopped or broke is left as it was."""
    return tuple(
        one
        if one.stopped_ms is not None or one.is_breached
        else msgspec.structs.replace(
            one, deadline_ms=one.deadline_ms + stood_ms, paused_ms=one.paused_ms + stood_ms
        )
        for one in clocks
    )


def next_due_ms(clocks: Sequence[Running]) -> int | None:
    """Return the next instant at which something is to be told; None when nothing is."""
    instants = [
        at_ms
        for one in clocks
        if one.stopped_ms is None
        for note, at_ms in _instants(one)
        if _TOLD[note] > _TOLD[one.told]
    ]
    return min(instants, default=None)


def deadline_ms(clocks: Sequence[Running], clock: Clock) -> int | None:
    """Return the deadline of one clock; None when the case has no such clock."""
    return next((one.deadline_ms for one in clocks if one.clock is clock), None)


def _instants(one: Running) -> list[tuple[ClockNote, int]]:
    """Return when each note of a clock is due, earliest first."""
    started_ms = one.started_ms + one.paused_ms
    span_ms = one.deadline_ms - started_ms
    warnings = [(note, started_ms + span_ms * share // 100) for note, share in _WARNINGS]
    return [*warnings, (ClockNote.BREACH, one.deadline_ms)]


def _gravest(one: Running, now_ms: int) -> ClockNote | None:
    """Return the gravest note that is due and untold."""
    if one.stopped_ms is not None:
        return None
    due = [note for note, at_ms in _instants(one) if at_ms <= now_ms]
    return due[-1] if due and _TOLD[due[-1]] > _TOLD[one.told] else None


def _note(one: Running, note: ClockNote, now_ms: int, params: SlaParams) -> Note:
    late = note is ClockNote.BREACH and now_ms - one.deadline_ms > params.late_ms
    return Note(one.clock, note, one.deadline_ms, late)
