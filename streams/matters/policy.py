"""What a city decides about its incidents: the table `[incidents]` of rules.toml.

Patterns of kinds may end in "*".
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from schemas.alerts import Severity
from streams.matters.routing import fits

_MOST_LAT_DEG = 90.0
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class Trust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sure a sense is by itself, where its alert does not say: from 0 to below 1."""

    sensor: Share = 0.9
    camera: Share = 0.7
    caller: Share = 0.6
    patrol: Share = 0.95


class LinkKinds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kinds of alerts that are about one matter where they are near in space and time.

    Attributes:
        name: Told as the reason of a link.
        kinds: Those that join each other.
        alike: Those of them that join their own kind too: two callers, two smoke
            alarms. Two noise meters do not; each has its own place.
        within_m: Metres between an alert and the place of the incident.
        within_s: Seconds of event time between them; none while the incident lasts.
    """

    name: str
    kinds: tuple[str, ...]
    alike: tuple[str, ...] = ()
    within_m: float = 150.0
    within_s: int = 600


class Inhibition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """While an incident of `source` is open, those of `target` are told to nobody.

    Attributes:
        name: Told as the reason.
        source, target: Patterns of kinds. An incident never inhibits itself.
        equal: What must be equal: `area`, `subject`, `community`, or two of them,
            the source's first: `subject=area`.
    """

    name: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for word in self.equal:
            for side in word.split("="):
                if side not in {"area", "subject", "community"}:
                    raise ValueError(f"equal has {word!r}: area, subject, community, or two by =")


class Mode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mode of the city, such as typhoon, changes about who is told what.

    Attributes:
        mute: Kinds that are told to nobody while it lasts.
        mute_single: Kinds that are told only once a second sense has noticed.
        least: Kinds that are told from this severity on.
        recall: Bands of latitude (from, to; degrees) whose boats are to be in harbour.
    """

    mute: tuple[str, ...] = ()
    mute_single: tuple[str, ...] = ()
    least: Mapping[str, Severity] = {}
    recall: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for south_deg, north_deg in self.recall:
            if not -_MOST_LAT_DEG <= south_deg < north_deg <= _MOST_LAT_DEG:
                raise ValueError(f"recall has {[south_deg, north_deg]}: south, then north of it")


class IncidentParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table `[incidents]` of rules.toml.

    Attributes:
        reopen_s: An onset this soon (event time) after the end is the same incident.
        forget_s: An ended matter that has not moved for so long (wall time) may be
            forgotten. Far above `reopen_s`, so that no lagging source can tell.
        silent_kinds: Information for screens: never an incident.
        notice_kinds: Kinds whose notice, a finding without duration, opens one.
        links: Which kinds are about one matter.
        trust: How sure one sense is by itself.
        shown_alone: Kinds that nobody is sent for until another sense has noticed.
        group_wait_s: So long the end, or another sense, may come before people are
            told; none for matters of life and for notices.
        life_kinds: Kinds that only two persons together can silence.
        inhibit: What mutes what.
        modes: Modes by name.
        storm_over: More openings than this of one kind in one community within
            `storm_s` (event time) are one area incident.
        flap_over: More ends and returns than this within `flap_s` (event time) are
            flapping: held open until `flap_s` (wall time) have been calm.
    """

    reopen_s: int = 900
    forget_s: int = 86_400
    silent_kinds: tuple[str, ...] = ()
    notice_kinds: tuple[str, ...] = ("*",)
    links: tuple[LinkKinds, ...] = ()
    trust: Trust = Trust()
    shown_alone: tuple[str, ...] = ()
    group_wait_s: float = 0.0
    life_kinds: tuple[str, ...] = ()
    inhibit: tuple[Inhibition, ...] = ()
    modes: Mapping[str, Mode] = {}
    storm_over: int = 20
    storm_s: int = 300
    flap_over: int = 4
    flap_s: int = 1_800

    def __post_init__(self) -> None:
        if not 0 <= self.reopen_s < self.forget_s:
            raise ValueError("forget_s must be above reopen_s, else a re-opening finds nothing")


def is_any(kind: str, patterns: Sequence[str]) -> bool:
    """Say whether `kind` fits one of `patterns`."""
    return any(fits(pattern, kind) for pattern in patterns)
