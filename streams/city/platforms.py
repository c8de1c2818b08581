"""Camera platforms of a city: what they call our cameras, and which findings are ours."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.city.text import CityText

PLATFORMS = "platforms.toml"


class Format(StrEnum):
    """The form in which a platform says what its cameras see."""

    FRIGATE = "frigate"
    ONVIF = "onvif"
    GAT1400 = "gat1400"
    GB28181 = "gb28181"


class Watched(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding that the city watches for.

    Attributes:
        label: The platform's own word for it.
        kind: What it is here: a kind of detection.
        place: Zone, rule or tollgate that it counts at; "" counts it anywhere.
        confidence: Of a finding that says none itself.
    """

    label: str
    kind: str
    place: str = ""
    confidence: Annotated[float, Meta(ge=0, le=1)] = 0.5


class Platform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera platform.

    Attributes:
        format: How it speaks.
        source: The declared source that its detections come from.
        cameras: Our code of each camera, by the platform's own id.
        findings: What is watched for; the first that fits counts.
    """

    format: Format
    source: str
    cameras: dict[str, str]
    findings: tuple[Watched, ...]


def read_platforms(
    text: CityText, sources: Collection[str], kinds: Collection[str], cameras: Collection[str]
) -> Mapping[str, Platform]:
    """Return the platforms of `platforms.toml` by name; a city without the file has none.

    Args:
        text: The city's files; what is wrong is noted there.
        sources: Names that may publish detections.
        kinds: Of detections.
        cameras: Codes of the register.
    """
    if PLATFORMS not in text.files:
        return {}
    found: dict[str, Platform] = {}
    for name, table in text.toml(PLATFORMS).items():
        platform = text.convert(PLATFORMS, (name,), table, Platform)
        if platform is None:
            continue
        found[name] = platform
        if platform.source not in sources:
            what = f"the source {platform.source!r} publishes no detections"
            text.at(PLATFORMS, (name, "source"), what, "declare it with class = camera")
        for at, row in enumerate(platform.findings):
            if row.kind not in kinds:
                what, cure = f"unknown kind {row.kind!r}", f"known: {', '.join(sorted(kinds))}"
                text.at(PLATFORMS, (name, "findings", at, "kind"), what, cure)
        for theirs, code in platform.cameras.items():
            if code not in cameras:
                what = f"unknown camera {code!r}"
                text.at(PLATFORMS, (name, "cameras", theirs), what, "name one of cameras.csv")
    return found
