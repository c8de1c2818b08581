"""Is the story of a case whole? Its steps hang together by their hashes.

After a crash a few steps may stand twice: what was sent but not remembered is
decided again, and the chain goes on from the later one. So the story of a case is
the path that its newest step hangs on; a step beside it is `repeated` when it
hangs on the path itself, as every honest one does.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.cases import hash_of


class Finding(NamedTuple):
    """What is wrong with the log of a case.

    `why` is changed (its content is not what its hash says), unlinked (the step
    before it is missing, or another), gap (a number is missing), or truncated
    (the case's record knows of later steps).
    """

    case_id: str
    seq: int
    why: str


class Step(NamedTuple):
    """One step as read: its number, its hash, the hash that it hangs on, itself."""

    seq: int
    hash: str
    prev_hash: str
    wire: Mapping[str, Any]


class Chains:
    """The steps of all cases of a log, in the order of the log."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Step]] = {}
        self._changed: list[Finding] = []

    def take(self, wire: Mapping[str, Any]) -> None:
        """Take a step, as the wire says it."""
        case_id, seq = str(wire.get("case_id", "")), int(wire.get("seq", 0))
        said = str(wire.get("hash", ""))
        if hash_of(dict(wire)) != said:
            self._changed.append(Finding(case_id, seq, "changed"))
        step = Step(seq, said, str(wire.get("prev_hash", "")), wire)
        self._steps.setdefault(case_id, []).append(step)

    @property
    def cases(self) -> int:
        """How many cases have steps."""
        return len(self._steps)

    def story(self, case_id: str) -> list[Step]:
        """Return the path that the newest step of a case hangs on, oldest first."""
        steps = self._steps.get(case_id, [])
        by_hash: dict[str, Step] = {}
        for step in steps:
            by_hash.setdefault(step.hash, step)  # what a forger appends stands beside it
        path: list[Step] = []
        at = by_hash[steps[-1].hash] if steps else None
        while at is not None and len(path) < len(steps):
            path.append(at)
            at = by_hash.get(at.prev_hash) if at.prev_hash else None
        return path[::-1]

    def end_of(self, case_id: str) -> tuple[int, str]:
        """Return how many steps the story of a case has, and the hash of the newest."""
        path = self.story(case_id)
        return (path[-1].seq + 1, path[-1].hash) if path else (0, "")

    def repeated(self) -> int:
        """Return how many steps stand beside the story: sent, and decided again."""
        return sum(len(steps) - len(self.story(key)) for key, steps in self._steps.items())

    def findings(self, ends: Mapping[str, tuple[int, str]] | None = None) -> list[Finding]:
        """Return what is wrong, by case and number.

        Args:
            ends: By case, how many steps its record counts, and the newest hash.
        """
        found = list(self._changed)
        for case_id, steps in self._steps.items():
            found += _unlinked(case_id, steps)
            found += self._gap(case_id)
        for case_id, (count, last_hash) in (ends or {}).items():
            hashes = {step.hash for step in self._steps.get(case_id, ())}
            if count and last_hash not in hashes:
                found.append(Finding(case_id, count - 1, "truncated"))
        return sorted(set(found))

    def _gap(self, case_id: str) -> list[Finding]:
        path = self.story(case_id)
        whole = [step.seq for step in path] == list(range(len(path)))
        return [] if whole else [Finding(case_id, path[0].seq, "gap")]


def _unlinked(case_id: str, steps: list[Step]) -> list[Finding]:
    """Return the steps that hang on no step read before them."""
    found, known = [], {("", -1)}
    for step in steps:
        if (step.prev_hash, step.seq - 1) not in known:
            found.append(Finding(case_id, step.seq, "unlinked"))
        known.add((step.hash, step.seq))
    return found
