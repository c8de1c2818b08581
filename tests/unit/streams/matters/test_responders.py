"""Who of several is sent: the nearest free one, and the story says by what."""

import pytest

from schemas.responders import UnitState
from streams.matters.responders import Crews, Moment, Standing, Task, pick
from streams.matters.routing import AreaChain, Level, Unit

NOW_MS = 1_790_000_000_000
FIRE = (120.5530, 27.5750)
NORTH_1_KM, NORTH_2_KM = (120.5530, 27.5840), (120.5530, 27.5930)
CHAIN = AreaChain("LG-M1", "LG-G1", "LG-C1", "LG")
A, B, C = (Unit(code, Level.DEPARTMENT, department="fire") for code in "abc")
NEAR = Unit("near", Level.DEPARTMENT, area="LG-C1", department="fire")


def at(age_s, place):
    """Give a unit that was somewhere so many seconds ago."""
    then_ms = NOW_MS - age_s * 1000
    return Standing().with_place(then_ms, then_ms, place)


def says(state, ago_s=60):
    return Standing().with_state(NOW_MS - ago_s * 1000, UnitState(state))


def picked(units, standings=None, loads=None, place=FIRE):
    crews = Crews()
    for code, standing in (standings or {}).items():
        crews.hear(code, standing)
    for code, load in (loads or {}).items():
        for number in range(load):
            crews.put(f"{code}-{number}", [Task(code, NOW_MS - 60_000, None)])
    found = pick(units, Moment("case", CHAIN, place, NOW_MS, crews, 300_000))
    return found.unit.code if found.unit else None, found.why


@pytest.mark.parametrize(
    ("units", "standings", "loads", "unit", "why"),
    [
        # Nothing to choose, nothing said.
        ([A], {}, {}, "a", ()),
        ([A, B], {}, {}, "a", ("chosen-by:order of units.toml",)),
        # Free before busy, by its orders or by its own word, whatever else.
        ([A, B], {}, {"a": 1}, "b", ("chosen-by:free",)),
        ([A, B], {"a": says("busy")}, {}, "b", ("chosen-by:free",)),
        ([NEAR, A], {"near": at(10, FIRE)}, {"near": 1}, "a", ("chosen-by:free",)),
        # Area, then distance, then load.
        ([NEAR, A], {"a": at(10, FIRE)}, {}, "near", ("chosen-by:area",)),
        ([A, B], {"a": at(9, NORTH_2_KM), "b": at(9, NORTH_1_KM)}, {}, "b",
         ("chosen-by:distance 997 m",)),
        ([A, B], {"b": at(9, NORTH_2_KM)}, {}, "b", ("chosen-by:distance 1995 m",)),
        ([A, B], {"a": at(9, NORTH_2_KM), "b": at(9, FIRE)}, {"a": 1, "b": 3}, "b",
         ("all-busy", "chosen-by:distance 0 m")),
        ([A, B], {}, {"a": 2, "b": 1}, "b", ("all-busy", "chosen-by:load 1, not 2")),
        # A place of five minutes ago is one, an older one is none.
        ([A, B], {"b": at(300, FIRE)}, {}, "b", ("chosen-by:distance 0 m",)),
        ([A, B], {"b": at(301, FIRE)}, {}, "a",
         ("chosen-by:order of units.toml", "position-too-old:b")),
        ([A, B], {"b": at(301, FIRE)}, {"a": 2, "b": 1}, "b",
         ("all-busy", "chosen-by:load 1, not 2", "position-too-old:b")),
        # Off and out of reach are not sent.
        ([A, B], {"a": says("off")}, {}, "b", ("off:a",)),
        ([A, B, C], {"a": says("unreachable")}, {"b": 1}, "c",
         ("unreachable:a", "chosen-by:free")),
        ([A, B], {"a": says("off"), "b": says("off")}, {}, None, ("off:a", "off:b")),
        # What came in a moment ago is not counted yet: it may be read in another order again.
        ([A, B], {"a": says("off", ago_s=1)}, {}, "a", ("chosen-by:order of units.toml",)),
    ],
)  # fmt: skip
def test_the_nearest_free_one_is_sent(units, standings, loads, unit, why):
    assert picked(units, standings, loads) == (unit, why)


def test_a_matter_without_a_place_is_not_measured_from():
    standings = {"a": at(9, NORTH_2_KM), "b": at(400, FIRE)}

    assert picked([A, B], standings, place=None) == ("a", ("chosen-by:order of units.toml",))


def test_a_desk_goes_nowhere_so_its_first_one_has_it_however_much_it_has():
    desks = [Unit(code, Level.CITY) for code in ("desk", "coast-desk")]

    assert picked(desks, loads={"desk": 9}) == ("desk", ())


def test_a_draft_leaves_what_lies_below_as_it_is():
    crews = Crews()
    crews.put("one", [Task("a", NOW_MS - 9_000, None)])
    draft = crews.draft()
    draft.put("one", [])
    draft.put("two", [Task("b", NOW_MS, None)])

    assert [draft.load(unit, NOW_MS, "") for unit in "ab"] == [0, 1]
    assert [crews.load(unit, NOW_MS, "") for unit in "ab"] == [1, 0]
    assert crews.load("a", NOW_MS, besides="one") == 0


CREWS = [{"code": f"fire-{n}", "level": "department", "department": "fire"} for n in (2, 3)]
BRIGADES = ["fire", "fire-2", "fire-3"]


@pytest.fixture
def city(scene):
    """Give a city with three fire brigades; what burns is theirs."""
    at_once = scene(more=CREWS)
    routes = [{"kind": "fire.*", "start": "department", "lead": "fire"}]
    at_once.route(routes)
    return at_once


