"""What the detections rule watches: for each kind, how sure is sure enough."""

import msgspec

from schemas.alerts import Severity
from schemas.detections import DETECTION_KINDS
from schemas.refused import unknown_kind

MAX_OF_LAST = 63
"""Detections that a state's bits can remember."""

_DOUBLINGS = 16


class Watched(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How detections of one kind are judged.

    Attributes:
        confident: From this confidence on a detection is sure.
        doubtful: From this on it is worth an alert that is marked as doubtful;
            less sure ones are set aside.
        severity: Of a sure alert; a doubtful one has none.
        at_least: So many sure ones among the latest `of_last` make an alert sure.
        of_last: As above; 1 of 1 takes a detection at its word.
        clear_s: The alert ends when nothing was seen for so long.
        label: The kind in words, for the sentence.
        life_safety: Whether its alerts take the priority lane.
    """

    confident: float
    doubtful: float
    severity: Severity
    label: str
    at_least: int = 1
    of_last: int = 1
    clear_s: int = 600
    life_safety: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.doubtful <= self.confident <= 1:
            raise ValueError("0 <= doubtful <= confident <= 1")
        if not 1 <= self.at_least <= self.of_last <= MAX_OF_LAST:
            raise ValueError(f"at_least 1..of_last, of_last up to {MAX_OF_LAST}")
        if self.clear_s <= 0:
            raise ValueError("clear_s must be above 0, else no alert would live")


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The watched kinds by name, and how repeats are folded.

    Attributes:
        kinds: A kind that is not here is not watched.
        fold_s: Repeats within this of the latest message only raise its count; it
            doubles with each update, so that a matter of hours is not told a
            hundred times, up to
        fold_at_most_s: this.
        version: Of these parameters, for the alerts.
    """

    kinds: dict[str, Watched] = {}
    fold_s: int = 60
    fold_at_most_s: int = 1_800
    version: str = ""

    def __post_init__(self) -> None:
        for kind in self.kinds.keys() - DETECTION_KINDS.keys():
            raise ValueError(unknown_kind(kind, DETECTION_KINDS).hint)
        if not 0 < self.fold_s <= self.fold_at_most_s:
            raise ValueError("0 < fold_s <= fold_at_most_s")

    def fold_ms(self, updates: int) -> int:
        """Return how long after its latest message an alert rests, after so many updates."""
        return min(self.fold_s << min(updates, _DOUBLINGS), self.fold_at_most_s) * 1_000
