"""Noise rule: a place approaches, exceeds, and comes back below its noise limit.

Readings `noise.laeq` of one sensor become Leq over a sliding window, judged by
the limit that holds at the window's last sample: a window that ends at 22:00:00
is the last of the day, the next one is of the night. See `noise.windows` for
the arithmetic, `noise.limits` for the limit, `noise.ladder` for what follows.
A window of which too little was heard says nothing; an unheard stretch as long
as a window breaks every hold; a longer silence ends what is open.

State, per sensor: its latest window of energies, its ladder, and the latest
message with the window that decided it. A second reading of one sample is
ignored, so redelivery changes nothing. One that fills a hole behind the state
(late, but allowed) restates the latest message when it lay in its window; the
ladder itself is not walked again, for what was said was said: a correction that
would undo it says so by its reason.

One ladder a sensor, though alerts are about the venue: two sensors of a venue
may lie in different partitions, so no state could be shared. Who merges them by
(rule, venue) is the incident stage; the rest between reminders that holds for a
ladder here holds for a venue there.
"""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Alert
from schemas.readings import ReadingBatch
from schemas.records import Reason as RejectReason
from streams.noise.alerts import NAME, Found, Said, correction, told
from streams.noise.judging import Judged, Silence, judge, silences
from streams.noise.ladder import QUIET, Ladder, Params, advance, fall_silent
from streams.noise.levels import energies
from streams.noise.posts import Post, Setting
from streams.noise.windows import Heard, Windows, filled, fitted, ring_leq, slide
from streams.rule import RowNote, Verdict

__all__ = ["NAME", "Hearing", "Params", "Setting", "close", "evaluate"]

KIND = "noise.laeq"
# Before any sample, for comparisons.
_UNHEARD = np.iinfo(np.int64).min
# A message older than this is no longer corrected: it would only weigh on every
# write of the state. No source may be late by as much.
_CORRECTABLE_MS = 3_600_000


class Hearing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of one sensor.

    Attributes:
        next_slot: The sample after its newest one, counted from 1970.
        ring: Energies of the samples of the window before it, oldest first.
        judged_ms: End of its latest window that could be judged.
        ladder: Where its ladder stands.
        said: The latest message that a window decided.
        due_ms: When an open alert ends if nothing more is heard.
    """

    next_slot: int
    ring: bytes
    judged_ms: int = 0
    ladder: Ladder = QUIET
    said: Said | None = None
    due_ms: int | None = None


class _Group(NamedTuple):
    """Readings of the sensors of one sample length, by (sensor, slot)."""

    posts: list[Post]
    sensor: NDArray[np.int64]
    slot: NDArray[np.int64]
    energy: NDArray[np.int64]


class _Scene(NamedTuple):
    """What all the sensors of a batch are walked over."""

    setting: Setting
    windows: Windows
    judged: Judged


def evaluate(
    batch: ReadingBatch, prior: Mapping[str, Hearing], setting: Setting
) -> Verdict[Hearing]:
    """Return what `batch` says about noise, given `prior`.

    Args:
        batch: Readings in event-time order, of any kinds; `value` in dB(A).
        prior: Each sensor's state before the batch; absent means unheard.
        setting: Parameters, limits and placed sensors (`noise.posts`).

    Returns:
        Alerts by event time and sensor; a note for each reading of a sensor
        that no file of the city places.
    """
    groups, notes = _grouped(batch, setting)
    found: Verdict[Hearing] = Verdict([], {}, notes)
    for group in groups:
        _fresh(group, _late(group, prior, setting, found), setting, found)
    return found._replace(alerts=_by_time(found.alerts))


def close(
    keys: list[str], prior: Mapping[str, Hearing], watermark_ms: int, setting: Setting
) -> Verdict[Hearing]:
    """Return what ends because its sensor has fallen silent.

    Args:
        keys: Sensors that may be due.
        prior: Their states.
        watermark_ms: No reading before this instant is expected any more.
        setting: Parameters, limits and placed sensors.
    """
    alerts: list[Alert] = []
    changed: dict[str, Hearing | None] = {}
    for key in keys:
        hearing = prior.get(key)
        if hearing is None or hearing.due_ms is None or hearing.due_ms > watermark_ms:
            continue
        post = setting.posts.get(key)
        if post is None:  # the city's files no longer place it: nothing to speak of
            changed[key] = None
            continue
        ladder, ended = _silenced(hearing.ladder, post, hearing.due_ms, setting)
        alerts += ended
        changed[key] = msgspec.structs.replace(hearing, ladder=ladder, said=None, due_ms=None)
    return Verdict(_by_time(alerts), changed)


def _by_time(alerts: list[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: (alert.event_time_ms, alert.inputs[0]))


def _grouped(batch: ReadingBatch, setting: Setting) -> tuple[list[_Group], list[RowNote]]:
    """Return the batch's levels by sample length, and notes on unplaced sensors."""
    mine = np.flatnonzero(np.fromiter((kind == KIND for kind in batch.kind), np.bool_))
    if not len(mine):
        return [], []
    index: dict[str, int] = {}
    subjects = batch.subject
    sensor = np.fromiter(
        (index.setdefault(subjects[row], len(index)) for row in mine.tolist()), np.int64, len(mine)
    )
    posts = [setting.posts.get(name) for name in index]
    sample_ms = np.array([post.sample_ms if post else 0 for post in posts])
    by_reading = sample_ms[sensor]
    notes = [
        RowNote(row, RejectReason.UNKNOWN_SUBJECT, f"no noise sensor {subjects[row]!r} is placed")
        for row in mine[by_reading == 0].tolist()
    ]
    groups = []
    for length in sorted(set(sample_ms.tolist()) - {0}):
        chosen = by_reading == length
        numbers, within = np.unique(sensor[chosen], return_inverse=True)
        slot = batch.event_time_ms[mine[chosen]] // length
        order = np.lexsort((slot, within))
        energy = energies(batch.value[mine[chosen]])
        members = [post for number in numbers.tolist() if (post := posts[number])]
        groups.append(_Group(members, within[order], slot[order], energy[order]))
    return groups, notes


