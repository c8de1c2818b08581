"""The cases of a city, and what is found by how they stand.

Nothing here that the cases and the units' own words do not say: after a restart,
`note` each case and hear each word again.
"""

from collections.abc import Mapping

from streams.matters.cases import Case
from streams.matters.folding import Folds
from streams.matters.responders import Crews
from streams.timers import Deadlines


class Docket:
    """Which case is due when, which ended one a matter falls back to, who is busy.

    Args:
        cases: By case id; whoever decides only reads it, and its owner tells of
            each change by `note`.

    Attributes:
        cases: As given.
        clocks: When each case is to be looked at.
        folds: The closed cases by their matter.
        crews: How the units stand.
    """

    def __init__(self, cases: Mapping[str, Case]) -> None:
        self.cases = cases
        self.clocks: Deadlines[str] = Deadlines()
        self.folds = Folds()
        self.crews = Crews()

    def note(self, case_id: str, case: Case | None) -> None:
        """Take in how a case stands now; None forgets it."""
        self.clocks.set(case_id, None if case is None else case.due_ms)
        self.folds.put(case_id, case)
        self.crews.put(case_id, () if case is None else case.tasks)
