"""Which ended case a new incident belongs to.

An index over the cases, kept by whoever keeps the cases; nothing in it that the
cases do not say, so a restart makes it again.
"""

from schemas.dispatch import CaseState
from schemas.incidents import Incident
from streams.matters.cases import Case


def matter_of(incident: Incident) -> str:
    """Return what is the same in all incidents of one matter."""
    return f"{incident.rule}|{incident.kind}|{incident.subject}|{incident.area}"


class Folds:
    """The case of each matter that was closed last, in whatever order they are put."""

    def __init__(self) -> None:
        self._ended: dict[str, dict[str, int]] = {}
        self._key_of: dict[str, str] = {}

    def put(self, case_id: str, case: Case | None) -> None:
        """Take in how a case stands now; None forgets it."""
        known = self._key_of.pop(case_id, None)
        if known is not None:
            closed = self._ended[known]
            del closed[case_id]
            if not closed:
                del self._ended[known]
        if case is not None and case.state is CaseState.CLOSED and not case.function:
            key = self._key_of[case_id] = matter_of(case.incident)
            self._ended.setdefault(key, {})[case_id] = case.ended_ms or 0

    def ended(self, incident: Incident) -> str | None:
        """Return the closed case of the same matter."""
        closed = self._ended.get(matter_of(incident))
        return max(closed, key=lambda case_id: (closed[case_id], case_id)) if closed else None
