"""From a platform's message to detections, through the city's table of its findings."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from feeds.cameras import frigate, gat1400, gb28181, onvif
from feeds.cameras.finding import Finding, Read
from feeds.cameras.plates import plate_hash
from schemas.detections import Detection
from schemas.ids import uuid5
from schemas.records import Reason
from schemas.refused import Refusal
from streams.city.platforms import Format, Platform, Watched

FORMATS: Mapping[Format, Read] = MappingProxyType(
    {
        Format.FRIGATE: frigate.read,
        Format.ONVIF: onvif.read,
        Format.GAT1400: gat1400.read,
        Format.GB28181: gb28181.read,
    }
)

EVERYDAY = frozenset({Reason.PERSON, Reason.NOT_WATCHED, Reason.NO_FINDING})
"""Refusals of what a platform says all day and nobody need mend: counted, not kept."""


class Unmapped(NamedTuple):
    """A finding that is not taken: why, and what may be kept of it.

    `kept` is JSON without plates, names or pictures; empty when nothing was read.
    """

    refusal: Refusal
    kept: bytes = b""


class Mapped(NamedTuple):
    """What one message became."""

    detections: list[Detection]
    refusals: list[Unmapped]


class Platforms:
    """The camera platforms of a city.

    Args:
        platforms: By name, as the city's `platforms.toml` has them.
        salt: Of the plates; empty leaves them out.
    """

    def __init__(self, platforms: Mapping[str, Platform], salt: bytes) -> None:
        self._platforms = platforms
        self._salt = salt

    def names(self) -> list[str]:
        """Return the platforms' names."""
        return sorted(self._platforms)

    def source(self, platform: str) -> str:
        """Return the declared source of a platform; KeyError for one that nobody declared."""
        return self._platforms[platform].source

    def take(self, platform: str, body: bytes, camera: str = "") -> Mapped:
        """Return the detections that a platform's message holds, and all else with its reason.

        Args:
            platform: Its name in the table; KeyError for one that nobody declared.
            body: The message.
            camera: The platform's id of the camera, where the door knows it better.
        """
        declared = self._platforms[platform]
        mapped = Mapped([], [])
        for said in FORMATS[declared.format](body):
            if isinstance(said, Refusal):
                mapped.refusals.append(Unmapped(said))
                continue
            finding = said._replace(camera=camera or said.camera)
            told = self._detection(platform, declared, finding)
            if isinstance(told, Refusal):
                mapped.refusals.append(Unmapped(told, _kept(platform, finding)))
            else:
                mapped.detections.append(told)
        return mapped

    def _detection(self, name: str, platform: Platform, finding: Finding) -> Detection | Refusal:
        row = _watched(platform, finding)
        if row is None:
            what = f"no finding of {name} in platforms.toml fits {', '.join(finding.labels)!r}"
            hint = f"{what} at {', '.join(finding.places) or 'no place'}; add it if it matters"
            return Refusal(Reason.NOT_WATCHED, "label", hint)
        code = platform.cameras.get(finding.camera)
        if code is None:
            hint = f"add {finding.camera!r} to the cameras of {name} in platforms.toml"
            return Refusal(Reason.UNKNOWN_SUBJECT, "camera", hint)
        return Detection(
            source=platform.source,
            kind=row.kind,
            subject=code,
            event_time_ms=finding.at_ms,
            id=uuid5("detection", name, finding.camera, finding.event, row.kind),
            confidence=row.confidence if finding.confidence is None else finding.confidence,
            snapshot=finding.snapshot,
            count=finding.many,
            plate_hash=plate_hash(finding.plate, self._salt),
        )


def _watched(platform: Platform, finding: Finding) -> Watched | None:
    return next(
        (
            row
            for row in platform.findings
            if row.label in finding.labels and (not row.place or row.place in finding.places)
        ),
        None,
    )


def _kept(platform: str, finding: Finding) -> bytes:
    said = finding._replace(plate="")._asdict()
    return msgspec.json.encode({"platform": platform, **said})
