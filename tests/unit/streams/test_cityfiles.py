"""A city's files: a small good one, and each way to break it, with file, line and cure."""

import json

import msgspec
import pytest

from schemas.envelope import Datum
from streams.city.files import city_findings, parse_city
from streams.city.findings import CityFault
from streams.city.model import View
from streams.geo.fences import FencePurpose
from streams.matters.routing import AreaChain

BEIJING_NOON_1_MAY_2025_MS = 1_746_072_000_000


def box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def collection(*features, datum="wgs84"):
    lines = ",\n".join(
        json.dumps({"type": "Feature", "id": name, "properties": facts, "geometry": geometry})
        for name, facts, geometry in features
    )
    return f'{{"type": "FeatureCollection", "datum": "{datum}", "features": [\n{lines}\n]}}\n'


MICRO = (
    ("m1", {"grid": "g1"}, box(120.50, 27.50, 120.51, 27.52)),
    ("m2", {"grid": "g2"}, box(120.51, 27.50, 120.52, 27.52)),
)
HARBOUR = ("port", {"name": "Port", "purpose": "harbour"}, box(120.60, 27.50, 120.61, 27.51))

GOOD = {
    "city.toml": """\
code = "tiny"
name_zh = "小城"
name_en = "Tiny"
timezone = "Asia/Shanghai"

[box]
west_deg = 120.0
south_deg = 27.0
east_deg = 121.0
north_deg = 28.0
""",
    "outline.geojson": collection(("tiny", {}, box(120.50, 27.50, 120.52, 27.52))),
    "areas/micro_grids.geojson": collection(*MICRO),
    "areas/grids.csv": "code,name,kind,community\ng1,One,full,c1\ng2,Two,dedicated,c1\n",
    "areas/communities.csv": "code,name,office\nc1,First,o1\n",
    "fences/sea.geojson": collection(HARBOUR),
    "venues.toml": """\
[[venues]]
code = "plaza"
name = "Plaza"
area_class = "2"
lon_deg = 120.505
lat_deg = 27.51
sensors = ["s1"]
loudspeaker = "ls1"
text = "quiet"

[[venues.convention]]
hours = "19:00-21:00"
limit_db = 58
source = "notice board"
""",
    "limits.toml": """\
night = "22:00-06:00"

[[limits]]
area_class = "2"
hours = "06:00-22:00"
limit_db = 60
source = "GB 3096-2008"

[[limits]]
area_class = "2"
hours = "22:00-06:00"
limit_db = 50
source = "GB 3096-2008"

[[calendar]]
date = 2026-06-07
day_type = "exam-day"
""",
    "texts.toml": '[quiet]\nzh = "请安静"\nen = "Quiet, please"\n',
    "sensors.csv": (
        "code,kind,area_class,lon_deg,lat_deg,sample_s,source\n"
        "s1,noise.laeq,,120.505,27.51,1,iot\n"
        "s2,water.level,,120.515,27.51,,iot\n"
    ),
    "cameras.csv": (
        "code,name,lon_deg,lat_deg,view,source\n"
        "k1,Crossing,120.505,27.51,street,eyes\n"
        "k2,Quay,120.515,27.51,harbour,eyes\n"
    ),
    "platforms.toml": """\
[hub]
format = "frigate"
source = "eyes"
cameras = { gate = "k1" }
findings = [
  { label = "smoke", kind = "smoke.seen" },
]
""",
    "vessels.csv": (
        "code,mmsi,beidou,name,kind,gear,home_harbour,permits\n"
        "v1,412000001,,One,fishing,trawl,port,\n"
        "v2,,20578,Two,fishing,gillnet,,special other\n"
    ),
    "sources.toml": """\
[iot]
class = "sensor"
datum = "gcj02"
out_of_orderness_s = 2
allowed_lateness_s = 600

[eyes]
class = "camera"
datum = "gcj02"
out_of_orderness_s = 2
allowed_lateness_s = 600
""",
    "rules.toml": "[pace]\nlimit_kn = 6.5\n",
    "routing.toml": """\
desk = "desk"
outside = "desk"
ladder = ["grid", "community", "city"]

[[routes]]
kind = "vessel.*"
start = "department"
lead = "fishery"
""",
    "units.toml": """\
[[units]]
code = "desk"
level = "city"

[[units]]
code = "fish"
level = "department"
department = "fishery"

[[units]]
code = "c1-team"
level = "community"
area = "c1"
duty = ["06:00-22:00"]
""",
    "moratorium.toml": """\
[[closures]]
code = "general"
name = "Summer"
band = { south_deg = 26.5, north_deg = 35.0, west_deg = 119.0, east_deg = 127.0 }
gears = ["trawl", "gillnet"]
unless_permit = "special"
seasons = [
    { from = 2024-05-01T12:00:00, until = 2024-09-16T12:00:00, assumed = true },
    { from = 2025-05-01T12:00:00, until = 2025-09-16T12:00:00, source = "notice" },
]

[[closures]]
code = "other"
name = "Other"
band = { south_deg = 26.5, north_deg = 35.0, west_deg = 119.0, east_deg = 127.0 }
gears = ["pots"]
unless_permit = "other"
seasons = []
""",
}


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of a rule that exists for these tests only."""

    limit_kn: float
    hold_s: int = 60


class Calm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters that all have defaults."""

    hold_s: int = 30


