"""The city that comes with the program: whole, of the true counts, and as its script makes it."""

from collections import Counter

import numpy as np
import pytest
import shapely

from deploy.cities import LONGGANG, check_city, load_city, read_folder
from deploy.generate_city import generate
from streams.city.files import city_findings
from streams.geo.areas import OUTSIDE
from streams.geo.fences import FencePurpose
from streams.matters import recall
from streams.matters.holds import touches_life
from streams.matters.policy import is_any
from streams.registry import PARAMS

# The GEOS that made the committed files; another one may cut a last digit differently.
GEOS = (3, 14)


@pytest.fixture(scope="module")
def city():
    return load_city()


def test_the_files_have_no_fault():
    assert [str(one) for one in check_city(LONGGANG)] == []


def test_a_mistake_in_a_kind_is_found_in_that_kind_on_its_line():
    files = read_folder(LONGGANG)
    rules = files["rules.toml"].replace(b"station_margin", b"station_margn")

    (finding,) = city_findings({**files, "rules.toml": rules}, PARAMS)

    assert rules.splitlines()[finding.line - 1].startswith(b"station_margn")
    assert finding.path == 'threshold.kinds."water.level".station_margn'
    assert finding.cure == "did you mean `station_margin`?"


def test_a_file_that_cannot_be_read_is_not_hidden_by_what_refers_to_it():
    files = read_folder(LONGGANG)
    units = b"[[units]\n" + files.pop("units.toml")
    (missing,) = city_findings(files, PARAMS)
    (broken,) = city_findings({**files, "units.toml": units}, PARAMS)

    assert (missing.file, missing.what) == ("units.toml", "the file is missing")
    assert (broken.file, broken.line) == ("units.toml", 1)


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


def test_the_registers_have_the_devices_of_longgang(city):
    boats = {vessel.code: vessel for vessel in city.vessels.values()}

    assert len(city.sensors) == 9_400
    assert len(city.cameras) == 9_700
    assert len(boats) == 400
    assert {vessel.home_harbour for vessel in boats.values()} <= {
        fence.id for fence in city.fences.fences if fence.purpose is FencePurpose.HARBOUR
    }
    assert all(vessel.skipper for vessel in boats.values())


def test_a_million_points_are_routed_as_brute_force_routes_them(city):
    dice = np.random.default_rng(5)
    areas = city.areas
    west, south, east, north = shapely.total_bounds(areas.geometry)
    lon = dice.uniform(west, east, 1_000_000)
    lat = dice.uniform(south, north, 1_000_000)

    routed = areas.locate(lon, lat)

    assert np.array_equal(routed, by_brute_force(areas.geometry, lon, lat))
    inside = shapely.union_all(areas.geometry)
    shapely.prepare(inside)
    assert np.array_equal(routed != OUTSIDE, shapely.intersects_xy(inside, lon, lat))


def by_brute_force(polygons, lon, lat):
    """Put to every polygon each point within its width; of several the first one counts."""
    order = np.argsort(lon)
    sorted_lon = lon[order]
    owner = np.full(len(lon), OUTSIDE)
    for at in reversed(range(len(polygons))):
        west, _, east, _ = shapely.bounds(polygons[at])
        first, last = np.searchsorted(sorted_lon, (west, east), side="left")
        near = order[first : last + 1]
        owner[near[shapely.intersects_xy(polygons[at], lon[near], lat[near])]] = at
    return owner


def test_no_matter_of_life_is_silenced_by_one_person(city):
    params = city.params
    found = {
        *(one.finding for one in params["threshold"].kinds.values() if one.life_safety),
        *(kind for kind, one in params["detections"].kinds.items() if one.life_safety),
        *(kind for kind, one in params["complaints"].kinds.items() if one.life_safety),
        "vessel.distress",
        recall.KIND,
    }
    life_kinds = params["incidents"].life_kinds

    assert len(found) > 8
    assert [kind for kind in sorted(found) if not touches_life((kind,), life_kinds)] == []


@pytest.mark.parametrize("kind", ["temperature.exceeded", "smoke.seen", "fire.seen"])
def test_whatever_notices_a_fire_joins_the_smoke_detector_beside_it(city, kind):
    links = city.params["incidents"].links

    assert any(is_any("smoke.alarm", one.kinds) and is_any(kind, one.kinds) for one in links)


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
