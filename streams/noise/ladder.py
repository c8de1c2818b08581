"""The ladder of a noise: remind, listen, send a grid worker, then the police.

One ladder belongs to one sensor and moves in event time over judged windows:

    quiet ─ over the limit for a hold ─► rung 1, the loudspeaker asks
            (rung 2 at once where, or while, the loudspeaker must not speak)
    rung 1 ─ listened, still over ─────► rung 2, a grid worker
    rung 2 ─ waited, still over ───────► rung 3, the police
    any rung ─ calm for a hold ────────► closed

Art. 70 and 82 of the Noise Pollution Law ask for persuasion before
enforcement; the times are the city's to change. Beside
it runs a warning, "approaching the limit", which ends when the ladder begins.

Windows of one verdict that follow each other are walked as one `Run`: only the
instants at which something is due are looked at.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Transition
from streams.noise.levels import LONGEST_SUM

REMINDED, GRID_WORKER, POLICE = 1, 2, 3


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a city may set about noise. Times in seconds, margins in dB.

    Attributes:
        window_s: Length of the sliding Leq window.
        sample_s: What one reading covers, unless its sensor says otherwise.
        minimum_share: Share of a window that must have been heard to judge it.
        warn_margin_db: Nearer than this below the limit is approaching it.
        warn_hysteresis_db: A warning ends this much below where it begins.
        warn_for_s: How long it must approach before a warning.
        exceed_for_s: How long it must be over before the first rung.
        listen_s: How long is listened after a reminder.
        grid_worker_s: How long a grid worker has before the police are asked.
        clear_margin_db: Calm is more than this below the limit.
        clear_for_s: How long it must be calm to be over.
        reminder_rest_s: Least time between two reminders of one ladder.
        silence_s: Without data for this long, an open alert ends.
        silent_uses: Uses of a venue that never get a loudspeaker.
        night_quiet_classes: Area classes that get none at night.
        version: Of these parameters, for the alerts.
    """

    window_s: int = 60
    sample_s: int = 1
    minimum_share: float = 0.8
    warn_margin_db: float = 3.0
    warn_hysteresis_db: float = 1.0
    warn_for_s: int = 60
    exceed_for_s: int = 180
    listen_s: int = 300
    grid_worker_s: int = 900
    clear_margin_db: float = 2.0
    clear_for_s: int = 300
    reminder_rest_s: int = 600
    silence_s: int = 300
    silent_uses: tuple[str, ...] = ("hospital",)
    night_quiet_classes: tuple[str, ...] = ("0", "1")
    version: str = ""

    def __post_init__(self) -> None:
        spans = (self.window_s, self.sample_s, self.exceed_for_s, self.listen_s)
        if min(*spans, self.grid_worker_s, self.clear_for_s, self.warn_for_s) <= 0:
            raise ValueError("noise: window, sample and hold times are above zero seconds")
        if min(self.warn_margin_db, self.warn_hysteresis_db, self.clear_margin_db) < 0:
            raise ValueError("noise: margins are not below zero dB")
        if not 0 < self.minimum_share <= 1:
            raise ValueError("noise: minimum_share lies above 0 and up to 1")
        if self.window_s > LONGEST_SUM * self.sample_s:
            raise ValueError(f"noise: a window holds at most {LONGEST_SUM} samples")
        if self.silence_s < self.window_s:
            raise ValueError("noise: silence_s is not shorter than window_s")


class Reason(StrEnum):
    """Why the ladder, or the warning, moved."""

    APPROACHING = "approaching"
    RECEDED = "receded"
    EXCEEDED = "exceeded"
    HELD = "over-limit-held"
    STILL_OVER = "still-over"
    NO_LOUDSPEAKER = "no-loudspeaker-here"
    NIGHT_QUIET = "night-quiet"
    REMINDER_RESTS = "reminder-rests"
    LIMIT_CHANGED = "limit-changed"
    SELF_CORRECTED = "self-corrected"
    NO_DATA = "no-data"
    LATE_DATA = "late-data"
    LATE_DATA_UNDOES = "late-data-would-undo"


