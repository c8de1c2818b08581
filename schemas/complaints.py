"""A complaint: what a citizen told 110 or 12345."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.envelope import Envelope

COMPLAINT_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "complaint.noise": "Noise of people, of music, of building.",
        "complaint.parking": "A vehicle where none may stand.",
        "complaint.stall": "A stall or goods outside the shop's line.",
        "complaint.garbage": "Garbage that lies exposed.",
        "complaint.waterlogging": "Water on a road or in a cellar.",
        "complaint.fire": "Smoke or fire.",
        "complaint.gas": "A smell of gas.",
        "complaint.other": "None of the others: a person has to read it.",
    }
)
"""What a ticket may be about; the hotline's own category stays beside it."""


class Channel(StrEnum):
    """How it reached the city."""

    POLICE_110 = "110"
    HOTLINE_12345 = "12345"


class Complaint(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """A ticket; `subject` is its number. The caller's data are not in here.

    Attributes:
        channel: Where it came in.
        category: The hotline's own category, free text.
        text: What was said, without personal data.
        place: Words for the place.
        place_confidence: 0 to 1: how sure `lon_deg`, `lat_deg` are.
        chain: One id through a hand-over between 110 and 12345.
    """

    KINDS: ClassVar[Mapping[str, str] | None] = COMPLAINT_KINDS

    channel: Channel
    category: str
    text: str = ""
    place: str = ""
    place_confidence: float | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None
    chain: str | None = None


class ComplaintBatch(NamedTuple):
    """Tickets as columns, one entry a ticket, arrays read-only.

    `subject` is the chain of a ticket that has one, else the ticket's number, so
    that a matter handed over is one key; `ticket` is always the number. What is
    not said is NaN or "". `row` and `offset` as in `readings.ReadingBatch`.
    """

    source: Sequence[str]
    kind: Sequence[str]
    subject: Sequence[str]
    event_time_ms: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    ticket: Sequence[str]
    channel: Sequence[str]
    category: Sequence[str]
    place: Sequence[str]
    place_confidence: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    offset: NDArray[np.int64]
    row: NDArray[np.int64]
