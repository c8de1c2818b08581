"""A city with a clock that jumps: what is commanded, what is heard, what is told."""

from collections.abc import Callable

import msgspec
import pytest

from schemas.alerts import Severity
from schemas.commands import CaseAction, CaseCommand
from schemas.dispatch import ClockNote, DispatchUpdate, FieldAction, OrderChange
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.wire import to_wire
from streams.matters.cases import Case
from streams.matters.casework import Directory, DispatchParams, Speaker
from streams.matters.chain import Chains
from streams.matters.dispatch import case_id_of, on_commands, on_due, on_incidents, on_updates
from streams.matters.docket import Docket
from streams.matters.responders import Standing
from streams.matters.routing import AreaChain, Roster, Routing, Unit

START_MS = 1_790_000_000_000
NOON_MIN = 12 * 60
TABLE = {
    "desk": "desk",
    "outside": "coast-desk",
    "routes": [
        {
            "kind": "noise.*",
            "start": "grid",
            "lead": "police",
            "rungs": ["loudspeaker", "grid", "department"],
        },
        {"kind": "*", "start": "micro-grid"},
    ],
}
PEOPLE = [
    {"code": "m1", "level": "micro-grid", "area": "LG-M1", "name": "worker of M1"},
    {"code": "g1", "level": "grid", "area": "LG-G1"},
    {"code": "g2", "level": "grid", "area": "LG-G2"},
    {"code": "c1", "level": "community", "area": "LG-C1"},
    {"code": "c2", "level": "community", "area": "LG-C2"},
    {"code": "c3", "level": "community", "area": "LG-C3"},
    {"code": "police", "level": "department", "department": "police"},
    {"code": "fire", "level": "department", "department": "fire"},
    {"code": "flood", "level": "department", "department": "flood"},
    {"code": "desk", "level": "city"},
    {"code": "coast-desk", "level": "city"},
    {"code": "leader", "level": "leader"},
]
SQUARE = AreaChain("LG-M1", "LG-G1", "LG-C1", "LG")


class Boundaries:
    """Three communities; a drawn ring holds the first two. East of 121 degrees is sea."""

    boundary_version = "v1"

    def chain_at(self, lon_deg, _lat_deg):
        return SQUARE if lon_deg < 121 else None

    def chain_of(self, area):
        return SQUARE if area in {"square-1", "LG-C1", "LG-G1"} else None

    def within(self, ring_deg):
        if min(ring_deg[::2]) >= 121:
            return []
        return [SQUARE, AreaChain("LG-M2", "LG-G2", "LG-C2", "LG")]


def speaker_at(area):
    return Speaker("speaker-1", "square-1", "quiet", "请调低音量") if area == "square-1" else None