class Ladder(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where one sensor's ladder stands. Instants are ends of windows.

    Attributes:
        over_from_ms: Since when it has been over the limit, before an onset.
        near_from_ms: Since when it has approached, before a warning.
        calm_from_ms: Since when it has been calm, while open.
        far_from_ms: Since when it has been far below, while warned.
        warned_ms: Onset of the open warning.
        onset_ms: Onset of the open alert.
        rung: Its rung; 0 while none is open.
        next_ms: From when on the next rung may be taken.
        called_ms: When the loudspeaker was last called; outlives the alert.
        limit_db: The limit that was told last.
    """

    over_from_ms: int | None = None
    near_from_ms: int | None = None
    calm_from_ms: int | None = None
    far_from_ms: int | None = None
    warned_ms: int | None = None
    onset_ms: int | None = None
    rung: int = 0
    next_ms: int | None = None
    called_ms: int | None = None
    limit_db: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a warning or an alert is open."""
        return self.onset_ms is not None or self.warned_ms is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open and nothing has begun."""
        return not self.is_open and self.over_from_ms is None and self.near_from_ms is None


QUIET = Ladder()


class Run(NamedTuple):
    """Windows of one verdict, one after another.

    Attributes:
        ends_ms: Their ends, rising.
        follows: Whether no time went unheard between it and the run before.
        over: Leq above the limit.
        near: Above the limit less the warning margin.
        calm: Below the limit less the clear margin.
        far: Below where a warning ends.
        limit_db: The limit that held.
        mute: Why no loudspeaker may be used; None when it may.
    """

    ends_ms: NDArray[np.int64]
    follows: bool
    over: bool
    near: bool
    calm: bool
    far: bool
    limit_db: float
    mute: Reason | None


class Step(NamedTuple):
    """One thing to be said: of the alert (or of the warning) with this onset.

    `at` is the position of its window in the run.
    """

    at: int
    transition: Transition
    reason: Reason
    onset_ms: int
    rung: int = 0
    is_warning: bool = False


class _Move(NamedTuple):
    at: int
    priority: int


_CLEAR, _ONSET, _LIMIT, _CLIMB, _RECEDE, _WARN = range(6)


def advance(ladder: Ladder, run: Run, params: Params) -> tuple[Ladder, list[Step]]:
    """Return the ladder after `run`, and what is to be said, in order."""
    ladder = _tracked(ladder, run)
    said: list[Step] = []
    while move := _next_move(ladder, run, params):
        ladder, steps = _moved(ladder, run, move, params)
        said += steps
    return ladder, said


def fall_silent(ladder: Ladder) -> tuple[Ladder, list[Step]]:
    """Return the ladder of a sensor that went silent, and what ends by it."""
    steps = []
    if ladder.onset_ms is not None:
        steps.append(Step(0, Transition.CLEAR, Reason.NO_DATA, ladder.onset_ms, ladder.rung))
    if ladder.warned_ms is not None:
        steps.append(Step(0, Transition.CLEAR, Reason.NO_DATA, ladder.warned_ms, is_warning=True))
    return Ladder(called_ms=ladder.called_ms), steps


def _tracked(ladder: Ladder, run: Run) -> Ladder:
    """Return the ladder with its holds begun, kept or broken by the run."""
    begins_ms = int(run.ends_ms[0])
    is_alert, is_warned = ladder.onset_ms is not None, ladder.warned_ms is not None

    def since(from_ms: int | None, holds: bool) -> int | None:  # noqa: FBT001 - a verdict
        if not holds:
            return None
        return begins_ms if from_ms is None or not run.follows else from_ms

    holds = (
        since(ladder.over_from_ms, run.over and not is_alert),
        since(ladder.near_from_ms, run.near and not is_alert and not is_warned),
        since(ladder.calm_from_ms, run.calm and is_alert),
        since(ladder.far_from_ms, run.far and is_warned),
    )
    if holds == (ladder.over_from_ms, ladder.near_from_ms, ladder.calm_from_ms, ladder.far_from_ms):
        return ladder
    over, near, calm, far = holds
    return msgspec.structs.replace(
        ladder, over_from_ms=over, near_from_ms=near, calm_from_ms=calm, far_from_ms=far
    )


def _next_move(ladder: Ladder, run: Run, params: Params) -> _Move | None:
    """Return the first move that falls due within the run."""
    due: list[tuple[int, int]] = []
    if ladder.calm_from_ms is not None:
        due.append((ladder.calm_from_ms + params.clear_for_s * 1000, _CLEAR))
    if ladder.over_from_ms is not None:
        due.append((ladder.over_from_ms + params.exceed_for_s * 1000, _ONSET))
    if ladder.onset_ms is not None and run.over:
        if ladder.limit_db != run.limit_db:
            due.append((int(run.ends_ms[0]), _LIMIT))
        if ladder.next_ms is not None:
            due.append((ladder.next_ms, _CLIMB))
    if ladder.far_from_ms is not None:
        due.append((ladder.far_from_ms + params.clear_for_s * 1000, _RECEDE))
    if ladder.near_from_ms is not None:
        due.append((ladder.near_from_ms + params.warn_for_s * 1000, _WARN))
    last_ms = int(run.ends_ms[-1])
    moves = [
        _Move(int(np.searchsorted(run.ends_ms, due_ms)), priority)
        for due_ms, priority in due
        if due_ms <= last_ms
    ]
    return min(moves, default=None)


def _moved(ladder: Ladder, run: Run, move: _Move, params: Params) -> tuple[Ladder, list[Step]]:
    """Return the ladder after one move, and what is said of it."""
    at, end_ms = move.at, int(run.ends_ms[move.at])
    replace = msgspec.structs.replace
    if move.priority == _ONSET:
        return _opened(ladder, run, at, params)
    if move.priority == _WARN:
        warned = replace(ladder, warned_ms=ladder.near_from_ms, near_from_ms=None)
        return warned, [
            Step(at, Transition.ONSET, Reason.APPROACHING, _known(warned.warned_ms), 0, True)
        ]
    if move.priority == _RECEDE:
        step = Step(at, Transition.CLEAR, Reason.RECEDED, _known(ladder.warned_ms), 0, True)
        return replace(ladder, warned_ms=None, far_from_ms=None), [step]
    onset_ms = _known(ladder.onset_ms)
    if move.priority == _CLEAR:
        near_from_ms = end_ms if run.near else None
        cleared = Ladder(near_from_ms=near_from_ms, called_ms=ladder.called_ms)
        # Morning came, say: calm by the day's limit is not the dancers' doing.
        is_same = ladder.limit_db == run.limit_db
        reason = Reason.SELF_CORRECTED if is_same else Reason.LIMIT_CHANGED
        return cleared, [Step(at, Transition.CLEAR, reason, onset_ms, ladder.rung)]
    if move.priority == _LIMIT:
        step = Step(at, Transition.UPDATE, Reason.LIMIT_CHANGED, onset_ms, ladder.rung)
        return replace(ladder, limit_db=run.limit_db), [step]
    climbed, reason = _climbed(ladder, run, end_ms, params)
    return climbed, [Step(at, Transition.UPDATE, reason, onset_ms, climbed.rung)]


def _opened(ladder: Ladder, run: Run, at: int, params: Params) -> tuple[Ladder, list[Step]]:
    """Return the ladder with its alert open; an open warning ends by it."""
    steps = []
    if ladder.warned_ms is not None:
        steps.append(Step(at, Transition.CLEAR, Reason.EXCEEDED, ladder.warned_ms, 0, True))
    begun = Ladder(onset_ms=ladder.over_from_ms, called_ms=ladder.called_ms, limit_db=run.limit_db)
    opened, reason = _climbed(begun, run, int(run.ends_ms[at]), params)
    steps.append(Step(at, Transition.ONSET, reason, _known(opened.onset_ms), opened.rung))
    return opened, steps


def _climbed(ladder: Ladder, run: Run, end_ms: int, params: Params) -> tuple[Ladder, Reason]:
    """Return the ladder on its next rung, and why that one."""
    replace = msgspec.structs.replace
    if ladder.rung == GRID_WORKER:
        return replace(ladder, rung=POLICE, next_ms=None), Reason.STILL_OVER
    reason = (
        Reason.STILL_OVER if ladder.rung == REMINDED else _speechless(ladder, run, end_ms, params)
    )
    if reason is not None:
        next_ms = end_ms + params.grid_worker_s * 1000
        return replace(ladder, rung=GRID_WORKER, next_ms=next_ms), reason
    next_ms = end_ms + params.listen_s * 1000
    reminded = replace(ladder, rung=REMINDED, next_ms=next_ms, called_ms=end_ms)
    return reminded, Reason.HELD


def _speechless(ladder: Ladder, run: Run, end_ms: int, params: Params) -> Reason | None:
    """Return why the loudspeaker must not speak now, None when it may."""
    if run.mute is not None:
        return run.mute
    rests = (
        ladder.called_ms is not None and end_ms < ladder.called_ms + params.reminder_rest_s * 1000
    )
    return Reason.REMINDER_RESTS if rests else None


def _known(instant_ms: int | None) -> int:
    """Return an instant that the state of the ladder promises to be there."""
    assert instant_ms is not None  # noqa: S101 - each move is due only with its instant set
    return instant_ms