def burns(city, name, **facts):
    place = {"lon_deg": FIRE[0], "lat_deg": FIRE[1], "kind": "fire.seen", "subject": name}
    city.hears("opened", name, **{**place, **facts})
    return city.case(name).current.unit


def stands(city, unit, state=None, **said):
    state = UnitState(state) if state else None
    reply = city.commands("status", unit, "city", state=state, **said)
    assert reply.accepted, (reply.reason, reply.hint)


def test_a_burst_of_fires_goes_to_one_brigade_each_and_then_to_the_least_laden(city):
    sent = [burns(city, name) for name in ("i1", "i2", "i3", "i4")]

    assert sent == [*BRIGADES, "fire"]
    why = [step.reason for step in city.steps("issued")]
    assert why[1] == "some-busy; chosen-by:order of units.toml"
    assert why[3] == "all-busy; chosen-by:order of units.toml"


def test_a_brigade_that_has_handled_its_fire_is_free_again(city):
    assert burns(city, "i1") == "fire"
    city.at(seconds=30).works("fire", "accept", "depart", "arrive", "handle")

    assert burns(city.at(seconds=31), "i2") == "fire-2", "a moment ago does not count yet"
    assert burns(city.at(seconds=33), "i3") == "fire"


def test_who_is_nearest_by_its_own_word_is_sent_and_the_story_says_how_far(city):
    stands(city, "fire", at_lon_deg=NORTH_2_KM[0], at_lat_deg=NORTH_2_KM[1])
    stands(city, "fire-3", at_lon_deg=NORTH_1_KM[0], at_lat_deg=NORTH_1_KM[1])

    assert burns(city.at(minutes=1), "i1") == "fire-3"
    assert city.steps("issued")[-1].reason == "chosen-by:distance 997 m"


def test_every_word_of_the_field_says_where_its_unit_is(city):
    north = {"at_lon_deg": NORTH_1_KM[0], "at_lat_deg": NORTH_1_KM[1]}
    burns(city, "i1")
    burns(city, "i2")
    city.at(seconds=20).works("fire", "accept", "depart", "arrive", "handle", name="i1")
    city.is_told("accept", "somebody", "i2", **north)  # an older app: its order says whose word
    for action in ("depart", "arrive", "handle"):
        city.is_told(action, "somebody", "i2")

    assert burns(city.at(seconds=30), "i3") == "fire-2"
    assert city.steps("issued")[-1].reason == "chosen-by:distance 997 m"


def test_a_desk_that_speaks_for_a_unit_does_not_say_where_it_is(city):
    burns(city, "i1")
    where = {"at_lon_deg": FIRE[0], "at_lat_deg": FIRE[1]}
    city.works("fire", "accept", role="desk", **where)

    assert "fire" not in city.said


def test_a_place_older_than_five_minutes_decides_nothing_even_when_it_was_sent_just_now(city):
    where = {"at_lon_deg": FIRE[0], "at_lat_deg": FIRE[1]}
    stands(city.at(minutes=6), "fire-2", event_time_ms=city.now_ms - 301_000, **where)

    assert burns(city.at(minutes=6, seconds=5), "i1") == "fire"
    assert "position-too-old:fire-2" in city.steps("issued")[-1].reason


def test_off_and_unreachable_units_are_passed_over_until_they_speak_again(city):
    burns(city, "i1")
    city.at(seconds=5).works("fire", "accept")
    stands(city, "fire", state="unreachable")
    for unit in ("fire-2", "fire-3"):
        stands(city, unit, state="off")
    assert burns(city.at(seconds=10), "i2") == "desk"
    told = "unreachable:fire; off:fire-2; off:fire-3; nobody-to-tell:department"
    assert city.steps("issued")[-1].reason == told

    city.at(seconds=20).works("fire", "depart", name="i1")
    stands(city, "fire-3", state="free")
    assert city.said["fire"].state is UnitState.FREE
    assert burns(city.at(seconds=30), "i3") == "fire-3"


def test_helpers_are_chosen_likewise_and_those_of_the_case_itself_are_no_other_work(city):
    burns(city, "i1")
    city.hears("opened", "i2", kind="waste.pile", subject="pile")
    asked = {"departments": ("fire",), "reason": "it smokes", "role": "desk"}
    city.works("", "helpers", name="i2", **asked)

    assert [one.unit for one in city.case("i2").orders] == ["m1", "fire-2"]
    assert city.commands("helpers", name="i2", **asked).reason == "nobody-new"


def test_how_units_stand_survives_a_night_without_anybody(city):
    stands(city, "fire", state="off")
    burns(city.at(seconds=10), "i1")
    city.sleeps_until(minutes=3)

    assert burns(city, "i2") == "fire-3"
    assert city.steps("issued")[-1].reason == "off:fire; chosen-by:free"


@pytest.mark.parametrize(
    ("unit", "said", "reason"),
    [
        ("fire-9", {"state": "off"}, "unknown-unit"),
        ("fire", {}, "nothing-said"),
        ("fire", {"at_lon_deg": 120.5}, "bad-place"),
        ("fire", {"at_lon_deg": 27.5, "at_lat_deg": 120.5}, "bad-place"),
    ],
)
def test_a_status_that_says_nothing_is_refused(city, unit, said, reason):
    assert city.commands("status", unit, "city", **said).reason == reason
    assert city.said == {}


def test_a_status_is_about_no_case(city):
    burns(city, "i1")

    assert city.commands("status", "fire", "i1", state="off").reason == "wrong-subject"


def test_planned_visits_and_tasks_of_the_city_keep_nobody_from_a_fire(city):
    planned = {"areas": ("square-1",), "departments": ("fire",), "text": "yearly"}
    assert city.commands("visit", name="city", **planned).accepted

    assert burns(city, "i1") == "fire"
