"""The vessels: the last fix of each, what it said of itself, its track over a day."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from schemas.instants import format_instant
from schemas.positions import Position, PositionBatch
from screens.hub.items import Item, ItemTable
from screens.hub.subscription import Layer
from screens.known.atlas import Atlas
from streams.city.model import City
from streams.vessels.register import VESSELS, VesselRecord, class_of

STALE_AFTER_MS = 15 * 60_000
"""Twice the slowest reporting interval of a moored class B unit or a BeiDou terminal."""
TRACK_STEP_MS, TRACK_STEPS = 60_000, 1_440
_FUTURE_MS = 60_000
_MOST = 2_000
_DEPARTURES = 50_000  # vessels move: seven hours of 400 that leave a cell every three minutes
_STALE_LEVEL, _OVER_LEVEL = 3, 2


class Vessel:
    """One vessel as it was last heard."""

    __slots__ = ("alert", "distress", "fix", "name", "said", "stale", "subject", "time_ms", "track")

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.name = ""
        self.time_ms = 0
        self.fix: tuple[float, float, float, float, float] = (np.nan,) * 5
        self.said: Position | None = None
        self.alert = False
        self.distress = False
        self.stale = False
        self.track = Track()

    @property
    def lon_deg(self) -> float:
        return self.fix[0]

    @property
    def lat_deg(self) -> float:
        return self.fix[1]


class Track:
    """The first fix of each minute of the last day: 1,440 of 20 bytes, written at once."""

    __slots__ = ("_fixes", "_minutes")

    def __init__(self) -> None:
        # `zeros` would take its memory only as the day goes by, and look like a leak.
        self._minutes = np.full(TRACK_STEPS, 0, np.int32)
        self._fixes = np.full((TRACK_STEPS, 4), np.nan, np.float32)

    def add(self, time_ms: int, fix: tuple[float, float, float, float]) -> None:
        """Add a fix (lon, lat, sog, cog); one a minute is kept."""
        minute = time_ms // TRACK_STEP_MS
        slot = minute % TRACK_STEPS
        if self._minutes[slot] < minute:
            self._minutes[slot] = minute
            self._fixes[slot] = fix

    def points(self, from_ms: int) -> list[tuple[int, list[float]]]:
        """Return (ms, [lon, lat, sog, cog]) since `from_ms`, oldest first."""
        kept = np.flatnonzero(self._minutes >= max(1, from_ms // TRACK_STEP_MS))
        kept = kept[np.argsort(self._minutes[kept])]
        minutes = (self._minutes[kept].astype(np.int64) * TRACK_STEP_MS).tolist()
        fixes = self._fixes[kept].astype(np.float64).round(5).tolist()
        return list(zip(minutes, fixes, strict=True))

    def at(self, at_ms: int) -> tuple[int, list[float]] | None:
        """Return the last fix at or before an instant with its minute in ms; None when stale."""
        minute = at_ms // TRACK_STEP_MS
        since = minute - STALE_AFTER_MS // TRACK_STEP_MS
        kept = np.flatnonzero((self._minutes <= minute) & (self._minutes >= since))
        if not kept.size:
            return None
        newest = kept[np.argmax(self._minutes[kept])]
        fix: list[float] = self._fixes[newest].astype(np.float64).round(5).tolist()
        return int(self._minutes[newest]) * TRACK_STEP_MS, fix


class Fleet(ItemTable):
    """All vessels that were heard, at most `_MOST`: the one heard longest ago goes first."""

    def __init__(self, city: City, atlas: Atlas) -> None:
        super().__init__(Layer.VESSELS, atlas.communities, _MOST, _DEPARTURES)
        self._city = city
        self._atlas = atlas
        self.vessels: dict[str, Vessel] = {}

    def take(self, batch: PositionBatch, now_ms: int) -> None:
        """Take in fixes and what vessels say of themselves."""
        columns = (
            batch.subject,
            batch.event_time_ms.tolist(),
            batch.lon_deg.tolist(),
            batch.lat_deg.tolist(),
            batch.sog_kn.tolist(),
            batch.cog_deg.tolist(),
            batch.heading_deg.tolist(),
            batch.extra,
        )
        moved: dict[str, Vessel] = {}
        for subject, time_ms, lon, lat, sog, cog, heading, said in zip(*columns, strict=True):
            if time_ms > now_ms + _FUTURE_MS:
                continue
            vessel = self.vessels.get(subject)
            if vessel is None:
                vessel = self._meet(subject)
            if said is not None:
                vessel.said = said if said.name or vessel.said is None else vessel.said
            if lon == lon and lat == lat:  # noqa: PLR0124 - NaN: it said no place
                vessel.track.add(time_ms, (lon, lat, sog, cog))
                if time_ms >= vessel.time_ms:
                    vessel.time_ms, vessel.fix = time_ms, (lon, lat, sog, cog, heading)
                    vessel.stale = now_ms - time_ms > STALE_AFTER_MS
                    moved[subject] = vessel
        self._tell(list(moved.values()))

    def mark(self, subject: str, *, alert: bool, distress: bool) -> None:
        """Say whether a vessel has open alerts, and whether one is distress."""
        vessel = self.vessels.get(subject) or self._meet(subject)
        if (vessel.alert, vessel.distress) != (alert, distress):
            vessel.alert, vessel.distress = alert, distress
            if vessel.time_ms:
                self._tell([vessel])

    def _meet(self, subject: str) -> Vessel:
        """Return a vessel that is new here; past `_MOST` the one heard longest ago goes."""
        if len(self.vessels) >= _MOST:
            self.drop(min(self.vessels.values(), key=lambda vessel: vessel.time_ms).subject)
        vessel = self.vessels[subject] = Vessel(subject)
        return vessel

    def age(self, now_ms: int) -> None:
        """Mark vessels that have not been heard for too long."""
        turned = []
        for vessel in self.vessels.values():
            stale = now_ms - vessel.time_ms > STALE_AFTER_MS
            if vessel.time_ms and stale != vessel.stale:
                vessel.stale = stale
                turned.append(vessel)
        self._tell(turned)

    def record(self, subject: str) -> VesselRecord | None:
        """Return what the city's register says of a vessel."""
        return self._city.vessels.get(subject)

    def drop(self, name: str) -> None:
        self.vessels.pop(name, None)
        super().drop(name)

    def body(self, vessel: Vessel) -> dict[str, Any]:
        """Return a vessel as screens get it."""
        lon, lat, sog, cog, heading = vessel.fix
        record, said = self.record(vessel.subject), vessel.said
        name = record.name if record else (said.name if said and said.name else "")
        body: dict[str, Any] = {
            "id": vessel.subject,
            "updated": format_instant(vessel.time_ms),
            "lon_deg": lon,
            "lat_deg": lat,
            "name": name,
            "mmsi": vessel.subject if vessel.subject.isdigit() else (record.mmsi if record else ""),
            "kind": self.kind(vessel),
            "registered": record is not None,
            "alert": vessel.alert,
            "distress": vessel.distress,
            "stale": vessel.stale,
        }
        motion = {"sog_kn": sog, "cog_deg": cog, "heading_deg": heading}
        return body | {name: value for name, value in motion.items() if not math.isnan(value)}

    def kind(self, vessel: Vessel) -> str:
        """Return what kind of vessel it is: the register's word, else its identity's."""
        record = self.record(vessel.subject)
        if record is not None and record.kind:
            return record.kind
        found = class_of(vessel.subject)
        return "vessel" if found in VESSELS else str(found)

    def _tell(self, vessels: Collection[Vessel]) -> None:
        if not vessels:
            return
        for vessel, place in zip(vessels, self._atlas.places(vessels), strict=True):
            level = _STALE_LEVEL if vessel.stale else _OVER_LEVEL if vessel.alert else 0
            self.put(Item(vessel.subject, self.body(vessel), place, self.kind(vessel), level))

    def said(self, subject: str) -> Mapping[str, Any]:
        """Return what a vessel says of itself: name, call sign, IMO number, type."""
        vessel = self.vessels.get(subject)
        if vessel is None or vessel.said is None:
            return {}
        said = vessel.said
        facts = {
            "name": said.name,
            "call_sign": said.call_sign,
            "imo": said.imo,
            "ship_type": said.ship_type,
            "gear": said.gear,
        }
        return {name: value for name, value in facts.items() if value is not None}
