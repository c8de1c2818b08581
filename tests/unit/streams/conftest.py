"""What the tests of the vessel rules share: a sea with fences, and fixes on it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from shapely.geometry import box

from schemas.alerts import Alert
from schemas.positions import Position, PositionBatch
from schemas.records import RawBatch
from streams.geo.fences import Fence, FenceIndex, FencePurpose
from streams.vessels.ais import to_batch
from streams.vessels.alerts import Setting

T0_MS = 1_757_980_800_000  # 16 Sep 2025 08:00 in Beijing, four hours before the season ends


def _fix(minute: float, subject: str = "412420001", **said: Any) -> Position:
    """Return a fix `minute` minutes after T0; at open sea, 5 kn, if not said otherwise."""
    fields = {
        "source": "ais",
        "kind": "vessel.position",
        "lon_deg": 121.0,
        "lat_deg": 27.0,
        "sog_kn": 5.0,
        "cog_deg": 90.0,
        "nav_status": 0,
    }
    at_ms = T0_MS + round(minute * 60_000)
    return Position(**(fields | {"subject": subject, "event_time_ms": at_ms} | said))


def _static(minute: float, subject: str = "412420001", **said: Any) -> Position:
    bare = {"lon_deg": None, "lat_deg": None, "sog_kn": None, "cog_deg": None, "nav_status": None}
    return _fix(minute, subject, **({"kind": "vessel.static"} | bare | said))


def _batch(positions: list[Position]) -> PositionBatch:
    size = len(positions)
    raw = RawBatch(
        topic="vessel.positions",
        partition=0,
        offsets=np.arange(size),
        ingest_time_ms=np.array([p.event_time_ms for p in positions], dtype=np.int64),
        keys=[p.subject.encode() for p in positions],
        values=[b""] * size,
    )
    return to_batch(raw, list(enumerate(positions)))


class Run:
    """One rule with its state, fed a batch at a time."""

    def __init__(self, rule: Any, setting: Setting[Any]) -> None:
        self.rule, self.setting = rule, setting
        self.states: dict[str, Any] = {}
        self.alerts: list[Alert] = []

    def take(self, *positions: Position) -> Any:
        """Take fixes; return the verdict."""
        return self._apply(self.rule.evaluate(_batch(list(positions)), self.states, self.setting))

    def until(self, minute: float) -> list[Alert]:
        """Let time pass; return what that alone made due."""
        now_ms = T0_MS + round(minute * 60_000)
        due = [k for k, s in self.states.items() if s.due_ms is not None and s.due_ms <= now_ms]
        verdict = self.rule.close(sorted(due), self.states, now_ms, self.setting)
        return self._apply(verdict).alerts

    def _apply(self, verdict: Any) -> Any:
        self.alerts += verdict.alerts
        self.states.update(verdict.changed)
        return verdict

    def story(self) -> list[tuple[float, str, str]]:
        """Return (minute, kind, transition) of each alert so far."""
        return [
            ((a.event_time_ms - T0_MS) / 60_000, a.kind, a.transition.value) for a in self.alerts
        ]


class Sea(NamedTuple):
    """What a test of a vessel rule needs."""

    t0_ms: int
    fences: FenceIndex
    fix: Callable[..., Position]
    static: Callable[..., Position]
    batch: Callable[[list[Position]], PositionBatch]

    def run(
        self,
        rule: Any,
        registry: Mapping[str, Any] | None = None,
        closures: tuple[Any, ...] = (),
        fences: FenceIndex | None = None,
        **params: Any,
    ) -> Run:
        """Return a run of `rule` with its default parameters but for `params`."""
        chosen = self.fences if fences is None else fences
        return Run(rule, Setting(rule.Params(**params), chosen, registry or {}, closures))


@pytest.fixture(scope="session")
def sea() -> Sea:
    """Give a sea: a harbour, closed water, a speed limit, coverage, the moratorium band."""

    def fence(id_: str, purpose: FencePurpose, west: float, south: float, **more: Any) -> Fence:
        east, north = more.pop("east", west + 0.1), more.pop("north", south + 0.1)
        area = box(west, south, east, north)
        return Fence(id=id_, name=id_, purpose=purpose, geometry=area, **more)

    fences = [
        fence("harbour", FencePurpose.HARBOUR, 120.5, 27.4),
        fence("closed", FencePurpose.NO_GO, 121.2, 27.2),
        fence("watched", FencePurpose.DWELL_WATCH, 121.5, 27.2, dwell_s=3_600),
        fence("slow", FencePurpose.SPEED_LIMIT, 120.6, 27.4, speed_limit_kn=8),
        fence("shore", FencePurpose.COVERAGE, 120.0, 26.5, east=122.0, north=28.0),
        fence("band", FencePurpose.MORATORIUM, 118.0, 26.5, east=127.0, north=35.0),
    ]
    return Sea(T0_MS, FenceIndex(fences), _fix, _static, _batch)
