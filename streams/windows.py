"""Windows over event time: which values belong together, and when that is told.

A window holds its start and not its end. It is told once, when the watermark
reaches its end; a value that comes later but within the allowed lateness is told
as a correction: the same window id, the revision one higher. Nothing in here
knows keys: the owner keeps one `Panes` for each, which any codec of Structs can
store. Windows of time and sessions are told by `close`, windows of a count or of
a state by the value that ends them.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from streams.lateness import BEGINNING_MS
from streams.summary import Summary


class Telling(StrEnum):
    """Why a window is told."""

    FINAL = "final"
    CORRECTION = "correction"
    ABSORBED = "absorbed"  # a late value joined this session to an earlier one


class Pane(msgspec.Struct, frozen=True, array_like=True):
    """One window of one key.

    Attributes:
        id_ms: Its start when it was first told: its name for good.
        start_ms: First instant.
        end_ms: First instant after it.
        told: How often it was told; 0 while it is open.
        summary: Of its values.
    """

    id_ms: int
    start_ms: int
    end_ms: int
    told: int
    summary: Summary


class Panes(msgspec.Struct, frozen=True, array_like=True):
    """The windows of one key that can still change, by start.

    `closed_ms` is the watermark up to which windows were told.
    """

    closed_ms: int = BEGINNING_MS
    panes: tuple[Pane, ...] = ()


class Result(NamedTuple):
    """A window as it is told: `id_ms` and `revision` name the message."""

    id_ms: int
    start_ms: int
    end_ms: int
    revision: int
    telling: Telling
    summary: Summary


class Taken(NamedTuple):
    """The panes after a step, and what is told. `refused` values came too late."""

    panes: Panes
    results: list[Result]
    refused: int = 0


class Hopping(msgspec.Struct, frozen=True):
    """Windows of `size_ms`, one every `every_ms`, counted from `origin_ms`.

    Every `every_ms` = `size_ms` they tumble: each instant is in one of them.
    """

    size_ms: int
    every_ms: int
    lateness_ms: int = 0
    origin_ms: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.every_ms <= self.size_ms or self.lateness_ms < 0:
            raise ValueError("0 < every_ms <= size_ms and lateness_ms >= 0")

    def starts_ms(self, at_ms: int) -> range:
        """Return the starts of the windows that hold the instant, in order."""
        last_ms = at_ms - (at_ms - self.origin_ms) % self.every_ms
        count = (self.size_ms - 1 - (at_ms - last_ms)) // self.every_ms
        return range(last_ms - count * self.every_ms, last_ms + 1, self.every_ms)

    def take(self, before: Panes, at_ms: int, value: float) -> Taken:
        """Put a value into its windows."""
        panes = {pane.start_ms: pane for pane in before.panes}
        results: list[Result] = []
        refused = True
        for start_ms in self.starts_ms(at_ms):
            end_ms = start_ms + self.size_ms
            if end_ms + self.lateness_ms <= before.closed_ms:
                continue
            refused = False
            known = panes.get(start_ms) or Pane(start_ms, start_ms, end_ms, 0, Summary())
            pane = msgspec.structs.replace(known, summary=known.summary.add(value))
            if end_ms <= before.closed_ms:
                pane = _tell(pane, results)
            panes[start_ms] = pane
        return Taken(_panes(before.closed_ms, panes.values()), results, int(refused))

    def close(self, before: Panes, watermark_ms: int) -> Taken:
        """Tell the windows that the watermark has reached."""
        return _close(before, watermark_ms, self.lateness_ms)


def tumbling(size_ms: int, lateness_ms: int = 0, origin_ms: int = 0) -> Hopping:
    """Return windows of `size_ms` that follow one another without gap or overlap."""
    return Hopping(size_ms, size_ms, lateness_ms, origin_ms)


class Session(msgspec.Struct, frozen=True):
    """Values less than `gap_ms` apart belong together; it ends `gap_ms` after the last."""

    gap_ms: int
    lateness_ms: int = 0

    def __post_init__(self) -> None:
        if self.gap_ms <= 0 or self.lateness_ms < 0:
            raise ValueError("gap_ms > 0 and lateness_ms >= 0")

    def take(self, before: Panes, at_ms: int, value: float) -> Taken:
        """Put a value into its session, joining those that it lies between."""
        # A session let go of ended before this: no value that is taken belongs to it.
        if at_ms + self.lateness_ms < before.closed_ms:
            return Taken(before, [], refused=1)
        end_ms = at_ms + self.gap_ms
        joined = [p for p in before.panes if p.start_ms < end_ms and at_ms < p.end_ms]
        others = [pane for pane in before.panes if pane not in joined]
        told = [pane for pane in joined if pane.told]
        start_ms = min([at_ms, *(pane.start_ms for pane in joined)])
        summary = Summary().add(value)
        for pane in joined:
            summary = summary.merge(pane.summary)
        whole = Pane(
            told[0].id_ms if told else start_ms,
            start_ms,
            max([end_ms, *(pane.end_ms for pane in joined)]),
            told[0].told if told else 0,
            summary,
        )
        results = [_result(pane, pane.told, Telling.ABSORBED) for pane in told[1:]]
        if whole.end_ms <= before.closed_ms:
            whole = _tell(whole, results)
        return Taken(_panes(before.closed_ms, [*others, whole]), results)

    def close(self, before: Panes, watermark_ms: int) -> Taken:
        """Tell the sessions that the watermark has reached."""
        return _close(before, watermark_ms, self.lateness_ms)


class Count(msgspec.Struct, frozen=True):
    """Each `size` values in a row are a window; it ends just after the last."""

    size: int

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise ValueError("size > 0")

    def take(self, before: Panes, at_ms: int, value: float) -> Taken:
        """Add a value; values of an instant that is already past are refused."""
        if at_ms < before.closed_ms:
            return Taken(before, [], refused=1)
        open_ = before.panes[0] if before.panes else Pane(at_ms, at_ms, at_ms, 0, Summary())
        pane = msgspec.structs.replace(open_, end_ms=at_ms + 1, summary=open_.summary.add(value))
        if pane.summary.count < self.size:
            return Taken(Panes(at_ms, (pane,)), [])
        results: list[Result] = []
        _tell(pane, results)
        return Taken(Panes(at_ms), results)


class Beyond(msgspec.Struct, frozen=True):
    """A state window: from the first value above `level` to the first not above it.

    How long the state lasted is the window's own length. A value counts until
    the next one.
    """

    level: float

    def take(self, before: Panes, at_ms: int, value: float) -> Taken:
        """Take a value into account; one not newer than the latest is refused."""
        if at_ms <= before.closed_ms:
            return Taken(before, [], refused=1)
        if value > self.level:
            open_ = before.panes[0] if before.panes else Pane(at_ms, at_ms, at_ms, 0, Summary())
            pane = msgspec.structs.replace(open_, end_ms=at_ms, summary=open_.summary.add(value))
            return Taken(Panes(at_ms, (pane,)), [])
        results: list[Result] = []
        for pane in before.panes:
            _tell(msgspec.structs.replace(pane, end_ms=at_ms), results)
        return Taken(Panes(at_ms), results)


def due_ms(panes: Panes) -> int | None:
    """Return the watermark at which `close` next has something to tell."""
    return min((pane.end_ms for pane in panes.panes if _is_untold(pane, panes)), default=None)


def _close(before: Panes, watermark_ms: int, lateness_ms: int) -> Taken:
    if watermark_ms <= before.closed_ms:
        return Taken(before, [])
    results: list[Result] = []
    kept: list[Pane] = []
    for pane in sorted(before.panes, key=lambda pane: (pane.end_ms, pane.start_ms)):
        ended = pane.end_ms <= watermark_ms and _is_untold(pane, before)
        now = _tell(pane, results) if ended else pane
        if now.end_ms + lateness_ms > watermark_ms:
            kept.append(now)
    return Taken(_panes(watermark_ms, kept), results)


def _is_untold(pane: Pane, among: Panes) -> bool:
    """Say whether it is open, or was told but a late value made it longer."""
    return not pane.told or pane.end_ms > among.closed_ms


def _tell(pane: Pane, results: list[Result]) -> Pane:
    """Add the window to what is told, and return it as told."""
    telling = Telling.CORRECTION if pane.told else Telling.FINAL
    results.append(_result(pane, pane.told, telling))
    return msgspec.structs.replace(pane, told=pane.told + 1)


def _result(pane: Pane, revision: int, telling: Telling) -> Result:
    return Result(pane.id_ms, pane.start_ms, pane.end_ms, revision, telling, pane.summary)


def _panes(closed_ms: int, panes: Iterable[Pane]) -> Panes:
    return Panes(closed_ms, tuple(sorted(panes, key=lambda pane: pane.start_ms)))
