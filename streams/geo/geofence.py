"""Geofence transitions of one subject: pure steps over its fixes.

Every word is told with the id of the visit that it belongs to, one id from
enter or found to exit or lost.

    step     takes one fix
    at_time  lets time pass without one

Both first do what fell due before, in time order, so it makes no difference
whether the clock was asked between two fixes or not. A fix that is not newer
than the last one changes nothing: it is a redelivery, or came too late.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum

import msgspec

from schemas.ids import uuid5
from streams.geo.fences import Fence, FenceIndex, distance_m
from streams.geo.words import (
    FenceTransition,
    Fix,
    GeofenceParams,
    Phase,
    Stay,
    Whereabouts,
    Why,
    Word,
)

_KNOT_M_PER_S = 1852 / 3600
# Words of one instant are told in the order in which `Word` lists them.
_RANK = {word: rank for rank, word in enumerate(Word)}


class _Due(StrEnum):
    """What can fall due; at one instant it is done in this order."""

    LOSE = "lose"
    EXIT = "exit"
    WINDOW_ENDS = "window-ends"
    WINDOW_OPENS = "window-opens"
    ENTER = "enter"
    DWELL = "dwell"


_DUE_RANK = {due: rank for rank, due in enumerate(_Due)}


def step(
    index: FenceIndex,
    prior: Whereabouts,
    fix: Fix,
    covering_now: Collection[int],
    params: GeofenceParams,
) -> tuple[list[FenceTransition], Whereabouts]:
    """Take one fix.

    Args:
        index: The fences.
        prior: Whereabouts before the fix; `UNSEEN` for a new subject.
        fix: The fix, finite and WGS-84.
        covering_now: Fence indices that cover it (`FenceIndex.covering`).
        params: Of the subject's class.

    Returns:
        What happened, in time order, at one instant in the order of `Word`
        (exits before enters) and then of fence ids; and the new whereabouts.
    """
    if fix.event_time_ms <= prior.as_of_ms:
        return [], prior
    walk = _Walk(index, prior, fix.subject, params)
    walk.settle(fix.event_time_ms)
    walk.take(fix, covering_now)
    return walk.told, walk.whereabouts()


def at_time(
    index: FenceIndex, prior: Whereabouts, subject: str, now_ms: int, params: GeofenceParams
) -> tuple[list[FenceTransition], Whereabouts]:
    """Tell what has fallen due up to `now_ms` (event time, inclusive)."""
    if not _is_pending(prior, index, now_ms):
        return [], prior
    walk = _Walk(index, prior, subject, params)
    walk.settle(now_ms)
    return walk.told, walk.whereabouts()


def _is_pending(prior: Whereabouts, index: FenceIndex, now_ms: int) -> bool:
    """Return whether anything is to be done by `now_ms`: due by then, or by other fences."""
    if prior.as_of_ms < 0:
        return False
    is_due = prior.due_ms is not None and prior.due_ms <= now_ms
    return is_due or prior.fences_version != index.version


class _Walk:
    """One subject on its way through one step."""

    def __init__(
        self, index: FenceIndex, prior: Whereabouts, subject: str, params: GeofenceParams
    ) -> None:
        self.index, self.subject, self.params = index, subject, params
        self.told: list[FenceTransition] = []
        self.prior = prior
        self.as_of_ms, self.settled_ms = prior.as_of_ms, prior.settled_ms
        self.place = (prior.lon_deg, prior.lat_deg)
        self.stays = {stay.fence: stay for stay in prior.stays}
        self.lost_in: tuple[str, ...] = prior.lost_in
        self.scheduled: tuple[str, ...] = prior.scheduled
        self.due_ms = prior.due_ms

    def whereabouts(self) -> Whereabouts:
        """Return the state as it now is, with the next due instant."""
        return Whereabouts(
            as_of_ms=self.as_of_ms,
            lon_deg=self.place[0],
            lat_deg=self.place[1],
            stays=tuple(self.stays[fence] for fence in sorted(self.stays)),
            lost_in=self.lost_in,
            scheduled=self.scheduled,
            settled_ms=self.settled_ms,
            fences_version=self.index.version,
            due_ms=self.due_ms,
        )

    # -- time passes ------------------------------------------------------

    def settle(self, now_ms: int) -> None:
        """Do what falls due up to `now_ms`, earliest first."""
        if not _is_pending(self.prior, self.index, now_ms):
            return
        if self.prior.fences_version != self.index.version:
            self._rejudge(max(now_ms, self.settled_ms))
        self._do_due(now_ms)

    def _do_due(self, now_ms: int) -> None:
        while (upcoming := self._next_due()) and upcoming[0] <= now_ms:
            due_ms, _, fence_id, what = upcoming
            at_ms = max(due_ms, self.as_of_ms)
            self.settled_ms = max(self.settled_ms, due_ms)
            self._fall_due(what, fence_id, at_ms)
        self.due_ms = upcoming[0] if upcoming else None

    def _next_due(self) -> tuple[int, int, str, _Due] | None:
        """Return (instant, rank, fence, what) of the first thing to come."""
        coming: list[tuple[int, int, str, _Due]] = []
        for stay in self.stays.values():
            fence = self._fence(stay.fence)
            if stay.phase is Phase.LEAVING:
                due, what = stay.leaving_ms + _ms(fence.exit_s), _Due.EXIT
            elif stay.phase is Phase.ENTERING:
                sure = stay.fixes >= fence.enter_fixes
                due = self.as_of_ms if sure else stay.since_ms + _ms(fence.enter_s)
                what = _Due.ENTER
            elif fence.dwell_s is not None and not stay.dwelt:
                due, what = stay.since_ms + _ms(fence.dwell_s), _Due.DWELL
            else:
                continue
            coming.append((due, _DUE_RANK[what], stay.fence, what))
        lost_ms = self._lost_ms()
        if self.stays and lost_ms is not None:
            coming.append((lost_ms, _DUE_RANK[_Due.LOSE], "", _Due.LOSE))
        coming += self._window_edges(lost_ms)
        return min(coming, default=None)

    def _window_edges(self, lost_ms: int | None) -> Iterable[tuple[int, int, str, _Due]]:
        """Yield the next opening or end of each fence with windows around the subject."""
        seen_ms = max(self.as_of_ms, self.settled_ms)
        for fence_id in {*self.scheduled, *self.stays}:
            fence = self._fence(fence_id)
            edge_ms = fence.next_change_ms(seen_ms)
            # A subject that is lost by then is no occupant that one knows of.
            if edge_ms is not None and (lost_ms is None or edge_ms < lost_ms):
                opens = fence.in_force(edge_ms)
                what = _Due.WINDOW_OPENS if opens else _Due.WINDOW_ENDS
                yield edge_ms, _DUE_RANK[what], fence_id, what

    def _fall_due(self, what: _Due, fence_id: str, at_ms: int) -> None:
        stay = self.stays.get(fence_id)
        if what is _Due.LOSE:
            self._lose(at_ms)
        elif what is _Due.WINDOW_OPENS:
            # Whoever is there enters at this instant, without a new fix.
            if stay is None and fence_id in self.scheduled:
                self._begin(Word.ENTER, fence_id, Why.WINDOW_OPENED, at_ms)
        elif stay is None:
            return
        elif what is _Due.WINDOW_ENDS:
            self._end(stay, Why.WINDOW_ENDED, at_ms)
        elif what is _Due.EXIT:
            self._end(stay, Why.HELD, at_ms)
        elif what is _Due.ENTER:
            self._put(stay, phase=Phase.INSIDE)
            why = Why.HELD if at_ms > self.as_of_ms and stay.why is Why.FIX else stay.why
            self._tell(Word.ENTER, fence_id, why, at_ms, stay)
        else:
            self._put(stay, dwelt=True)
            self._tell(Word.DWELL, fence_id, Why.HELD, at_ms, stay)

    def _lose(self, at_ms: int) -> None:
        """End all stays: nothing was heard of the subject for too long."""
        for stay in self._sorted_stays():
            if stay.phase is not Phase.ENTERING:
                self._tell(Word.LOST, stay.fence, Why.SILENCE, at_ms, stay)
                self.lost_in = (*self.lost_in, stay.fence)
        self.stays.clear()

    def _rejudge(self, at_ms: int) -> None:
        """The fences are others than last time: judge the last place again."""
        covering = {self.index.fences[at].id for at in self.index.covering_one(*self.place)}
        lost_ms = self._lost_ms()
        for stay in self._sorted_stays():
            if self.index.index_of(stay.fence) is None:
                self._end(stay, Why.FENCE_REMOVED, at_ms)
            elif stay.fence not in covering and stay.phase is not Phase.LEAVING:
                self._end(stay, Why.FENCE_CHANGED, at_ms)
        self.scheduled = self._with_windows(covering)
        if lost_ms is None or at_ms < lost_ms:
            for fence_id in sorted(covering - set(self.stays)):
                if self._fence(fence_id).in_force(at_ms):
                    self._begin(Word.ENTER, fence_id, Why.FENCE_CHANGED, at_ms)
        self.settled_ms = max(self.settled_ms, at_ms)

    # -- a fix comes ------------------------------------------------------

    def take(self, fix: Fix, covering_now: Collection[int]) -> None:
        """Judge the fix, then what it makes due at once."""
        earlier = len(self.told)
        before_ms, before = self.as_of_ms, self.place
        self.as_of_ms, self.place = fix.event_time_ms, (fix.lon_deg, fix.lat_deg)
        # Judged by the windows of now, even if the fix itself came late.
        seen_ms = max(fix.event_time_ms, self.settled_ms)
        covering = {self.index.fences[at].id for at in covering_now}
        self.scheduled = self._with_windows(covering)
        here = {fence_id for fence_id in covering if self._fence(fence_id).in_force(seen_ms)}
        known = set(self.stays)
        aside = known | covering | {*self.lost_in, *self.prior.scheduled}
        for stay in self._sorted_stays():
            self._keep(stay, inside=stay.fence in here)
        for fence_id in sorted(here - known):
            self._arrive(fence_id, before_ms)
        for fence_id in sorted(set(self.lost_in) - here):
            self._tell(Word.OUTSIDE, fence_id, Why.LEFT_UNSEEN, self.as_of_ms, None)
        self.lost_in = ()
        if before_ms >= 0 and Word.CROSS in self.params.words:
            self._cross(before_ms, before, aside, seen_ms)
        self._do_due(self.as_of_ms)
        self._tell_standing(seen_ms)
        self.told[earlier:] = sorted(self.told[earlier:], key=lambda one: _RANK[one.word])

    def _keep(self, stay: Stay, *, inside: bool) -> None:
        """Carry a stay on through one more fix."""
        if inside:
            if stay.phase is Phase.ENTERING:
                self._put(stay, fixes=stay.fixes + 1)
            elif stay.phase is Phase.LEAVING:
                self._put(stay, phase=Phase.INSIDE, leaving_ms=0)
        elif stay.phase is Phase.ENTERING:
            del self.stays[stay.fence]
        elif self._beyond(stay.fence):
            if stay.phase is Phase.INSIDE:
                self._put(stay, phase=Phase.LEAVING, leaving_ms=self.as_of_ms)
        else:
            self._put(stay, phase=Phase.INSIDE, leaving_ms=0)

    def _arrive(self, fence_id: str, before_ms: int) -> None:
        """Begin a stay: found at once when nothing is known before, else on probation."""
        at_ms = self.as_of_ms
        if before_ms < 0:
            self._begin(Word.FOUND, fence_id, Why.FIRST_FIX, at_ms)
        elif fence_id in self.lost_in:
            self._begin(Word.FOUND, fence_id, Why.HEARD_AGAIN, at_ms)
        else:
            limit_s = self.params.lost_after_s
            silent = limit_s is not None and at_ms - before_ms >= _ms(limit_s)
            why = Why.AFTER_SILENCE if silent else Why.FIX
            self.stays[fence_id] = self._stay(fence_id, at_ms, Phase.ENTERING, why)

    def _cross(
        self, before_ms: int, before: tuple[float, float], aside: set[str], seen_ms: int
    ) -> None:
        """Tell the fences that lie between two fixes, none of those `aside`.

        Aside are fences that hold one of the two fixes, in force or not.
        """
        gap_s = (self.as_of_ms - before_ms) / 1000
        if gap_s > self.params.max_gap_s or before == self.place:
            return
        if distance_m(before, self.place) / gap_s > self.params.max_speed_kn * _KNOT_M_PER_S:
            return
        for at in self.index.crossed(before, self.place, aside):
            fence = self.index.fences[at]
            if fence.in_force(before_ms) and fence.in_force(seen_ms):
                self._tell(Word.CROSS, fence.id, Why.FIX, self.as_of_ms, None)

    def _tell_standing(self, seen_ms: int) -> None:
        """Tell inside and outside of every fence, to those who asked for them."""
        if Word.INSIDE in self.params.words:
            for stay in self._sorted_stays():
                if stay.phase is not Phase.ENTERING:
                    self._tell(Word.INSIDE, stay.fence, Why.FIX, self.as_of_ms, stay)
        if Word.OUTSIDE in self.params.words:
            for fence in self.index.fences:
                stay_here = self.stays.get(fence.id)
                out = stay_here is None or stay_here.phase is Phase.ENTERING
                if out and fence.in_force(seen_ms):
                    self._tell(Word.OUTSIDE, fence.id, Why.FIX, self.as_of_ms, None)

    # -- small things -----------------------------------------------------

    def _fence(self, fence_id: str) -> Fence:
        at = self.index.index_of(fence_id)
        if at is None:
            raise KeyError(fence_id)
        return self.index.fences[at]

    def _beyond(self, fence_id: str) -> bool:
        at = self.index.index_of(fence_id)
        return at is None or self.index.beyond_buffer(at, *self.place)

    def _lost_ms(self) -> int | None:
        limit_s = self.params.lost_after_s
        return None if limit_s is None else self.as_of_ms + _ms(limit_s)

    def _with_windows(self, fence_ids: Collection[str]) -> tuple[str, ...]:
        return tuple(
            fence_id
            for fence_id in sorted(fence_ids)
            if self._fence(fence_id).windows_ms is not None
        )

    def _sorted_stays(self) -> list[Stay]:
        return [self.stays[fence_id] for fence_id in sorted(self.stays)]

    def _stay(self, fence_id: str, at_ms: int, phase: Phase, why: Why) -> Stay:
        visit = uuid5("visit", self.subject, fence_id, at_ms)
        return Stay(fence=fence_id, visit=visit, since_ms=at_ms, phase=phase, why=why)

    def _put(self, stay: Stay, **changes: object) -> None:
        self.stays[stay.fence] = msgspec.structs.replace(stay, **changes)

    def _begin(self, word: Word, fence_id: str, why: Why, at_ms: int) -> None:
        stay = self._stay(fence_id, at_ms, Phase.INSIDE, why)
        self.stays[fence_id] = stay
        self._tell(word, fence_id, why, at_ms, stay)

    def _end(self, stay: Stay, why: Why, at_ms: int) -> None:
        del self.stays[stay.fence]
        if stay.phase is not Phase.ENTERING:
            self._tell(Word.EXIT, stay.fence, why, at_ms, stay)

    def _tell(self, word: Word, fence_id: str, why: Why, at_ms: int, stay: Stay | None) -> None:
        if word not in self.params.words and why is not Why.LEFT_UNSEEN:
            return
        at = self.index.index_of(fence_id)
        self.told.append(
            FenceTransition(
                word=word,
                fence=fence_id,
                purpose=None if at is None else self.index.fences[at].purpose,
                why=why,
                at_ms=at_ms,
                visit=stay.visit if stay else "",
                since_ms=stay.since_ms if stay else at_ms,
                lon_deg=self.place[0],
                lat_deg=self.place[1],
                fences_version=self.index.version,
            )
        )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
