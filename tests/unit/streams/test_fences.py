"""Fences and the index over them."""

import hashlib

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.geo.fences import (
    Fence,
    FenceIndex,
    FencePurpose,
    default_buffer_m,
    metres_per_degree,
)

SQUARE = shapely.box(120.50, 27.40, 120.52, 27.42)
RING = shapely.Polygon(
    shapely.box(120.60, 27.40, 120.64, 27.44).exterior,
    [shapely.box(120.61, 27.41, 120.63, 27.43).exterior],
)
PAIR = shapely.MultiPolygon(
    [shapely.box(120.70, 27.40, 120.71, 27.41), shapely.box(120.72, 27.40, 120.73, 27.41)]
)


def a_fence(fence_id="square", geometry=SQUARE, **more):
    return Fence(id=fence_id, name=fence_id, purpose=FencePurpose.NO_GO, geometry=geometry, **more)


def ids_covering(index, lon, lat):
    return [index.fences[at].id for at in index.covering_one(lon, lat)]


@pytest.mark.parametrize(
    ("lon", "lat", "ids"),
    [
        (120.51, 27.41, ["square"]),
        (120.50, 27.41, ["square"]),
        (120.50, 27.40, ["square"]),
        (120.4999999, 27.41, []),
        (120.605, 27.42, ["ring"]),
        (120.62, 27.42, []),
        (120.61, 27.42, ["ring"]),
        (120.705, 27.405, ["pair"]),
        (120.715, 27.405, []),
        (120.725, 27.405, ["pair"]),
        (float("nan"), 27.4, []),
    ],
)
def test_a_point_is_covered_by_the_fences_that_hold_it_edges_included_holes_not(lon, lat, ids):
    index = FenceIndex([a_fence(), a_fence("ring", RING), a_fence("pair", PAIR)])

    assert ids_covering(index, lon, lat) == ids


def test_an_index_without_fences_covers_nothing():
    rows, fence = FenceIndex([]).covering(np.array([120.5]), np.array([27.4]))

    assert rows.size == 0
    assert fence.size == 0


def test_two_fences_of_one_id_are_refused():
    with pytest.raises(ValueError, match="one id"):
        FenceIndex([a_fence(), a_fence()])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 6), st.integers(1, 6)),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), min_size=1, max_size=30),
)
def test_many_points_at_once_are_covered_as_each_alone_by_brute_force(boxes, points):
    fences = [
        a_fence(f"f{at}", shapely.box(120 + w, 27 + s, 120 + w + dx, 27 + s + dy))
        for at, (w, s, dx, dy) in enumerate(boxes)
    ]
    index = FenceIndex(fences)
    lon = np.array([120.0 + x for x, _ in points])
    lat = np.array([27.0 + y for _, y in points])

    rows, fence = index.covering(lon, lat)

    expected = [
        (row, at)
        for row in range(len(points))
        for at, one in enumerate(index.fences)
        if one.geometry.covers(shapely.Point(lon[row], lat[row]))
    ]
    assert list(zip(rows.tolist(), fence.tolist(), strict=True)) == expected


def test_a_degree_is_as_long_as_wgs84_says():
    # NGA's table: at 0 degrees 111,319.5 m by 110,574.3 m; at 45, 78,846.8 m by 111,131.7 m.
    assert metres_per_degree(0) == pytest.approx((111_319.5, 110_574.3), abs=0.1)
    assert metres_per_degree(45) == pytest.approx((78_846.8, 111_131.7), abs=0.1)


def test_beyond_the_buffer_is_measured_in_metres_in_every_direction():
    index = FenceIndex([a_fence(buffer_m=100.0)])
    east_m, north_m = metres_per_degree(27.41)

    assert not index.beyond_buffer(0, 120.51, 27.41)
    assert not index.beyond_buffer(0, 120.52 + 99 / east_m, 27.41)
    assert index.beyond_buffer(0, 120.52 + 101 / east_m, 27.41)
    assert not index.beyond_buffer(0, 120.51, 27.42 + 99 / north_m)
    assert index.beyond_buffer(0, 120.51, 27.42 + 101 / north_m)


@pytest.mark.parametrize(
    ("side_m", "buffer_m"), [(50, 20.0), (200, 20.0), (1_000, 100.0), (50_000, 500.0)]
)
def test_the_default_buffer_grows_with_the_fence_within_bounds(side_m, buffer_m):
    east_m, north_m = metres_per_degree(27.4)
    box = shapely.box(120.5, 27.4, 120.5 + side_m / east_m, 27.4 + side_m / north_m)

    assert default_buffer_m(box) == pytest.approx(buffer_m, rel=0.01)


def test_a_line_between_two_points_touches_the_fences_on_its_way():
    index = FenceIndex([a_fence(), a_fence("ring", RING), a_fence("pair", PAIR)])

    def crossed(start, end):
        return [index.fences[at].id for at in index.crossed(start, end)]

    assert crossed((120.49, 27.41), (120.53, 27.41)) == ["square"]
    assert crossed((120.49, 27.42), (120.53, 27.42)) == ["square"]
    assert crossed((120.49, 27.421), (120.53, 27.421)) == []
    assert crossed((120.49, 27.405), (120.74, 27.405)) == ["pair", "ring", "square"]
    assert crossed((120.62, 27.42), (120.625, 27.42)) == []


def test_windows_are_half_open():
    fence = a_fence(windows_ms=((100, 200), (300, 400)))

    in_force = [at for at in (99, 100, 199, 200, 299, 300, 399, 400) if fence.in_force(at)]
    assert in_force == [100, 199, 300, 399]
    assert [fence.next_change_ms(at) for at in (0, 100, 200, 399, 400)] == [
        100,
        200,
        300,
        400,
        None,
    ]
    assert a_fence().in_force(0)
    assert a_fence().next_change_ms(0) is None


def test_the_version_follows_every_fact_of_every_fence():
    plain = FenceIndex([a_fence(), a_fence("ring", RING)]).version

    assert FenceIndex([a_fence("ring", RING), a_fence()]).version == plain
    assert FenceIndex([a_fence(), a_fence("ring", SQUARE)]).version != plain
    assert FenceIndex([a_fence(exit_s=1.0), a_fence("ring", RING)]).version != plain
    assert len(plain) == 12
    assert set(plain) <= set(hashlib.sha256().hexdigest() + "0123456789abcdef")
