"""What the city's boats send: AIS through the shore stations, BeiDou by terminal."""

import json
from collections.abc import Collection
from functools import reduce
from operator import xor
from typing import Final

import numpy as np
from pyais.encode import encode_msg
from pyais.messages import MessageType18

from feeds.recordings import KeyedRecord
from feeds.simulator.devices import roster, turns
from feeds.simulator.voyages import Fixes, Voyages
from feeds.simulator.wire import stamps
from schemas.topics import VESSEL_NMEA, VESSEL_POSITIONS
from streams.city.model import City, Gear
from streams.geo.fences import FencePurpose
from streams.vessels.register import BEIDOU_PREFIX, VesselRecord

BEIDOU: Final = "beidou"

_HEADING_UNKNOWN: Final = 511  # ITU-R M.1371-5
_NO_STATION: Final = "ais"


def subject_of(boat: VesselRecord) -> str:
    """Return what a boat reports as: its MMSI, or its BeiDou terminal if it has no AIS."""
    return boat.mmsi or f"{BEIDOU_PREFIX}{boat.beidou}"


def tagged(sentence: str, station: str, at_ms: int) -> bytes:
    r"""Return a sentence behind its tag block `\s:station,c:milliseconds*hh\`."""
    inside = f"s:{station},c:{at_ms}".encode()
    return b"\\%s*%02X\\%s" % (inside, reduce(xor, inside, 0), sentence.encode())


class Vessels:
    """The registered boats of a city, each reporting `hz` times a second."""

    def __init__(self, city: City, seed: int, hz: float) -> None:
        by_subject = {
            subject_of(boat): boat for boat in city.vessels.values() if boat.gear != Gear.NET_MARKER
        }
        self._roster = roster(seed, list(by_subject), max(1, round(1000 / hz)))
        names = self._roster.names
        self._voyages = Voyages(city, [(name, by_subject[name]) for name in names], seed)
        fixes = self._voyages.at(np.arange(len(names)), np.zeros(len(names), np.int64))
        self._stations = [
            _station(city, lon_deg, lat_deg)
            for lon_deg, lat_deg in zip(fixes.lon_deg, fixes.lat_deg, strict=True)
        ]
        self._heads = [_beidou_head(name) for name in names]

    def between(
        self, from_ms: int, until_ms: int, without: Collection[str] = ()
    ) -> list[KeyedRecord]:
        """Return what they send in [from, until), in order of time; some are left out."""
        found: list[KeyedRecord] = []
        for turn in turns(self._roster, from_ms, until_ms):
            which = np.arange(turn.first, turn.end)
            fixes = self._voyages.at(which, turn.at_ms)
            times = zip(turn.at_ms.tolist(), stamps(turn.at_ms), strict=True)
            for row, (at_ms, stamp) in enumerate(times):
                name = self._roster.names[turn.first + row]
                if name in without:
                    continue
                if name.startswith(BEIDOU_PREFIX):
                    value = self._heads[turn.first + row] + stamp + _beidou_tail(fixes, row)
                    found.append(KeyedRecord(VESSEL_POSITIONS, name.encode(), value, at_ms))
                else:
                    station = self._stations[turn.first + row]
                    found.append(_heard(name, fixes, row, station, at_ms))
        return found


def _station(city: City, lon_deg: float, lat_deg: float) -> str:
    """Return the shore station that hears a place."""
    covering = (city.fences.fences[at] for at in city.fences.covering_one(lon_deg, lat_deg))
    heard = (fence.id for fence in covering if fence.purpose is FencePurpose.COVERAGE)
    return min(heard, default=_NO_STATION)


def _beidou_head(subject: str) -> bytes:
    facts = {"source": BEIDOU, "kind": "vessel.position", "subject": subject, "datum": "wgs84"}
    return json.dumps(facts, separators=(",", ":"))[:-1].encode() + b',"event_time":"'


def _beidou_tail(fixes: Fixes, row: int) -> bytes:
    return b'","lon_deg":%.6f,"lat_deg":%.6f,"sog_kn":%.1f,"cog_deg":%.1f}' % (
        fixes.lon_deg[row],
        fixes.lat_deg[row],
        fixes.sog_kn[row],
        fixes.cog_deg[row],
    )


def _heard(mmsi: str, fixes: Fixes, row: int, station: str, at_ms: int) -> KeyedRecord:
    """Return a boat's class B report as its station hands it on."""
    message = MessageType18.create(
        mmsi=mmsi,
        speed=float(fixes.sog_kn[row]),
        lon=float(fixes.lon_deg[row]),
        lat=float(fixes.lat_deg[row]),
        course=float(fixes.cog_deg[row]),
        heading=_HEADING_UNKNOWN,
        second=at_ms // 1000 % 60,
    )
    sentence = encode_msg(message, sentence_type="VDM")[0]
    return KeyedRecord(VESSEL_NMEA, station.encode(), tagged(sentence, station, at_ms), at_ms)
