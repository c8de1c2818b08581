"""Noise alerts as messages: what a step of the ladder says, and its correction."""

from typing import NamedTuple

import msgspec

from schemas.alerts import Alert, Severity, Transition
from schemas.ids import uuid5
from streams.local_time import clock_text
from streams.noise.ladder import POLICE, Reason, Step
from streams.noise.posts import Post, Setting
from streams.noise.words import Facts, corrected, sentence

NAME = "noise"
WARNING_KIND, EXCEEDED_KIND = "noise.warn", "noise.exceeded"
_SOURCE = "citybrain.noise"
_UNIT = "dB(A)"


class Found(NamedTuple):
    """What made a step: a window's end, its Leq, the row of the limit that held.

    Of a silence there is only the instant.
    """

    at_ms: int
    leq_db: float | None = None
    limit_row: int | None = None


def told(step: Step, post: Post, found: Found, setting: Setting) -> Alert:
    """Return the alert of a step of the ladder at `post`."""
    params, limits = setting.params, setting.limits
    kind = WARNING_KIND if step.is_warning else EXCEEDED_KIND
    area = post.venue.code if post.venue else ""
    # The sensor is part of it: two sensors of one venue climb ladders of their own.
    alert_id = uuid5(NAME, kind, post.subject, area, post.sensor, step.onset_ms)
    row = found.limit_row
    limit_db = None if row is None else limits.rows[row].limit_db
    facts = Facts(
        place=post.name,
        clock=clock_text(found.at_ms, limits.offsets),
        leq_db=found.leq_db,
        limit_db=limit_db,
        limit="" if row is None else limits.words(row),
        lasted_ms=found.at_ms - step.onset_ms,
    )
    return Alert(
        source=_SOURCE,
        kind=kind,
        subject=post.subject,
        event_time_ms=found.at_ms,
        id=uuid5(alert_id, step.transition, step.reason, step.rung, found.at_ms),
        alert_id=alert_id,
        rule=NAME,
        rule_version=params.version,
        transition=step.transition,
        severity=_severity(step),
        onset_time_ms=step.onset_ms,
        area=area,
        lon_deg=post.venue.lon_deg if post.venue else None,
        lat_deg=post.venue.lat_deg if post.venue else None,
        rung=step.rung,
        value=found.leq_db,
        limit=limit_db,
        unit=None if row is None else _UNIT,
        window_start_time_ms=None if row is None else found.at_ms - post.size * post.sample_ms,
        window_end_time_ms=None if row is None else found.at_ms,
        reason=step.reason,
        sentence=sentence(step, facts, params),
        inputs=(post.sensor,) if row is None else (post.sensor, f"limit:{limits.reason(row)}"),
    )


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest message of a sensor, and the window that decided it.

    Attributes:
        message: As it was first said.
        window: The window's energies, oldest first.
        leq_db: Its Leq as it was said last, dB(A).
        revision: How often the message was corrected.
    """

    message: Alert
    window: bytes
    leq_db: float
    revision: int = 0


def correction(said: Said, leq_db: float, clear_margin_db: float) -> Alert:
    """Return the message of `said` restated with the Leq that late data gave its window.

    Args:
        said: The latest message.
        leq_db: The window's Leq now.
        clear_margin_db: How far below the limit a clear has to be.
    """
    message, revision = said.message, said.revision + 1
    limit_db = message.limit or 0.0
    if message.transition is Transition.CLEAR:
        undoes = leq_db >= limit_db - clear_margin_db
    else:
        undoes = message.kind == EXCEEDED_KIND and leq_db <= limit_db
    return msgspec.structs.replace(
        message,
        id=uuid5(message.id, revision),
        transition=Transition.CORRECTION,
        revision=revision,
        value=leq_db,
        reason=Reason.LATE_DATA_UNDOES if undoes else Reason.LATE_DATA,
        sentence=corrected(said.leq_db, leq_db, undoes, message.sentence),
    )


def _severity(step: Step) -> Severity:
    if step.is_warning:
        return Severity.MINOR
    return Severity.SEVERE if step.rung >= POLICE else Severity.MODERATE
