"""A seeded load for all agents of the main job: the same seed, the same records.

Half an hour of a part of a city in event time: squares where people dance, gas
that leaks, stalls and smoke before cameras, citizens who call about other places,
boats that cross boundaries, seen by BeiDou and by a shore station's receiver, and
now and then a record that is broken. What happens keeps its distance: two things
side by side, told by two partitions, are one incident, and which of them opens it
is a race even where nothing fails. Everything has ended, and every feed
still speaks, when the load is over: what is found is then settled by events and
not by how long anybody waits afterwards.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pyais import encode_dict

from feeds.recordings import KeyedRecord
from schemas.codec import encode
from schemas.complaints import Channel, Complaint
from schemas.detections import DETECTION_KINDS, Detection
from schemas.envelope import Envelope
from schemas.positions import Position
from schemas.readings import Reading
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.city.model import City
from streams.vessels.register import BEIDOU_PREFIX

START_MS: Final = 1_747_724_400_000
"""2025-05-20 15:00 in the city: a working day in the fishing moratorium."""

RECORDS_A_SECOND: Final = 77.0
"""About how many records one second of event time has."""

_MINUTE_MS: Final = 60_000
_GAS_MS: Final = 10_000
_NMEA_MS: Final = 10_000
_BEIDOU_MS: Final = 20_000
_BROKEN_MS: Final = 15_000
_FLUSH_MS: Final = 120_000
_MUSIC_DB: Final = 76.0
_STREET_DB: Final = 46.0
_GAS: Final = "gas.combustible"
_LEAK_LEL: Final = 60.0
_AIR_LEL: Final = 5.0
_DANCE_MINUTES: Final = 9
_CAMERA_MS: Final = 10_000
_STREET_METERS: Final = 48
_GAS_SENSORS: Final = 60
_CAMERAS: Final = 40
_CALLS: Final = 12
_BOATS: Final = 20  # on each of the two feeds
_APART_KM: Final = 0.6
_SURE: Final = 0.9
_UNSURE: Final = 0.3
_STATION: Final = b"ais-bacao"
_KM_PER_DEG_LAT: Final = 111.195  # of a sphere of 6,371 km
_KM_PER_NM: Final = 1.852
# To and fro: through the anchorage and its hole, past the islets, out of and into
# the harbours of Bacao and Xiaguan, along the channel with a speed limit.
_LINES: Final = (
    ((120.755, 27.450), (120.885, 27.450)),
    ((121.000, 27.470), (121.120, 27.470)),
    ((120.660, 27.492), (120.715, 27.487)),
    ((120.480, 27.170), (120.530, 27.160)),
    ((120.950, 27.330), (120.990, 27.360)),
)


Place = tuple[float, float]
"""Longitude and latitude in degrees."""


class Load(NamedTuple):
    """What to generate.

    Attributes:
        city: Whose sensors and vessels speak.
        seed: Of all dice.
        minutes: How long it lasts, in event time; 20 hold whole episodes.
    """

    city: City
    seed: int
    minutes: int


class _Boat(NamedTuple):
    subject: str
    line: tuple[tuple[float, float], tuple[float, float]]
    speed_kn: float
    phase_km: float


def records(load: Load) -> Iterator[KeyedRecord]:
    """Yield the records of `load` in the order of their sending."""
    dice = random.Random(load.seed)
    ground = _Ground()
    noise, loud = _noise(load, dice, ground)
    gas, leaks = _gas(load, dice, ground)
    cameras, scenes = _cameras(load, dice, ground)
    calls = _calls(load, dice, ground)
    beidou, heard = _boats(load, dice)
    end_ms, city_key = load.minutes * _MINUTE_MS, load.city.code.encode()
    for since_ms in [*range(0, end_ms, 1000), end_ms + _FLUSH_MS]:
        at_ms, over = START_MS + since_ms, since_ms > end_ms
        for device in noise:
            # A little disorder, within what the source says of itself.
            measured_ms = at_ms - dice.randrange(900)
            base_db = _MUSIC_DB if since_ms in loud.get(device, ()) else _STREET_DB
            yield _level(device, measured_ms, dice.gauss(base_db, 1.0))
        if over or since_ms % _GAS_MS == 0:
            for number, device in enumerate(gas):
                topic = SENSOR_READINGS_URGENT if number % 2 else SENSOR_READINGS
                base = _LEAK_LEL if since_ms in leaks.get(device, ()) else _AIR_LEL
                yield _gas_share(topic, device, at_ms, base + dice.uniform(0, 4))
        if over or since_ms % _CAMERA_MS == 0:
            yield from _sightings(cameras, scenes, since_ms, dice)
        yield from (_ticket(city_key, call, at_ms) for call in calls if call[0] == since_ms)
        if over or since_ms % _BEIDOU_MS == 0:
            yield from (_fix(boat, at_ms, since_ms) for boat in beidou)
        if over or since_ms % _NMEA_MS == 0:
            yield from (_sentence(boat, at_ms, since_ms) for boat in heard)
        if since_ms % _BROKEN_MS == 0:
            yield from _broken(dice, at_ms)


class _Ground:
    """Where something happens already."""

    def __init__(self) -> None:
        self._taken: list[Place] = []

    def take(self, place: Place) -> None:
        self._taken.append(place)

    def is_free(self, place: Place) -> bool:
        return all(_apart_km(place, other) > _APART_KM for other in self._taken)

    def choose(self, places: Mapping[str, Place], count: int, dice: random.Random) -> list[str]:
        """Return and take up to `count` names of places where nothing happens yet."""
        chosen: list[str] = []
        for name in dice.sample(sorted(places), len(places)):
            if len(chosen) < count and self.is_free(places[name]):
                self.take(places[name])
                chosen.append(name)
        return chosen


def _apart_km(one: Place, other: Place) -> float:
    east = (one[0] - other[0]) * math.cos(math.radians(one[1]))
    return math.hypot(east, one[1] - other[1]) * _KM_PER_DEG_LAT


def _noise(load: Load, dice: random.Random, ground: _Ground) -> tuple[list[str], dict[str, range]]:
    """Return the meters, and when it is loud at some: one of each venue.

    Two meters of one venue are in two partitions: which of their alerts comes
    first, and so opens the incident, is a race even where nothing fails.
    """
    city = load.city
    meters = sorted(city.noise_sensors)
    firsts: dict[str, str] = {}
    for meter in meters:
        firsts.setdefault(city.noise_sensors[meter].venue, meter)
    firsts.pop("", None)
    for venue in firsts:
        ground.take((city.venues[venue].lon_deg, city.venues[venue].lat_deg))
    at_venues = [meter for meter in meters if city.noise_sensors[meter].venue]
    in_streets = [meter for meter in meters if not city.noise_sensors[meter].venue]
    heard = sorted([*at_venues, *in_streets[:_STREET_METERS]])
    return heard, {meter: _episode(load, dice, _DANCE_MINUTES) for meter in firsts.values()}


def _gas(load: Load, dice: random.Random, ground: _Ground) -> tuple[list[str], dict[str, range]]:
    """Return the sensors, and when it leaks at some."""
    sensors = {code: one for code, one in load.city.sensors.items() if one.kind == _GAS}
    devices = sorted(sensors)[:_GAS_SENSORS]
    places = {code: (sensors[code].lon_deg, sensors[code].lat_deg) for code in devices}
    leaking = ground.choose(places, len(devices) // 3, dice)
    return devices, {device: _episode(load, dice, 4) for device in leaking}


def _cameras(
    load: Load, dice: random.Random, ground: _Ground
) -> tuple[list[tuple[str, str]], dict[str, range]]:
    """Return cameras with the kind that each looks for, and when some see it."""
    places = {code: (one.lon_deg, one.lat_deg) for code, one in load.city.cameras.items()}
    seeing = ground.choose(places, _CAMERAS // 2, dice)
    idle = [code for code in sorted(places) if code not in seeing][: _CAMERAS - len(seeing)]
    kinds = sorted(DETECTION_KINDS)
    cameras = [(code, kinds[at % len(kinds)]) for at, code in enumerate([*seeing, *idle])]
    return cameras, {code: _episode(load, dice, 4) for code in seeing}


def _calls(load: Load, dice: random.Random, ground: _Ground) -> list[tuple[int, int, Place]]:
    """Return when citizens call, by which ticket, and about where."""
    places = {code: (one.lon_deg, one.lat_deg) for code, one in load.city.sensors.items()}
    about = ground.choose(places, _CALLS, dice)
    latest_s = load.minutes * 60 - 60
    return [
        (dice.randrange(60, latest_s) * 1000, number, places[code])
        for number, code in enumerate(about)
    ]


def _episode(load: Load, dice: random.Random, minutes: int) -> range:
    """Return a stretch that leaves time for its end to be noticed."""
    latest_ms = max(1, (load.minutes - minutes - 7) * _MINUTE_MS)
    begin_ms = dice.randrange(_MINUTE_MS, _MINUTE_MS + latest_ms)
    return range(begin_ms, begin_ms + minutes * _MINUTE_MS)


def _boats(load: Load, dice: random.Random) -> tuple[list[_Boat], list[_Boat]]:
    """Return the boats that BeiDou tracks, and those that the station hears."""
    by_code = {vessel.code: vessel for vessel in load.city.vessels.values()}
    vessels = [by_code[code] for code in sorted(by_code)]
    beidou = [f"{BEIDOU_PREFIX}{vessel.beidou}" for vessel in vessels if vessel.beidou]
    heard = [vessel.mmsi for vessel in vessels if vessel.mmsi]
    return _on_lines(beidou[:_BOATS], dice), _on_lines(heard[:_BOATS], dice)


def _on_lines(subjects: Sequence[str], dice: random.Random) -> list[_Boat]:
    return [
        _Boat(subject, dice.choice(_LINES), round(dice.uniform(7, 16), 1), dice.uniform(0, 20))
        for subject in subjects
    ]


def _level(device: str, at_ms: int, level_db: float) -> KeyedRecord:
    reading = Reading(
        source="noise",
        kind="noise.laeq",
        subject=device,
        event_time_ms=at_ms,
        value=round(level_db, 1),
        unit="dB(A)",
    )
    return _keyed(SENSOR_READINGS, device, reading)


def _gas_share(topic: str, device: str, at_ms: int, share: float) -> KeyedRecord:
    reading = Reading(
        source="iot",
        kind=_GAS,
        subject=device,
        event_time_ms=at_ms,
        value=round(share, 1),
        unit="%LEL",
    )
    return _keyed(topic, device, reading)


def _sightings(
    cameras: Sequence[tuple[str, str]],
    scenes: Mapping[str, range],
    since_ms: int,
    dice: random.Random,
) -> Iterator[KeyedRecord]:
    for camera, kind in cameras:
        base = _SURE if since_ms in scenes.get(camera, ()) else _UNSURE
        yield _sighting(camera, kind, START_MS + since_ms, base + dice.uniform(0, 0.09))


def _sighting(camera: str, kind: str, at_ms: int, confidence: float) -> KeyedRecord:
    detection = Detection(
        source="cameras",
        kind=kind,
        subject=camera,
        event_time_ms=at_ms,
        confidence=round(confidence, 3),
    )
    return _keyed(CAMERA_DETECTIONS, camera, detection)


def _ticket(city: bytes, call: tuple[int, int, Place], at_ms: int) -> KeyedRecord:
    _, number, place = call
    complaint = Complaint(
        source="hotline",
        kind="complaint.noise",
        subject=f"12345-{number:04d}",
        event_time_ms=at_ms,
        channel=Channel.HOTLINE_12345,
        category="noise",
        lon_deg=place[0],
        lat_deg=place[1],
    )
    return KeyedRecord(CITIZEN_COMPLAINTS, city, encode(complaint), at_ms)


def _keyed(topic: str, key: str, record: Envelope) -> KeyedRecord:
    return KeyedRecord(topic, key.encode(), encode(record), record.event_time_ms)


def _fix(boat: _Boat, at_ms: int, since_ms: int) -> KeyedRecord:
    lon_deg, lat_deg, cog_deg = _place(boat, since_ms)
    position = Position(
        source="beidou",
        kind="vessel.position",
        subject=boat.subject,
        event_time_ms=at_ms,
        lon_deg=round(lon_deg, 6),
        lat_deg=round(lat_deg, 6),
        sog_kn=boat.speed_kn,
        cog_deg=round(cog_deg, 1),
    )
    return _keyed(VESSEL_POSITIONS, boat.subject, position)


def _sentence(boat: _Boat, at_ms: int, since_ms: int) -> KeyedRecord:
    lon_deg, lat_deg, cog_deg = _place(boat, since_ms)
    report: dict[str, str | int | float | bytes | bool] = {
        "msg_type": 1, "mmsi": int(boat.subject), "lon": lon_deg, "lat": lat_deg,
        "speed": boat.speed_kn, "course": cog_deg, "status": 7, "second": since_ms // 1000 % 60,
    }  # fmt: skip
    (sentence,) = encode_dict(report, talker_id="AI")
    tag = f"s:bacao,c:{at_ms // 1000}"
    checksum = 0
    for letter in tag.encode():
        checksum ^= letter
    line = f"\\{tag}*{checksum:02X}\\{sentence}"
    return KeyedRecord(VESSEL_NMEA, _STATION, line.encode(), at_ms)


def _broken(dice: random.Random, at_ms: int) -> Iterator[KeyedRecord]:
    """Yield one broken record for each topic, none like another."""
    mark = f"{at_ms}-{dice.randrange(1 << 30)}"
    topics = (
        SENSOR_READINGS,
        SENSOR_READINGS_URGENT,
        CAMERA_DETECTIONS,
        CITIZEN_COMPLAINTS,
        VESSEL_POSITIONS,
    )
    for topic in topics:
        yield KeyedRecord(topic, mark.encode(), f'{{"broken": "{mark}"'.encode(), at_ms)
    yield KeyedRecord(VESSEL_NMEA, _STATION, f"!AIVDM,nonsense {mark}".encode(), at_ms)


def _place(boat: _Boat, since_ms: int) -> tuple[float, float, float]:
    """Return where a boat is, and its course, after `since_ms` of going to and fro."""
    (west_deg, south_deg), (east_deg, north_deg) = boat.line
    east_km = (east_deg - west_deg) * _KM_PER_DEG_LAT * math.cos(math.radians(south_deg))
    north_km = (north_deg - south_deg) * _KM_PER_DEG_LAT
    way_km = boat.phase_km + boat.speed_kn * _KM_PER_NM * since_ms / 3_600_000
    legs, share = divmod(way_km / math.hypot(east_km, north_km), 1.0)
    back = int(legs) % 2 == 1
    share = 1.0 - share if back else share
    course_deg = math.degrees(math.atan2(east_km, north_km)) + (180.0 if back else 0.0)
    return (
        west_deg + (east_deg - west_deg) * share,
        south_deg + (north_deg - south_deg) * share,
        course_deg % 360.0,
    )
