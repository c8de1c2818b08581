"""Camera platforms of a city: what they call our cameras, and which findings are ours."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


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
