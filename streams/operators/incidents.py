"""From alerts to incidents: the one partition that sees a city whole."""

from collections.abc import Iterable

from schemas.alerts import Alert
from schemas.codec import decode_records, encode
from schemas.records import RawBatch
from schemas.topics import INCIDENTS, INCIDENTS_LATEST
from streams.matters.correlate import IncidentParams, Matter, correlate
from streams.operator import NOTHING, Outcome, Row, Send
from streams.operators.events import Tally
from streams.operators.records import Store
from streams.timers import Deadlines


class IncidentsOperator:
    """Correlates alerts; remembers matters until they are long over."""

    def __init__(self, city: str, params: IncidentParams) -> None:
        self._city = city
        self._params = params
        self._store = Store(Matter)
        self._forget: Deadlines[str] = Deadlines()

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Join each alert to its matter."""
        tally = Tally(self._city, now_ms)
        raw = self._store.fresh(raw)
        alerts, rejects = decode_records(raw, Alert)
        for reject in rejects:
            tally.refuse(raw, reject)
        said = correlate([alert for _, alert in alerts], self._store.states, now_ms, self._params)
        self._store.apply(said.changed)
        for key, matter in said.changed.items():
            self._forget.set(key, matter.due_ms if matter else None)
        for incident in said.incidents:
            value = encode(incident)
            tally.sends.append(Send(INCIDENTS, self._city.encode(), value))
            tally.sends.append(Send(INCIDENTS_LATEST, incident.incident_id.encode(), value))
        return Outcome(tally.sends, len(raw.values), len(alerts), tally.refused)

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        """Forget what is long over, once no alert waits that might re-open it."""
        if caught_up and (keys := self._forget.pop_due(now_ms)):
            self._store.apply(dict.fromkeys(keys))
        return NOTHING

    def next_due_ms(self) -> None:
        """Forgetting has no instant that anybody would notice."""
        return

    def changes(self) -> list[Row]:
        """Return the matters that moved, then how far was read."""
        return self._store.changes()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the matters."""
        self._store.restore(rows)
        for key, matter in self._store.states.items():
            self._forget.set(key, matter.due_ms)

    def watermark_ms(self) -> None:
        """Alerts are taken as they come."""
        return
