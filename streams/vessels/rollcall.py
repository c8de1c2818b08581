"""The roll-call before a typhoon: which boats of the register are not in harbour yet.

A boat is in harbour when the newest thing heard of it, by AIS or by BeiDou, lies
within a harbour's fence; in harbour it may then fall silent. At sea it is counted
by band of latitude, as warnings to shipping are given; a boat of which nothing was
heard for long is told apart, for somebody has to ask its skipper.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from streams.geo.fences import FenceIndex, FencePurpose
from streams.vessels.calls import Called
from streams.vessels.register import BEIDOU_PREFIX, VesselRecord

STALE_MS = 2 * 3_600_000
"""BeiDou terminals speak every 10 min: two hours of silence are no pause."""

NOWHERE = "unknown"


class Fix(NamedTuple):
    """Where a subject (MMSI, or BeiDou id) was, and when (event time)."""

    lon_deg: float
    lat_deg: float
    at_ms: int


class Whereabouts(StrEnum):
    """What is known of a boat; the first two are not in harbour."""

    AT_SEA = "at-sea"
    UNHEARD = "unheard"
    IN_HARBOUR = "in-harbour"


class Answer(NamedTuple):
    """One boat at the roll-call.

    Attributes:
        vessel: As registered.
        whereabouts: UNHEARD: never, or at sea and silent for `STALE_MS`.
        band: Its latitude, "27.0-27.5N"; `unknown` when it was never heard.
        harbour: Fence in which it lies, "" at sea.
        fix: The newest; None for never.
        called: The newest call to its skipper; None where nobody has called.
    """

    vessel: VesselRecord
    whereabouts: Whereabouts
    band: str
    harbour: str
    fix: Fix | None
    called: Called | None = None


class RollCall(NamedTuple):
    """The whole list, boats not in harbour first, and how many by band and whereabouts."""

    answers: Sequence[Answer]
    bands: Mapping[str, Mapping[Whereabouts, int]]

    @property
    def missing(self) -> Sequence[Answer]:
        """The boats that are not in harbour."""
        return [one for one in self.answers if one.whereabouts is not Whereabouts.IN_HARBOUR]


def newest(fixes: Mapping[str, Fix], vessel: VesselRecord) -> Fix | None:
    """Return the newest fix of a boat, by whichever of its identities."""
    subjects = (vessel.mmsi, f"{BEIDOU_PREFIX}{vessel.beidou}" if vessel.beidou else "")
    known = [fixes[subject] for subject in subjects if subject in fixes]
    return max(known, key=lambda fix: fix.at_ms, default=None)


def roll_call(
    register: Mapping[str, VesselRecord],
    fixes: Mapping[str, Fix],
    fences: FenceIndex,
    now_ms: int,
    band_deg: float = 0.5,
    *,
    calls: Mapping[str, Called] = MappingProxyType({}),
) -> RollCall:
    """Call every boat of the register.

    Args:
        register: Boats by subject; one boat may stand under two.
        fixes: Newest fix by subject.
        fences: The city's; those for harbours count.
        now_ms: The instant of the call.
        band_deg: Height of a band of latitude.
        calls: The newest call to the skipper, by the boat's code.
    """
    boats = sorted({boat.code: boat for boat in register.values()}.items())
    found = [(boat, newest(fixes, boat)) for _, boat in boats]
    harbours = _harbours([fix for _, fix in found], fences)
    answers = []
    for (boat, fix), harbour in zip(found, harbours, strict=True):
        called = calls.get(boat.code)
        if fix is None:
            answers.append(Answer(boat, Whereabouts.UNHEARD, NOWHERE, "", None, called))
            continue
        where = Whereabouts.IN_HARBOUR if harbour else Whereabouts.AT_SEA
        if not harbour and now_ms - fix.at_ms > STALE_MS:
            where = Whereabouts.UNHEARD
        band = band_of(fix.lat_deg, band_deg)
        answers.append(Answer(boat, where, band, harbour, fix, called))
    bands: dict[str, dict[Whereabouts, int]] = {}
    for one in answers:
        counts = bands.setdefault(one.band, dict.fromkeys(Whereabouts, 0))
        counts[one.whereabouts] += 1
    order = list(Whereabouts)
    answers.sort(key=lambda one: (order.index(one.whereabouts), one.band, one.vessel.code))
    return RollCall(answers, dict(sorted(bands.items())))


def band_of(lat_deg: float, band_deg: float) -> str:
    """Return the name of the band of latitude that holds `lat_deg`; its lower edge is in."""
    low = math.floor(lat_deg / band_deg) * band_deg
    hemisphere = "N" if low >= 0 else "S"
    edges = sorted((abs(low), abs(low + band_deg)))
    return f"{edges[0]:04.1f}-{edges[1]:04.1f}{hemisphere}"


def _harbours(fixes: Sequence[Fix | None], fences: FenceIndex) -> list[str]:
    """Return the harbour of each fix, "" for none."""
    lon = np.array([math.nan if fix is None else fix.lon_deg for fix in fixes], np.float64)
    lat = np.array([math.nan if fix is None else fix.lat_deg for fix in fixes], np.float64)
    names = [""] * len(fixes)
    for row, at in zip(*(one.tolist() for one in fences.covering(lon, lat)), strict=True):
        fence = fences.fences[at]
        if fence.purpose is FencePurpose.HARBOUR and not names[row]:
            names[row] = fence.id
    return names
