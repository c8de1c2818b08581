"""Events to alerts, one partition: what is refused, counted, and waits for its time."""

from base64 import b64decode
from collections import Counter

import orjson
import pytest
import shapely

from schemas.alerts import Alert, Transition
from schemas.codec import decode, encode
from schemas.readings import Reading
from schemas.records import Reason, Stage
from schemas.topics import ALERTS, SENSOR_READINGS
from streams.operator import NOTHING
from streams.operators.readings import readings_operator
from streams.registry import READING_RULES, settings

UNKNOWN = "LG-noise-nobody-placed"


@pytest.fixture
def log(kit):
    return kit.log(SENSOR_READINGS)


@pytest.fixture
def operator(kit):
    return an_operator(kit)


def an_operator(kit):
    return readings_operator(kit.city, READING_RULES, settings(READING_RULES, kit.city))


def refusals(kit, outcome):
    told = [(letter.stage, letter.reason, letter.offset) for letter in kit.letters(outcome)]
    assert Counter((stage, reason) for stage, reason, _ in told) == outcome.refused
    return told


def alerts_of(kit, outcome):
    return [(a.kind, a.transition) for a in kit.sent(outcome, ALERTS, Alert)]


def test_an_alert_goes_to_the_alerts_under_the_citys_key(kit, log, operator) -> None:
    outcome = operator.take(log.batch(kit.reading(0, 60.0)), kit.t0_ms + 5_000)

    (send,) = outcome.sends
    assert (send.topic, send.key) == (ALERTS, kit.city.code.encode())
    alert = decode(Alert, send.value)
    assert (alert.kind, alert.transition) == ("gas.exceeded", Transition.ONSET)
    assert outcome.alerts == {("threshold", "onset"): 1}
    assert list(outcome.ages_ms) == [5_000]
    assert (outcome.read, outcome.used) == (1, 1)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xff\x00", (Stage.DECODE, Reason.NOT_JSON)),
        (None, (Stage.DECODE, Reason.TOMBSTONE)),
        (b'{"source":"iot"}', (Stage.DECODE, Reason.MISSING_FIELD)),
        (b"[" * 20_000, (Stage.DECODE, Reason.TOO_DEEP)),
    ],
    ids=["bytes", "null", "no fields", "deep"],
)
def test_an_unreadable_record_is_a_dead_letter_and_its_neighbours_go_on(
    kit, log, operator, value, why
) -> None:
    batch = log.batch(kit.reading(0, 60.0), value, kit.reading(1, 60.0, "gas-2"))

    outcome = operator.take(batch, kit.t0_ms)

    assert refusals(kit, outcome) == [(*why, 1)]
    assert (outcome.read, outcome.used) == (3, 2)
    assert len(alerts_of(kit, outcome)) == 2
    (letter,) = kit.letters(outcome)
    assert (letter.topic, letter.partition) == (SENSOR_READINGS, 3)


def test_a_clock_ahead_is_a_dead_letter_that_moves_no_time(kit, log, operator) -> None:
    batch = log.batch(kit.reading(61, 60.0), taken_ms=kit.t0_ms)

    outcome = operator.take(batch, kit.t0_ms)

    assert refusals(kit, outcome) == [(Stage.CLOCK, Reason.FUTURE, 0)]
    assert operator.watermark_ms() is None
    assert outcome.used == 0


def test_a_reading_behind_all_allowance_is_a_dead_letter_that_says_by_how_much(
    kit, log, operator
) -> None:
    behind = kit.reading(400, 60.0, "gas-2")
    allowed = kit.reading(401, 60.0, "gas-3")
    operator.take(log.batch(kit.reading(1001, 1.0)), kit.t0_ms)

    outcome = operator.take(log.batch(behind, allowed), kit.t0_ms)

    assert refusals(kit, outcome) == [(Stage.EVENT_TIME, Reason.LATE, 1)]
    assert kit.letters(outcome)[0].late_by_ms == 601_000
    assert outcome.used == 1


def test_a_batch_that_comes_again_gives_nothing_again(kit, log, operator) -> None:
    batch = log.batch(
        kit.reading(1000, 60.0),
        b"broken",
        kit.reading(100, 60.0, "gas-2"),
        kit.reading(1, 60.0, "gas-3", event_time_ms=kit.t0_ms + 9_000_000),
        kit.reading(1001, 60.0, UNKNOWN, kind="noise.laeq", unit="dB(A)"),
        taken_ms=kit.t0_ms + 1_001_000,
    )
    first = operator.take(batch, kit.t0_ms)
    assert len(first.sends) == 5
    operator.changes()

    again = operator.take(batch, kit.t0_ms)

    assert (again.sends, again.used, again.refused) == ([], 0, {})


def test_two_sources_in_one_partition_do_not_disturb_each_others_time(kit, log) -> None:
    slow = [kit.noise(second, 80.0) for second in range(300)]
    fast = [kit.reading(7_200 + second, 1.0) for second in range(300)]
    mixed = [one for pair in zip(fast, slow, strict=True) for one in pair]

    together = an_operator(kit).take(log.batch(*mixed), kit.t0_ms)
    alone = an_operator(kit).take(log.batch(*slow), kit.t0_ms)

    assert together.refused == {}
    assert ("noise.exceeded", Transition.ONSET) in alerts_of(kit, alone)
    assert kit.sent(together, ALERTS, Alert) == kit.sent(alone, ALERTS, Alert)


