"""Exact areas: by raster and by polygon the same, borders included."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.geo.areas import OUTSIDE, AreaIndex, NamedArea
from streams.geo.coverage import coverage_flaws
from streams.matters.routing import AreaChain


def chains_of(areas):
    return {area.code: AreaChain(area.code, "grid", "community", "city") for area in areas}


def an_index(areas, cells=64):
    return AreaIndex(areas, chains_of(areas), cells)


def by_brute_force(areas, lon, lat):
    """Return the code of the lowest area that covers each point, "" for none."""
    ordered = sorted(areas, key=lambda area: area.code)
    return [
        next((a.code for a in ordered if a.geometry.covers(shapely.Point(x, y))), "")
        for x, y in zip(lon, lat, strict=True)
    ]


def located(index, lon, lat):
    found = index.locate(np.array(lon, dtype=float), np.array(lat, dtype=float))
    return [index.codes[at] if at != OUTSIDE else "" for at in found.tolist()]


def square(code, west, south, size=1.0):
    return NamedArea(code, shapely.box(west, south, west + size, south + size))


HOLED = NamedArea(
    "b-holed", shapely.Polygon(shapely.box(0, 0, 4, 4).exterior, [shapely.box(1, 1, 3, 3).exterior])
)
ISLE_AND_FILLING = NamedArea(
    "a-parts", shapely.MultiPolygon([shapely.box(1, 1, 3, 3), shapely.box(6, 6, 7, 7)])
)


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (0.5, 0.5, "b-holed"),
        (2, 2, "a-parts"),
        (6.5, 6.5, "a-parts"),
        (5, 5, ""),
        (1, 2, "a-parts"),
        (3, 3, "a-parts"),
        (0, 0, "b-holed"),
        (4, 4, "b-holed"),
        (4.0000001, 4, ""),
        (7, 7, "a-parts"),
        (180, 90, ""),
        (-180, -90, ""),
        (float("nan"), 2, ""),
        (2, float("inf"), ""),
    ],
)
def test_holes_parts_and_borders_go_to_exactly_one_area_the_lowest_code(lon, lat, code):
    assert located(an_index([HOLED, ISLE_AND_FILLING]), [lon], [lat]) == [code]


def shards(seed, count):
    """Return a seeded tiling of the unit square with `count` ragged cells, exactly shared."""
    dice = np.random.default_rng(seed)
    seeds = shapely.MultiPoint(dice.random((count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, 1, 1)))
    cut = shapely.intersection(cells, shapely.box(0, 0, 1, 1))
    return [NamedArea(f"m{at:03d}", part) for at, part in enumerate(cut)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.sampled_from([8, 33, 128]))
def test_raster_and_polygons_give_the_answer_of_brute_force_everywhere(seed, count, cells):
    areas = shards(seed, count)
    dice = np.random.default_rng(seed)
    corners = shapely.get_coordinates([area.geometry for area in areas])
    nudged = corners[dice.integers(0, len(corners), 40)] + dice.choice([-1e-12, 0, 1e-12], (40, 2))
    one = dice.integers(0, len(corners) - 1, 40)
    between = (corners[one] + corners[one + 1]) / 2
    points = np.vstack([dice.random((150, 2)) * 1.2 - 0.1, corners[:60], nudged, between])

    found = located(an_index(areas, cells), points[:, 0], points[:, 1])

    assert found == by_brute_force(areas, points[:, 0], points[:, 1])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=6
    ),
    st.lists(st.tuples(st.integers(0, 26), st.integers(0, 26)), min_size=1, max_size=40),
)
def test_overlapping_boxes_on_a_lattice_agree_with_brute_force_on_every_edge(boxes, points):
    areas = [square(f"m{at}", west, south, size) for at, (west, south, size) in enumerate(boxes)]
    lon, lat = [x / 2 for x, _ in points], [y / 2 for _, y in points]

    assert located(an_index(areas, 16), lon, lat) == by_brute_force(areas, lon, lat)


def test_a_place_is_followed_up_to_the_city():
    chain = AreaChain("m1", "g1", "c1", "lg")
    partial = AreaChain("m2", "", "c1", "lg")
    index = AreaIndex(
        [square("m1", 0, 0), square("m2", 1, 0)],
        {"m1": chain, "m2": partial, "g1": AreaChain("", "g1", "c1", "lg"), "square-1": chain},
    )

    assert index.chain_at(0.5, 0.5) == chain
    assert index.chain_at(1.0, 0.5) == chain
    assert index.chain_at(1.5, 0.5) == partial
    assert index.chain_at(9, 9) is None
    assert index.chain_of("square-1") == chain
    assert index.chain_of("g1") == AreaChain("", "g1", "c1", "lg")
    assert index.chain_of("nowhere") is None


def test_the_version_follows_borders_and_chains():
    areas = [square("m1", 0, 0), square("m2", 1, 0)]
    plain = an_index(areas).boundary_version

    assert an_index(areas[::-1]).boundary_version == plain
    assert an_index([areas[0], square("m2", 1, 0, 1.5)]).boundary_version != plain
    moved = {**chains_of(areas), "m2": AreaChain("m2", "other", "community", "city")}
    assert AreaIndex(areas, moved, 64).boundary_version != plain


@pytest.mark.parametrize(
    ("areas", "chains"),
    [
        ([], {}),
        ([square("m1", 0, 0), square("m1", 1, 0)], chains_of([square("m1", 0, 0)])),
        ([square("m1", 0, 0)], {}),
    ],
)
def test_areas_without_code_or_chain_are_refused(areas, chains):
    with pytest.raises(ValueError, match=r"code|chain"):
        AreaIndex(areas, chains)


class TestCoverage:
    # Near the equator a degree is about 111 km: 1e-5 degrees are 1.1 m.
    OUTLINE = shapely.box(0, 0, 2, 1)

    def flaws(self, *areas):
        return [(f.what, f.codes) for f in coverage_flaws(areas, self.OUTLINE)]

    def test_a_tiling_has_no_flaw(self):
        assert self.flaws(square("a", 0, 0), square("b", 1, 0)) == []

    def test_slivers_up_to_a_square_metre_are_let_pass(self):
        thin = NamedArea("b", shapely.box(1 + 1e-11, 0, 2, 1))

        assert self.flaws(square("a", 0, 0), thin) == []

    def test_an_overlap_is_found_with_its_place_and_both_codes(self):
        wide = NamedArea("b", shapely.box(0.999, 0, 2, 1))
        (flaw,) = coverage_flaws([square("a", 0, 0), wide], self.OUTLINE)

        assert (flaw.what, flaw.codes) == ("overlap", ("a", "b"))
        assert (flaw.lon_deg, flaw.lat_deg) == pytest.approx((0.9995, 0.5))
        assert flaw.area_m2 == pytest.approx(111.3 * 110_574, rel=0.01)

    def test_a_hole_and_an_overhang_are_found(self):
        narrow = NamedArea("b", shapely.box(1.001, 0, 2.001, 1))

        assert self.flaws(square("a", 0, 0), narrow) == [("hole", ()), ("overhang", ("b",))]

    def test_a_hole_is_found_between_areas_whose_edges_match(self):
        rim = NamedArea(
            "a",
            shapely.Polygon(self.OUTLINE.exterior, [shapely.box(0.4, 0.4, 0.5, 0.5).exterior]),
        )
        (flaw,) = coverage_flaws([rim], self.OUTLINE)

        assert flaw.what == "hole"
        assert (flaw.lon_deg, flaw.lat_deg) == pytest.approx((0.45, 0.45))


@pytest.mark.parametrize(
    ("ring_deg", "found"),
    [
        ((0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0), ["a", "b"]),
        ((0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0), ["a"]),
        ((0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0), ["a"]),  # it crosses itself at that point
        ((0.0, 0.0, 1.0, 0.0, 2.0, 0.0), []),
        ((9.0, 9.0, 9.0, 9.0, 9.0, 9.0), []),
    ],
)
def test_a_drawn_ring_holds_the_areas_whose_inner_point_it_covers(ring_deg, found):
    index = an_index([square("a", 0, 0), square("b", 2, 2)])

    assert [chain.micro_grid for chain in index.within(ring_deg)] == found
