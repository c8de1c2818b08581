"""What a case's time was spent on: machine, queue, person, travel.

Whoever keeps a promise late asks first where the time went. Each state of a case
has one kind of time; what passes between two steps belongs to the state between
them. The four add up to the whole time since the matter was felt (event time).
"""

from collections.abc import Mapping

import msgspec

from schemas.dispatch import CaseState


class Spent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Time since a matter was felt, in ms, up to `until_ms`.

    Attributes:
        machine_ms: Until people were sent: sensing, judging, loudspeakers.
        queue_ms: Orders that nobody had accepted.
        person_ms: People who had it: to get ready, to handle, to verify.
        travel_ms: From departure to arrival.
    """

    until_ms: int = 0
    machine_ms: int = 0
    queue_ms: int = 0
    person_ms: int = 0
    travel_ms: int = 0

    @property
    def total_ms(self) -> int:
        """The whole time counted."""
        return self.machine_ms + self.queue_ms + self.person_ms + self.travel_ms


NO_TIME = Spent()
_KIND: Mapping[CaseState, str] = {
    CaseState.DETECTED: "machine_ms",
    CaseState.DISPATCHED: "queue_ms",
    CaseState.RETURNED: "queue_ms",
    CaseState.DEPARTED: "travel_ms",
    CaseState.CLOSED: "machine_ms",  # what passes before an ended case is taken up again
    CaseState.FALSE_ALARM: "machine_ms",
    CaseState.MERGED: "machine_ms",
}  # every other state: somebody has it


def since(felt_ms: int) -> Spent:
    """Return a count that begins at `felt_ms`."""
    return Spent(until_ms=felt_ms)


def counted(spent: Spent, state: CaseState, at_ms: int) -> Spent:
    """Return `spent` up to `at_ms`, if that is later; the time belongs to `state`."""
    passed_ms = at_ms - spent.until_ms
    if passed_ms <= 0:
        return spent
    kind = _KIND.get(state, "person_ms")
    more = {kind: getattr(spent, kind) + passed_ms}
    return msgspec.structs.replace(spent, until_ms=at_ms, **more)
