"""A detection: what a camera's classifier believes it saw. Never a person."""

from schemas.envelope import Envelope


class Detection(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """A claim about a place or a thing; `subject` is the camera.

    Attributes:
        confidence: 0 to 1, the classifier's own.
        snapshot: Reference to a picture, never its bytes.
        count: How many (people in a crowd, vehicles), where the kind counts.
        plate_hash: Salted hash of a plate; a plate in clear is refused.
    """

    confidence: float
    snapshot: str | None = None
    count: int | None = None
    plate_hash: str | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None
