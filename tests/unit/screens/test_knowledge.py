"""What the gateway knows of Longgang after records came, as screens and cards tell it."""

import json
from itertools import count
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.cities import load_city
from schemas import topics
from schemas.instants import format_instant
from schemas.records import RawBatch
from screens.hub.subscription import Layer, parse
from screens.known import blind
from screens.known.knowledge import STARTS, Knowledge
from streams.city.model import City

# The evening of a workday in the city: 20:30 on 3 March 2027.
NOW_MS = 1_804_077_000_000
MINUTES = count()


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture
def known(city: City) -> Knowledge:
    return Knowledge(city, "epoch", NOW_MS)


@pytest.fixture(scope="module")
def shared(city: City) -> Knowledge:
    """Give what lives as long as the module: to make one takes a second."""
    return Knowledge(city, "epoch", NOW_MS)


def take(known: Knowledge, topic: str, *said: dict[str, Any], at_ms: int = NOW_MS) -> None:
    values = [orjson.dumps({"event_time": format_instant(at_ms), **one}) for one in said]
    count = len(values)
    offsets, times = np.arange(count), np.full(count, at_ms)
    known.take(topic, RawBatch(topic, 0, offsets, times, [b"k"] * count, values), at_ms)


def shown(known: Knowledge, layer: Layer) -> dict[str, Any]:
    look = known.hub.open(parse({"layers": layer}, None))
    rows = look.view.rows(layer).tolist()
    look.close()
    items = map(orjson.loads, known.hub.tables[layer].whole(rows))
    return {item["id"]: item for item in items}


def reading(code: str, kind: str, unit: str, value: float, **more: Any) -> dict[str, Any]:
    who = {"source": "iot", "kind": kind, "subject": code, "unit": unit}
    return {**who, "value": value, **more}


def first(city: City, kind: str) -> str:
    return next(code for code, record in city.sensors.items() if record.kind == kind)


@pytest.mark.parametrize(
    ("value", "level"), [(10.0, "ok"), (24.0, "warn"), (26.0, "over"), (60.0, "over")]
)
def test_a_gas_sensor_is_judged_by_the_citys_own_ladder(
    known: Knowledge, city: City, value: float, level: str
) -> None:
    code = first(city, "gas.combustible")
    known.tick(NOW_MS)
    take(known, topics.SENSOR_READINGS_URGENT, reading(code, "gas.combustible", "%LEL", value))
    known.tick(NOW_MS + 1_000)

    item = shown(known, Layer.SENSORS)[code]

    assert (item["value"], item["level"], item["limit"]) == (value, level, 25.0)
    assert item["stale"] is False


def test_a_gauge_is_judged_by_its_own_stage(known: Knowledge, city: City) -> None:
    code, (warning_m, _) = next(iter(city.stages.items()))
    known.tick(NOW_MS)
    take(known, topics.SENSOR_READINGS, reading(code, "water.level", "m", warning_m + 0.01))
    known.tick(NOW_MS + 1_000)

    item = shown(known, Layer.SENSORS)[code]

    assert (item["limit"], item["level"]) == (warning_m, "over")


def test_a_noise_limit_follows_the_hour_and_says_which_it_is(known: Knowledge, city: City) -> None:
    code = next(c for c, post in city.noise_sensors.items() if post.area_class == "2")
    known.tick(NOW_MS)
    evening = known.sensors.card(code)
    known.tick(NOW_MS + 2 * 3_600_000)
    night = known.sensors.card(code)

    assert evening is not None
    assert night is not None
    assert (evening["limit"], night["limit"]) == (60.0, 50.0)
    assert night["limit_reason"] == "class-2/all-days/22:00-06:00"


def test_a_sensor_that_falls_silent_is_told_as_stale_and_when_it_was_last_heard(
    known: Knowledge, city: City
) -> None:
    code = first(city, "smoke.alarm")
    take(known, topics.SENSOR_READINGS_URGENT, reading(code, "smoke.alarm", "1", 0))
    known.tick(NOW_MS)
    known.tick(NOW_MS + 600_000)

    item = shown(known, Layer.SENSORS)[code]

    assert item["stale"] is True
    assert item["updated"] == format_instant(NOW_MS)


