"""Wrong clocks where operators meet them: quarantined, and yet told of once."""

from typing import Any

import numpy as np
import pytest

from deploy.cities import load_city
from schemas.alerts import Alert
from schemas.codec import decode, encode
from schemas.positions import Position
from schemas.readings import Reading
from schemas.records import RawBatch, Reason
from schemas.topics import ALERTS, DEADLETTER
from streams import registry
from streams.matters.correlate import correlate
from streams.operators.positions import positions_operator
from streams.operators.readings import readings_operator

T0_MS = 1_757_980_800_000
AHEAD_MS = 8 * 3_600_000
CITY = load_city()


def reading(number: int) -> Reading:
    return Reading(
        source="iot",
        kind="gas.combustible",
        subject="gas-1",
        event_time_ms=T0_MS + number * 1_000 + AHEAD_MS,
        value=1.0,
        unit="%LEL",
    )


def position(number: int) -> Position:
    return Position(
        source="ais",
        kind="vessel.position",
        subject="412420001",
        event_time_ms=T0_MS + number * 1_000 + AHEAD_MS,
        lon_deg=121.0,
        lat_deg=27.3,
        sog_kn=3.0,
    )


def readings() -> Any:
    told = registry.settings(registry.READING_RULES, CITY)
    return readings_operator(CITY, registry.READING_RULES, told)


def positions() -> Any:
    told = registry.settings(registry.POSITION_RULES, CITY)
    return positions_operator(CITY, registry.POSITION_RULES, told)


TOPICS = pytest.mark.parametrize(
    ("build", "topic", "record"),
    [
        (readings, "sensor.readings", reading),
        (positions, "vessel.positions", position),
    ],
    ids=["readings", "positions"],
)


def records(topic, record, first, end):
    """Return the records `first` to `end` of a partition, one taken in each second."""
    offsets = np.arange(first, end)
    values = [encode(record(number)) for number in offsets.tolist()]
    return RawBatch(topic, 0, offsets, T0_MS + offsets * 1_000, [b"k"] * len(values), values)


def alerts(outcome):
    return [decode(Alert, send.value) for send in outcome.sends if send.topic == ALERTS]


@TOPICS
def test_a_device_of_which_every_event_is_quarantined_is_told_of_once(build, topic, record):
    operator = build()
    outcomes = [
        operator.take(records(topic, record, first, first + 40), T0_MS + (first + 40) * 1_000)
        for first in range(0, 200, 40)
    ]
    (alert,) = [alert for outcome in outcomes for alert in alerts(outcome)]
    assert (alert.kind, alert.event_time_ms) == ("device.clock-ahead", T0_MS + 25_000)
    assert outcomes[0].alerts == {("skew", "onset"): 1}
    assert outcomes[0].ages_ms == [15_000]
    assert all(outcome.used == 0 for outcome in outcomes)
    letters = [s for outcome in outcomes for s in outcome.sends if s.topic == DEADLETTER]
    assert len(letters) == 200
    assert {reason for outcome in outcomes for _, reason in outcome.refused} == {Reason.FUTURE}


@TOPICS
def test_torn_checkpoints_flag_nothing_twice(build, topic, record):
    first, second = records(topic, record, 0, 20), records(topic, record, 20, 60)
    operator = build()
    operator.take(first, T0_MS + 20_000)
    whole = operator.changes()
    assert len(alerts(operator.take(second, T0_MS + 60_000))) == 1
    torn = operator.changes()
    assert [key for key, _ in torn][-1] == b"\x01sequence"
    for kept in range(len(torn) + 1):
        begun = build()
        begun.restore(list(dict([*whole, *torn[:kept]]).items()))
        again = alerts(begun.take(second, T0_MS + 90_000))
        # Only where the clocks' row itself was lost is the same message said again.
        clocks_kept = b"\x01clocks" in dict(torn[:kept])
        assert [a.event_time_ms for a in again] == ([] if clocks_kept else [T0_MS + 25_000])
        assert alerts(begun.take(records(topic, record, 60, 160), T0_MS + 160_000)) == []


def test_it_opens_no_incident_in_the_city():
    (alert,) = alerts(readings().take(records("sensor.readings", reading, 0, 60), T0_MS))
    assert correlate([alert], {}, T0_MS, CITY.params["incidents"]) == ([], {})
