"""The city's cameras: what their classifiers believe they see on a calm day.

Nearly all of it is doubtful: a classifier that reports reports mostly nothing.
How sure it is stays below `SURE`, so that a calm city gives no findings.
"""

import json
from collections.abc import Iterable
from typing import Final

import numpy as np

from feeds.recordings import KeyedRecord
from feeds.simulator.devices import Said, records, roster, turns
from feeds.simulator.dice import share, throw
from schemas.topics import CAMERA_DETECTIONS
from streams.city.model import CameraRecord

SURE: Final = 0.35
"""No calm detection is surer than this."""

_LEAST: Final = 0.05
_KIND, _CONFIDENCE = 31, 32  # purposes of throws
# How often each kind is what a classifier takes a shadow for; they sum to one.
_WEIGHTS: Final = (
    ("parking.illegal", 0.40),
    ("stall.outside", 0.25),
    ("garbage.exposed", 0.20),
    ("crowd.gathering", 0.10),
    ("waterlogging.seen", 0.04),
    ("smoke.seen", 0.01),
)
_COUNTED: Final = {"crowd.gathering": 6, "parking.illegal": 1}


class Cameras:
    """Some cameras, each reporting `hz` times a second."""

    def __init__(self, cameras: Iterable[CameraRecord], seed: int, hz: float) -> None:
        by_code = {camera.code: camera for camera in cameras}
        self._roster = roster(seed, list(by_code), max(1, round(1000 / hz)))
        names = self._roster.names
        self._said = Said(
            (CAMERA_DETECTIONS,) * len(names),
            tuple(name.encode() for name in names),
            tuple(_head(by_code[name]) for name in names),
        )
        self._bounds = np.cumsum([weight for _, weight in _WEIGHTS])[:-1]
        self._tails = [
            [_tail(kind, percent / 100) for percent in range(101)] for kind, _ in _WEIGHTS
        ]

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return what they report in [from, until), in order of time."""
        found: list[KeyedRecord] = []
        for turn in turns(self._roster, from_ms, until_ms):
            who = self._roster.who[turn.first : turn.end]
            kinds = np.searchsorted(self._bounds, share(throw(who, turn.at_ms, _KIND)), "right")
            doubt = share(throw(who, turn.at_ms, _CONFIDENCE))
            percents = (100 * (_LEAST + (SURE - _LEAST) * doubt)).astype(np.int64)
            tails = [
                self._tails[kind][percent]
                for kind, percent in zip(kinds.tolist(), percents.tolist(), strict=True)
            ]
            found += records(self._said, turn, tails)
        return found


def _head(camera: CameraRecord) -> bytes:
    facts = {"source": camera.source, "subject": camera.code}
    return json.dumps(facts, separators=(",", ":"))[:-1].encode() + b',"event_time":"'


def _tail(kind: str, confidence: float) -> bytes:
    count = b',"count":%d' % _COUNTED[kind] if kind in _COUNTED else b""
    return b'","kind":"%s","confidence":%.2f%s}' % (kind.encode(), confidence, count)