def test_a_silent_feeds_time_goes_on_only_when_all_is_read(kit, log, operator) -> None:
    loud = [kit.noise(second, 80.0) for second in range(300)]
    began_ms = kit.t0_ms + 300_000
    operator.take(log.batch(*loud), began_ms)
    before_ms = operator.watermark_ms()

    assert operator.wake(began_ms + 900_000, caught_up=False) == NOTHING
    # Silence counts from the first look at a partition that is read to its end.
    assert alerts_of(kit, operator.wake(began_ms + 900_000, caught_up=True)) == []
    assert operator.watermark_ms() == before_ms

    outcome = operator.wake(began_ms + 900_000 + 30_000 + 310_000, caught_up=True)

    assert alerts_of(kit, outcome) == [("noise.exceeded", Transition.CLEAR)]
    assert alerts_of(kit, operator.wake(began_ms + 2_000_000, caught_up=True)) == []


def test_idle_time_is_durable(kit, log, operator) -> None:
    operator.take(log.batch(kit.noise(0, 40.0)), kit.t0_ms)
    operator.changes()
    operator.wake(kit.t0_ms + 90_000, caught_up=True)

    kept = kit.kept()
    kept.put(operator.changes())

    assert kept.begin(an_operator(kit)).watermark_ms() == kit.t0_ms - 2_000 + 60_000


def test_an_unknown_meter_is_a_dead_letter_whole(kit, log, operator) -> None:
    unknown = kit.noise(0, 70.0, UNKNOWN, source="iot")

    outcome = operator.take(log.batch(unknown), kit.t0_ms)

    assert refusals(kit, outcome) == [(Stage.RULE, Reason.UNKNOWN_SUBJECT, 0)]
    assert kit.letters(outcome)[0].value is not None
    assert outcome.used == 1


def test_an_unknown_meter_whose_reading_was_held_is_a_dead_letter_too(kit, log, operator) -> None:
    held = operator.take(log.batch(kit.noise(0, 70.0, UNKNOWN)), kit.t0_ms)
    assert held.sends == []

    outcome = operator.take(log.batch(kit.noise(5, 40.0)), kit.t0_ms)

    assert refusals(kit, outcome) == [(Stage.RULE, Reason.UNKNOWN_SUBJECT, 0)]
    assert said_again(kit, outcome) == (UNKNOWN, 70.0)


def test_what_was_held_over_a_restart_is_refused_by_the_name_of_its_topic(
    kit, log, operator
) -> None:
    operator.take(log.batch(kit.noise(0, 70.0, UNKNOWN)), kit.t0_ms)
    kept = kit.kept()
    kept.put(operator.changes())
    begun = kept.begin(an_operator(kit))

    begun.wake(kit.t0_ms, caught_up=True)
    outcome = begun.wake(kit.t0_ms + 60_000, caught_up=True)

    (letter,) = kit.letters(outcome)
    assert (letter.topic, letter.partition, letter.offset) == (SENSOR_READINGS, 3, 0)
    assert said_again(kit, outcome) == (UNKNOWN, 70.0)


def said_again(kit, outcome):
    (letter,) = kit.letters(outcome)
    reading = decode(Reading, b64decode(letter.value))
    return reading.subject, reading.value


def test_unknown_fields_are_tolerated_and_counted_by_name(kit, log, operator) -> None:
    wire = orjson.loads(encode(kit.reading(0, 60.0)))
    odd = orjson.dumps(wire | {"mood": "good", "colour": 3})

    outcome = operator.take(log.batch(odd, odd, kit.reading(1, 60.0)), kit.t0_ms)

    assert outcome.unknown_fields == {"mood": 2, "colour": 2}
    assert outcome.used == 3


def test_events_are_counted_by_the_community_that_they_lie_in(kit, log, operator) -> None:
    areas = kit.city.areas
    west, south, east, north = shapely.total_bounds(areas.geometry).tolist()
    places = [
        (west + (east - west) * (n % 17) / 16, south + (north - south) * (n % 23) / 22)
        for n in range(200)
    ]
    expected: Counter[str] = Counter()
    for lon_deg, lat_deg in places:
        owners = [
            areas.chain(number).community
            for number, polygon in enumerate(areas.geometry)
            if shapely.intersects_xy(polygon, lon_deg, lat_deg)
        ]
        expected[owners[0] if owners else ""] += 1
    assert 0 < expected[""] < 200

    batch = log.batch(
        *(
            kit.reading(0, 1.0, f"gas-{n}", lon_deg=lon_deg, lat_deg=lat_deg)
            for n, (lon_deg, lat_deg) in enumerate(places)
        ),
        kit.reading(0, 1.0, "nowhere"),
    )
    outcome = operator.take(batch, kit.t0_ms)

    assert outcome.communities == expected + Counter({"": 1})


def test_nothing_new_is_nothing_to_remember(kit, log, operator) -> None:
    operator.take(log.batch(kit.reading(0, 60.0)), kit.t0_ms)

    assert operator.changes()
    assert operator.changes() == []
    assert operator.next_due_ms() is None
