"""Laws of dispatch, under random commands: nothing illegal, nothing lost, nothing doubled."""

import random
from collections import Counter
from itertools import pairwise, permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Severity
from schemas.dispatch import CaseState, Clock, ClockNote, DispatchUpdate, FieldAction, OrderChange
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters.cases import ENDED, MOVES, Case
from streams.matters.casework import Directory, DispatchParams, Speaker
from streams.matters.dispatch import case_id_of, on_due, on_incidents, on_updates
from streams.matters.docket import Docket
from streams.matters.routing import AreaChain, Level, Roster, Routing, Unit

START_MS = 1_790_000_000_000
PARAMS = DispatchParams()
KINDS = ["noise.exceeded", "waste.pile"]
UNITS = ["g1", "g1b", "c1", "police", "desk", "leader"]


class Boundaries:
    boundary_version = "v1"

    def chain_at(self, _lon_deg, _lat_deg):
        return AreaChain("M", "G", "C", "LG")

    def chain_of(self, _area):
        return AreaChain("M", "G", "C", "LG")


DIRECTORY = Directory(
    msgspec.convert(
        {
            "desk": "desk",
            "outside": "desk",
            "routes": [
                {
                    "kind": "noise.*",
                    "start": "grid",
                    "lead": "police",
                    "rungs": ["loudspeaker", "grid", "department"],
                }
            ],
        },
        Routing,
    ),
    Roster(
        msgspec.convert(
            [
                {"code": "g1", "level": "grid", "area": "G"},
                {"code": "g1b", "level": "grid", "area": "G", "duty": ["12:00-12:20"]},
                {"code": "c1", "level": "community", "area": "C", "duty": ["12:00-12:30"]},
                {"code": "police", "level": "department", "department": "police"},
                {"code": "desk", "level": "city"},
                {"code": "leader", "level": "leader"},
            ],
            list[Unit],
        )
    ),
    Boundaries(),
    lambda _area: Speaker("speaker", "square", "quiet", "text"),
    lambda now_ms: (720 + (now_ms - START_MS) // 60_000) % 1440,
)

WAITS = st.tuples(st.just("wait"), st.sampled_from([1, 5, 17, 31, 60, 90, 181, 700, 2_700]))
OUTAGES = st.tuples(st.just("outage"), st.sampled_from([2, 180, 3_000]))
HEARD = st.tuples(
    st.just("incident"),
    st.sampled_from(["i1", "i2"]),
    st.sampled_from(["noise.exceeded", "waste.pile"]),
    st.sampled_from(["updated", "updated", "resolved", "reopened"]),
    st.integers(0, 3),
)
TOLD = st.tuples(
    st.just("update"),
    st.sampled_from(["i1", "i2"]),
    st.sampled_from(list(FieldAction)),
    st.sampled_from([*UNITS, ""]),
    st.sampled_from(["why", ""]),
)
# Mostly the story as it should go, or a random walk hardly leaves the first states.
STORY = st.sampled_from(
    [
        ("update", "i1", FieldAction(action), "", "why")
        for action in ("accept", "depart", "arrive", "handle", "verify", "close")
    ]
)
COMMANDS = st.lists(
    st.one_of(WAITS, OUTAGES, HEARD, TOLD, TOLD, STORY, STORY), min_size=5, max_size=40
)


def life_of(case):
    """Give what tells one life of a case from the next: when its clocks began."""
    return [clock.started_ms for clock in case.clocks]


class Desk:
    """Dispatch with its table and deadlines, as an engine keeps them."""

    def __init__(self, *, restarts=False):
        self.restarts = restarts
        self.now_ms = START_MS
        self.cases = {}
        self.docket = Docket(self.cases)
        self.orders, self.reminders, self.inputs = [], [], []
        self.revisions, self.kinds, self.rungs = Counter(), {}, Counter()
        self.ended_lives = []

    def run(self, commands):
        for number, command in enumerate(commands):
            getattr(self, command[0])(number, *command[1:])
            if self.restarts:
                self.restart()
        return self

    def wait(self, _number, seconds):
        until_ms = self.now_ms + seconds * 1000
        while (due_ms := self.docket.clocks.next_due_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(due_ms, self.now_ms)
            self.look()
        self.now_ms = until_ms

    def outage(self, _number, seconds):
        self.now_ms += seconds * 1000
        self.restart()
        self.look()

    def restart(self):
        raw = {key: msgspec.msgpack.encode(case) for key, case in self.cases.items()}
        self.cases = {key: msgspec.msgpack.decode(row, type=Case) for key, row in raw.items()}
        self.docket = Docket(self.cases)
        for key, case in self.cases.items():
            self.docket.note(key, case)

    def incident(self, _number, name, kind, change, rung):
        self.revisions[name] += 1
        first = self.revisions[name] == 1
        change = "opened" if first else change
        kind = self.kinds.setdefault(name, kind)
        rung = self.rungs[name] = max(self.rungs[name], rung if kind.startswith("noise") else 0)
        facts = {"state": IncidentState.RESOLVED if change == "resolved" else IncidentState.OPEN}
        one = Incident(
            source="citybrain.incidents", kind=kind, subject="s", area="a", rule="r",
            incident_id=name, change=IncidentChange(change), severity=Severity.MINOR,
            revision=self.revisions[name], event_time_ms=self.now_ms, opened_time_ms=START_MS,
            first_seen_time_ms=START_MS, last_seen_time_ms=self.now_ms,
            created_time_ms=self.now_ms if first else START_MS, ingest_time_ms=self.now_ms,
            alert_count=1, alert_ids=("a",), rung=rung, **facts,
        )  # fmt: skip
        self.hear(on_incidents, one)

    def update(self, number, name, action, by, reason):
        one = DispatchUpdate(
            source="app", kind="dispatch.update", subject=case_id_of(name),
            event_time_ms=self.now_ms, id=str(number), action=action, by=by, reason=reason,
        )  # fmt: skip
        self.hear(on_updates, one)

    def hear(self, way, message):
        out = self.keep(self.ask(way, [message]))
        if not out.refused:
            self.inputs.append((way, message))
        return out

    def ask(self, way, messages):
        return way(messages, self.docket, self.now_ms, DIRECTORY, PARAMS)

    def look(self):
        keys = self.docket.clocks.pop_due(self.now_ms)
        return self.keep(on_due(keys, self.docket, self.now_ms, DIRECTORY, PARAMS))

    def keep(self, out):
        self.orders += out.orders
        self.reminders += out.reminders
        for key, case in out.changed.items():
            before = self.cases.pop(key, None)
            if before and before.clocks and (case is None or life_of(case) != life_of(before)):
                self.ended_lives.append(before)
            if case is not None:
                self.cases[key] = case
            self.docket.note(key, case)
        return out


def assert_legal(desk):
    """Every order moved by the table or stood down; every case is of one piece."""
    ways = {(state, to) for (state, _), to in MOVES.items()}
    ways.add((CaseState.HANDLED, CaseState.HANDLED_UNVERIFIED))  # the city's: nothing proved it
    stand_down = {(state, end) for state in set(CaseState) - ENDED for end in ENDED}
    again = {(end, CaseState.DETECTED) for end in ENDED} | set(permutations(ENDED, 2))
    stories = {}
    for order in desk.orders:
        stories.setdefault(order.order_id, []).append(order)
    for story in stories.values():
        moves = {(a.state, b.state) for a, b in pairwise(story) if a.state is not b.state}
        called = story[0].level == Level.LOUDSPEAKER  # a call speaks for every life of its case
        assert moves <= ways | stand_down | (again if called else set())
        said = [one.revision for one in story if one.change is not OrderChange.REFUSED]
        assert all(later == earlier + 1 for earlier, later in pairwise(said))
    for case in desk.cases.values():
        units = [order.unit for order in case.live]
        assert len(units) == len(set(units))
        assert case.is_ended == (case.state in ENDED) == (case.ended_ms is not None)
        if case.is_ended:
            assert not case.live
            assert all(clock.stopped_ms is not None for clock in case.clocks)
        else:
            assert case.live or case.speaker
            assert bool(case.live) == bool(case.clocks)


def assert_notes(desk):
    """Each promise broken was told once, when it was broken, and none that was kept."""
    told = Counter(
        (one.case_id, one.clock, one.deadline_time_ms, one.clock_note)
        for one in desk.orders
        if one.clock_note
    )
    assert all(times == 1 for times in told.values())
    for case in [*desk.cases.values(), *desk.ended_lives]:
        for clock in case.clocks:
            broken = clock.stopped_ms is None or clock.stopped_ms >= clock.deadline_ms
            if clock.stopped_ms is None and clock.deadline_ms > desk.now_ms:
                continue
            key = (case.case_id, clock.clock, clock.deadline_ms, ClockNote.BREACH)
            assert told[key] == (1 if broken else 0)
    for one in desk.orders:
        if one.clock_note is ClockNote.BREACH:
            late_ms = one.event_time_ms - one.deadline_time_ms
            assert late_ms >= 0
            assert one.late_detected == (late_ms > PARAMS.sla.late_ms)


def assert_ids(desk):
    """No two messages have one id."""
    ids = [one.id for one in (*desk.orders, *desk.reminders)]
    assert len(ids) == len(set(ids))


@settings(max_examples=300)
@given(commands=COMMANDS)
def test_no_commands_reach_an_illegal_state_or_lose_or_double_a_note(commands):
    desk = Desk().run([*commands, ("wait", 10_000)])

    assert_legal(desk)
    assert_notes(desk)
    assert_ids(desk)


def walk(desk, dice):
    """Take sixty steps that mostly go on as a case should."""
    for number in range(60):
        name = dice.choice(["i1", "i2"])
        case = desk.cases.get(case_id_of(name))
        kind = dice.choices(["incident", "update", "legal", "wait", "outage"], [2, 2, 7, 4, 1])[0]
        if kind == "incident" or case is None:
            change = dice.choice(["updated", "updated", "resolved", "reopened"])
            desk.incident(number, name, dice.choice(KINDS), change, dice.randrange(4))
        elif kind == "update":
            action, by = dice.choice(list(FieldAction)), dice.choice([*UNITS, ""])
            desk.update(number, name, action, by, dice.choice(["why", ""]))
        elif kind == "legal" and case.live:
            order = dice.choice(case.live)
            actions = [action for state, action in MOVES if state is order.state]
            action = actions[0] if dice.random() < 0.85 else dice.choice(actions)
            desk.update(number, name, action, order.unit, "why")
        elif kind == "outage":
            desk.outage(number, dice.choice([2, 180, 3_000]))
        else:
            desk.wait(number, dice.choice([1, 5, 17, 31, 60, 90, 181, 700]))
        if desk.restarts:
            desk.restart()


def test_a_thousand_random_walks_keep_the_laws_and_see_every_state():
    seen = Counter()
    for seed in range(1_000):
        desk = Desk()
        walk(desk, random.Random(seed))
        desk.wait(0, 10_000)
        assert_legal(desk)
        assert_notes(desk)
        assert_ids(desk)
        seen.update(order.state for order in desk.orders)
        seen.update(order.change for order in desk.orders)
        seen["lives"] += len(desk.ended_lives)

    assert all(seen[state] > 100 for state in set(CaseState) - {CaseState.MERGED})
    assert all(seen[change] > 100 for change in OrderChange)
    assert seen["lives"] > 100


@pytest.mark.parametrize("seed", range(100))
def test_a_restart_after_every_step_changes_no_message(seed):
    steady, shaken = Desk(), Desk(restarts=True)
    for desk in (steady, shaken):
        walk(desk, random.Random(seed))

    assert shaken.orders == steady.orders
    assert shaken.reminders == steady.reminders
    assert shaken.cases == steady.cases


@pytest.mark.parametrize("seed", range(100))
def test_redelivery_of_any_part_says_nothing(seed):
    desk, dice = Desk(), random.Random(seed)
    walk(desk, dice)
    start = dice.randrange(len(desk.inputs))

    for way, message in desk.inputs[start:]:
        out = desk.ask(way, [message])
        assert (out.orders, out.reminders, out.changed) == ([], [], {})


@settings(max_examples=60)
@given(commands=COMMANDS)
def test_inputs_in_one_batch_say_the_same_as_one_by_one(commands):
    told = Desk().run([command for command in commands if command[0] == "update"]).inputs
    incidents = Desk().run([command for command in commands if command[0] == "incident"]).inputs
    one_by_one, at_once = Desk(), Desk()
    for way, inputs in ((on_incidents, incidents), (on_updates, told)):
        for _, message in inputs:
            one_by_one.hear(way, message)
        at_once.keep(at_once.ask(way, [message for _, message in inputs]))

    assert at_once.orders == one_by_one.orders
    assert at_once.cases == one_by_one.cases


def test_ten_thousand_open_cases_cost_only_those_that_are_due():
    desk = Desk()
    for number in range(10_000):
        desk.incident(number, f"i{number}", "waste.pile", "opened", 0)

    class Counting(dict):
        """A table that counts how often it was asked."""

        asked = 0

        def get(self, key, default=None):
            self.asked += 1
            return super().get(key, default)

    table = Counting(desk.cases)
    due = desk.docket.clocks.pop_due(START_MS + 29_999)
    assert due == []
    out = on_due([case_id_of("i7")], Docket(table), START_MS + 30_000, DIRECTORY, PARAMS)

    assert table.asked == 1
    assert [one.clock for one in out.orders] == [Clock.RESPOND]
