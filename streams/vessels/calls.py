"""What skippers said at the roll-call: who was called, answered, and when he will be in harbour.

The agent of incidents judges every word; what it accepted is read from the commands
and the answers to them, in whatever order they are read.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from schemas.incidents import IncidentAction, IncidentCommand


class Called(NamedTuple):
    """The newest call to a boat's skipper.

    Attributes:
        at_ms: When.
        by: Who called.
        answered: Whether the skipper did.
        arrives_ms: When he promised to be in harbour, None where he did not.
        words: What came of it.
    """

    at_ms: int
    by: str
    answered: bool
    arrives_ms: int | None
    words: str

    def is_broken(self, now_ms: int) -> bool:
        """Say whether the promised arrival is past."""
        return self.arrives_ms is not None and self.arrives_ms <= now_ms


def newest_calls(
    commands: Iterable[IncidentCommand], accepted: Collection[str]
) -> dict[str, Called]:
    """Return the newest call to each boat, by its code.

    Args:
        commands: Of any action.
        accepted: Ids of commands that were done.
    """
    newest: dict[str, Called] = {}
    for one in commands:
        is_call = one.action is IncidentAction.ROLL_CALL and len(one.subjects) == 1
        if not is_call or one.id not in accepted:
            continue
        boat = one.subjects[0]
        said = Called(one.event_time_ms, one.by, one.answered, one.until_time_ms, one.reason)
        if boat not in newest or said.at_ms >= newest[boat].at_ms:
            newest[boat] = said
    return newest
