"""The city that comes with the program: whole, of the true counts, and as its script makes it."""

from collections import Counter

import numpy as np
import pytest
import shapely

from deploy.cities import LONGGANG, check_city, load_city, read_folder
from deploy.generate_city import generate
from streams.geo.areas import OUTSIDE
from streams.geo.fences import FencePurpose

# The GEOS that made the committed files; another one may cut a last digit differently.
GEOS = (3, 14)


@pytest.fixture(scope="module")
def city():
    return load_city()


def test_the_files_have_no_fault():
    assert [str(one) for one in check_city(LONGGANG)] == []


def test_the_counts_are_those_of_longgang(city):
    chains = [city.areas.chain(at) for at in range(len(city.areas.codes))]

    assert len(chains) == 3311
    assert len({chain.grid for chain in chains}) == 484
    assert len({chain.community for chain in chains}) == 102
    kinds = Counter(
        line.split(b",")[2] for line in read_folder(LONGGANG)["areas/grids.csv"].splitlines()[1:]
    )
    assert kinds == {b"full": 469, b"dedicated": 15}
    offices = {
        line.split(b",")[2] for line in read_folder(LONGGANG)["areas/communities.csv"].splitlines()
    }
    assert len(offices - {b"office"}) == 26


def test_every_point_of_the_outline_is_in_exactly_one_micro_grid(city):
    dice = np.random.default_rng(5)
    outline = shapely.union_all(city.areas.geometry)
    lon = dice.uniform(120.46, 120.68, 20_000)
    lat = dice.uniform(27.46, 27.60, 20_000)
    found = city.areas.locate(lon, lat)
    points = shapely.points(lon, lat)
    rows, areas = shapely.STRtree(city.areas.geometry).query(points, predicate="intersects")
    lowest = np.full(len(lon), len(city.areas.codes))
    np.minimum.at(lowest, rows, areas)
    lowest[lowest == len(city.areas.codes)] = OUTSIDE

    assert np.array_equal(found, lowest)
    assert np.array_equal(found != OUTSIDE, shapely.intersects_xy(outline, lon, lat))


def test_there_is_a_fence_of_every_purpose(city):
    purposes = {fence.purpose for fence in city.fences.fences}

    assert purposes == set(FencePurpose)


@pytest.mark.parametrize("year", range(2018, 2027))
def test_every_gear_but_hook_and_line_has_a_season_in_every_year(city, year):
    mid_june_ms = int(np.datetime64(f"{year}-06-15T00:00:00", "ms").astype(np.int64))
    closed = {
        gear
        for closure in city.closures.values()
        if any(start <= mid_june_ms < end for start, end in closure.seasons_ms)
        for gear in closure.gears
    }

    assert {"trawl", "gillnet", "purse-seine", "pots", "small-stow-net"} <= closed
    assert "hook-and-line" not in closed


def test_no_telephone_number_could_be_dialled(city):
    assert all(vessel.phone.startswith("000-0000-") for vessel in city.vessels.values())


@pytest.mark.skipif(shapely.geos_version[:2] != GEOS, reason=f"made with GEOS {GEOS}")
def test_the_committed_files_are_what_the_script_makes():
    committed = read_folder(LONGGANG)

    differing = [path for path, raw in generate().items() if committed.get(path) != raw]
    assert differing == []
