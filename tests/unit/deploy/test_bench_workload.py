"""The work of the benchmark: seeded, valid on the wire, and its counts a plain loop's."""

import numpy as np
import pytest
import shapely

from deploy.bench.ours import build_operator, build_place
from deploy.bench.workload import (
    GRID_SIDE,
    SOURCE,
    Chunk,
    Workload,
    chunks,
    device_names,
    expected,
    grids,
    places,
    values,
)
from schemas.codec import decode_readings
from schemas.envelope import Datum
from schemas.records import RawBatch

WORK = Workload(events=60_000, devices=300)


def whole(work: Workload) -> Chunk:
    return Chunk(*(np.concatenate(column) for column in zip(*chunks(work), strict=True)))


def as_raw(work: Workload) -> RawBatch:
    told = [value for chunk in chunks(work) for value in values(work, chunk)]
    size, events = len(told), whole(work)
    return RawBatch("sensor.readings", 0, np.arange(size), events.time_ms, [b""] * size, told)


def test_the_grids_tile_the_city_with_484_polygons_of_40_vertices() -> None:
    polygons = [area.geometry for area in grids()]
    assert len(polygons) == GRID_SIDE**2 == 484
    assert all(shapely.is_valid(polygons))
    assert {len(polygon.exterior.coords) - 1 for polygon in polygons} == {40}
    city = shapely.union_all(polygons)
    assert shapely.get_num_interior_rings(city) == 0
    assert sum(polygon.area for polygon in polygons) == pytest.approx(city.area)


def test_a_smaller_workload_is_the_beginning_of_a_larger_one() -> None:
    few, many = whole(WORK), whole(Workload(events=120_000, devices=300))
    for one, other in zip(few, many, strict=True):
        assert np.array_equal(one, other[: WORK.events])


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    again, other = whole(WORK), whole(Workload(events=60_000, devices=300, seed=2))
    assert np.array_equal(whole(WORK).value, again.value)
    assert not np.array_equal(again.value, other.value)


def test_each_device_is_read_in_the_order_of_time() -> None:
    events = whole(WORK)
    assert (np.diff(events.time_ms) >= 0).all()
    assert (np.diff(events.time_ms[events.device == 7]) > 0).all()


def test_the_codec_reads_back_every_event_as_it_was_made() -> None:
    events = whole(WORK)
    batch, rejects = decode_readings(as_raw(WORK), {SOURCE: Datum.WGS84})
    assert rejects == []
    names = device_names(WORK)
    assert list(batch.subject) == [names[device] for device in events.device]
    assert np.array_equal(batch.event_time_ms, events.time_ms)
    assert np.array_equal(batch.value, events.value)
    assert np.array_equal(
        np.column_stack((batch.lon_deg, batch.lat_deg)), places(WORK)[events.device]
    )


def test_the_engines_operator_finds_what_the_plain_loop_finds() -> None:
    wanted = expected(WORK)
    operator = build_operator(build_place(WORK.seed))
    outcome = operator.take(as_raw(WORK), 0)
    assert outcome.used == WORK.events
    assert outcome.used - outcome.communities.get("", 0) == wanted.inside
    assert outcome.alerts["threshold", "onset"] == wanted.onsets > 0
    assert outcome.alerts["threshold", "clear"] == wanted.clears > 0
