"""Loudspeakers as devices: they read reminders, play them, and say how it went."""

import random
import uuid
from typing import Final, NamedTuple

from schemas.dispatch import DispatchUpdate, FieldAction, Reminder

SOURCE: Final = "loudspeaker"

_FAILS_ONE_IN: Final = 8
_LEAST_S, _MOST_S = 2.0, 12.0


class Playing(NamedTuple):
    """How a reminder goes: how long it takes, and its outcome."""

    delay_s: float
    action: FieldAction


def playing(seed: int, reminder: Reminder, *, alike: bool = False) -> Playing:
    """Return how a loudspeaker plays a reminder; the same one always the same way.

    Args:
        seed: Of the dice.
        reminder: What is to be played.
        alike: Whether a loudspeaker plays all reminders alike.
    """
    dice = random.Random(f"{seed}/{reminder.subject if alike else reminder.reminder_id}")
    fails = dice.randrange(_FAILS_ONE_IN) == 0
    action = FieldAction.REMINDER_FAILED if fails else FieldAction.REMINDER_PLAYED
    return Playing(dice.uniform(_LEAST_S, _MOST_S), action)


def report(reminder: Reminder, action: FieldAction, now_ms: int) -> DispatchUpdate:
    """Return the message with which a loudspeaker says how its reminder went."""
    failed = action is FieldAction.REMINDER_FAILED
    return DispatchUpdate(
        source=SOURCE,
        kind="dispatch.update",
        subject=reminder.incident_id,
        event_time_ms=now_ms,
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{reminder.reminder_id}/{action}")),
        action=action,
        by=reminder.subject,
        order_id=reminder.reminder_id,
        reason="no-sound-at-the-microphone" if failed else "",
    )
