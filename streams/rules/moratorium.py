"""Moratorium rule: `vessel.moratorium` when a covered boat is under way in closed water.

Covered is a boat whose gear the season bans: by the register first, then by what
it said of itself; one whose gear nobody knows is left alone. Moving faster than
`min_speed_kn` from one fix to another at least `hold_s` later counts as under
way; being in a harbour never does. Seasons are half-open in time, and when one
begins, those who are out are judged at that instant, without a new fix.

State, per vessel: how it moves and where, what it said of its gear, and the open
alert. A fix not newer than the state is a redelivery, and is skipped.
"""

from collections.abc import Iterator, Mapping

import msgspec

from schemas.alerts import Alert, Severity, Transition
from schemas.positions import PositionBatch
from streams.geo.fences import FencePurpose
from streams.rule import Verdict
from streams.vessels.alerts import (
    Closure,
    Desk,
    Finding,
    Said,
    Setting,
    covering_by_row,
    fix_rows,
    in_order,
)
from streams.vessels.register import gear_of

NAME = "moratorium"
KIND = "vessel.moratorium"


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters.

    Attributes:
        min_speed_kn: Slower is drifting or at anchor.
        fishing_max_kn: Up to this it may be fishing, faster it is under way only.
        hold_s: Under way this long before it is told: two ten-minute fixes, a minute less
            for their scatter.
        clear_s: Stopped this long before it ends; hauling a net takes less.
        silence_s: Ends when no fix came for this long.
    """

    version: str = "1"
    min_speed_kn: float = 1.5
    fishing_max_kn: float = 6.0
    hold_s: int = 540
    clear_s: int = 7_200
    silence_s: int = 7_200


class Voyage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one vessel.

    Attributes:
        as_of_ms, settled_ms: Newest fix taken; what was due up to here is done.
        place, sog_kn: Of that fix.
        waters: Moratorium fences that cover it; none while it is in a harbour.
        moving_ms: First fix of the present movement.
        slowed_ms: First fix at which it no longer moved.
        gear_said, gear_ms: What it said of its gear, and when.
        closure, fence: Of the open alert; "" for none.
        onset_ms, end_ms: When that alert began, when its season ends.
        due_ms: When time alone will change something.
    """

    as_of_ms: int = -1
    settled_ms: int = -1
    place: tuple[float, float] = (0.0, 0.0)
    sog_kn: float = 0.0
    waters: tuple[str, ...] = ()
    moving_ms: int | None = None
    slowed_ms: int | None = None
    gear_said: str = ""
    gear_ms: int = -1
    closure: str = ""
    fence: str = ""
    onset_ms: int = 0
    end_ms: int = 0
    due_ms: int | None = None


def evaluate(
    batch: PositionBatch, prior: Mapping[str, Voyage], setting: Setting[Params]
) -> Verdict[Voyage]:
    """Return who began or ended to be out in closed time.

    Args:
        batch: Fixes of vessels' main tracks and their static messages, each
            vessel's in event-time order.
        prior: Voyages before the batch.
        setting: Parameters, fences, register, closures.
    """
    alerts: list[Alert] = []
    changed: dict[str, Voyage | None] = {}
    rows = fix_rows(batch)
    covering = covering_by_row(setting.fences, batch, rows)
    fixes = set(rows.tolist())
    for row, subject in enumerate(batch.subject):
        last = changed.get(subject) or prior.get(subject) or Voyage()
        said, at_ms = batch.extra[row], int(batch.event_time_ms[row])
        if said is not None and said.gear and at_ms > last.gear_ms:
            now = msgspec.structs.replace(last, gear_said=said.gear, gear_ms=at_ms)
            changed[subject] = last = now
        if row not in fixes or at_ms <= last.as_of_ms:
            continue
        walk = _Walk(Desk(subject, setting, alerts), last)
        walk.settle(at_ms)
        place = (float(batch.lon_deg[row]), float(batch.lat_deg[row]))
        walk.take(at_ms, place, float(batch.sog_kn[row]), covering.get(row, ()))
        changed[subject] = walk.done()
    return Verdict(in_order(alerts), changed)


def close(
    keys: list[str], prior: Mapping[str, Voyage], watermark_ms: int, setting: Setting[Params]
) -> Verdict[Voyage]:
    """Do what time alone has made due up to `watermark_ms`."""
    alerts: list[Alert] = []
    changed: dict[str, Voyage | None] = {}
    for subject in keys:
        last = prior.get(subject)
        if last is not None:
            walk = _Walk(Desk(subject, setting, alerts), last)
            walk.settle(watermark_ms)
            if (now := walk.done()) != last:
                changed[subject] = now
    return Verdict(in_order(alerts), changed)