def as_bytes(files):
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}


def broken(path, old, new):
    """Return the good city with `old` in one file replaced, or the file left out."""
    files = dict(GOOD)
    if old is None:
        del files[path]
    else:
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    return as_bytes(files)


class TestGoodCity:
    def city(self):
        return parse_city(as_bytes(GOOD), {"pace": Pace, "calm": Calm})

    def test_places_are_known_by_point_and_by_name(self):
        areas = self.city().areas
        chain = AreaChain("m1", "g1", "c1", "tiny")

        assert areas.chain_at(120.505, 27.51) == chain
        assert areas.chain_of("plaza") == chain
        assert areas.chain_of("g2") == AreaChain("", "g2", "c1", "tiny")
        assert areas.chain_at(120.9, 27.9) is None

    def test_venues_carry_area_speaker_and_limits(self):
        city = self.city()

        assert city.venues["plaza"].area == "m1"
        assert city.speakers["plaza"] == ("ls1", "plaza", "quiet", "请安静")
        assert city.noise_sensors["s1"].venue == "plaza"
        assert set(city.sensors) == {"s1", "s2"}
        assert city.limits.place("plaza") is not None

    def test_cameras_carry_place_and_view(self):
        cameras = self.city().cameras

        assert {code: camera.view for code, camera in cameras.items()} == {
            "k1": View.STREET,
            "k2": View.HARBOUR,
        }
        assert (cameras["k2"].lon_deg, cameras["k2"].lat_deg) == (120.515, 27.51)

    def test_a_platform_names_our_cameras_and_findings(self):
        (hub,) = self.city().platforms.values()

        assert (hub.format, hub.source, hub.cameras) == ("frigate", "eyes", {"gate": "k1"})
        assert [(row.label, row.kind) for row in hub.findings] == [("smoke", "smoke.seen")]

    def test_a_city_may_have_no_camera(self):
        seen = {"cameras.csv", "platforms.toml"}
        files = {path: text for path, text in GOOD.items() if path not in seen}

        assert parse_city(as_bytes(files)).cameras == {}

    def test_sources_say_datum_and_times(self):
        city = self.city()

        assert city.datums == {"iot": Datum.GCJ02, "eyes": Datum.GCJ02}
        assert city.timings["iot"].out_of_orderness_ms == 2_000
        assert city.timings["iot"].idle_ms == 30_000

    def test_vessels_stand_under_each_of_their_identities(self):
        vessels = self.city().vessels

        assert set(vessels) == {"412000001", "bd:20578"}
        assert vessels["bd:20578"].permits == ("special", "other")

    def test_closures_have_a_fence_in_force_in_beijing_time_half_open(self):
        city = self.city()
        closure = city.closures["moratorium-general"]
        fence = city.fences.fences[city.fences.index_of(closure.fence)]

        assert fence.purpose is FencePurpose.MORATORIUM
        assert not fence.in_force(BEIJING_NOON_1_MAY_2025_MS - 1)
        assert fence.in_force(BEIJING_NOON_1_MAY_2025_MS)
        assert closure.closes("trawl", ())
        assert not closure.closes("trawl", ("special",))
        assert not closure.closes("hook-and-line", ())
        assert len(closure.assumed_ms) == 1

    def test_a_fence_may_be_in_force_at_times_only_said_in_local_time(self):
        spans = [
            {"from": "2025-05-01T12:00:00", "until": "2025-05-01T18:00:00"},
            {"from": "2025-05-02T04:00:00Z", "until": "2025-05-02T20:00:00+08:00"},
        ]
        city = parse_city(as_bytes({**GOOD, "fences/sea.geojson": fences(windows=spans)}))

        noon, hour = BEIJING_NOON_1_MAY_2025_MS, 3_600_000
        (port,) = [fence for fence in city.fences.fences if fence.id == "port"]
        assert port.windows_ms == (
            (noon, noon + 6 * hour),
            (noon + 24 * hour, noon + 32 * hour),
        )

    def test_rules_have_their_types_or_defaults(self):
        city = self.city()

        assert city.params == {"pace": Pace(6.5, 60), "calm": Calm()}
        assert city.rules == {"pace": {"limit_kn": 6.5}}
        assert parse_city(as_bytes(GOOD)).params == {}

    def test_the_version_follows_every_file(self):
        other = broken("texts.toml", "Quiet", "Silence")

        assert parse_city(as_bytes(GOOD)).version == parse_city(as_bytes(GOOD)).version
        assert parse_city(other).version != parse_city(as_bytes(GOOD)).version

    def test_the_zone_is_a_table(self):
        assert self.city().utc_offsets.offset_ms.tolist() == [8 * 3_600_000]

    def test_a_zone_with_summer_time_has_both_changes_of_each_year(self):
        city = parse_city(broken("city.toml", "Asia/Shanghai", "Europe/Berlin"))
        table = dict(
            zip(
                city.utc_offsets.from_utc_ms.tolist(),
                city.utc_offsets.offset_ms.tolist(),
                strict=True,
            )
        )

        # EU summer time of 2026: 29 March to 25 October, 01:00 UTC.
        assert table[1_774_746_000_000] == 7_200_000
        assert table[1_792_890_000_000] == 3_600_000


