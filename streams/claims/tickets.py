"""What the complaints rule goes by: how long a matter stays open, what a category means."""

import msgspec

from schemas.alerts import Severity
from schemas.complaints import COMPLAINT_KINDS
from schemas.refused import unknown_kind

OTHER = "complaint.other"


class Called(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How tickets of one kind are taken.

    Attributes:
        severity: Of the alert.
        label: The kind in words, for the sentence.
        keep_s: The alert ends when no further call came for so long. Above the
            time that people have to be on site, so that a clock outlives it.
        life_safety: Whether its alerts take the priority lane.
    """

    severity: Severity
    label: str
    keep_s: int = 7_200
    life_safety: bool = False

    def __post_init__(self) -> None:
        if self.keep_s <= 0:
            raise ValueError("keep_s must be above 0, else no alert would live")


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The kinds of tickets by name, and what the hotline's own words mean.

    Attributes:
        kinds: A kind that is not here makes no alert.
        categories: Kind of a ticket that says `complaint.other`, by its category.
        place_sure: A place less sure than this (0 to 1) is left out: a desk that
            has to ask is better than a worker at the wrong door.
        forget_s: An ended chain is forgotten after so long.
        version: Of these parameters, for the alerts.
    """

    kinds: dict[str, Called] = {}
    categories: dict[str, str] = {}
    place_sure: float = 0.5
    forget_s: int = 86_400
    version: str = ""

    def __post_init__(self) -> None:
        for kind in [*self.kinds, *self.categories.values()]:
            if kind not in COMPLAINT_KINDS:
                raise ValueError(unknown_kind(kind, COMPLAINT_KINDS).hint)
        if not 0 <= self.place_sure <= 1:
            raise ValueError("place_sure lies in 0 to 1")
        if self.forget_s <= 0:
            raise ValueError("forget_s must be above 0")

    def kind_of(self, kind: str, category: str) -> str:
        """Return what a ticket is about: its kind, or what its category means."""
        return self.categories.get(category, kind) if kind == OTHER else kind
