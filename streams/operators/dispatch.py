"""From incidents, words of the field and commands to orders, clocks and the story of cases."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from schemas.codec import decode_records, encode
from schemas.commands import CaseCommand
from schemas.dispatch import DispatchUpdate
from schemas.incidents import Incident
from schemas.records import RawBatch, Reason, Reject, Stage
from schemas.responders import UnitState
from schemas.topics import (
    CASE_COMMANDS,
    CASE_EVENTS,
    CASE_REPLIES,
    CASES,
    CASES_LATEST,
    DISPATCH_ORDERS,
    DISPATCH_ORDERS_LATEST,
    DISPATCH_UPDATES,
    REMINDERS,
    UNITS_STATUS,
)
from streams.matters.cases import Case
from streams.matters.casework import Directory, DispatchParams
from streams.matters.decision import Dispatched
from streams.matters.dispatch import (
    CITY,
    on_commands,
    on_due,
    on_incidents,
    on_updates,
)
from streams.matters.docket import Docket
from streams.matters.responders import Standing
from streams.matters.standing import status_of
from streams.operator import NOTHING, Outcome, Row, Send
from streams.operators.events import Tally
from streams.operators.records import Store

_UNIT = b"u\x00"
_SETTLE_MS = 5_000
"""After a start, what the field said meanwhile is heard before a clock is called
broken; but no longer than this, whatever waits."""


class DispatchOperator:
    """Runs the cases of a city. Clocks are absolute wall times in the cases."""

    def __init__(self, city: str, directory: Directory, params: DispatchParams) -> None:
        self._city = city
        self._directory = directory
        self._params = params
        self._store = Store(Case)
        self._docket = Docket(self._store.states)
        self._said: dict[str, Standing] = {}
        self._stand: dict[str, tuple[UnitState, int, int | None]] = {}
        self._first_wake_ms: int | None = None
        self._settled = False

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Open and move cases."""
        tally = Tally(self._city, now_ms)
        raw = self._store.fresh(raw)
        if raw.topic == DISPATCH_UPDATES:
            used = self._updates(raw, now_ms, tally)
        elif raw.topic == CASE_COMMANDS:
            used = self._commands(raw, now_ms, tally)
        else:
            used = self._incidents(raw, now_ms, tally)
        return Outcome(tally.sends, len(raw.values), used, tally.refused)

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        """Tell what the clocks are due to tell."""
        if self._first_wake_ms is None:
            self._first_wake_ms = now_ms
        self._settled |= caught_up or now_ms - self._first_wake_ms >= _SETTLE_MS
        due = self._docket.clocks.pop_due(now_ms) if self._settled else []
        if not due:
            return NOTHING
        tally = Tally(self._city, now_ms)
        said = on_due(due, self._docket, now_ms, self._directory, self._params)
        self._tell(said, now_ms, tally)
        return Outcome(tally.sends)

    def next_due_ms(self) -> int | None:
        """Return the next instant of any clock."""
        return self._docket.clocks.next_due_ms()

    def changes(self) -> list[Row]:
        """Return what units said, the cases that moved, then how far was read."""
        units = [
            (_UNIT + code.encode(), msgspec.msgpack.encode(self._said[code]))
            for code in sorted(self._said)
        ]
        self._said = {}
        return units + self._store.changes()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up what units said, the cases and their clocks."""
        rows = list(rows)
        for name, value in (row for row in rows if row[0].startswith(_UNIT)):
            standing = msgspec.msgpack.decode(value, type=Standing)
            self._docket.crews.hear(name.removeprefix(_UNIT).decode(), standing)
        self._store.restore(row for row in rows if not row[0].startswith(_UNIT))
        for key, case in self._store.states.items():
            self._docket.note(key, case)

    def watermark_ms(self) -> None:
        """Clocks toward people run on wall time."""
        return

    def _incidents(self, raw: RawBatch, now_ms: int, tally: Tally) -> int:
        rows, rejects = decode_records(raw, Incident)
        for reject in rejects:
            tally.refuse(raw, reject)
        incidents = [incident for _, incident in rows]
        said = on_incidents(incidents, self._docket, now_ms, self._directory, self._params)
        self._tell(said, now_ms, tally)
        return len(rows)

    def _updates(self, raw: RawBatch, now_ms: int, tally: Tally) -> int:
        rows, rejects = decode_records(raw, DispatchUpdate)
        for reject in rejects:
            tally.refuse(raw, reject)
        updates = [_taken(raw, row, update) for row, update in rows]
        said = on_updates(updates, self._docket, now_ms, self._directory, self._params)
        for refusal in said.refused:
            hint = f"{refusal.reason}: subject is to be the case_id of an order"
            row = rows[refusal.row][0]
            reject = Reject(row, Stage.RULE, Reason.UNKNOWN_ORDER, "subject", hint)
            tally.refuse(raw, reject)
        self._tell(said, now_ms, tally)
        return len(rows) - len(said.refused)

    def _commands(self, raw: RawBatch, now_ms: int, tally: Tally) -> int:
        rows, rejects = decode_records(raw, CaseCommand)
        for reject in rejects:
            tally.refuse(raw, reject)
        commands = [
            msgspec.structs.replace(
                one,
                ingest_time_ms=int(raw.ingest_time_ms[row]),
                subject=CITY if one.subject == self._city else one.subject,
            )
            for row, one in rows
        ]
        said = on_commands(commands, self._docket, now_ms, self._directory, self._params)
        self._tell(said, now_ms, tally)
        return len(rows)

    def _tell(self, said: Dispatched, now_ms: int, tally: Tally) -> None:
        self._store.apply(said.changed)
        moved = set(said.units)
        for code, standing in said.units.items():
            self._docket.crews.hear(code, standing)
        self._said |= said.units
        for key, case in said.changed.items():
            moved |= self._docket.crews.units_of(key)
            self._docket.note(key, case)
            moved |= self._docket.crews.units_of(key)
        city = self._city.encode()
        for order in said.orders:
            value = encode(order)
            tally.sends.append(Send(DISPATCH_ORDERS, city, value))
            tally.sends.append(Send(DISPATCH_ORDERS_LATEST, order.order_id.encode(), value))
        tally.sends += [Send(REMINDERS, city, encode(reminder)) for reminder in said.reminders]
        tally.sends += [Send(CASE_EVENTS, city, encode(event)) for event in said.events]
        for record in said.records:
            value = encode(record)
            tally.sends.append(Send(CASES, city, value))
            tally.sends.append(Send(CASES_LATEST, record.case_id.encode(), value))
        tally.sends += [Send(CASE_REPLIES, city, encode(reply)) for reply in said.replies]
        tally.sends += self._statuses(sorted(moved), now_ms)

    def _statuses(self, codes: Sequence[str], now_ms: int) -> Iterator[Send]:
        """Tell how units stand that stand otherwise than last told."""
        for code in codes:
            status = status_of(code, self._docket.crews, now_ms)
            how = (status.state, status.orders, status.seen_time_ms)
            if self._stand.get(code) != how:
                self._stand[code] = how
                yield Send(UNITS_STATUS, code.encode(), encode(status))


def _taken(raw: RawBatch, row: int, update: DispatchUpdate) -> DispatchUpdate:
    """Return an update with the instant when it was taken in: its own, or the broker's."""
    if update.ingest_time_ms is not None:
        return update
    return msgspec.structs.replace(update, ingest_time_ms=int(raw.ingest_time_ms[row]))