def test_one_wrong_clock_neither_moves_a_value_nor_wipes_a_day(
    known: Knowledge, city: City
) -> None:
    code = first(city, "temperature.air")
    take(known, topics.SENSOR_READINGS, reading(code, "temperature.air", "Cel", 21.0))
    ahead = format_instant(NOW_MS + 400 * 86_400_000)
    wrong = reading(code, "temperature.air", "Cel", 5.0, event_time=ahead)
    take(known, topics.SENSOR_READINGS, wrong)
    row = known.sensors.row_of[code]

    assert known.sensors.newest([code])[code] == (21.0, NOW_MS)
    assert [value for _, value in known.sensors.series.points(row, NOW_MS - 60_000)] == [21.0]


def test_an_alert_marks_its_vessel_until_it_clears_and_a_repeat_after_a_crash_changes_nothing(
    known: Knowledge,
) -> None:
    subject = "412345678"
    fix = {"source": "ais", "kind": "vessel.position", "subject": subject}
    take(known, topics.VESSEL_POSITIONS, {**fix, "lon_deg": 120.7, "lat_deg": 27.5, "sog_kn": 4.0})
    alert = {"source": "c", "kind": "vessel.distress", "subject": subject, "alert_id": "a-1"}
    onset = {**alert, "id": "m-1", "transition": "onset", "severity": "Extreme", "rule": "distress"}
    clear = {**onset, "id": "m-2", "transition": "clear"}
    take(known, topics.ALERTS, onset)
    known.tick(NOW_MS)
    assert shown(known, Layer.VESSELS)[subject]["distress"] is True

    take(known, topics.ALERTS, clear, onset)
    known.tick(NOW_MS + 2_000)

    vessel = shown(known, Layer.VESSELS)[subject]
    assert (vessel["distress"], vessel["alert"]) == (False, False)
    assert shown(known, Layer.ALERTS)["a-1"]["open"] is False


def test_a_mark_goes_with_its_alert_when_that_is_forgotten_without_an_end(known: Knowledge) -> None:
    subject = "412345678"
    fix = {"source": "ais", "kind": "vessel.position", "subject": subject}
    take(known, topics.VESSEL_POSITIONS, {**fix, "lon_deg": 120.7, "lat_deg": 27.5, "sog_kn": 4.0})
    alert = {"source": "c", "kind": "vessel.speed", "subject": subject, "alert_id": "a-1"}
    take(known, topics.ALERTS, {**alert, "id": "m-1", "transition": "onset"})
    known.tick(NOW_MS)
    assert shown(known, Layer.VESSELS)[subject]["alert"] is True

    known.matters[Layer.ALERTS].drop("a-1")  # as when twenty thousand others came since
    known.tick(NOW_MS + 60_000)

    assert shown(known, Layer.VESSELS)[subject]["alert"] is False


def test_of_two_revisions_the_newer_stays_and_a_tombstone_takes_it_away(known: Knowledge) -> None:
    one = {"incident_id": "i-1", "kind": "gas.exceeded", "state": "open"}
    take(known, topics.INCIDENTS_LATEST, {**one, "revision": 3}, {**one, "revision": 2})
    known.tick(NOW_MS)
    assert shown(known, Layer.INCIDENTS)["i-1"]["revision"] == 3

    gone = RawBatch(topics.INCIDENTS_LATEST, 0, np.array([9]), np.array([NOW_MS]), [b"i-1"], [None])
    known.take(topics.INCIDENTS_LATEST, gone, NOW_MS)
    known.tick(NOW_MS + 2_000)
    assert shown(known, Layer.INCIDENTS) == {}


