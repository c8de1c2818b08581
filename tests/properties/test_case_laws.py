"""Laws of cases, under a thousand random sequences of commands.

Whatever is commanded, by whomever: no illegal state, no clock lost or doubled, the
time adds up, the story is one unbroken chain, and what is refused moves nothing.
"""

from collections import Counter
from itertools import pairwise

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from schemas.alerts import Severity
from schemas.cases import CaseStage, hash_of
from schemas.codec import encode
from schemas.commands import CaseAction, CaseCommand
from schemas.dispatch import CaseState, Clock, ClockNote
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.responders import UnitState
from schemas.wire import to_wire
from streams.matters.cases import ENDED, MOVES_OF_ASKED, Case
from streams.matters.casework import Directory, DispatchParams, Speaker
from streams.matters.chain import Chains
from streams.matters.course import Stage, Stories
from streams.matters.dispatch import case_id_of, on_commands, on_due, on_incidents
from streams.matters.docket import Docket
from streams.matters.kpi import counted, scored
from streams.matters.report import Row, summary
from streams.matters.routing import AreaChain, Roster, Routing, Unit

START_MS = 1_790_000_000_000
PARAMS = DispatchParams(pause_max_s=600)
UNITS = ["g1", "g2", "c1", "police", "flood", "desk", "leader", "nobody"]


class Boundaries:
    boundary_version = "v1"

    def chain_at(self, _lon_deg, _lat_deg):
        return AreaChain("M", "G", "C", "LG")

    def chain_of(self, _area):
        return AreaChain("M", "G", "C", "LG")

    def within(self, _ring_deg):
        return [AreaChain("M", "G", "C", "LG")]


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
                },
                {"kind": "*", "start": "grid"},
            ],
        },
        Routing,
    ),
    Roster(
        msgspec.convert(
            [
                {"code": "g1", "level": "grid", "area": "G"},
                {"code": "g2", "level": "grid", "area": "G"},
                {"code": "c1", "level": "community", "area": "C"},
                {"code": "police", "level": "department", "department": "police"},
                {"code": "flood", "level": "department", "department": "flood"},
                {"code": "desk", "level": "city"},
                {"code": "leader", "level": "leader"},
            ],
            list[Unit],
        )
    ),
    Boundaries(),
    lambda _area: Speaker("speaker", "square", "quiet", "text"),
    lambda _now_ms: 720,
)
ON_CASES = [one for one in CaseAction if one not in {"city-task", "whistle", "visit"}]
FITTING = {
    CaseAction.RETURN: "own",
    CaseAction.FALSE_ALARM: "own",
    CaseAction.HELPERS: "own",
    CaseAction.TAKE_OVER: "other",
    CaseAction.REASSIGN: "",
    CaseAction.REVIEW: "",
    CaseAction.MERGE: "",
    CaseAction.REOPEN: "",
    CaseAction.PAUSE: "",
    CaseAction.RESUME: "",
    CaseAction.SUPERVISE: "",
    CaseAction.CLOSE: "",
}
"""What can be asked at most times: by the unit that has the case, another one, or the desk."""
STAGES = {
    Clock.RESPOND: Stage.RESPOND,
    Clock.ORDER: Stage.ORDER,
    Clock.DEPART: Stage.DEPART,
    Clock.ON_SITE: Stage.HANDLED,
}
REASONS = ["why", "", "no-access", "bad-weather"]


