"""From cases, and calls to loudspeakers, to the figures of units."""

from collections.abc import Callable, Iterable, Sequence

from schemas.cases import CaseRecord
from schemas.codec import decode_records, encode
from schemas.dispatch import Reminder
from schemas.records import RawBatch
from schemas.topics import CASES, KPI
from streams.matters.dispatch import case_id_of
from streams.matters.kpi import DepartmentOf, Figures, Scored, reminded, scored
from streams.operator import NOTHING, Outcome, Row
from streams.operators.events import Tally
from streams.operators.records import Store


class KpiOperator:
    """Counts cases by their newest record; one row a case is all that it remembers."""

    def __init__(
        self, city: str, period: Callable[[int], str], department_of: DepartmentOf
    ) -> None:
        self._city = city
        self._period = period
        self._department_of = department_of
        self._store = Store(Scored)
        self._figures = Figures()

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Count cases, or reminders, and tell the figures that moved."""
        tally = Tally(self._city, now_ms)
        raw = self._store.fresh(raw)
        moved: set[str] = set()
        rows: Sequence[tuple[int, CaseRecord | Reminder]]
        if raw.topic == CASES:
            rows, rejects = decode_records(raw, CaseRecord)
        else:
            rows, rejects = decode_records(raw, Reminder)
        for reject in rejects:
            tally.refuse(raw, reject)
        for _, said in rows:
            moved |= self._count(said)
        for code in sorted(moved):
            tally.send(KPI, encode(self._figures.of(code)), code)
        return Outcome(tally.sends, len(raw.values), len(rows), tally.refused)

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:  # noqa: ARG002 - the shape of all
        """Figures move with cases alone."""
        return NOTHING

    def next_due_ms(self) -> None:
        """Nothing is due by time."""
        return

    def changes(self) -> list[Row]:
        """Return the cases that moved, then how far was read."""
        return self._store.changes()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the cases, and count them."""
        self._store.restore(rows)
        for case in self._store.states.values():
            self._figures.move(None, case)

    def watermark_ms(self) -> None:
        """Figures are of wall time."""
        return

    def _count(self, said: CaseRecord | Reminder) -> set[str]:
        if isinstance(said, CaseRecord):
            key = said.case_id
            before = self._store.states.get(key)
            after = scored(said, before, self._city, self._period, self._department_of)
        else:
            key = case_id_of(said.incident_id)
            before = self._store.states.get(key)
            after = reminded(before, said.reminder_id)
        if after is before:
            return set()
        self._store.apply({key: after})
        return self._figures.move(before, after)