def test_whoever_is_asked_sees_the_case_until_they_return_it(known: Knowledge) -> None:
    def seen_in(community: str) -> set[str]:
        look = known.hub.open(parse({"layers": "cases"}, frozenset({community})))
        rows = look.view.rows(Layer.CASES).tolist()
        look.close()
        return {known.hub.tables[Layer.CASES].ids[row] for row in rows}

    asked = [{"unit": f"LG-C00{i}-team", "state": "dispatched"} for i in (1, 2)]
    task = {"case_id": "task", "kind": "case", "state": "dispatched", "unit": "LG-C001-team"}
    odd = {**task, "case_id": "odd", "orders": ["LG-C002-team", {"unit": 2}, {}]}
    take(known, topics.CASES_LATEST, {**task, "revision": 1, "orders": asked}, odd)
    known.tick(NOW_MS)
    at_first = [seen_in(f"LG-C00{i}") for i in (1, 2, 3)]
    returned = [asked[0], {**asked[1], "state": "returned"}]
    take(known, topics.CASES_LATEST, {**task, "revision": 2, "orders": returned})
    known.tick(NOW_MS + 2_000)

    assert at_first == [{"task", "odd"}, {"task"}, set()]
    assert [seen_in(f"LG-C00{i}") for i in (1, 2)] == [{"task", "odd"}, set()]


def test_what_is_no_record_is_counted_and_stops_nothing(known: Knowledge) -> None:
    values = [b"{", b"[]", b'{"incident_id":"i-2","revision":1,"state":"open"}', b"\xff"]
    offsets, times = np.arange(4), np.full(4, NOW_MS)
    raw = RawBatch(topics.INCIDENTS_LATEST, 0, offsets, times, [b"k"] * 4, values)

    known.take(topics.INCIDENTS_LATEST, raw, NOW_MS)
    known.tick(NOW_MS)

    assert known.refused == {topics.INCIDENTS_LATEST: 3}
    assert set(shown(known, Layer.INCIDENTS)) == {"i-2"}


@pytest.mark.parametrize(
    ("topic", "wrong"),
    [
        (topics.INCIDENTS_LATEST, {"incident_id": "i-1", "revision": "first"}),
        (topics.INCIDENTS_LATEST, {"incident_id": "i-2", "revision": [1]}),
        (topics.CASES_LATEST, {"case_id": "c-1", "state": ["closed"]}),
        (topics.ALERTS, {"alert_id": "a-1", "transition": [], "lon_deg": 1}),
        (topics.ALERTS, {"alert_id": "a-1", "lon_deg": "east", "lat_deg": 27.5}),
        (topics.INCIDENT_COMMANDS, {"id": "k-1", "action": ["silence"]}),
        (topics.INCIDENT_REPLIES, {"command_id": "k-1", "action": {}, "accepted": True}),
    ],
)
def test_a_field_of_a_wrong_type_is_counted_and_stops_nothing(
    known: Knowledge, topic: str, wrong: dict[str, Any]
) -> None:
    take(known, topics.INCIDENTS_LATEST, {"incident_id": "i-1", "revision": 1, "state": "open"})

    take(known, topic, wrong)
    known.tick(NOW_MS)

    assert known.refused == {topic: 1}
    assert set(shown(known, Layer.INCIDENTS)) == {"i-1"}


@pytest.mark.parametrize("value", [b"1" + b"0" * 30, b"[" * 300 + b"]" * 300])
def test_what_no_screen_could_be_told_is_counted_and_stops_nothing(
    known: Knowledge, value: bytes
) -> None:
    wrong = b'{"incident_id":"i-2","revision":1,"state":"open","extra":' + value + b"}"
    raw = RawBatch(topics.INCIDENTS_LATEST, 0, np.arange(1), np.full(1, NOW_MS), [b"k"], [wrong])

    known.take(topics.INCIDENTS_LATEST, raw, NOW_MS)
    known.tick(NOW_MS)

    assert known.refused == {topics.INCIDENTS_LATEST: 1}
    assert shown(known, Layer.INCIDENTS) == {}


