"""What was heard on a feed in some seconds: how much, and from which devices."""

from schemas.envelope import Envelope


class Heard(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """One partition's count of one feed; `source` is the feed, `subject` topic and partition.

    `event_time_ms` is the newest event time in it, `ingest_time_ms` when it was
    counted. Around a restart a few seconds may be missing, or be counted twice.

    Attributes:
        count: Events taken.
        devices: Who was heard, each once.
        ago_ms: Of each device how long before `event_time_ms` its newest event was.
    """

    count: int
    devices: tuple[str, ...] = ()
    ago_ms: tuple[int, ...] = ()
