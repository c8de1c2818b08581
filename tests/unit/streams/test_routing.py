import msgspec
import pytest

from streams.matters.routing import (
    AreaChain,
    Call,
    Level,
    Roster,
    Routing,
    Unit,
    assign,
    faults,
    fits,
    on_duty,
    route_of,
    steps,
)

NOON, NIGHT = 12 * 60, 2 * 60
SQUARE = AreaChain("LG-M1", "LG-G1", "LG-C1", "LG")
TABLE = {
    "desk": "desk",
    "outside": "coast-desk",
    "routes": [
        {"kind": "noise.*", "start": "grid", "lead": "police"},
        {"kind": "vessel.distress", "start": "department", "lead": "rescue", "outside": "rescue"},
        {"kind": "*"},
    ],
}
PEOPLE = {
    "units": [
        {"code": "m1", "level": "micro-grid", "area": "LG-M1", "duty": ["08:00-18:00"]},
        {"code": "g1", "level": "grid", "area": "LG-G1", "duty": ["06:00-22:00"]},
        {"code": "c1-day", "level": "community", "area": "LG-C1", "duty": ["08:00-20:00"]},
        {"code": "c1-night", "level": "community", "area": "LG-C1", "duty": ["20:00-08:00"]},
        {"code": "police-c1", "level": "department", "area": "LG-C1", "department": "police"},
        {"code": "police", "level": "department", "department": "police"},
        {"code": "rescue", "level": "department", "department": "rescue"},
        {"code": "desk", "level": "city"},
        {"code": "coast-desk", "level": "city", "duty": ["06:00-18:00"]},
        {"code": "leader", "level": "leader"},
    ]
}


def routing_from(table):
    return msgspec.convert(table, Routing)


def roster_from(people):
    return Roster(msgspec.convert(people["units"], list[Unit]))


def asked(kind, chain, minute, start=None, tried=frozenset()):
    routing, roster = routing_from(TABLE), roster_from(PEOPLE)
    route = route_of(kind, routing)
    levels = steps(start or route.start, routing)
    return assign(levels, Call(route, chain, minute), routing, roster, tried)


@pytest.mark.parametrize(
    ("kind", "chain", "minute", "unit", "passed"),
    [
        ("waste.pile", SQUARE, NOON, "m1", ()),
        ("waste.pile", SQUARE, 19 * 60, "g1", ("nobody-to-tell:micro-grid",)),
        (
            "waste.pile",
            SQUARE,
            NIGHT,
            "c1-night",
            ("nobody-to-tell:micro-grid", "nobody-to-tell:grid"),
        ),
        ("noise.exceeded", SQUARE, NOON, "g1", ()),
        ("vessel.distress", SQUARE, NOON, "rescue", ()),
        ("waste.pile", SQUARE._replace(micro_grid=""), NOON, "g1", ("no-unit:micro-grid",)),
        ("waste.pile", None, NOON, "coast-desk", ()),
        ("waste.pile", None, NIGHT, "desk", ("nobody-to-tell:outside",)),
        ("vessel.distress", None, NIGHT, "rescue", ()),
    ],
)
def test_the_lowest_level_with_somebody_on_duty_is_asked(kind, chain, minute, unit, passed):
    assignment = asked(kind, chain, minute)

    assert assignment is not None
    assert (assignment.unit.code, assignment.passed) == (unit, passed)


def test_a_department_near_the_place_comes_before_the_citys_own():
    assert asked("noise.x", SQUARE, NOON, Level.DEPARTMENT).unit.code == "police-c1"
    assert asked("noise.x", None, NOON, Level.DEPARTMENT).unit.code == "police"


def test_a_route_with_a_desk_of_its_own_asks_it_at_every_place():
    own = {"kind": "vessel.against-recall", "start": "grid", "desk": "coast-desk"}
    routing = routing_from({**TABLE, "routes": [own, *TABLE["routes"]]})
    route = route_of("vessel.against-recall", routing)
    levels = steps(route.start, routing)

    def who(chain, minute):
        found = assign(levels, Call(route, chain, minute), routing, roster_from(PEOPLE))
        return found.unit.code, found.passed

    assert who(SQUARE, NOON) == who(None, NOON) == ("coast-desk", ())
    assert who(SQUARE, NIGHT) == ("desk", ("nobody-to-tell:desk",))


def test_a_unit_that_was_tried_is_not_asked_again():
    tried = frozenset({"g1", "c1-day", "c1-night", "desk", "coast-desk"})

    assert asked("noise.x", SQUARE, NOON, tried=tried).unit.code == "leader"
    assert asked("noise.x", SQUARE, NOON, tried=tried | {"leader"}) is None


def test_a_ladder_goes_on_above_a_department_with_the_city():
    routing = routing_from(TABLE)

    assert steps(Level.DEPARTMENT, routing) == (Level.DEPARTMENT, Level.CITY, Level.LEADER)
    assert steps(Level.GRID, routing)[:2] == (Level.GRID, Level.COMMUNITY)


@pytest.mark.parametrize(
    ("pattern", "kind", "claim"),
    [
        ("noise.*", "noise.exceeded", True),
        ("noise.*", "noisemaker.x", False),
        ("noise.exceeded", "noise.exceeded", True),
        ("noise", "noise.exceeded", False),
        ("*", "anything", True),
    ],
)
def test_patterns_are_exact_or_a_prefix(pattern, kind, claim):
    assert fits(pattern, kind) is claim


@pytest.mark.parametrize(
    ("minute", "claim"),
    [(22 * 60, True), (0, True), (6 * 60 - 1, True), (6 * 60, False), (22 * 60 - 1, False)],
)
def test_a_shift_across_midnight_holds_its_start_and_not_its_end(minute, claim):
    assert on_duty(["22:00-06:00"], minute) is claim


def test_a_kind_without_a_route_asks_the_lowest_level():
    assert route_of("new.kind", routing_from({**TABLE, "routes": []})).start is Level.MICRO_GRID


def test_the_two_files_are_checked_against_each_other():
    table = {
        "desk": "nobody",
        "outside": "coast",
        "routes": [
            {"kind": "a", "lead": "firemen"},
            {"kind": "b", "rungs": ["loudspeaker", "department"]},
            {"kind": "c", "outside": "moon"},
            {"kind": "d", "desk": "mars"},
        ],
    }
    found = faults(routing_from(table), roster_from(PEOPLE))

    assert len(found) == 6
    assert all(
        any(word in line for line in found)
        for word in ("nobody", "coast", "firemen", "'b'", "moon", "mars")
    )
    assert faults(routing_from(TABLE), roster_from(PEOPLE)) == []


def test_a_desk_that_sleeps_is_a_fault():
    people = {"units": [{"code": "desk", "level": "city", "duty": ["08:00-18:00"]}]}
    table = {"desk": "desk", "outside": "desk", "routes": []}

    assert "always be there" in faults(routing_from(table), roster_from(people))[0]


@pytest.mark.parametrize(
    "table",
    [
        {**TABLE, "desks": "typo"},
        {**TABLE, "routes": [{"kind": "a", "start": "loudspeaker"}]},
        {**TABLE, "routes": [{"kind": "a", "start": "village"}]},
    ],
)
def test_a_malformed_routing_table_is_refused(table):
    with pytest.raises(msgspec.ValidationError):
        routing_from(table)


@pytest.mark.parametrize(
    "unit", [{"code": "x", "level": "grid", "duty": ["8-18"]}, {"code": "x", "level": "king"}]
)
def test_a_malformed_unit_is_refused(unit):
    with pytest.raises(msgspec.ValidationError):
        roster_from({"units": [unit]})