NO_TEXT = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([[], {}, [[]], {"a": [1]}, ["silence"], 1e308]),
    st.integers(240, 300).map(lambda depth: json.loads("[" * depth + "]" * depth)),
)
WHOLE = {
    "id": "m", "alert_id": "a", "incident_id": "i", "case_id": "c", "order_id": "o",
    "reminder_id": "r", "command_id": "m", "subject": "LG-C001", "kind": "vessel.distress",
    "state": "open", "transition": "onset", "revision": 1, "action": "silence", "accepted": True,
    "until_time": "2027-03-03T14:00:00Z", "subjects": ["s"], "kinds": ["k"], "lon_deg": 120.5,
    "lat_deg": 27.5, "area": "LG-C001", "mode": "typhoon", "by": "b", "source": "citybrain",
}  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(STARTS)),
    st.dictionaries(st.sampled_from([*sorted(WHOLE), "new"]), NO_TEXT, min_size=1, max_size=3),
)
def test_no_record_stops_the_gateway_whatever_stands_in_its_fields(
    shared: Knowledge, topic: str, odd: dict[str, Any]
) -> None:
    """Whoever may write to a topic could else end every gateway, at each start again."""
    for said in (WHOLE, {**WHOLE, **odd}, WHOLE):
        value = json.dumps(said).encode()
        times = np.array([NOW_MS])
        shared.take(topic, RawBatch(topic, 0, np.arange(1), times, [b"k"], [value]), NOW_MS)
        shared.tick(NOW_MS + 60_000 * next(MINUTES))

    look = shared.hub.open(parse({}, None))
    orjson.loads(look.view.snapshot().body)
    look.close()


def test_what_became_part_of_another_matter_has_ended_too(known: Knowledge) -> None:
    case = {"case_id": "c-1", "incident_id": "i-1", "incident_kind": "noise.exceeded"}
    order = {"order_id": "o-1", "case_id": "c-1", "incident_id": "i-1"}
    told = [(topics.CASES_LATEST, case), (topics.DISPATCH_ORDERS_LATEST, order)]
    for topic, said in told:
        take(known, topic, {**said, "state": "merged", "revision": 2})
    known.tick(NOW_MS)

    assert shown(known, Layer.CASES)["c-1"]["open"] is False
    assert shown(known, Layer.ORDERS)["o-1"]["open"] is False
    known.tick(NOW_MS + 7 * 3_600_000)
    assert shown(known, Layer.CASES) == {}
    assert shown(known, Layer.ORDERS) == {}


def test_a_silent_feed_is_stale_since_it_was_last_heard_and_a_quiet_hotline_never_is(
    known: Knowledge, city: City
) -> None:
    code = first(city, "manhole.tilt")
    take(known, topics.SENSOR_READINGS, reading(code, "manhole.tilt", "deg", 0.0))

    feeds = {feed.feed: feed for feed in known.feeds.look(NOW_MS + 61_000)}

    assert (feeds["iot"].stale, feeds["iot"].since_ms) == (True, NOW_MS)
    assert feeds["iot"].age_s == 61.0
    assert feeds["hotline"].stale is False
    assert feeds["kafka"].stale is True


def test_the_city_is_blind_where_nothing_stands_where_all_is_silent_and_says_which(
    known: Knowledge, city: City
) -> None:
    code = first(city, "gas.toxic")
    record = city.sensors[code]
    chain = city.areas.chain_at(record.lon_deg, record.lat_deg)
    assert chain is not None
    before = {b.micro_grid: b for b in blind.look(known, NOW_MS)["gas.toxic"][1]}
    take(known, topics.SENSOR_READINGS_URGENT, reading(code, "gas.toxic", "ppm", 0.0))
    known.tick(NOW_MS)
    working, after = blind.look(known, NOW_MS)["gas.toxic"]

    assert before[chain.micro_grid].why is blind.Why.NEVER_HEARD
    assert code in before[chain.micro_grid].devices
    assert chain.micro_grid not in {b.micro_grid for b in after}
    assert working == 1
    assert working + len(after) == len(city.areas.codes)
    reasons = {b.why for b in after}
    assert reasons == {blind.Why.NONE_INSTALLED, blind.Why.NEVER_HEARD}


def test_figures_of_a_communitys_units_are_its_own_and_those_of_the_city_are_not(
    known: Knowledge, city: City
) -> None:
    unit = next(unit for unit in city.roster.units.values() if unit.level == "community")
    figures = {"kind": "kpi", "level": "community", "period": "2027-03"}
    take(known, topics.KPI, {**figures, "subject": unit.code}, {**figures, "subject": "LG-desk"})
    known.tick(NOW_MS)
    seen = {}
    for scope in (frozenset({unit.area}), None):
        look = known.hub.open(parse({"layers": "kpi"}, scope))
        items = orjson.loads(look.view.snapshot().body)["layers"]["kpi"]
        seen[scope] = {item["id"] for item in items}

    assert seen == {frozenset({unit.area}): {unit.code}, None: {unit.code, "LG-desk"}}
