"""The parts of the simulated city, each against what the city's files say."""

import datetime as dt
from collections import Counter

import numpy as np
import pytest
from shapely.geometry import Point

from deploy.cities import load_city
from feeds.simulator.cameras import SURE, Cameras
from feeds.simulator.complaints import Complaints
from feeds.simulator.sensors import Sensors
from feeds.simulator.vessels import Vessels, subject_of
from feeds.simulator.voyages import Voyages
from schemas.codec import decode
from schemas.complaints import Complaint
from schemas.detections import DETECTION_KINDS, Detection
from schemas.readings import Reading
from schemas.records import RawBatch
from schemas.topics import SENSOR_READINGS_URGENT, VESSEL_NMEA
from schemas.units import KINDS
from streams.city.model import City, Gear
from streams.geo.fences import FencePurpose, metres_per_degree
from streams.vessels.ais import Pending, decode_nmea

START_MS = 1_764_072_000_000  # 2025-11-25 20:00 in Longgang
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture(scope="module")
def voyages(city: City) -> Voyages:
    boats = {subject_of(boat): boat for boat in city.vessels.values()}
    return Voyages(city, [(s, b) for s, b in boats.items() if b.gear != Gear.NET_MARKER], 1)


def fleet(voyages: Voyages, at_ms: int):
    which = np.arange(len(voyages._boats))
    return voyages.at(which, np.full(len(which), at_ms))


def test_every_meter_stays_below_the_limit_that_holds_at_every_hour(city: City) -> None:
    meters = [one for one in city.sensors.values() if one.kind == "noise.laeq"]
    sensors = Sensors(city, meters, 1, 1.0)
    places = {code: city.noise_sensors[code] for code in (one.code for one in meters)}
    for at_ms in range(START_MS, START_MS + DAY_MS, HOUR_MS // 2):
        said = [decode(Reading, one.value) for one in sensors.between(at_ms, at_ms + 1000)]
        place = [
            city.limits.place(
                places[one.subject].venue,
                city.venues[places[one.subject].venue].area_class
                if places[one.subject].venue
                else places[one.subject].area_class,
            )
            for one in said
        ]
        times = np.array([one.event_time_ms for one in said])
        limit_db = city.limits.limit_db[city.limits.holding(np.array(place), times)]
        assert (np.array([one.value for one in said]) < limit_db - 3).all()


def test_gas_and_smoke_take_the_urgent_lane_and_nothing_else_does(city: City) -> None:
    said = Sensors(city, city.sensors.values(), 1, 1.0).between(START_MS, START_MS + 1000)

    lanes = Counter((one.topic, decode(Reading, one.value).kind) for one in said)
    urgent = {kind for topic, kind in lanes if topic == SENSOR_READINGS_URGENT}
    assert urgent == {
        kind for kind in {one.kind for one in city.sensors.values()} if KINDS[kind].urgent
    }
    assert {"gas.combustible", "smoke.alarm"} <= urgent
    assert len(said) == len(city.sensors)


def test_cameras_are_never_sure_on_a_calm_day(city: City) -> None:
    said = [
        decode(Detection, one.value)
        for one in Cameras(city.cameras.values(), 1, 0.1).between(START_MS, START_MS + 10_000)
    ]

    assert len({one.subject for one in said}) == len(said) == len(city.cameras)
    assert max(one.confidence for one in said) <= SURE
    assert {one.kind for one in said} < set(DETECTION_KINDS)


def test_citizens_complain_by_day_more_than_by_night(city: City) -> None:
    said = [
        decode(Complaint, one.value)
        for one in Complaints(city, 1, 600).between(START_MS, START_MS + 3 * DAY_MS)
    ]

    hours = Counter(
        dt.datetime.fromtimestamp(one.event_time_ms / 1000 + 8 * 3600, dt.UTC).hour for one in said
    )
    assert abs(len(said) / 3 - 600) < 60
    assert hours[20] > 5 * hours[3]
    assert len({one.subject for one in said}) == len(said)


def test_a_boat_moves_at_the_speed_and_on_the_course_that_it_tells(voyages: Voyages) -> None:
    east_m, north_m = metres_per_degree(27.4)
    for hour in range(24):
        at_ms = START_MS + hour * HOUR_MS
        before, now, after = (fleet(voyages, at_ms + by) for by in (-60_000, 0, 60_000))
        moved_m = np.column_stack(
            [
                (after.lon_deg - before.lon_deg) * east_m,
                (after.lat_deg - before.lat_deg) * north_m,
            ]
        )
        steady = (before.sog_kn == now.sog_kn) & (now.sog_kn == after.sog_kn)
        told_m = now.sog_kn * 1852 / 30
        assert (np.abs(np.hypot(*moved_m.T) - told_m)[steady] < 35).all()
        under_way = steady & (now.sog_kn > 0)
        course = np.degrees(np.arctan2(moved_m[:, 0], moved_m[:, 1]))
        astray = np.abs((course - now.cog_deg + 180) % 360 - 180)
        assert (astray[under_way] < 25).all()


def test_some_boats_are_out_and_some_in_and_none_where_it_must_not_be(
    city: City, voyages: Voyages
) -> None:
    closed = [one for one in city.fences.fences if one.purpose is FencePurpose.NO_GO]
    for hour in range(0, 24, 3):
        fixes = fleet(voyages, START_MS + hour * HOUR_MS)
        out = fixes.sog_kn > 0
        assert 40 < out.sum() < len(out) - 40
        places = [Point(*place) for place in zip(fixes.lon_deg, fixes.lat_deg, strict=True)]
        assert not any(fence.geometry.contains(place) for fence in closed for place in places)


def test_boats_whose_gear_is_closed_stay_in_harbour_and_others_do_not(
    city: City, voyages: Voyages
) -> None:
    june_ms = 1_750_000_000_000  # 2025-06-15
    out = fleet(voyages, june_ms).sog_kn > 0

    gears = [boat.gear for boat in voyages._boats]
    at_sea = {gear for gear, is_out in zip(gears, out.tolist(), strict=True) if is_out}
    assert at_sea == {"hook-and-line"}


def test_ais_comes_through_stations_as_sentences_that_decode_to_the_same_boats(
    city: City,
) -> None:
    said = Vessels(city, 1, 1.0).between(START_MS, START_MS + 1000)
    heard = [one for one in said if one.topic == VESSEL_NMEA]
    raw = RawBatch(
        VESSEL_NMEA,
        0,
        np.arange(len(heard)),
        np.array([one.event_time_ms for one in heard]),
        [one.key for one in heard],
        [one.value for one in heard],
    )

    decoded = decode_nmea(raw, Pending(), "ais")

    assert decoded.rejects == []
    subjects = [position.subject for _, position in decoded.positions]
    assert set(subjects) == {
        boat.mmsi for boat in city.vessels.values() if boat.mmsi and boat.gear != Gear.NET_MARKER
    }
    assert all(
        0 <= one.event_time_ms - position.event_time_ms < 1000
        for one, (_, position) in zip(heard, decoded.positions, strict=True)
    )
