"""What the rules about vessels are handed, and the alerts that they write."""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Alert, Severity, Transition
from schemas.ids import uuid5
from schemas.positions import PositionBatch
from streams.geo.fences import FenceIndex
from streams.vessels.register import VesselRecord, title

SOURCE = "citybrain.vessels"
KNOT_M_PER_S = 1852 / 3600

P = TypeVar("P")


class Closure(Protocol):
    """A season in which some gears may not fish in the waters of a fence.

    `seasons_ms` are half-open instants [start, end), ascending.
    """

    @property
    def code(self) -> str: ...

    @property
    def fence(self) -> str: ...

    @property
    def seasons_ms(self) -> tuple[tuple[int, int], ...]: ...

    def closes(self, gear: str, permits: Collection[str]) -> bool: ...


class Setting(NamedTuple, Generic[P]):
    """What a rule about vessels decides by.

    Attributes:
        params: The rule's own table in the city's `rules.toml`.
        fences: The city's fences.
        registry: Vessels by subject (see `vessels.register`).
        closures: Moratorium seasons.
    """

    params: P
    fences: FenceIndex
    registry: Mapping[str, VesselRecord]
    closures: Sequence[Closure] = ()


class Desk(NamedTuple, Generic[P]):
    """One vessel's case before a rule: who, by what, and where its alerts go."""

    subject: str
    setting: Setting[P]
    alerts: list[Alert]

    @property
    def params(self) -> P:
        return self.setting.params

    @property
    def fences(self) -> FenceIndex:
        return self.setting.fences

    def tell(self, finding: "Finding", transition: Transition, at_ms: int, said: "Said") -> None:
        """Append the message that `finding` makes `transition` at `at_ms`."""
        self.alerts.append(vessel_alert(finding, transition, at_ms, said, self.setting.registry))


def in_order(alerts: list[Alert]) -> list[Alert]:
    """Return the alerts by event time; those of one instant as they were told."""
    return sorted(alerts, key=attrgetter("event_time_ms"))


class Finding(NamedTuple):
    """Which alert is meant: one from its onset to its clear."""

    rule: str
    version: str
    kind: str
    subject: str
    onset_ms: int
    severity: Severity
    area: str = ""
    life_safety: bool = False

    @property
    def alert_id(self) -> str:
        return uuid5(self.rule, self.kind, self.subject, self.area, self.onset_ms)


class Said(NamedTuple):
    """What one message says beyond its finding.

    `words` follow the vessel's name in the sentence; `place` is (lon, lat).
    """

    words: str
    reason: str
    place: tuple[float, float] | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    visit: str | None = None


def vessel_alert(
    finding: Finding,
    transition: Transition,
    at_ms: int,
    said: Said,
    registry: Mapping[str, VesselRecord],
) -> Alert:
    """Return the message that `finding` makes `transition` at `at_ms`.

    A vessel that no register knows has `unregistered` in its reason; the
    event flows on all the same. No skipper and no telephone is ever in it.
    """
    record = registry.get(finding.subject)
    reason = said.reason if record else f"{said.reason} unregistered"
    place = said.place if said.place and all(map(np.isfinite, said.place)) else (None, None)
    return Alert(
        source=SOURCE,
        kind=finding.kind,
        subject=finding.subject,
        event_time_ms=at_ms,
        id=uuid5(finding.alert_id, transition, at_ms, said.reason),
        alert_id=finding.alert_id,
        rule=finding.rule,
        rule_version=finding.version,
        transition=transition,
        severity=finding.severity,
        onset_time_ms=finding.onset_ms,
        area=finding.area,
        lon_deg=place[0],
        lat_deg=place[1],
        value=said.value,
        limit=said.limit,
        unit=said.unit,
        visit=said.visit,
        reason=reason,
        sentence=f"{title(finding.subject, record)}{said.words}",
        life_safety=finding.life_safety,
    )


def fix_rows(batch: PositionBatch) -> NDArray[np.int64]:
    """Return the rows that have a place."""
    known = np.isfinite(batch.lon_deg) & np.isfinite(batch.lat_deg)
    return np.flatnonzero(known)


def covering_by_row(
    fences: FenceIndex, batch: PositionBatch, rows: NDArray[np.int64]
) -> dict[int, tuple[int, ...]]:
    """Return the fence indices that cover each of `rows`; rows in none are left out."""
    found: dict[int, tuple[int, ...]] = {}
    at, fence = fences.covering(batch.lon_deg[rows], batch.lat_deg[rows])
    for row, index in zip(rows[at].tolist(), fence.tolist(), strict=True):
        found[row] = (*found.get(row, ()), index)
    return found
