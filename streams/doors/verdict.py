"""The verdict on one event at the door: taken, seen before, or refused with a cure."""

from enum import StrEnum
from typing import NamedTuple

from schemas.refused import Refusal


class Outcome(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class Code(StrEnum):
    """What a door says beyond the contract's own `schemas.records.Reason`.

    The first group is about who publishes, the second about places, the third
    are a source's own filters, the last is about repetition. An accepted event
    may carry POSITION_SUSPECT or PERSONAL_DATA as a warning.
    """

    UNKNOWN_SOURCE = "unknown-source"
    FOREIGN_SOURCE = "foreign-source"
    FOREIGN_DEVICE = "foreign-device"
    KIND_OUT_OF_SCOPE = "kind-out-of-scope"
    SUBJECT_OUT_OF_SCOPE = "subject-out-of-scope"

    OUTSIDE_CITY = "outside-city"
    POSITION_SUSPECT = "position-suspect"
    PERSONAL_DATA = "personal-data"

    PAST = "past"
    ACCURACY = "accuracy"
    MAX_SPEED = "max-speed"
    MIN_PERIOD = "min-period"
    STATIC = "static"
    DISTANCE = "distance"

    CONFLICT = "conflict"


class Verdict(NamedTuple):
    """What is answered about one event: an outcome, its code, the field, a cure."""

    outcome: Outcome
    code: str = ""
    field: str = ""
    hint: str = ""


ACCEPTED = Verdict(Outcome.ACCEPTED)
DUPLICATE = Verdict(Outcome.DUPLICATE)


def rejected(code: str, field: str = "", hint: str = "") -> Verdict:
    """Return the verdict on an event that is not taken."""
    return Verdict(Outcome.REJECTED, code, field, hint)


def of_refusal(refusal: Refusal) -> Verdict:
    """Return the verdict that answers a refusal of the contract's own validation."""
    return Verdict(Outcome.REJECTED, refusal.reason, refusal.field, refusal.hint)