def _late(
    group: _Group, prior: Mapping[str, Hearing], setting: Setting, found: Verdict[Hearing]
) -> list[Hearing | None]:
    """Take in what lies behind the states; return the states after it."""
    hearings = [prior.get(post.sensor) for post in group.posts]
    known = np.array([hearing.next_slot if hearing else _UNHEARD for hearing in hearings])
    for row in np.flatnonzero(group.slot < known[group.sensor]).tolist():
        number = int(group.sensor[row])
        post, before = group.posts[number], hearings[number]
        if before is None:
            continue
        after, said = _mended(before, int(group.slot[row]), int(group.energy[row]), post, setting)
        found.alerts.extend(said)
        if after is not before:
            hearings[number] = found.changed[post.sensor] = after
    return hearings


def _mended(
    hearing: Hearing, slot: int, energy: int, post: Post, setting: Setting
) -> tuple[Hearing, list[Alert]]:
    """Return the state with one late sample filled in, and the correction it makes."""
    ring = filled(hearing.ring, slot - hearing.next_slot + post.size, energy)
    if ring is not None:
        hearing = msgspec.structs.replace(hearing, ring=ring)
    said = hearing.said
    if said is None or said.message.window_start_time_ms is None:
        return hearing, []
    window = filled(said.window, slot - said.message.window_start_time_ms // post.sample_ms, energy)
    if window is None:
        return hearing, []
    leq_db, revision, alerts = ring_leq(window), said.revision, []
    if leq_db != said.leq_db:
        alerts = [correction(said, leq_db, setting.params.clear_margin_db)]
        revision += 1
    said = Said(said.message, window, leq_db, revision)
    return msgspec.structs.replace(hearing, said=said), alerts


def _fresh(
    group: _Group, hearings: list[Hearing | None], setting: Setting, found: Verdict[Hearing]
) -> None:
    """Take in what is newer than the states."""
    first = np.flatnonzero(np.diff(group.sensor, prepend=-1))
    next_slot = group.slot[first]
    for number, hearing in enumerate(hearings):
        if hearing is not None:
            next_slot[number] = hearing.next_slot
    twice = np.zeros(len(group.slot), dtype=np.bool_)
    twice[1:] = (np.diff(group.slot) == 0) & (np.diff(group.sensor) == 0)
    keep = (group.slot >= next_slot[group.sensor]) & ~twice
    if not keep.any():
        return
    numbers, sensor = np.unique(group.sensor[keep], return_inverse=True)
    heard = Heard(sensor, group.slot[keep], group.energy[keep])
    posts = [group.posts[number] for number in numbers.tolist()]
    states = [
        hearings[number] or Hearing(int(next_slot[number]), b"") for number in numbers.tolist()
    ]
    rings = [fitted(state.ring, posts[0].size) for state in states]
    windows = slide(heard, rings, next_slot[numbers], posts[0].size)
    judged_ms = np.array([state.judged_ms for state in states])
    scene = _Scene(setting, windows, judge(heard, windows, posts, judged_ms, setting))
    _walk(heard, scene, posts, states, found)


def _walk(
    heard: Heard, scene: _Scene, posts: list[Post], states: list[Hearing], found: Verdict[Hearing]
) -> None:
    """Walk each sensor's ladder over its windows, and remember where it stands."""
    judged, params, sample_ms = scene.judged, scene.setting.params, posts[0].sample_ms
    quiet = silences(heard, np.array([state.next_slot for state in states]), sample_ms, params)
    stirred = np.zeros(len(posts), dtype=np.bool_)
    stirred[judged.sensor[judged.near]] = True
    bounds = np.searchsorted(judged.sensor, np.arange(len(posts) + 1)).tolist()
    last = np.searchsorted(heard.sensor, np.arange(len(posts)), side="right") - 1
    rings, next_slot = scene.windows.rings(last), (heard.slot[last] + 1).tolist()
    for number, (post, state) in enumerate(zip(posts, states, strict=True)):
        begins, ends = bounds[number], bounds[number + 1]
        ladder, said = state.ladder, state.said
        if stirred[number] or not ladder.is_idle:
            ladder, said, alerts = _climb(
                post, state, scene, slice(begins, ends), quiet.get(number, [])
            )
            found.alerts.extend(alerts)
        newest_ms = next_slot[number] * sample_ms
        if said is not None and newest_ms - said.message.event_time_ms > _CORRECTABLE_MS:
            said = None
        found.changed[post.sensor] = Hearing(
            next_slot=next_slot[number],
            ring=rings[number],
            judged_ms=int(judged.end_ms[ends - 1]) if ends > begins else state.judged_ms,
            ladder=ladder,
            said=said,
            due_ms=newest_ms + params.silence_s * 1000 if ladder.is_open else None,
        )


def _climb(
    post: Post, state: Hearing, scene: _Scene, mine: slice, quiet: list[Silence]
) -> tuple[Ladder, Said | None, list[Alert]]:
    """Return where a sensor's ladder stands after its judged windows `mine`, and what it said.

    `quiet` holds the silences before some of these windows, in order.
    """
    setting, windows, judged = scene
    runs = judged.runs
    starts = runs[np.searchsorted(runs, mine.start) : np.searchsorted(runs, mine.stop)].tolist()
    ladder, said, alerts = state.ladder, state.said, []
    waiting = deque(quiet)
    for start, stop in pairwise([*starts, mine.stop, mine.stop]):
        while waiting and (start == mine.stop or waiting[0].window <= judged.window[start]):
            due_ms = waiting.popleft().due_ms
            if ladder.is_open:
                ladder, ended = _silenced(ladder, post, due_ms, setting)
                alerts += ended
                said = None
        if start == mine.stop:
            break
        ladder, steps = advance(ladder, judged.run(start, stop, post, setting), setting.params)
        for step in steps:
            at = start + step.at
            window = int(judged.window[at])
            leq_db = float(windows.leq_db[window])
            decided = Found(int(judged.end_ms[at]), leq_db, int(judged.limit_row[at]))
            alert = told(step, post, decided, setting)
            alerts.append(alert)
            said = Said(alert, windows.ring(window), leq_db)
    return ladder, said, alerts


def _silenced(
    ladder: Ladder, post: Post, due_ms: int, setting: Setting
) -> tuple[Ladder, list[Alert]]:
    """Return the ladder of a sensor that fell silent, and the alerts that end by it."""
    ladder, steps = fall_silent(ladder)
    return ladder, [told(step, post, Found(due_ms), setting) for step in steps]
