"""What the threshold rule watches: for each kind of reading a ladder of levels."""

from enum import StrEnum
from itertools import pairwise

import msgspec

from schemas.alerts import Severity
from streams.hysteresis import MAX_OF_LAST, Ladder

_MS = 1_000


class Direction(StrEnum):
    """Which side of a level is the bad one."""

    ABOVE = "above"
    BELOW = "below"


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is watched of one kind of reading; a rung per entry of `levels`.

    Attributes:
        unit: Of the levels; the kind's own in `schemas.units`.
        levels: Beyond which it is bad, mild first.
        clear: At which it is good again, one a level; empty means `levels`.
        severity: One a level.
        direction: The bad side.
        for_s: Event time beyond a level before it counts.
        keep_for_s: Event time back on the good side before it counts.
        at_least: With `of_last` in place of `for_s`: so many of the latest
            `of_last` readings.
        of_last: As above; 1 does without.
        unseen_s: The alert ends when nothing was read for so long; 0 never.
        label: The kind in words, for the sentence; empty means its name.
        finding: The alerts' kind; empty means `<kind>.exceeded`.
        life_safety: Whether its alerts take the priority lane.
    """

    unit: str
    levels: tuple[float, ...]
    severity: tuple[Severity, ...]
    clear: tuple[float, ...] = ()
    direction: Direction = Direction.ABOVE
    for_s: int = 0
    keep_for_s: int = 0
    at_least: int = 1
    of_last: int = 1
    unseen_s: int = 0
    label: str = ""
    finding: str = ""
    life_safety: bool = False

    def __post_init__(self) -> None:
        clear = self.clear or self.levels
        if not self.levels or len({len(self.levels), len(clear), len(self.severity)}) > 1:
            raise ValueError("levels, clear and severity: one entry a rung, at least one")
        sign = -1 if self.direction is Direction.BELOW else 1
        for what, levels in (("levels", self.levels), ("clear", clear)):
            if any(sign * nxt < sign * one for one, nxt in pairwise(levels)):
                raise ValueError(f"{what} {levels}: put the mildest first")
        if any(sign * good > sign * bad for bad, good in zip(self.levels, clear, strict=True)):
            raise ValueError(f"clear {clear} lies beyond levels {self.levels}")
        if min(self.for_s, self.keep_for_s, self.unseen_s) < 0:
            raise ValueError("for_s, keep_for_s and unseen_s must not be negative")
        if not 1 <= self.at_least <= self.of_last <= MAX_OF_LAST:
            raise ValueError(f"at_least 1..of_last, of_last up to {MAX_OF_LAST}")
        if self.of_last > 1 and self.for_s:
            raise ValueError("either for_s or at_least of_last, not both")

    def ladder(self) -> Ladder:
        """Return the levels and times as a ladder."""
        return Ladder(
            raise_at=self.levels,
            clear_at=self.clear or self.levels,
            falls=self.direction is Direction.BELOW,
            for_ms=self.for_s * _MS,
            keep_for_ms=self.keep_for_s * _MS,
            at_least=self.at_least,
            of_last=self.of_last,
            unseen_ms=self.unseen_s * _MS,
        )


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The watched kinds by name, and the version of these parameters."""

    kinds: dict[str, Kind]
    version: str = ""
