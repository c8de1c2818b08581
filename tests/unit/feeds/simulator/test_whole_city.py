"""The simulated city: the same seed says the same, and a calm city stays calm."""

import hashlib
from collections import Counter
from collections.abc import Iterable

import pytest

from deploy.backtest import Backtest
from deploy.cities import load_city
from feeds.recordings import KeyedRecord
from feeds.simulator.faults import SOUND, Shares
from feeds.simulator.whole import Rates, Simulator, rates_at
from schemas.alerts import Alert
from schemas.codec import decode
from schemas.incidents import Incident
from schemas.topics import (
    ALERTS,
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    DEADLETTER,
    INCIDENTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.city.model import City
from streams.operator import Send

START_MS = 1_764_072_000_000  # 2025-11-25 20:00 in Longgang
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


def digest(batches: Iterable[list[KeyedRecord]]) -> str:
    said = hashlib.sha256()
    for batch in batches:
        for record in batch:
            said.update(b"%s|%s|%s|%d\n" % (record.topic.encode(), *record[1:]))
    return said.hexdigest()


def test_one_seed_gives_the_same_bytes_however_it_is_cut_and_another_seed_others(
    city: City,
) -> None:
    until_ms = START_MS + 3_000

    whole = digest(Simulator(city, 1).batches(START_MS, until_ms))
    again = digest(Simulator(city, 1).batches(START_MS, until_ms, 137))
    other = digest(Simulator(city, 2).batches(START_MS, until_ms))

    assert whole == again
    assert whole != other


def test_a_second_of_the_city_comes_in_order_of_time_from_every_source(city: City) -> None:
    seconds = list(Simulator(city, 1).batches(START_MS, START_MS + 20_000))
    counts = Counter(record.topic for second in seconds for record in second)

    for begin_ms, second in zip(range(START_MS, START_MS + 20_000, 1000), seconds, strict=True):
        times = [record.event_time_ms for record in second]
        assert times == sorted(times)
        assert begin_ms <= times[0] <= times[-1] < begin_ms + 1000
    readings = counts[SENSOR_READINGS] + counts[SENSOR_READINGS_URGENT]
    # 9,400 a second less what faulty ones drop, and what was doubled or late.
    assert abs(readings / 20 - 9_400) < 30
    assert abs(counts[CAMERA_DETECTIONS] / 20 - 970) < 1
    # 388 boats every ten seconds; the twelve markers on nets are no boats.
    assert abs((counts[VESSEL_NMEA] + counts[VESSEL_POSITIONS]) / 20 - 38.8) < 0.1
    assert set(counts) <= {
        SENSOR_READINGS,
        SENSOR_READINGS_URGENT,
        CAMERA_DETECTIONS,
        VESSEL_NMEA,
        VESSEL_POSITIONS,
        CITIZEN_COMPLAINTS,
    }


def test_rates_scale_every_source_but_citizens() -> None:
    assert rates_at(10) == Rates(10, 1, 1, Rates().complaints_a_day)


def test_a_calm_city_gives_no_incident_but_what_citizens_say(city: City) -> None:
    start_ms = START_MS + 2 * HOUR_MS - 100_000  # over 22:00, when the limits of the night begin
    sent: list[Send] = []
    simulator = Simulator(city, 1, Rates(1 / 60, 1 / 60, 1 / 60), SOUND)

    counts = Backtest(city, sent.append).run(
        (one for batch in simulator.batches(start_ms, start_ms + 330_000) for one in batch), 10
    )

    incidents = [decode(Incident, send.value) for send in sent if send.topic == INCIDENTS]
    assert [one for one in incidents if not one.kind.startswith("complaint.")] == []
    # That a boat is in its harbour is information.
    alerts = [decode(Alert, send.value) for send in sent if send.topic == ALERTS]
    kinds = {alert.kind for alert in alerts if not alert.kind.startswith("complaint.")}
    assert kinds == {"vessel.harbour"}
    assert counts.refused == {}
    assert counts.used > 200_000


def test_each_fault_is_found_for_what_it_is(city: City) -> None:
    sent: list[Send] = []
    faults = Shares(late=0.1, twice=0.1, dropping=0.1, ahead=0.02, boot=0.02, garbling=0.1)
    simulator = Simulator(city, 1, Rates(1 / 20, 1 / 600, 1 / 600), faults)

    counts = Backtest(city, sent.append).run(
        (one for batch in simulator.batches(START_MS, START_MS + 60_000) for one in batch), 0
    )

    assert counts.refused.keys() >= {"clock/future", "event-time/late"}
    assert counts.refused["clock/future"] > 200
    assert any(reason.startswith("decode/") for reason in counts.refused)
    letters = sum(send.topic == DEADLETTER for send in sent)
    assert letters == sum(counts.refused.values())
