"""Make the synthetic registers of a city: units, sensors, cameras and vessels.

Nobody and nothing in them is real: names and places are made up, telephone
numbers belong to no network. The numbers are Longgang's: 9,400 sensors (those
that the venues name included), 9,700 cameras; 400 boats. Each register has dice
of its own, so that a change of one leaves the bytes of the others.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from streams.city.model import View

# 9,400 less the 16 that stand at venues (venue_sensors.csv).
SENSORS: Mapping[str, int] = {
    "noise.laeq": 600,
    "water.level": 400,
    "smoke.alarm": 3_000,
    "gas.combustible": 1_500,
    "gas.toxic": 200,
    "temperature.air": 800,
    "manhole.tilt": 1_500,
    "parking.occupied": 1_384,
}
STEMS = {"gas.toxic": "toxic"}  # of codes; else the kind's first word
# Class of area after GB 3096-2008 of those that listen in the street, and its share.
NOISE_CLASSES = {"1": 0.3, "2": 0.45, "3": 0.1, "4a": 0.15}
CAMERAS: Mapping[View, int] = {
    View.STREET: 5_200,
    View.MARKET: 900,
    View.SQUARE: 700,
    View.ESTATE: 1_900,
    View.RIVERSIDE: 800,
    View.HARBOUR: 200,
}
VIEW_NAMES = {
    View.STREET: "路口",
    View.MARKET: "市场",
    View.SQUARE: "广场",
    View.ESTATE: "小区",
    View.RIVERSIDE: "河岸",
    View.HARBOUR: "码头",
}

# BeiDou terminals that the public recordings of fishing boats near Longgang name,
# with the gear that they state. Names, skippers and numbers here are made up.
TERMINALS = {
    "purse-seine": (20578, 20697, 22710, 24285, 24445, 24627, 20006, 20045, 20049, 20051),
    "gillnet": (21823, 21956, 26842, 27090),
    "trawl": (24886, 24938),
}
GEARS = ("trawl", "gillnet", "purse-seine", "hook-and-line", "small-stow-net", "pots")
VESSELS, AIS_ONLY, NET_MARKERS = 400, 60, 12
PERMIT, PERMIT_GEARS, PERMIT_SHARE = "selective", ("gillnet", "pots"), 0.25
_FIRST_MMSI, _FIRST_BEIDOU = 412_420_000, 990_000
HARBOURS = ("aojiang", "bacao", "xiaguan", "shacheng")

DEPARTMENTS = (
    ("police", "公安", "LG-police"),
    ("enforcement", "综合行政执法", "LG-enforcement"),
    ("fishery", "渔业执法", "LG-fishery"),
    ("fire", "消防救援", "LG-fire"),
    ("flood", "防汛", "LG-flood"),
    ("market", "市场监管", "LG-market"),
    ("ecology", "生态环境", "LG-ecology"),
    ("resources", "自然资源和规划", "LG-resources"),
    ("transport", "交通运输", "LG-transport"),
)
CREWS = {"police": 3, "enforcement": 2, "fire": 3, "flood": 2}
_NUMBERS = "一二三"


def generate(
    seed: int, tiles: Sequence[BaseGeometry], *, communities: int, grids: int
) -> dict[str, bytes]:
    """Return the registers by their path in the city's folder.

    Args:
        seed: Of the dice.
        tiles: The micro-grids, in which devices are placed.
        communities: How many have a unit.
        grids: How many have a unit.
    """
    places = np.array(tiles, dtype=object)
    shapely.prepare(places)
    return {
        "units.toml": units(communities, grids),
        "sensors.csv": sensors(places, np.random.default_rng((seed, 1))),
        "cameras.csv": cameras(places, np.random.default_rng((seed, 2))),
        "vessels.csv": vessels(np.random.default_rng((seed, 3))),
        "water_stages.csv": stages(np.random.default_rng((seed, 4))),
    }


def table(header: str, rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue().encode()


def units(communities: int, grids: int) -> bytes:
    """Return units.toml: a desk, a leader, departments with crews, communities and grids."""
    lines = ["# Synthetic, made by deploy/generate_city.py: nobody here is a real person."]

    def unit(code: str, name: str, level: str, **more: str) -> None:
        facts = {"code": code, "name": name, "level": level, **more}
        text = "".join(f"\n{key} = {json.dumps(v, ensure_ascii=False)}" for key, v in facts.items())
        lines.append("\n[[units]]" + text)

    unit("LG-desk", "市级指挥中心值班台", "city")
    unit("LG-coast-desk", "海上值班台", "city")
    unit("LG-leader", "带班领导", "leader")
    for department, name, code in DEPARTMENTS:
        unit(code, f"{name}值班队", "department", department=department)
        for at in range(2, CREWS.get(department, 1) + 1):
            crew = f"{name}{_NUMBERS[at - 1]}队"
            unit(f"{code}-{at}", crew, "department", department=department)
    for at in range(1, communities + 1):
        unit(f"LG-C{at:03d}-team", f"示例社区{at:03d}值守组", "community", area=f"LG-C{at:03d}")
    for at in range(1, grids + 1):
        unit(f"LG-G{at:03d}-worker", f"示例网格员{at:03d}", "grid", area=f"LG-G{at:03d}")
    return ("\n".join(lines) + "\n").encode()


def sensors(tiles: NDArray[Any], dice: np.random.Generator) -> bytes:
    """Return sensors.csv without those of the venues, which stand in venue_sensors.csv."""
    rows: list[tuple[Any, ...]] = []
    for kind, count in SENSORS.items():
        stem = STEMS.get(kind, kind.split(".", maxsplit=1)[0])
        hears = kind == "noise.laeq"
        classes = dice.choice(list(NOISE_CLASSES), count, p=list(NOISE_CLASSES.values()))
        for at, (lon, lat) in enumerate(_places(count, tiles, dice)):
            area_class, sample_s = (str(classes[at]), 1) if hears else ("", "")
            source = "noise" if hears else "iot"
            rows.append((f"LG-{stem}-{at + 1:03d}", kind, area_class, lon, lat, sample_s, source))
    return table("code,kind,area_class,lon_deg,lat_deg,sample_s,source", rows)


def cameras(tiles: NDArray[Any], dice: np.random.Generator) -> bytes:
    """Return cameras.csv."""
    views = dice.permutation(np.repeat(list(CAMERAS), list(CAMERAS.values())))
    rows = [
        (
            f"LG-CAM-{at:05d}",
            f"示例{VIEW_NAMES[View(view)]}摄像机{at:05d}",
            lon,
            lat,
            view,
            "cameras",
        )
        for at, (view, (lon, lat)) in enumerate(
            zip(views.tolist(), _places(len(views), tiles, dice), strict=True), start=1
        )
    ]
    return table("code,name,lon_deg,lat_deg,view,source", rows)


def stages(dice: np.random.Generator) -> bytes:
    """Return water_stages.csv: made up, for no figure of a real gauge here is published."""
    rows = []
    for at in range(1, SENSORS["water.level"] + 1):
        warning_m = round(float(dice.uniform(2.6, 4.4)), 2)
        guarantee_m = round(warning_m + float(dice.uniform(0.6, 1.4)), 2)
        rows.append((f"LG-water-{at:03d}", warning_m, guarantee_m, "cn-1985", "synthetic"))
    return table("code,warning_m,guarantee_m,datum,source", rows)


def _places(
    count: int, tiles: NDArray[Any], dice: np.random.Generator
) -> Iterator[tuple[str, str]]:
    """Yield `count` places, each anywhere in a micro-grid drawn for it."""
    chosen = tiles[dice.integers(len(tiles), size=count)]
    west, south, east, north = shapely.bounds(chosen).T
    lon_deg, lat_deg = np.zeros(count), np.zeros(count)
    left = np.arange(count)
    while len(left):
        lon_deg[left] = np.round(dice.uniform(west[left], east[left]), 6)
        lat_deg[left] = np.round(dice.uniform(south[left], north[left]), 6)
        left = left[~shapely.contains_xy(chosen[left], lon_deg[left], lat_deg[left])]
    for lon, lat in zip(lon_deg.tolist(), lat_deg.tolist(), strict=True):
        yield f"{lon:.6f}", f"{lat:.6f}"


def vessels(dice: np.random.Generator) -> bytes:
    """Return vessels.csv: the terminals of the recordings first, then boats made up."""
    boats = [
        (gear, str(terminal), "") for gear, terminals in TERMINALS.items() for terminal in terminals
    ]
    for at in range(VESSELS - len(boats) - NET_MARKERS):
        gear = GEARS[at % len(GEARS)]
        beidou = "" if at < AIS_ONLY else str(_FIRST_BEIDOU + at)
        # Of the others every third has BeiDou alone, as small boats do.
        mmsi = "" if beidou and at % 3 == 0 else str(_FIRST_MMSI + at)
        boats.append((gear, beidou, mmsi))
    # An ill-chosen identity is what net markers are known for: these say a boat's own.
    boats += [("net-marker", "", str(_FIRST_MMSI + 900 + at)) for at in range(NET_MARKERS)]
    rows = []
    for at, (gear, beidou, mmsi) in enumerate(boats, start=1):
        harbour = HARBOURS[int(dice.integers(len(HARBOURS)))]
        length_m = f"{dice.uniform(12, 42):.1f}"
        permitted = gear in PERMIT_GEARS and dice.random() < PERMIT_SHARE
        rows.append(
            (f"LG-V{at:03d}", mmsi, beidou, f"示例渔{at:05d}", "fishing", gear, harbour, length_m,
             PERMIT if permitted else "", f"示例船长{at:03d}", f"000-0000-{at:04d}")
        )  # fmt: skip
    header = "code,mmsi,beidou,name,kind,gear,home_harbour,length_m,permits,skipper,phone"
    return table(header, rows)
