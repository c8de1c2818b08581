"""What the terminal view remembers: the newest alerts, the open matters, the orders."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.dispatch import CaseState, Clock
from schemas.incidents import IncidentState

KEPT_ALERTS = 200

FAMILIES: Final[Mapping[str, str]] = {
    "noise": "sensors",
    "gas": "sensors",
    "smoke.alarm": "sensors",
    "temperature": "sensors",
    "water": "sensors",
    "manhole": "sensors",
    "device": "sensors",
    "vessel": "vessels",
    "complaint": "citizens",
    "feed": "feeds",
}
"""Which source a kind of finding comes from, by how the kind begins; else cameras."""

SOURCES: Final = ("sensors", "cameras", "vessels", "citizens", "feeds")
INFORMATION: Final = frozenset({"vessel.harbour"})
"""Alerts that are counted and not listed: every boat that lies in its harbour has one."""


def source_of(kind: str) -> str:
    """Return which source a kind of finding comes from."""
    if kind in FAMILIES:
        return FAMILIES[kind]
    return FAMILIES.get(kind.partition(".")[0], "cameras")


_SENSES: Final[Mapping[str, str]] = {"camera": "cameras", "caller": "citizens"}
"""Who else noticed an incident, by the words of its `senses`."""


class Tally(NamedTuple):
    """What came of one source so far; an incident is of every source that noticed it."""

    alerts: int
    incidents: int
    orders: int


# The clock that runs in each stage, and the field of its deadline on the wire.
# In stages that are not here people owe nothing.
RUNNING: Final[Mapping[str, tuple[Clock, str]]] = {
    CaseState.DETECTED: (Clock.ORDER, "order_by_time"),
    CaseState.DISPATCHED: (Clock.RESPOND, "respond_by_time"),
    CaseState.ACCEPTED: (Clock.DEPART, "depart_by_time"),
    CaseState.DEPARTED: (Clock.ON_SITE, "on_site_by_time"),
}
_OVER: Final = frozenset(
    {CaseState.CLOSED, CaseState.FALSE_ALARM, CaseState.RETURNED, CaseState.MERGED}
)


class RunningClock(NamedTuple):
    """A promise toward people that still runs, or is broken: seconds left may be negative."""

    clock: Clock
    left_s: float


class Board:
    """The state that the view shows, folded from records as they come.

    A record that comes twice changes nothing; of two about one matter the
    higher revision stays.
    """

    def __init__(self) -> None:
        self.alerts: deque[Mapping[str, Any]] = deque(maxlen=KEPT_ALERTS)
        self.alert_count = 0
        self._alerts_of: Counter[str] = Counter()
        self._seen_alerts: set[str] = set()
        self._incidents: dict[str, Mapping[str, Any]] = {}
        self._orders: dict[str, Mapping[str, Any]] = {}

    def take_alert(self, fields: Mapping[str, Any]) -> None:
        """Remember an alert message."""
        name = str(fields.get("id", ""))
        if name in self._seen_alerts:
            return
        self._seen_alerts.add(name)
        self.alert_count += 1
        kind = str(fields.get("kind", ""))
        self._alerts_of[source_of(kind)] += 1
        if kind not in INFORMATION:
            self.alerts.append(fields)

    def take_incident(self, fields: Mapping[str, Any]) -> None:
        """Remember an incident as it stands."""
        _keep_newest(self._incidents, str(fields.get("incident_id")), fields)

    def take_order(self, fields: Mapping[str, Any]) -> None:
        """Remember an order as it stands."""
        _keep_newest(self._orders, str(fields.get("order_id")), fields)

    def tallies(self) -> dict[str, Tally]:
        """Return what came of each source."""
        noticed = {name: _noticed_by(one) for name, one in self._incidents.items()}
        incidents = Counter(source for sources in noticed.values() for source in sources)
        orders = Counter(
            source
            for one in self._orders.values()
            for source in noticed.get(str(one.get("incident_id")))
            or {source_of(str(one.get("incident_kind")))}
        )
        return {
            name: Tally(self._alerts_of[name], incidents[name], orders[name]) for name in SOURCES
        }

    @property
    def incident_count(self) -> int:
        return len(self._incidents)

    @property
    def order_count(self) -> int:
        return len(self._orders)

    def open_incidents(self) -> list[Mapping[str, Any]]:
        """Return the open incidents, the one that changed last first."""
        still = [one for one in self._incidents.values() if one.get("state") == IncidentState.OPEN]
        return sorted(still, key=lambda one: str(one.get("last_seen_time")), reverse=True)

    def live_orders(self, now_ms: int) -> list[tuple[Mapping[str, Any], RunningClock | None]]:
        """Return the orders still worked on, the least time left first."""
        live = [
            (order, running_clock(order, now_ms))
            for order in self._orders.values()
            if order.get("state") not in _OVER
        ]
        return sorted(live, key=lambda pair: pair[1].left_s if pair[1] else float("inf"))


def _noticed_by(incident: Mapping[str, Any]) -> set[str]:
    """Return the sources that noticed an incident: that of its kind, and who joined."""
    joined = {_SENSES[one] for one in incident.get("senses", ()) if one in _SENSES}
    return {source_of(str(incident.get("kind"))), *joined}


def _keep_newest(known: dict[str, Mapping[str, Any]], name: str, fields: Mapping[str, Any]) -> None:
    before = known.get(name)
    if before is None or fields.get("revision", 0) >= before.get("revision", 0):
        known[name] = fields


def running_clock(order: Mapping[str, Any], now_ms: int) -> RunningClock | None:
    """Return the clock that runs on `order`; None when its stage has none."""
    clock, field = RUNNING.get(str(order.get("state")), (None, ""))
    deadline = order.get(field)
    if clock is None or deadline is None:
        return None
    due_ms = datetime.fromisoformat(str(deadline)).timestamp() * 1000
    return RunningClock(clock, (due_ms - now_ms) / 1000)


def countdown(left_s: float) -> str:
    """Return a clock's time as people read it: `1:05`, or `-0:20` when it is over."""
    sign, whole = ("-", int(-left_s)) if left_s < 0 else ("", int(left_s))
    return f"{sign}{whole // 60}:{whole % 60:02d}"
