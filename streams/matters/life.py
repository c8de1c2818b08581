"""A case's lives: it is opened, and may be taken up again after its end."""

from schemas.dispatch import CaseState
from schemas.incidents import Incident
from streams.matters import spent
from streams.matters.casework import Work, with_state
from streams.matters.words import Word


def begin(work: Work) -> None:
    """Write the first step of a case, counted from what the citizen felt."""
    incident = work.incident
    felt_ms = min(incident.opened_time_ms, incident.created_time_ms, work.now_ms)
    work.put(
        felt_ms=felt_ms,
        known_ms=min(since_ms(incident), work.now_ms),
        spent=spent.since(felt_ms),
    )
    work.step("opened", reason=incident.reason)


def since_ms(incident: Incident) -> int:
    """Return since when people may act on an incident: what was held counts from its release."""
    return max(incident.created_time_ms, incident.told_time_ms or 0)


def revive(work: Work, action: str, known_ms: int, word: Word | None = None) -> None:
    """Begin another life of an ended case: its orders are history, its clocks are new.

    Args:
        work: The case.
        action: The step that takes it up: relapse, rung-risen, reopen.
        known_ms: Since when the city could know (wall).
        word: Who asked for it; None is the city itself.
    """
    call = work.case.speaker
    felt_ms = known_ms if word else min(work.incident.event_time_ms, known_ms)
    work.put(
        speaker=call and with_state(call, CaseState.DETECTED),
        state=CaseState.DETECTED,
        orders=(),
        served_rung=0,
        returns=0,
        clocks=(),
        escalate_at_ms=None,
        ended_ms=None,
        handled_ms=None,
        proof="",
        paused_ms=0,
        lives=work.case.lives + 1,
        came_back=False,
        supervised=0,
        felt_ms=felt_ms,
        known_ms=known_ms,
        spent=spent.since(felt_ms),
    )
    work.step(action, word, known_ms)