class _Walk:
    """One vessel on its way through one fix, or through time."""

    def __init__(self, desk: Desk[Params], now: Voyage) -> None:
        self.desk, self.params, self.now = desk, desk.params, now
        self.record = desk.setting.registry.get(desk.subject)
        self.gear, self.gear_from = gear_of(self.record, now.gear_said, None)

    def done(self) -> Voyage:
        due_ms = min((at_ms for at_ms, _ in self._coming()), default=None)
        return msgspec.structs.replace(self.now, due_ms=due_ms)

    def settle(self, now_ms: int) -> None:
        """Do what falls due up to `now_ms`, earliest first."""
        while (coming := min(self._coming(), default=None)) and coming[0] <= now_ms:
            at_ms, what = coming
            self._put(settled_ms=at_ms)
            if self.now.closure:
                self._end(at_ms, what)
            else:
                self._judge(at_ms, "season-opened")

    def _coming(self) -> Iterator[tuple[int, str]]:
        """Yield what time alone will make due, and when."""
        now, silent_ms = self.now, self.now.as_of_ms + self.params.silence_s * 1000
        if now.closure:
            yield silent_ms, "not-heard"
            yield now.end_ms, "season-ended"
            return
        seen_ms = max(now.as_of_ms, now.settled_ms)
        for closure in self.desk.setting.closures if now.waters else ():
            for start_ms, _ in closure.seasons_ms:
                if seen_ms < start_ms < silent_ms:
                    yield start_ms, closure.code

    def take(
        self, at_ms: int, place: tuple[float, float], sog_kn: float, covering: tuple[int, ...]
    ) -> None:
        """Judge one fix; a speed that was not said is taken as the one before."""
        purposes = [(f.purpose, f.id) for f in (self.desk.fences.fences[at] for at in covering)]
        in_harbour = any(purpose is FencePurpose.HARBOUR for purpose, _ in purposes)
        waters = tuple(id_ for purpose, id_ in purposes if purpose is FencePurpose.MORATORIUM)
        now = self.now
        sog_kn = now.sog_kn if sog_kn != sog_kn else sog_kn  # noqa: PLR0124 - NaN
        moves = sog_kn >= self.params.min_speed_kn and not in_harbour
        unbroken = at_ms - now.as_of_ms <= self.params.silence_s * 1000
        since_ms = now.moving_ms if unbroken and now.moving_ms is not None else at_ms
        first_slow_ms = at_ms if now.slowed_ms is None else now.slowed_ms
        self._put(
            as_of_ms=at_ms,
            place=place,
            sog_kn=sog_kn,
            waters=() if in_harbour else waters,
            moving_ms=since_ms if moves else None,
            slowed_ms=None if moves else first_slow_ms,
        )
        if not now.closure:
            self._judge(at_ms, "fix")
        elif in_harbour:
            self._end(at_ms, "in-harbour")
        elif now.fence not in waters:
            self._end(at_ms, "left")
        elif not moves and at_ms - first_slow_ms >= self.params.clear_s * 1000:
            self._end(at_ms, "stopped")

    def _judge(self, at_ms: int, why: str) -> None:
        """Raise the alert if the boat is under way where and when it must not be."""
        now, params = self.now, self.params
        if now.moving_ms is None or now.as_of_ms - now.moving_ms < params.hold_s * 1000:
            return
        permits = self.record.permits if self.record else ()
        for closure in self.desk.setting.closures:
            end_ms = _end_ms(closure, at_ms)
            if end_ms is None or closure.fence not in now.waters:
                continue
            if self.gear and closure.closes(self.gear, permits):
                self._put(closure=closure.code, fence=closure.fence, onset_ms=at_ms, end_ms=end_ms)
                pace = "fishing-speed" if now.sog_kn <= params.fishing_max_kn else "under-way"
                reason = f"{pace} gear-{self.gear_from}:{self.gear} {closure.code} {why}"
                words = f"（{self.gear}）在休渔期内航行，航速 {now.sog_kn:.1f} 节"
                self._tell(Transition.ONSET, at_ms, words, reason)
                return

    def _end(self, at_ms: int, reason: str) -> None:
        self._tell(Transition.CLEAR, at_ms, "休渔期航行告警结束", reason)
        self._put(closure="", fence="", onset_ms=0, end_ms=0)

    def _tell(self, transition: Transition, at_ms: int, words: str, reason: str) -> None:
        now, subject = self.now, self.desk.subject
        version, severity = self.params.version, Severity.SEVERE
        finding = Finding(NAME, version, KIND, subject, now.onset_ms, severity, now.fence)
        said = Said(words, reason, now.place, now.sog_kn, self.params.min_speed_kn, "kn")
        self.desk.tell(finding, transition, at_ms, said)

    def _put(self, **changes: object) -> None:
        self.now = msgspec.structs.replace(self.now, **changes)


def _end_ms(closure: Closure, at_ms: int) -> int | None:
    """Return when the season that is on at `at_ms` ends; None when none is on."""
    return next((end for start, end in closure.seasons_ms if start <= at_ms < end), None)