class Scene:
    """Dispatch with its table and its deadlines, as an engine keeps them."""

    start_ms = START_MS

    def __init__(self, params: DispatchParams | None = None, people=PEOPLE, more=()) -> None:
        self.directory = Directory(
            msgspec.convert(TABLE, Routing),
            Roster(msgspec.convert([*people, *more], list[Unit])),
            Boundaries(),
            speaker_at,
            lambda now_ms: (NOON_MIN + (now_ms - START_MS) // 60_000) % 1440,
        )
        self.params = params or DispatchParams()
        self.now_ms = START_MS
        self.cases: dict[str, Case] = {}
        self.docket = Docket(self.cases)
        self.said: dict[str, Standing] = {}
        self.events, self.orders, self.records, self.replies = [], [], [], []
        self.reminders, self.refused = [], []
        self.revisions: dict[str, int] = {}
        self.given = 0

    def route(self, routes):
        """Put more routes before those of the table."""
        table = msgspec.convert({**TABLE, "routes": [*routes, *TABLE["routes"]]}, Routing)
        self.directory = self.directory._replace(routing=table)

    def at(self, minutes=0.0, seconds=0.0):
        """Go forward to an instant since the start, telling all that falls due on the way."""
        until_ms = START_MS + int((minutes * 60 + seconds) * 1000)
        while (due_ms := self.docket.clocks.next_due_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(due_ms, self.now_ms)
            self.look()
        self.now_ms = until_ms
        return self

    def look(self):
        """Tell what is due now."""
        keys = self.docket.clocks.pop_due(self.now_ms)
        args = (self.docket, self.now_ms, self.directory, self.params)
        return self._keep(on_due(keys, *args))

    def sleeps_until(self, minutes=0.0, seconds=0.0):
        """Nobody runs until an instant; then all begins from its rows."""
        self.now_ms = START_MS + int((minutes * 60 + seconds) * 1000)
        rows = {key: msgspec.msgpack.encode(case) for key, case in self.cases.items()}
        self.cases = {key: msgspec.msgpack.decode(row, type=Case) for key, row in rows.items()}
        self.docket = Docket(self.cases)
        for key, case in self.cases.items():
            self.docket.note(key, case)
        for unit, standing in self.said.items():
            row = msgspec.msgpack.encode(standing)
            self.docket.crews.hear(unit, msgspec.msgpack.decode(row, type=Standing))
        return self

    def hears(self, change="opened", name="i1", **facts):
        return self.hears_again(self.an_incident(change, name, **facts))

    def hears_again(self, *incidents):
        args = (self.docket, self.now_ms, self.directory, self.params)
        return self._keep(on_incidents(incidents, *args))

    def an_incident(self, change="opened", name="i1", **facts):
        revision = self.revisions[name] = self.revisions.get(name, 0) + 1
        state = IncidentState.RESOLVED if change == "resolved" else IncidentState.OPEN
        given = {
            "source": "citybrain.incidents",
            "kind": "waste.pile",
            "subject": "camera-1",
            "area": "square-1",
            "rule": "rule",
            "incident_id": name,
            "state": state,
            "change": IncidentChange(change),
            "severity": Severity.MODERATE,
            "revision": revision,
            "event_time_ms": self.now_ms - 5_000,
            "opened_time_ms": self.now_ms - 5_000,
            "first_seen_time_ms": self.now_ms - 5_000,
            "last_seen_time_ms": self.now_ms,
            "created_time_ms": self.now_ms,
            "ingest_time_ms": self.now_ms,
            "alert_count": 1,
            "alert_ids": ("a1",),
        }
        return Incident(**{**given, **facts})

    def commands(self, action, unit="", name="i1", **fields):
        """Give a command; return its reply."""
        self.given += 1
        given = {
            "source": "app",
            "kind": "case.command",
            "subject": case_id_of(name) if name in self.revisions else name,
            "event_time_ms": self.now_ms,
            "id": f"command-{self.given}",
            "action": CaseAction(action),
            "by": f"who-{unit or 'desk'}",
            "unit": unit,
            "role": "field" if unit else "desk",
        }
        return self.gives(CaseCommand(**{**given, **fields}))

    def gives(self, command):
        args = (self.docket, self.now_ms, self.directory, self.params)
        (reply,) = self._keep(on_commands([command], *args)).replies
        return reply

    def is_told(self, action, by="", name="i1", **fields):
        """Hear a word of the field on the older topic."""
        return self.is_told_again(self.an_update(action, by, name, **fields))

    def is_told_again(self, *updates):
        args = (self.docket, self.now_ms, self.directory, self.params)
        return self._keep(on_updates(updates, *args))

    def an_update(self, action, by="", name="i1", **fields):
        self.given += 1
        given = {
            "source": "app",
            "kind": "dispatch.update",
            "subject": case_id_of(name),
            "event_time_ms": self.now_ms,
            "id": f"word-{self.given}",
            "action": FieldAction(action),
            "by": by,
        }
        return DispatchUpdate(**{**given, **fields})

    def works(self, unit, *actions, name="i1", **fields):
        for action in actions:
            reply = self.commands(action, unit, name, **fields)
            assert reply.accepted, (action, reply.reason, reply.hint)

    def _keep(self, out):
        self.events += out.events
        self.orders += out.orders
        self.records += out.records
        self.replies += out.replies
        self.reminders += out.reminders
        self.refused += out.refused
        for key, case in out.changed.items():
            if case is None:
                del self.cases[key]
            else:
                self.cases[key] = case
            self.docket.note(key, case)
        for unit, standing in out.units.items():
            self.docket.crews.hear(unit, standing)
        self.said |= out.units
        return out

    def sent(self):
        """Give who was sent, in order."""
        issued = {OrderChange.ISSUED, OrderChange.ESCALATED}
        return [o.unit for o in self.orders if o.change in issued and "top-of" not in o.reason]

    def notes(self):
        """Give what was told of the clocks, with the seconds since the start."""
        return [
            (o.clock, o.clock_note, (o.event_time_ms - START_MS) / 1000)
            for o in self.orders
            if o.clock_note
        ]

    def breaches(self):
        return [note for note in self.notes() if note[1] is ClockNote.BREACH]

    def case(self, name="i1"):
        return self.cases[case_id_of(name) if name in self.revisions else name]

    def story(self, name="i1"):
        """Give the steps of a case in words: action, and unit or by."""
        key = self.case(name).case_id
        return [event.action for event in self.events if event.case_id == key]

    def steps(self, action):
        return [event for event in self.events if event.action == action]

    def faults(self):
        """Give what is wrong with the chains."""
        chains = Chains()
        for event in self.events:
            chains.take(to_wire(event))
        return chains.findings({k: (c.steps, c.last_hash) for k, c in self.cases.items()})


@pytest.fixture(scope="session")
def people() -> list[dict[str, str]]:
    """Give the units of a scene, of which a test may take some or change them."""
    return PEOPLE


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """Give the maker of a scene."""
    return Scene
