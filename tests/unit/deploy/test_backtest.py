"""The backtest stands in for Kafka and for time: same partitions, same instants."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from deploy.backtest import MAX_RECORDS, SLICE_MS, Backtest, Counts, partition_of
from deploy.cities import load_city
from feeds.recordings import KeyedRecord
from schemas.alerts import Alert, Transition
from schemas.codec import decode, encode
from schemas.dispatch import DispatchOrder, OrderChange
from schemas.incidents import Incident
from schemas.readings import Reading
from schemas.topics import (
    ALERTS,
    DEADLETTER,
    DISPATCH_ORDERS,
    INCIDENTS,
    SENSOR_READINGS,
    TOPICS,
)
from streams.city.model import City

T0_MS = 1_757_980_800_000  # 16 Sep 2025 08:00 in Beijing


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


def gas(second: float, value: float = 60.0, subject: str = "gas-1") -> KeyedRecord:
    at_ms = T0_MS + round(second * 1000)
    reading = Reading(
        source="iot", kind="gas.combustible", subject=subject, event_time_ms=at_ms,
        value=value, unit="%LEL", lon_deg=120.553, lat_deg=27.575,
    )  # fmt: skip
    return KeyedRecord(SENSOR_READINGS, subject.encode(), encode(reading), at_ms)


def loud(seconds: int) -> Iterator[KeyedRecord]:
    """A square that is too loud for so long, then falls silent."""
    for second in range(seconds):
        at_ms = T0_MS + second * 1000
        subject = "LG-noise-square-riverside-1"
        reading = Reading(
            source="noise", kind="noise.laeq", subject=subject, event_time_ms=at_ms,
            value=80.0, unit="dB(A)",
        )  # fmt: skip
        yield KeyedRecord(SENSOR_READINGS, subject.encode(), encode(reading), at_ms)


class Heard:
    """What a backtest sends, in order."""

    def __init__(self, city: City, records: Any, drain_s: float = 0.0) -> None:
        self.sends: list[Any] = []
        self.counts: Counts = Backtest(city, self.sends.append).run(records, drain_s)

    def of(self, topic: str, record: Any) -> list[Any]:
        return [decode(record, send.value) for send in self.sends if send.topic == topic]


@given(st.binary(max_size=40), st.sampled_from(sorted(TOPICS)))
def test_a_key_goes_to_the_partition_that_the_producers_choose(key: bytes, topic: str) -> None:
    partitions = list(range(TOPICS[topic].partitions))

    assert partition_of(topic, key) == DefaultPartitioner()(key, partitions, partitions)


def test_an_alert_becomes_an_incident_and_an_order_at_once(city: City) -> None:
    heard = Heard(city, [gas(0)])

    (alert,) = heard.of(ALERTS, Alert)
    (incident,) = heard.of(INCIDENTS, Incident)
    order = heard.of(DISPATCH_ORDERS, DispatchOrder)[0]
    assert incident.alert_ids == (alert.alert_id,)
    assert order.incident_id == incident.incident_id
    assert {alert.event_time_ms, incident.created_time_ms, order.event_time_ms} == {T0_MS}


@pytest.mark.parametrize("later", [[], [gas(600, 1.0, "gas-2")]], ids=["drain", "records"])
def test_clocks_toward_people_are_told_of_at_their_very_instants(
    city: City, later: list[KeyedRecord]
) -> None:
    heard = Heard(city, [gas(0), *later], drain_s=600.0)

    first = [
        ((order.event_time_ms - T0_MS) / 1000, str(order.clock), str(order.clock_note))
        for order in heard.of(DISPATCH_ORDERS, DispatchOrder)
        if order.change is OrderChange.CLOCK
    ][:6]
    assert first == [
        (30.0, "respond", "warn-50"),
        (48.0, "respond", "warn-80"),
        (60.0, "respond", "breach"),
        (90.0, "depart", "warn-50"),
        (144.0, "depart", "warn-80"),
        (180.0, "depart", "breach"),
    ]


def test_what_only_time_ends_ends_in_the_drain(city: City) -> None:
    def ends(drain_s: float) -> list[Alert]:
        alerts = Heard(city, loud(300), drain_s).of(ALERTS, Alert)
        return [
            one for one in alerts
            if (one.kind, one.transition) == ("noise.exceeded", Transition.CLEAR)
        ]  # fmt: skip

    assert ends(0.0) == []
    (end,) = ends(400.0)
    assert end.event_time_ms > T0_MS + 300_000


def test_the_same_recording_twice_sends_the_same_bytes(city: City) -> None:
    records = [gas(0), *loud(300), gas(301, 1.0)]

    assert Heard(city, records, 60.0).sends == Heard(city, records, 60.0).sends


def test_everything_read_is_counted(city: City) -> None:
    broken = KeyedRecord(SENSOR_READINGS, b"x", b"broken", T0_MS)

    heard = Heard(city, [gas(0), broken, gas(1)])

    # Two readings and a broken record, and what the city's own agents read: one alert,
    # one incident, the state of its case (a warning is none), and one count of what was heard.
    assert heard.counts.records == 7
    assert heard.counts.used == 5
    assert heard.counts.refused == {"decode/not-json": 1}
    assert heard.counts.sent[DEADLETTER] == 1


@pytest.mark.parametrize("count", [1, 3])
def test_stretches_end_by_time_and_by_number(city: City, count: int) -> None:
    apart = [gas(second * SLICE_MS / 1000 * 1.1, 1.0, f"gas-{second}") for second in range(count)]
    at_once = [gas(0, 1.0, f"gas-{number}") for number in range(MAX_RECORDS + count)]

    assert Heard(city, apart).counts.used == count
    assert Heard(city, at_once).counts.used == MAX_RECORDS + count
    assert Heard(city, []).counts.records == 0