BOWTIE = {
    "type": "Polygon",
    "coordinates": [
        [[120.6, 27.5], [120.61, 27.51], [120.61, 27.5], [120.6, 27.51], [120.6, 27.5]]
    ],
}
OPEN_RING = {
    "type": "Polygon",
    "coordinates": [[[120.6, 27.5], [120.61, 27.5], [120.61, 27.51], [120.6, 27.51]]],
}
SWAPPED = box(27.50, 120.60, 27.51, 120.61)
FAR = box(110.0, 27.50, 110.1, 27.51)


def fences(geometry=None, name="port", **facts):
    return collection((name, {**HARBOUR[1], **facts}, geometry or HARBOUR[2]))


def micro(*features):
    return collection(*features)


# file, what to replace (None: leave the file out), by what; then line, and words of the finding.
BROKEN = [
    ("city.toml", None, "", 1, "missing", "add it"),
    ("units.toml", None, "", 1, "missing", "add it"),
    ("city.toml", 'code = "tiny"', 'code = "tiny', 1, "not TOML", "mend"),
    ("city.toml", "Asia/Shanghai", "Asia/Longgang", 4, "unknown time zone", "IANA"),
    ("city.toml", "name_en", "nam_en", 3, "unknown key `nam_en`", "did you mean `name_en`?"),
    ("city.toml", "south_deg = 27.0\n", "", 6, "`south_deg` is missing", "add `south_deg`"),
    ("city.toml", "= 28.0", '= "north"', 10, "expected `float`, got `str`", "expected kind"),
    ("outline.geojson", '"features"', '"featres"', 1, "FeatureCollection", "features"),
    ("fences/sea.geojson", "wgs84", "gcj02", 1, "datum is 'gcj02'", "convert"),
    ("fences/sea.geojson", '"id": "port"', '"id": ""', 2, "no id", "give"),
    ("fences/sea.geojson", '"id": "port",', '"id" "port",', 2, "not JSON", "mend"),
    ("fences/sea.geojson", '"harbour"', '"harbor"', 2, "invalid enum value", "expected"),
    ("fences/sea.geojson", '"purpose"', '"pupose"', 2, "unknown key", "did you mean `purpose`?"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], fences(BOWTIE), 2,
     "Self-intersection at [120.605 27.505]", "cross"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], fences(OPEN_RING), 2,
     "not closed at [120.6, 27.5]", "first point"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], fences(SWAPPED), 2,
     "latitude before longitude", "longitude first"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], fences(FAR), 2, "outside city and sea",
     "widen"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"],
     fences({"type": "Point", "coordinates": [120.6, 27.5]}), 2, "no area but 'Point'", "Polygon"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], fences({"type": "Polygon"}), 2,
     "no lists of [longitude, latitude]", "numbers"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], collection(HARBOUR, HARBOUR), 3,
     "used twice", "line 2"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"],
     fences(windows=[{"from": "2025-05-02T12:00:00", "until": "2025-05-01T12:00:00"}]), 2,
     "end before they begin", "in order"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"], fences(purpose="speed-limit"), 2,
     "needs speed_limit_kn", "expected"),
    ("fences/sea.geojson", GOOD["fences/sea.geojson"],
     fences({"type": "Polygon", "coordinates": []}), 2, "without a ring", "closed ring"),
    ("areas/micro_grids.geojson", GOOD["areas/micro_grids.geojson"],
     micro(MICRO[0], ("m2", {"grid": "g2"}, box(120.509, 27.50, 120.52, 27.52))), 2,
     "overlap of 218", "same corners"),
    ("areas/micro_grids.geojson", GOOD["areas/micro_grids.geojson"],
     micro(MICRO[0], ("m2", {"grid": "g2"}, box(120.511, 27.50, 120.52, 27.52))), 1,
     "hole of 218", "same corners"),
    ("areas/micro_grids.geojson", GOOD["areas/micro_grids.geojson"],
     micro(MICRO[0], ("m2", {"grid": "g2"}, box(120.51, 27.50, 120.521, 27.52))), 3,
     "overhang of 218", "same corners"),
    ("areas/micro_grids.geojson", '"grid": "g2"', '"grid": "g9"', 3, "'g9', which is not",
     "mend"),
    ("areas/grids.csv", "full,c1", "full,c9", 2, "unknown community 'c9'", "communities.csv"),
    ("areas/grids.csv", "g2,Two", "g1,Two", 3, "'g1' is used twice", "line 2"),
    ("areas/grids.csv", "dedicated,c1", "dedicated", 3, "3 cells under 4 headings", "one cell"),
    ("areas/grids.csv", "code,name", "code,nam", 1, "unknown key `nam`", "did you mean `name`?"),
    ("areas/grids.csv", "One", '"One', 3, "not CSV", "quotes"),
    ("areas/communities.csv", "c1,First,o1\n", "c1,First,o1\nc2,Second,o1\n", 3,
     "no unit serves the community 'c2'", "units.toml"),
    ("venues.toml", '"s1"', '"s9"', 7, "unknown sensor 's9'", "sensors.csv"),
    ("venues.toml", '"quiet"', '"loud"', 9, "unknown text 'loud'", "texts.toml"),
    ("venues.toml", 'text = "quiet"', "", 1, "without the other", "name both"),
    ("venues.toml", "120.505", "120.9", 1, "lies in no micro-grid", "mend the place"),
    ("venues.toml", "120.505", "120.523", 1, "in no micro-grid", "as GCJ-02"),
    ("venues.toml", "19:00-21:00", "19:00-25:00", 12, "regex", "expected kind"),
    ("venues.toml", '"2"', '"3"', 1, "no limit for plaza on workday 00:00-19:00", "add a row"),
    ("limits.toml", "06:00-22:00", "07:00-22:00", 3, "no limit for class:2 on workday 06:00-07:00",
     "add a row"),
    ("limits.toml", "limit_db = 60", "limit_db = 600", 1, "between 0 and 140", "mend"),
    ("limits.toml", "exam-day", "exam-eve", 17, "invalid enum value", "expected"),
    ("limits.toml", "[[calendar]]", "[[calender]]", 15, "unknown key `calender`", "`calendar`"),
    ("limits.toml", 'night = "22:00-06:00"', 'night = "dark"', 1, "no span", "22:00-06:00"),
    ("texts.toml", "en =", "de =", 3, "unknown key `de`", "known keys: en, zh"),
    ("texts.toml", 'en = "Quiet, please"', "", 1, "`en` is missing", "add `en`"),
    ("sensors.csv", "s2,water", "s1,water", 3, "'s1' is used twice", "line 2"),
    ("sensors.csv", "water.level", "water.levl", 3, "no kind 'water.levl'", "water.level?"),
    ("sensors.csv", ",iot\ns2", ",iott\ns2", 2, "undeclared source 'iott'", "sources.toml"),
    ("sensors.csv", ",iot\ns2", ",eyes\ns2", 2, "a source of class camera", "class sensor"),
    ("platforms.toml", '"k1"', '"k9"', 4, "unknown camera 'k9'", "cameras.csv"),
    ("platforms.toml", "frigate", "frigat", 2, "invalid enum value", "expected"),
    ("platforms.toml", '"eyes"', '"iot"', 3, "publishes no detections", "class = camera"),
    ("platforms.toml", "smoke.seen", "smoke", 6, "unknown kind of detection", "smoke.seen"),
    ("cameras.csv", "k2,Quay", "k1,Quay", 3, "'k1' is used twice", "line 2"),
    ("cameras.csv", "harbour", "sea", 3, "invalid enum value 'sea'", "expected"),
    ("cameras.csv", "harbour,eyes", "harbour,iot", 3, "a source of class sensor", "class camera"),
    ("cameras.csv", "120.515,27.51", "27.51,120.515", 3, "latitude before longitude", "first"),
    ("sensors.csv", "120.515", "east", 3, "expected `float`", "expected"),
    ("sensors.csv", "s2,water.level", "s2,noise.laeq", 3, "neither venue nor class", "area_class"),
    ("sensors.csv", "120.515,27.51", "27.51,120.515", 3, "latitude before longitude", "first"),
    ("vessels.csv", "port", "quay", 2, "unknown harbour 'quay'", "harbour"),
    ("vessels.csv", "trawl", "trawler", 2, "unknown gear 'trawler'", "trawl"),
    ("vessels.csv", "412000001", "", 2, "neither MMSI nor BeiDou", "give it"),
    ("vessels.csv", ",20578,", "412000001,20578,", 3, "registered to 'v1' too", "mend"),
    ("vessels.csv", "special other", "forged", 3, "no closure knows", "moratorium.toml"),
    ("sources.toml", "gcj02", "gcj2", 3, "invalid enum value", "expected"),
    ("sources.toml", "allowed_lateness_s", "allowed_latenes_s", 5, "unknown key",
     "did you mean `allowed_lateness_s`?"),
    ("sources.toml", "= 600", "= -1", 5, ">= 0", "expected"),
    ("rules.toml", "limit_kn", "limit_knots", 2, "unknown key `limit_knots`", "`limit_kn`?"),
    ("rules.toml", "[pace]", "[pase]", 1, "unknown key `pase`", "did you mean `pace`?"),
    ("rules.toml", "6.5", '"fast"', 2, "expected `float`", "expected"),
    ("rules.toml", "[pace]", "x = 1\n[pace]", 1, "outside every table", "under its"),
    ("routing.toml", '"fishery"', '"fisheries"', 8, "no unit is of the department", "units.toml"),
    ("routing.toml", 'outside = "desk"', 'outside = "quay"', 2, "'quay'", "units.toml"),
    ("routing.toml", '"department"', '"departement"', 7, "invalid enum value", "expected"),
    ("units.toml", '["06:00-22:00"]', "[]", 14, "nobody is ever on duty", "leave `duty` out"),
    ("units.toml", '"c1-team"', '"desk"', 10, "'desk' is used twice", "line 1"),
    ("units.toml", 'area = "c1"', 'area = "c7"', 10, "unknown community 'c7'", "communities.csv"),
    ("moratorium.toml", "until = 2025-09-16", "until = 2025-04-16", 9, "ends before", "mend"),
    ("moratorium.toml", "from = 2025-05-01", "from = 2024-06-01", 9, "within the one before",
     "order"),
    ("moratorium.toml", ', source = "notice"', "", 9, "either a source", "expected"),
    ("moratorium.toml", '"trawl"', '"trawls"', 5, "invalid enum value", "expected"),
]  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_found_with_place_and_cure(case):
    path, old, new, line, what, cure = case
    found = city_findings(broken(path, old, new), {"pace": Pace})
    mine = [f for f in found if (f.file, f.line) == (path, line) and what.lower() in f.what.lower()]

    assert mine, "\n".join(map(str, found))
    assert cure in mine[0].cure


