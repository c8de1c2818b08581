"""What citizens tell 110 and 12345, by the hour: few a night, most in the evening.

The day is cut into ten-second slots, each with at most one ticket, so that a
ticket is a function of its slot.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from feeds.recordings import KeyedRecord
from feeds.simulator.dice import players, share, throw
from schemas.codec import encode
from schemas.complaints import Channel, Complaint
from schemas.envelope import Datum
from schemas.topics import CITIZEN_COMPLAINTS
from streams.city.model import City
from streams.local_time import local_time

SOURCE: Final = "hotline"
_SLOT_MS: Final = 10_000
_SLOTS_A_DAY: Final = 8640
_COMES, _WHEN, _WHAT, _WHERE, _BESIDE = range(41, 46)  # purposes of throws
_POLICE_SHARE: Final = 0.3
_BESIDE_DEG: Final = 0.0015  # some 150 m
# Weight of each hour of the day; they are brought to a mean of one.
_HOURLY: Final = (0.4, 0.3, 0.2, 0.15, 0.15, 0.2, 0.5, 0.9, 1.3, 1.4, 1.4, 1.2,
                  1.0, 1.0, 1.2, 1.2, 1.2, 1.2, 1.3, 1.7, 1.9, 1.6, 1.0, 0.6)  # fmt: skip


class _Matter(NamedTuple):
    weight: float
    kind: str
    category: str
    text: str


_MATTERS: Final = (
    _Matter(0.28, "complaint.noise", "噪声扰民", "楼下音响声音太大，影响休息"),
    _Matter(0.22, "complaint.parking", "违章停车", "有车辆停在消防通道上"),
    _Matter(0.14, "complaint.garbage", "市容环境", "垃圾堆放在路边没有人清理"),
    _Matter(0.10, "complaint.stall", "占道经营", "摊位占用人行道"),
    _Matter(0.24, "complaint.other", "咨询求助", "咨询办事流程"),
    _Matter(0.02, "complaint.waterlogging", "道路积水", "路口有积水，行人不好走"),
)


class Complaints:
    """The tickets of a city, `a_day` of them on an average day."""

    def __init__(self, city: City, seed: int, a_day: float) -> None:
        self._offsets = city.utc_offsets
        self._who = players(seed, [CITIZEN_COMPLAINTS])
        self._key = city.code.encode()
        self._places: Sequence[tuple[float, float]] = [
            (sensor.lon_deg, sensor.lat_deg) for sensor in city.sensors.values()
        ]
        self._chance = np.array(_HOURLY) / np.mean(_HOURLY) * a_day / _SLOTS_A_DAY
        self._bounds = np.cumsum([matter.weight for matter in _MATTERS])[:-1]

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return the tickets of [from, until), in order of time."""
        slots = np.arange(from_ms // _SLOT_MS, (until_ms - 1) // _SLOT_MS + 1)
        hours = local_time(slots * _SLOT_MS, self._offsets).minute_of_day // 60
        comes = share(throw(self._who, slots, _COMES)) < self._chance[hours]
        at_ms = slots * _SLOT_MS + (share(throw(self._who, slots, _WHEN)) * _SLOT_MS).astype(int)
        meant = comes & (at_ms >= from_ms) & (at_ms < until_ms)
        return [
            self._ticket(slot, when_ms)
            for slot, when_ms in zip(slots[meant].tolist(), at_ms[meant].tolist(), strict=True)
        ]

    def _ticket(self, slot: int, at_ms: int) -> KeyedRecord:
        def drawn(purpose: int) -> float:
            return float(share(throw(self._who, slot, purpose))[0])

        what = drawn(_WHAT)
        matter = _MATTERS[int(np.searchsorted(self._bounds, what, "right"))]
        lon_deg, lat_deg = self._places[int(drawn(_WHERE) * len(self._places))]
        # The digits of the first throw serve again: who is called is no secret of theirs.
        channel = Channel.POLICE_110 if what * 1000 % 1 < _POLICE_SHARE else Channel.HOTLINE_12345
        day = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
        ticket = Complaint(
            source=SOURCE,
            kind=matter.kind,
            subject=f"{channel}-{day:%Y%m%d}-{slot % _SLOTS_A_DAY:04d}",
            event_time_ms=at_ms,
            datum=Datum.WGS84,
            channel=channel,
            category=matter.category,
            text=matter.text,
            place_confidence=0.8,
            lon_deg=round(lon_deg + _BESIDE_DEG * (drawn(_BESIDE) - 0.5), 6),
            lat_deg=round(lat_deg + _BESIDE_DEG * (drawn(_BESIDE + 1) - 0.5), 6),
        )
        return KeyedRecord(CITIZEN_COMPLAINTS, self._key, encode(ticket), at_ms)
