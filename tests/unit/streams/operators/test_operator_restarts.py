"""Killed anywhere and begun again, an operator of events says what it would have said."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds.simulator.acting import Leg
from schemas.alerts import Alert
from schemas.positions import Position
from schemas.records import RawBatch
from schemas.topics import ALERTS, DEADLETTER, DEVICES_HEARD, SENSOR_READINGS, VESSEL_POSITIONS
from streams import registry
from streams.operator import Operator
from streams.operators.positions import positions_operator
from streams.operators.readings import readings_operator
from streams.vessels import tracks

EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SQUARE = "LG-noise-square-riverside-1"


STORY_S = 2_600
BOATS = (
    ("412420002", Leg(120.755, 27.45, 10.0, 90), range(STORY_S)),  # into the no-go zone and out
    ("412420004", Leg(120.676, 27.485, 9.0, 90), range(STORY_S)),  # too fast in the channel
    ("412420000", Leg(120.95, 27.30, 3.0, 60), range(STORY_S)),  # fishing
    ("412420003", Leg(120.90, 27.52, 4.0, 60), range(360)),  # falls silent
    ("970012345", Leg(121.02, 27.38, 0.5, 60), range(480, 840)),  # a transmitter wakes up
)
DISTRESS, FISHING = 14, 7


def fix(kit: Any, mmsi: str, leg: Leg, second: int) -> Position:
    """Return where a boat is that turns round at half time."""
    lon_deg, lat_deg = leg.after(min(second, STORY_S - second))
    return Position(
        source="ais",
        kind="vessel.position",
        subject=mmsi,
        event_time_ms=kit.t0_ms + second * 1000,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        sog_kn=leg.sog_kn,
        cog_deg=leg.cog_deg if second < STORY_S / 2 else leg.cog_deg + 180,
        nav_status=DISTRESS if mmsi.startswith("970") else FISHING,
        msg_type=1,
    )


class Play(NamedTuple):
    """A story as the records of one partition, and who decides on them."""

    raw: RawBatch
    build: Callable[[], Operator]


def readings_play(kit: Any) -> Play:
    """A loud square, gas that rises and falls, an unplaced meter, and what is refused."""
    records: list[Any] = []
    for second in range(700):
        level_db = 80.0 if second < 270 else 40.0
        # Within the two seconds of disorder that the feed is allowed.
        records.append(kit.noise(second + (2, 0, -2)[second % 3], level_db, SQUARE))
        if second % 40 == 0:
            gas = 60.0 if second % 200 < 120 else 5.0
            records.append(kit.reading(second, gas, f"gas-{second // 40 % 3}"))
        if second % 150 == 20:
            ingest_ms = kit.t0_ms + second * 1000
            late = kit.noise(second - 900, 50.0, ingest_time_ms=ingest_ms)
            future = kit.reading(second + 100, 60.0, ingest_time_ms=ingest_ms)
            records += [b"broken", kit.noise(second, 50.0, "LG-nobody"), late, future]
    told = registry.settings(registry.READING_RULES, kit.city)
    return Play(
        kit.log(SENSOR_READINGS).batch(*records),
        lambda: readings_operator(kit.city, registry.READING_RULES, told),
    )


def positions_play(kit: Any) -> Play:
    """Boats that give each rule something to say, and a fishing boat out of order."""
    records: list[Any] = [
        fix(kit, mmsi, leg, second)
        for second in range(0, STORY_S, 30)
        for mmsi, leg, seen in BOATS
        if second in seen
    ]
    for place in range(len(records) - 1, 0, -40):
        at_ms = records[place].event_time_ms - place % 50_000
        boat = Position(
            source="beidou",
            kind="vessel.position",
            subject=f"bd:{place % 2}",
            event_time_ms=at_ms,
            lon_deg=120.95,
            lat_deg=27.3 + place % 7 / 100,
            sog_kn=3.0,
        )
        records.insert(place, boat)
    rules = registry.settings(registry.POSITION_RULES, kit.city)
    return Play(
        kit.log(VESSEL_POSITIONS).batch(*records),
        lambda: positions_operator(kit.city, registry.POSITION_RULES, rules),
    )


@pytest.fixture(scope="module", params=[readings_play, positions_play], ids=["readings", "boats"])
def play(kit, request) -> Play:
    return request.param(kit)


def now_ms(raw):
    return int(raw.ingest_time_ms[-1])


def take_all(operator, batches):
    return [operator.take(raw, now_ms(raw)) for raw in batches]


def lasting(outcome):
    """Return what is said, but for the counts of what was heard: they are kept in memory."""
    return [send for send in outcome.sends if send.topic != DEVICES_HEARD]


def ids(kit, outcomes):
    """Return every alert and dead letter by its id."""
    alerts = {one.id for outcome in outcomes for one in kit.sent(outcome, ALERTS, Alert)}
    return alerts | {letter.id for outcome in outcomes for letter in kit.letters(outcome)}


def draw_cuts(data, play):
    size = len(play.raw.values)
    return data.draw(st.lists(st.integers(1, size - 1), min_size=1, max_size=12, unique=True))


def test_the_stories_have_something_to_say(kit, play) -> None:
    (outcome,) = take_all(play.build(), [play.raw])

    told = {send.topic for send in lasting(outcome)}
    kinds = {one.kind for one in kit.sent(outcome, ALERTS, Alert)}
    if play.raw.topic == SENSOR_READINGS:
        assert told == {ALERTS, DEADLETTER}
        assert kinds == {"noise.warn", "noise.exceeded", "gas.exceeded"}
        assert {str(reason) for _, reason in outcome.refused} == {
            "not-json", "late", "future", "unknown-subject"
        }  # fmt: skip
    else:
        assert kinds >= {"vessel.no-go", "vessel.distress", "vessel.silent"}


@EXAMPLES
@given(data=st.data())
def test_begun_again_from_a_checkpoint_it_says_the_very_same_on(kit, play, data) -> None:
    batches = list(kit.cut(play.raw, draw_cuts(data, play)))
    undisturbed = take_all(play.build(), batches)
    stop = data.draw(st.integers(1, len(batches)), label="batches before the restart")
    kept, first = kit.kept(), play.build()
    for number, raw in enumerate(batches[:stop], 1):
        first.take(raw, now_ms(raw))
        if number == stop or data.draw(st.booleans(), label="checkpoint"):
            kept.put(first.changes())

    second = kept.begin(play.build())

    assert second.watermark_ms() == first.watermark_ms()
    # What was taken before the checkpoint may be delivered again.
    assert all(lasting(outcome) == [] for outcome in take_all(second, batches[:stop]))
    assert [lasting(one) for one in take_all(second, batches[stop:])] == [
        lasting(one) for one in undisturbed[stop:]
    ]


@EXAMPLES
@given(data=st.data())
def test_a_crash_amid_a_checkpoint_loses_and_invents_nothing(kit, play, data) -> None:
    batches = list(kit.cut(play.raw, draw_cuts(data, play)))
    undisturbed = ids(kit, take_all(play.build(), batches))
    whole = data.draw(st.integers(0, len(batches) - 1), label="batches in whole checkpoints")
    torn = data.draw(st.integers(whole + 1, len(batches)), label="batches in the torn one")
    kept, first = kit.kept(), play.build()
    said = take_all(first, batches[:whole])
    kept.put(first.changes())
    said += take_all(first, batches[whole:torn])
    rows = first.changes()
    kept.put(rows[: data.draw(st.integers(0, len(rows)), label="rows that were kept")])

    said += take_all(kept.begin(play.build()), batches[whole:])

    assert ids(kit, said) == undisturbed


def test_what_a_rule_needs_of_the_one_ahead_is_written_before_it(kit) -> None:
    play = positions_play(kit)
    operator = play.build()
    take_all(operator, [play.raw])

    keys = [key.split(b"\x00") for key, _ in operator.changes()]
    names = [key[0].decode() for key in keys if key[1:2] == [b"ais"]]

    rules = list(registry.POSITION_RULES)
    sifter = rules.index(tracks.NAME)
    assert set(names[: names.index(tracks.NAME)]) == set(rules[sifter + 1 :])
    assert keys[-1] == [b"\x01sequence"]
