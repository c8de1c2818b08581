"""What the benchmark of the lanes sends, and on which lane."""

import pytest

from deploy.bench.lanes import PARKING, SMOKE, alarm, parking
from deploy.cities import load_city
from schemas.codec import decode
from schemas.readings import Reading
from schemas.topics import SENSOR_READINGS, SENSOR_READINGS_URGENT

AT_MS = 1_777_638_600_000


@pytest.fixture(scope="module")
def sensors():
    return list(load_city().sensors.values())


def test_a_second_of_parking_is_every_bay_as_often_as_asked(sensors) -> None:
    bays = [one for one in sensors if one.kind == PARKING][:40]

    said = [record for turn in range(20) for record in parking(bays, 10, turn, AT_MS)]

    assert {record.topic for record in said} == {SENSOR_READINGS}
    readings = [decode(Reading, record.value) for record in said]
    assert len(readings) == 400
    assert {sum(r.subject == bay.code for r in readings) for bay in bays} == {10}
    assert readings[0].event_time_ms == AT_MS


def test_an_alarm_takes_the_lane_of_life_safety(sensors) -> None:
    detector = next(one for one in sensors if one.kind == SMOKE)

    record = alarm(detector, AT_MS)

    assert record.topic == SENSOR_READINGS_URGENT
    assert decode(Reading, record.value).value == 1
