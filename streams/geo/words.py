"""The words of a geofence, and what is remembered to say them.

The words are Tile38's (enter, exit, inside, outside, cross) with dwell, found
and lost added. `streams.geo.geofence` decides which one holds.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from streams.geo.fences import FencePurpose


class Word(StrEnum):
    """What happened between a subject and a fence; at one instant told in this order."""

    LOST = "lost"
    EXIT = "exit"
    CROSS = "cross"
    FOUND = "found"
    ENTER = "enter"
    DWELL = "dwell"
    INSIDE = "inside"
    OUTSIDE = "outside"


class Why(StrEnum):
    """What made it so."""

    FIX = "fix"
    FIRST_FIX = "first-fix"
    HELD = "held"
    AFTER_SILENCE = "after-silence"
    HEARD_AGAIN = "heard-again"
    LEFT_UNSEEN = "left-unseen"
    SILENCE = "silence"
    WINDOW_OPENED = "window-opened"
    WINDOW_ENDED = "window-ended"
    FENCE_CHANGED = "fence-changed"
    FENCE_REMOVED = "fence-removed"


class Phase(StrEnum):
    """How far a stay is believed."""

    ENTERING = "entering"
    INSIDE = "inside"
    LEAVING = "leaving"


_TOLD = frozenset({Word.LOST, Word.EXIT, Word.CROSS, Word.FOUND, Word.ENTER, Word.DWELL})


class GeofenceParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the judgement of one class of subjects needs.

    Attributes:
        lost_after_s: Silence after which a subject is lost; None never.
        max_gap_s: No `cross` is read into a longer pause between two fixes.
        max_speed_kn: Nor into a jump faster than this.
        words: What is told; `inside` and `outside` come with every fix.
    """

    lost_after_s: float | None = None
    max_gap_s: float = 1_200.0
    max_speed_kn: float = 40.0
    words: frozenset[Word] = _TOLD


class Fix(NamedTuple):
    """Where a subject was at an instant, WGS-84."""

    subject: str
    event_time_ms: int
    lon_deg: float
    lat_deg: float


class FenceTransition(NamedTuple):
    """One word about one fence.

    Attributes:
        word, fence, purpose, why: What, where and for which reason.
        at_ms: Event time at which it holds.
        visit: Id of the stay; "" for `cross` and `outside`.
        since_ms: When that stay began; `at_ms` where there is none.
        lon_deg, lat_deg: The last known place.
        fences_version: Of the set of fences that judged.
    """

    word: Word
    fence: str
    purpose: FencePurpose | None
    why: Why
    at_ms: int
    visit: str
    since_ms: int
    lon_deg: float
    lat_deg: float
    fences_version: str


class Stay(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subject's relation to one fence that it is in, or nearly in.

    `since_ms` is its first fix inside, `fixes` how many in a row were while
    ENTERING, `leaving_ms` its first fix beyond the buffer while LEAVING.
    """

    fence: str
    visit: str
    since_ms: int
    phase: Phase
    why: Why
    fixes: int = 1
    leaving_ms: int = 0
    dwelt: bool = False


class Whereabouts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one subject.

    Attributes:
        as_of_ms: Event time of the last fix taken; -1 before the first.
        lon_deg, lat_deg: That fix.
        stays: By fence id, ascending.
        lost_in: Fences in which it was lost, until it is heard again.
        scheduled: Fences with windows in time that cover the last fix.
        settled_ms: Timers up to here have been told.
        fences_version: The set of fences that judged last.
        due_ms: When `at_time` must look again; None when nothing is pending.
    """

    as_of_ms: int = -1
    lon_deg: float = 0.0
    lat_deg: float = 0.0
    stays: tuple[Stay, ...] = ()
    lost_in: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    settled_ms: int = -1
    fences_version: str = ""
    due_ms: int | None = None


UNSEEN = Whereabouts()
