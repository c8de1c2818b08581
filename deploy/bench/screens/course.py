"""What the parts of the benchmark are told, and what they say at the end."""

import msgspec


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        broker, prefix: Kafka, and what stands before its topics.
        url, user, password: The gateway, and who looks.
        screens: How many; every fifth looks at the whole city, the others at a district.
        warm_up_s: Not counted.
        duration_s: Counted.
        start_ms: When all begin, on the wall's clock.
    """

    broker: str
    prefix: str
    url: str
    user: str
    password: str
    screens: int
    warm_up_s: float
    duration_s: float
    start_ms: int


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What the city sent, and by how much it fell behind its own second at worst."""

    records: int
    worst_lag_s: float


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the screens saw, over all of them.

    Attributes:
        frames, received_bytes: In all.
        items: Items that were read for their age.
        p50_s, p95_s, p99_s, most_s: From an event's own time to a screen, of those.
        alerts_p95_s, alerts_most_s: The same of alerts alone.
        snapshots: First ones and those after a resync.
        most_silence_s: The longest that any screen was without a frame.
        most_items: The most items that one screen held.
    """

    frames: int
    received_bytes: int
    items: int
    p50_s: float
    p95_s: float
    p99_s: float
    most_s: float
    alerts_p95_s: float
    alerts_most_s: float
    snapshots: int
    most_silence_s: float
    most_items: int
