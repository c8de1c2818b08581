"""A detection: what a camera's classifier believes it saw. Never a person."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.envelope import Envelope

DETECTION_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "stall.outside": "A stall or goods outside the shop's line.",
        "parking.illegal": "A vehicle where none may stand.",
        "waterlogging.seen": "Water that stands on a road or in an underpass.",
        "crowd.gathering": "More people in one place than it is made for; `count` says how many.",
        "smoke.seen": "Smoke in the open or from a building.",
        "fire.seen": "Open flame.",
        "garbage.exposed": "Garbage beside its bins, or bins that overflow.",
    }
)
"""What a camera may claim: about places and things, never about a person."""


class Detection(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """A claim about a place or a thing; `subject` is the camera.

    Attributes:
        confidence: 0 to 1, the classifier's own.
        snapshot: Reference to a picture, never its bytes.
        count: How many (people in a crowd, vehicles), where the kind counts.
        plate_hash: Salted hash of a plate; a plate in clear is refused.
    """

    KINDS: ClassVar[Mapping[str, str] | None] = DETECTION_KINDS

    confidence: float
    snapshot: str | None = None
    count: int | None = None
    plate_hash: str | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None


class DetectionBatch(NamedTuple):
    """Detections as columns, one entry a detection, arrays read-only.

    `lon_deg` and `lat_deg` are WGS-84, NaN where the detection has none; `number`
    is its count, 0 where it says none, `snapshot` "" likewise. `row` and `offset` as in
    `readings.ReadingBatch`.
    """

    source: Sequence[str]
    kind: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    confidence: NDArray[np.float64]
    number: NDArray[np.int64]
    snapshot: Sequence[str]
    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    offset: NDArray[np.int64]
    row: NDArray[np.int64]