class City(RuleBasedStateMachine):
    """Dispatch as an engine keeps it; every rule is something that may happen."""

    cases_of = Bundle("cases_of")

    def __init__(self):
        super().__init__()
        self.now_ms = START_MS
        self.cases, self.said = {}, {}
        self.docket = Docket(self.cases)
        self.events, self.orders, self.records, self.replies = [], [], [], []
        self.revisions, self.lives, self.numbers = Counter(), [], iter(range(10**6))
        self.sent = []
        self.asked = {}

    # -- what happens ---------------------------------------------------------------
    @rule(
        target=cases_of,
        kind=st.sampled_from(["noise.exceeded", "waste.pile", "gas.exceeded"]),
        rung=st.integers(0, 3),
    )
    def opens(self, kind, rung):
        name = f"i{len(self.revisions) % 4}"
        if name in self.revisions:
            return name
        self.hear(name, kind, "opened", rung if kind.startswith("noise") else 0)
        return name

    @rule(
        target=cases_of,
        asked=st.sampled_from(
            [
                ("city-task", {"areas": ("C", "G"), "units": ("police",)}),
                ("city-task", {"level": "grid"}),
                ("whistle", {"departments": ("police",)}),
                ("visit", {"areas": ("C",), "departments": ("police", "flood")}),
            ]
        ),
    )
    def is_asked_of_many(self, asked):
        action, whom = asked
        said = {"subject": "city", "text": "x", "within_s": 60, **whom}
        reply = self.command("", CaseAction(action), "c1", "desk", "why", **said)
        assert reply.accepted
        name = f"asked-{reply.case_id}"
        self.asked[name] = reply.case_id
        return name

    @rule(
        name=cases_of,
        change=st.sampled_from(["updated", "resolved", "reopened"]),
        is_held=st.sampled_from([False, False, True]),
    )
    def goes_on(self, name, change, is_held):
        held = {"actionable": False, "held": ("mode:typhoon",)} if is_held else {}
        self.hears_of(name, change, **held)

    @rule(name=cases_of, into=cases_of)
    def is_merged_by_hand(self, name, into):
        if name != into and into not in self.asked:
            self.hears_of(name, "resolved", merged_into=into)

    def hears_of(self, name, change, **facts):
        if name in self.asked:
            return  # no incident of a sensor is behind it
        known = self.cases.get(case_id_of(name))
        incident = known.incident if known else None
        kind, rung = (incident.kind, incident.rung) if incident else ("waste.pile", 0)
        self.hear(name, kind, change, rung, **facts)

    def key_of(self, name):
        return self.asked.get(name) or case_id_of(name)

    @rule(name=cases_of, moves=st.integers(1, 6))
    def goes_as_it_should(self, name, moves=1):
        for _ in range(moves):
            case = self.cases.get(self.key_of(name))
            if case is None or not case.live:
                return
            order = case.live[-1]
            action = next((a for state, a in order.moves if state is order.state), None)
            self.command(name, action, order.unit, "field", "why", order_id=order.order_id)

    @rule(
        name=cases_of,
        into=cases_of,
        action=st.sampled_from([*FITTING]),
        to_unit=st.sampled_from(UNITS[:-1]),
    )
    def is_commanded_by_who_may(self, name, into, action, to_unit):
        """Mostly accepted: what is chosen blindly hardly ever is."""
        case = self.cases.get(self.key_of(name))
        own = case.live[-1].unit if case and case.live else to_unit
        unit = {"own": own, "other": to_unit, "": ""}[FITTING[action]]
        self.command(
            name, action, unit, "field" if unit else "desk", "no-access", to_unit=to_unit,
            into=self.key_of(into), departments=("police", "flood"), within_s=60,
        )  # fmt: skip

    @rule(
        name=cases_of,
        into=cases_of,
        action=st.sampled_from(ON_CASES),
        unit=st.sampled_from(UNITS),
        role=st.sampled_from(["field", "desk"]),
        reason=st.sampled_from(REASONS),
        photo=st.sampled_from(["", "photos/1.jpg"]),
    )
    def is_commanded(self, name, into, action, unit, role, reason, photo):  # noqa: PLR0917
        self.command(
            name, action, unit, role, reason, photo=photo, to_unit=unit,
            into=self.key_of(into), departments=("police", "flood"), within_s=60,
        )  # fmt: skip

    @rule(
        unit=st.sampled_from(UNITS[:-1]),
        state=st.sampled_from([None, *UnitState]),
        lon_deg=st.sampled_from([120.50, 120.51, 120.52]),
    )
    def stands(self, unit, state, lon_deg):
        place = {"state": state, "at_lon_deg": lon_deg, "at_lat_deg": 27.5}
        self.command("", CaseAction.STATUS, unit, "field", "", subject="city", **place)

    @rule(seconds=st.sampled_from([1, 17, 60, 181, 301, 700, 2_700]))
    def waits(self, seconds):
        until_ms = self.now_ms + seconds * 1000
        while (due_ms := self.docket.clocks.next_due_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(due_ms, self.now_ms)
            self.look()
        self.now_ms = until_ms

    @rule(seconds=st.sampled_from([2, 180, 3_000]))
    def sleeps(self, seconds):
        """Nobody runs for a time; then all is taken up from its rows."""
        self.now_ms += seconds * 1000
        raw = {key: msgspec.msgpack.encode(case) for key, case in self.cases.items()}
        self.cases = {key: msgspec.msgpack.decode(row, type=Case) for key, row in raw.items()}
        self.docket = Docket(self.cases)
        for key, case in self.cases.items():
            self.docket.note(key, case)
        for unit, standing in self.said.items():
            self.docket.crews.hear(unit, standing)
        self.look()

    @rule()
    def hears_again(self):
        """Whatever was accepted and comes again is answered again, and moves nothing."""
        if self.sent:
            args = (self.docket, self.now_ms, DIRECTORY, PARAMS)
            out = on_commands(self.sent[-3:], *args)
            assert all(reply.accepted for reply in out.replies)
            assert not out.changed
            assert not out.events

    def hear(self, name, kind, change, rung, **facts):
        self.revisions[name] += 1
        first = self.revisions[name] == 1
        state = IncidentState.RESOLVED if change == "resolved" else IncidentState.OPEN
        one = Incident(
            source="citybrain.incidents", kind=kind, subject=f"s-{kind}", area="a", rule="r",
            incident_id=name, change=IncidentChange(change), severity=Severity.MINOR, state=state,
            revision=self.revisions[name], event_time_ms=self.now_ms - 5_000,
            opened_time_ms=self.now_ms - 5_000, first_seen_time_ms=START_MS,
            last_seen_time_ms=self.now_ms, created_time_ms=self.now_ms if first else START_MS,
            ingest_time_ms=self.now_ms, alert_count=1, alert_ids=("a",), rung=rung,
            life_safety=kind.startswith("gas"), **facts,
        )  # fmt: skip
        args = (self.docket, self.now_ms, DIRECTORY, PARAMS)
        self.keep(on_incidents([one], *args))

    def command(self, name, action, unit, role, reason, **fields):
        one = CaseCommand(
            source="app", kind="case.command", event_time_ms=self.now_ms,
            id=str(next(self.numbers)), action=action or CaseAction.NOTE, by=f"who-{unit}",
            role=role, unit=unit, reason=reason, **{"subject": self.key_of(name), **fields},
        )  # fmt: skip
        before = dict(self.cases)
        args = (self.docket, self.now_ms, DIRECTORY, PARAMS)
        out = self.keep(on_commands([one], *args))
        (reply,) = out.replies
        if reply.accepted:
            self.sent.append(one)
        else:
            assert reply.reason
            assert reply.hint
            assert (out.events, out.orders, out.records) == ([], [], [])
            assert self.cases == before, "what is refused moves nothing"
        return reply

    def look(self):
        keys = self.docket.clocks.pop_due(self.now_ms)
        args = (self.docket, self.now_ms, DIRECTORY, PARAMS)
        self.keep(on_due(keys, *args))

    def keep(self, out):
        self.events += out.events
        self.orders += out.orders
        self.records += out.records
        for key, case in out.changed.items():
            before = self.cases.pop(key, None)
            if before and (case is None or case.lives != before.lives):
                self.lives.append(before)
            if case is not None:
                self.cases[key] = case
            self.docket.note(key, case)
        for unit, standing in out.units.items():
            self.docket.crews.hear(unit, standing)
        self.said |= out.units
        return out

    # -- what always holds --------------------------------------------------------
    @invariant()
    def every_case_is_of_one_piece(self):
        for case in self.cases.values():
            units = [order.unit for order in case.live]
            assert len(units) == len(set(units))
            assert case.is_ended == (case.state in ENDED) == (case.ended_ms is not None)
            assert case.pause is None or not case.is_ended
            assert case.paused_ms <= PARAMS.pause_max_s * 1000
            if case.is_ended:
                assert not case.live
                assert all(clock.stopped_ms is not None for clock in case.clocks)
            else:
                assert case.state == case.stands
                assert case.live or case.speaker
                assert isinstance(case.stage, CaseStage)

    @invariant()
    def nothing_closes_unproved(self):
        for case in self.cases.values():
            is_handled = case.handled_ms is not None and not case.function  # the desk ends those
            if case.state is CaseState.CLOSED and is_handled:
                assert case.proof

    @invariant()
    def the_time_adds_up(self):
        for event in self.events[-20:]:
            spent = event.machine_ms + event.queue_ms + event.person_ms + event.travel_ms
            assert spent == event.since_event_ms

    def teardown(self):
        self.waits(10_000)
        self.assert_chained()
        self.assert_moves()
        self.assert_breaches()
        self.assert_reported()
        ids = [one.id for one in (*self.events, *self.orders, *self.records)]
        assert len(ids) == len(set(ids))

    def assert_chained(self):
        chains = Chains()
        for event in self.events:
            chains.take(to_wire(event))
        assert chains.findings() == []
        for key, case in self.cases.items():
            assert (case.steps, case.last_hash) == chains.end_of(key)

    def assert_moves(self):
        ways = {(state, to) for (state, _), to in MOVES_OF_ASKED.items()}
        ways.add((CaseState.HANDLED, CaseState.HANDLED_UNVERIFIED))
        handed = {(state, CaseState.RETURNED) for state in CaseState if state not in ENDED}
        down = {(state, end) for state in CaseState if state not in ENDED for end in ENDED}
        stories = {}
        for order in self.orders:
            if order.level != "loudspeaker":
                stories.setdefault(order.order_id, []).append(order)
        for story in stories.values():
            moves = {(a.state, b.state) for a, b in pairwise(story) if a.state is not b.state}
            assert moves <= ways | down | handed

    def assert_breaches(self):
        """Each promise broken was told once; none that was kept, none that stood still."""
        told = Counter(
            (event.case_id, event.clock, event.deadline_time_ms)
            for event in self.events
            if event.action == "breached"
        )
        assert all(times == 1 for times in told.values())
        # Two lives of a case that begin at one instant have the same deadlines.
        is_broken = {}
        for case in [*self.cases.values(), *self.lives]:
            for clock in case.clocks:
                if clock.stopped_ms is None and clock.deadline_ms > self.now_ms:
                    continue
                broken = clock.stopped_ms is None or clock.stopped_ms >= clock.deadline_ms
                assert broken == (clock.told is ClockNote.BREACH)
                key = (case.case_id, clock.clock, clock.deadline_ms)
                is_broken[key] = broken or is_broken.get(key, False)
        assert all(told[key] == int(broken) for key, broken in is_broken.items())

    def assert_reported(self):
        """Whoever counts from the log gets what the live figures say, however it is cut."""
        newest, scores = {}, {}
        for record in self.records:
            newest[record.case_id] = record
            scores[record.case_id] = scored(
                record, None, "longgang", lambda _at_ms: "2026-09", lambda _code: ""
            )
        stories = Stories(newest)
        log = [encode(event) for event in self.events]
        stories.take(log[: len(log) // 2])
        stories.take(log[len(log) // 3 :])
        courses = {key: stories.course(key) for key in newest}
        assert None not in courses.values()
        told = summary([Row(newest[key], course) for key, course in courses.items()])
        if not newest:
            return
        live = counted(scores.values())["longgang"]
        assert (told.cases, told.ended) == (live.cases, live.ended)
        assert (told.returns, told.reopens) == (live.returns, live.reopens)
        assert told.share_at_community == live.share_at_community
        kept = {one.clock: (one.due, one.due - one.kept) for one in live.clocks}
        mine = {name: one for name, one in told.promises.items() if one.due and name != "all"}
        assert mine == kept
        for key, course in courses.items():
            for clock in newest[key].clocks:
                took_ms = course.took_ms.get(STAGES[clock.clock])
                if took_ms is not None and clock.clock not in newest[key].breaches:
                    span_ms = clock.deadline_time_ms - clock.started_time_ms - clock.paused_ms
                    assert took_ms < span_ms
                    assert (
                        took_ms == clock.stopped_time_ms - clock.started_time_ms - clock.paused_ms
                    )


TestCity = City.TestCase
TestCity.settings = settings(max_examples=1_000, stateful_step_count=20, deadline=None)


def test_a_changed_byte_is_found():
    city = City()
    city.opens("waste.pile", 0)
    for _ in range(6):
        city.goes_as_it_should("i0")
    wires = [to_wire(event) for event in city.events]

    assert hash_of(wires[2]) == wires[2]["hash"]
    for row, name in [(0, "action"), (3, "by"), (5, "to_state")]:
        chains = Chains()
        for number, wire in enumerate(wires):
            chains.take({**wire, name: f"{wire[name]}x"} if number == row else wire)
        assert [(one.seq, one.why) for one in chains.findings()] == [(row, "changed")]
