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
    """The newest closed case of each matter."""

    def __init__(self) -> None:
        self._ended: dict[str, str] = {}
        self._key_of: dict[str, str] = {}

    def put(self, case_id: str, case: Case | None) -> None:
        """Take in how a case stands now; None forgets it."""
        known = self._key_of.pop(case_id, None)
        if known is not None and self._ended.get(known) == case_id:
            del self._ended[known]
        if case is not None and case.state is CaseState.CLOSED and not case.function:
            key = self._key_of[case_id] = matter_of(case.incident)
            self._ended[key] = case_id

    def ended(self, incident: Incident) -> str | None:
        """Return the closed case of the same matter."""
        return self._ended.get(matter_of(incident))


NO_FOLDS = Folds()
