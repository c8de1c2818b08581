"""From alerts, and words from the desk, to incidents: the partition that sees a city whole."""

from collections.abc import Iterable

import msgspec

from schemas.alerts import Alert
from schemas.codec import decode_records, encode
from schemas.incidents import Incident, IncidentCommand
from schemas.records import RawBatch
from schemas.topics import (
    INCIDENT_COMMANDS,
    INCIDENT_REPLIES,
    INCIDENTS,
    INCIDENTS_LATEST,
)
from streams.matters.book import ENTRIES, Book, Where
from streams.matters.correlate import Matter, correlate
from streams.matters.desk import obey
from streams.matters.policy import IncidentParams, Mode
from streams.matters.recall import against
from streams.matters.settling import advance, take
from streams.operator import Outcome, Row
from streams.operators.events import Tally
from streams.operators.journal import Journal
from streams.operators.records import Store
from streams.timers import Deadlines

_BOOK = b"b\x00"


class IncidentsOperator:
    """Joins alerts to matters and matters to incidents; remembers until they are long over."""

    def __init__(self, city: str, params: IncidentParams, where: Where) -> None:
        self._city = city
        self._params = params
        self._book = Book(params, where)
        self._journal = Journal()
        self._store = Store(Matter)
        self._forget: Deadlines[str] = Deadlines()

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Join each alert to its incident, or answer each command."""
        tally = Tally(self._city, now_ms)
        raw = self._store.fresh(raw)
        self._book.now_ms = now_ms
        if raw.topic == INCIDENT_COMMANDS:
            used = self._commands(raw, tally)
        else:
            used = self._alerts(raw, tally, now_ms)
        return Outcome(tally.sends, len(raw.values), used, tally.refused, alerts=tally.alerts)

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        """Do what time has made due, once no alert waits that came before it."""
        if not caught_up:
            return Outcome()
        tally = Tally(self._city, now_ms)
        self._book.now_ms = now_ms
        advance(self._book, now_ms)
        self._tell(tally)
        self._book.forget()
        if keys := self._forget.pop_due(now_ms):
            self._store.apply(dict.fromkeys(keys))
        return Outcome(tally.sends)

    def next_due_ms(self) -> int | None:
        """Return when people are to be told next; forgetting is nobody's hurry."""
        return self._book.due.next_due_ms()

    def changes(self) -> list[Row]:
        """Return the matters and incidents that moved, and how far was read, as one."""
        rows: list[Row] = [
            (_BOOK + name.encode(), None if entry is None else msgspec.msgpack.encode(entry))
            for name, entry in sorted(self._book.changes().items())
        ]
        return self._journal.wrap([*rows, *self._store.changes()])

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up matters and incidents."""
        kept = self._journal.unwrap(rows)
        self._store.restore((k, v) for k, v in kept.items() if not k.startswith(_BOOK))
        for key, matter in self._store.states.items():
            self._forget.set(key, matter.due_ms)
        entries = []
        for row, value in sorted(kept.items()):
            if row.startswith(_BOOK):
                name = row[len(_BOOK) :].decode()
                kind = ENTRIES[name.partition("\x00")[0]]
                entries.append((name, msgspec.msgpack.decode(value, type=kind)))
        self._book.restore(entries)

    def watermark_ms(self) -> None:
        """Alerts are taken as they come."""
        return

    def _alerts(self, raw: RawBatch, tally: Tally, now_ms: int) -> int:
        alerts, rejects = decode_records(raw, Alert)
        for reject in rejects:
            tally.refuse(raw, reject)
        for row, alert in alerts:
            at_ms = int(raw.ingest_time_ms[row])
            advance(self._book, at_ms)
            said = correlate([alert], self._store.states, now_ms, self._params)
            self._store.apply(said.changed)
            for key, matter in said.changed.items():
                self._forget.set(key, matter.due_ms if matter else None)
            for incident in said.incidents:
                take(self._book, incident, alert, at_ms)
            if (left := against(alert, self._in_force())) is not None:
                tally.alert([left])  # it comes back with the others, and is an incident then
        self._tell(tally)
        return len(alerts)

    def _in_force(self) -> list[tuple[str, Mode]]:
        modes = self._params.modes
        return [(name, modes[name]) for name in sorted(self._book.modes) if name in modes]

    def _commands(self, raw: RawBatch, tally: Tally) -> int:
        commands, rejects = decode_records(raw, IncidentCommand)
        for reject in rejects:
            tally.refuse(raw, reject)
        for row, command in commands:
            at_ms = int(raw.ingest_time_ms[row])
            advance(self._book, at_ms)
            reply = obey(self._book, command, self._matter, at_ms)
            self._tell(tally)
            tally.send(INCIDENT_REPLIES, encode(reply))
        return len(commands)

    def _matter(self, key: str) -> Incident | None:
        matter = self._store.states.get(key)
        return matter.incident if matter else None

    def _tell(self, tally: Tally) -> None:
        for incident in self._book.drain():
            value = encode(incident)
            tally.send(INCIDENTS, value)
            tally.send(INCIDENTS_LATEST, value, incident.incident_id)
