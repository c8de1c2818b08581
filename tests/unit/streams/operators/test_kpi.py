"""Figures of units: what each counts, and that anybody who counts again gets the same."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.backtest import Backtest
from deploy.cities import load_city
from feeds.recordings import KeyedRecord
from schemas.cases import CaseClock, CaseOrder, CaseRecord, CaseStage
from schemas.codec import decode, encode
from schemas.dispatch import CaseState, Clock, Reminder
from schemas.kpi import ClockScore, Kpi
from schemas.readings import Reading
from schemas.topics import CASE_EVENTS, CASES, KPI, REMINDERS, SENSOR_READINGS
from streams.directory import department_of, month_of
from streams.matters.course import Stories
from streams.matters.dispatch import case_id_of
from streams.matters.kpi import Scored, counted, reminded, scored
from streams.matters.report import Row, grouped
from streams.operators.kpi import KpiOperator

T0_MS = 1_757_980_800_000
DAY_MS = 86_400_000
CREWS = {"fire-1": "fire", "fire-2": "fire"}


def month(at_ms):
    return "2025-09" if at_ms < T0_MS + 20 * DAY_MS else "2025-10"


def order(unit="grid-1", level="grid", state=CaseState.CLOSED):
    return CaseOrder(order_id=f"o-{unit}", unit=unit, unit_name=unit, level=level, state=state)


def clock(which, *, stopped=True):
    at_ms = T0_MS + 1 if stopped else None
    return CaseClock(
        clock=which, started_time_ms=T0_MS, deadline_time_ms=T0_MS + 60_000, stopped_time_ms=at_ms
    )


def case(name="c", revision=1, **said):
    fields = {
        "state": CaseState.CLOSED,
        "orders": (order(),),
        "unit": "grid-1",
        "created_time_ms": T0_MS,
        "community": "LG-C001",
        "event_time_ms": T0_MS + revision,
    } | said
    return CaseRecord(
        source="s", kind="case", subject="x", id=f"{name}/{revision}", case_id=case_id_of(name),
        incident_id=name, incident_kind="noise.exceeded", stage=CaseStage.VERIFY,
        opened_time_ms=T0_MS, revision=revision, **fields,
    )  # fmt: skip


def call(name="c", number=1):
    return Reminder(
        source="s", kind="k", subject="speaker", event_time_ms=T0_MS, id=f"r{number}-{name}",
        reminder_id=f"r{number}-{name}", incident_id=name, venue="v", text_id="t", text="t",
    )  # fmt: skip


class Office:
    """The operator with its rows."""

    def __init__(self, kit):
        self.kit = kit
        self.logs = {topic: kit.log(topic) for topic in (CASES, REMINDERS)}
        self.kept = kit.kept()
        self.operator = KpiOperator("longgang", month, CREWS.get)
        self.newest = {}

    def hears(self, *records):
        for record in records:
            topic = CASES if isinstance(record, CaseRecord) else REMINDERS
            outcome = self.operator.take(self.logs[topic].batch(record), T0_MS)
            for send in outcome.sends:
                self.newest[send.key.decode()] = decode(Kpi, send.value)
            assert {send.topic for send in outcome.sends} <= {KPI}

    def restart(self):
        self.kept.put(self.operator.changes())
        self.operator = self.kept.begin(KpiOperator("longgang", month, CREWS.get))


@pytest.fixture
def office(kit):
    return Office(kit)


def test_a_case_that_a_grid_ended_counts_for_its_grid_its_community_and_the_city(office):
    office.hears(case())

    assert set(office.newest) == {"grid-1", "LG-C001", "longgang"}
    for code, level in (("grid-1", "grid"), ("LG-C001", "area"), ("longgang", "area")):
        kpi = office.newest[code]
        assert (kpi.level, kpi.cases, kpi.ended, kpi.share_at_community) == (level, 1, 1, 1.0)


def test_what_needed_a_department_did_not_end_at_community_level(office):
    office.hears(case("a"), case("b", orders=(order(), order("police", "department"))))

    assert office.newest["LG-C001"].share_at_community == 0.5
    assert office.newest["police"].share_at_community == 0.0


def test_a_promise_counts_once_it_is_kept_or_broken_and_not_while_it_runs(office):
    clocks = (clock(Clock.RESPOND), clock(Clock.DEPART), clock(Clock.ON_SITE, stopped=False))
    office.hears(case(clocks=clocks, breaches=(Clock.DEPART,)))

    assert office.newest["LG-C001"].clocks == (
        ClockScore("respond", 1, 1),
        ClockScore("depart", 1, 0),
    )


def test_the_unit_asked_first_answers_for_the_response_and_the_owner_for_being_on_site(office):
    office.hears(
        case(
            orders=(order(state=CaseState.RETURNED), order("grid-2")),
            unit="grid-2",
            clocks=(clock(Clock.RESPOND), clock(Clock.ON_SITE)),
        )
    )

    assert [one.clock for one in office.newest["grid-1"].clocks] == ["respond"]
    assert [one.clock for one in office.newest["grid-2"].clocks] == ["on-site"]
    assert (office.newest["grid-1"].returns, office.newest["grid-2"].returns) == (1, 0)


def test_a_department_has_the_figures_of_all_its_crews(office):
    clocks = (clock(Clock.RESPOND), clock(Clock.ON_SITE))
    back = order("fire-1", "department", CaseState.RETURNED)
    both = (back, order("fire-2", "department"))
    office.hears(
        case("a", orders=both, unit="fire-2", clocks=clocks),
        case("b", orders=(order("fire-2", "department"),), unit="fire-2"),
    )

    fire, second = office.newest["fire"], office.newest["fire-2"]
    assert (fire.level, fire.cases, fire.ended, fire.returns) == ("whole-department", 2, 2, 1)
    assert [one.clock for one in fire.clocks] == ["respond", "on-site"]
    assert (second.cases, [one.clock for one in second.clocks]) == (2, ["on-site"])


def test_a_reminder_has_worked_when_a_meter_says_that_it_ended_and_nobody_went(office):
    office.hears(call("a"), case("a", orders=(), verified="sensor"), case("b"), call("b"))
    office.hears(call("silent"), case("silent", orders=()))

    kpi = office.newest["longgang"]
    assert (kpi.reminders, kpi.reminders_worked) == (3, 1)


def test_a_case_that_came_back_is_a_reopening_and_no_longer_ended(office):
    office.hears(case(), case(revision=2, state=CaseState.ACCEPTED, lives=2))

    kpi = office.newest["LG-C001"]
    assert (kpi.cases, kpi.ended, kpi.reopens, kpi.share_at_community) == (1, 0, 1, None)


def test_figures_are_those_of_the_newest_month(office):
    office.hears(case("old"), case("new", created_time_ms=T0_MS + 30 * DAY_MS), case("old", 2))

    assert (office.newest["grid-1"].period, office.newest["grid-1"].cases) == ("2025-10", 1)


@st.composite
def stories(draw):
    steps = st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([CaseState.ACCEPTED, CaseState.CLOSED, CaseState.FALSE_ALARM]),
        st.lists(st.sampled_from(["grid", "community", "department"]), max_size=2),
        st.lists(st.sampled_from(list(Clock)), max_size=2),
        st.booleans(),
    )
    records, revisions = [], {}
    for name, state, levels, breaches, is_call in draw(st.lists(steps, max_size=15)):
        if is_call:
            records.append(call(name, len(records)))
            continue
        revisions[name] = revisions.get(name, 0) + 1
        orders = tuple(order(f"{level}-{name}", level) for level in levels)
        clocks = tuple(clock(one) for one in Clock)
        records.append(
            case(
                name, revisions[name], state=state, orders=orders, breaches=tuple(breaches),
                clocks=clocks, unit=orders[-1].unit if orders else "",
            )
        )  # fmt: skip
    return records


@settings(max_examples=60)
@given(records=stories(), seed=st.integers(0, 99), data=st.data())
def test_order_doubles_and_restarts_change_no_figure(kit, records, seed, data):
    plain, other = Office(kit), Office(kit)
    plain.hears(*records)
    shuffled = (
        [*records, *data.draw(st.lists(st.sampled_from(records), max_size=5))] if records else []
    )
    random.Random(seed).shuffle(shuffled)
    for record in shuffled:
        other.hears(record)
        if data.draw(st.booleans()):
            other.restart()

    # A unit that an older record named, and the newest one does not, has nothing to count.
    counts = {code: kpi for code, kpi in plain.newest.items() if kpi.cases}
    assert counts == {code: kpi for code, kpi in other.newest.items() if kpi.cases}


def test_live_figures_are_those_that_anybody_counts_from_the_log():
    city = load_city()
    sends = []
    Backtest(city, sends.append).run(loud_square_and_gas(), 3_600.0)
    log = [(send.topic, send.value) for send in sends]
    live = {}
    for send in sends:
        if send.topic == KPI:
            live[send.key.decode()] = decode(Kpi, send.value)

    cases: dict[str, Scored] = {}
    newest = {}
    for topic, value in log:
        if topic == CASES:
            record = decode(CaseRecord, value)
            newest[record.case_id] = record
            key = record.case_id
            asks = city.code, month_of(city), department_of(city)
            cases[key] = scored(record, cases.get(key), *asks)
        elif topic == REMINDERS:
            said = decode(Reminder, value)
            key = case_id_of(said.incident_id)
            cases[key] = reminded(cases.get(key), said.reminder_id)

    assert len(newest) >= 2
    assert live == counted(cases.values())
    assert live[city.code].cases == len(newest)
    assert live[city.code].returns == sum(one.returns for one in newest.values())
    broken = sum(Clock.RESPOND in one.breaches for one in newest.values())
    (respond,) = [one for one in live[city.code].clocks if one.clock == "respond"]
    assert respond.due - respond.kept == broken > 0
    assert encode(live[city.code])

    stories = Stories(newest)
    stories.take(value for topic, value in log if topic == CASE_EVENTS)
    rows = [Row(record, stories.course(key)) for key, record in newest.items()]
    # What lies in no community, a feed that is down, counts for the city alone.
    areas = grouped(
        (area, row) for row in rows for area in {row.record.community, city.code} if area
    )
    assert set(areas) == {code for code, kpi in live.items() if kpi.level == "area"}
    for code, told in areas.items():
        kpi = live[code]
        assert (told.cases, told.ended, told.returns) == (kpi.cases, kpi.ended, kpi.returns)
        assert told.share_at_community == kpi.share_at_community
        clocks = {one.clock: (one.due, one.due - one.kept) for one in kpi.clocks}
        assert {clock: told.promises[clock] for clock in clocks} == clocks


def loud_square_and_gas():
    for second in range(900):
        at_ms = T0_MS + second * 1000
        subject = "LG-noise-square-riverside-1"
        reading = Reading(
            source="noise", kind="noise.laeq", subject=subject, event_time_ms=at_ms,
            value=80.0, unit="dB(A)",
        )  # fmt: skip
        yield KeyedRecord(SENSOR_READINGS, subject.encode(), encode(reading), at_ms)
        if second % 300 == 0:
            gas = Reading(
                source="iot", kind="gas.combustible", subject=f"gas-{second}", event_time_ms=at_ms,
                value=60.0, unit="%LEL", lon_deg=120.553, lat_deg=27.575 + second / 90_000,
            )  # fmt: skip
            yield KeyedRecord(SENSOR_READINGS, b"gas", encode(gas), at_ms)