def test_every_fault_is_told_not_only_the_first():
    files = broken("texts.toml", "en =", "de =")
    files["vessels.csv"] = files["vessels.csv"].replace(b"trawl", b"trawler")
    with pytest.raises(CityFault) as fault:
        parse_city(files)

    assert {one.file for one in fault.value.findings} == {
        "texts.toml",
        "venues.toml",
        "vessels.csv",
    }
    assert "vessels.csv:2: v1: unknown gear 'trawler'; known: trawl" in str(fault.value)


def test_a_fence_may_not_take_the_name_of_a_closure():
    files = as_bytes({**GOOD, "fences/more.geojson": fences(name="moratorium-general")})

    finding, *_ = city_findings(files)
    assert (finding.file, finding.line) == ("moratorium.toml", 2)
    assert "is called 'moratorium-general'" in finding.what


def test_fences_of_two_files_may_not_share_an_id():
    files = as_bytes({**GOOD, "fences/zebra.geojson": GOOD["fences/sea.geojson"]})

    (finding,) = city_findings(files)
    assert (finding.file, finding.line) == ("fences/zebra.geojson", 2)
    assert "is in fences/sea.geojson too" in finding.what


def test_text_that_is_not_utf8_is_refused_with_its_line():
    files = {**as_bytes(GOOD), "texts.toml": '[quiet]\nzh = "请安静"\n'.encode("gb18030")}

    (finding, *_) = [one for one in city_findings(files) if one.file == "texts.toml"]
    assert (finding.line, finding.what) == (2, "the text is not UTF-8")


def test_a_micro_grid_without_a_grid_goes_to_its_community():
    files = broken("areas/micro_grids.geojson", '"grid": "g2"', '"community": "c1"')

    chain = parse_city(files).areas.chain_at(120.515, 27.51)
    assert chain == AreaChain("m2", "", "c1", "tiny")
