"""A complaint: what a citizen told 110 or 12345."""

from enum import StrEnum

from schemas.envelope import Envelope


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

    channel: Channel
    category: str
    text: str = ""
    place: str = ""
    place_confidence: float | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None
    chain: str | None = None
