"""Reading `platforms.toml`, checked against sources, cameras and kinds of detection."""

from collections.abc import Collection, Mapping

from schemas.detections import DETECTION_KINDS
from streams.city.model import SourceClass, SourceDecl
from streams.city.platforms import Platform
from streams.city.text import CityText

PLATFORMS = "platforms.toml"


def read_platforms(
    text: CityText, sources: Mapping[str, SourceDecl], cameras: Collection[str]
) -> Mapping[str, Platform]:
    """Return the platforms of `platforms.toml` by name; a city without the file has none.

    Args:
        text: The city's files; what is wrong is noted there.
        sources: By name; a platform's publishes detections.
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
        declared = sources.get(platform.source)
        if declared is None or declared.source_class is not SourceClass.CAMERA:
            what = f"the source {platform.source!r} publishes no detections"
            text.at(PLATFORMS, (name, "source"), what, "declare it with class = camera")
        for at, row in enumerate(platform.findings):
            if row.kind not in DETECTION_KINDS:
                what = f"unknown kind of detection {row.kind!r}"
                cure = f"known: {', '.join(sorted(DETECTION_KINDS))}"
                text.at(PLATFORMS, (name, "findings", at, "kind"), what, cure)
        for theirs, code in platform.cameras.items():
            if code not in cameras:
                what = f"unknown camera {code!r}"
                text.at(PLATFORMS, (name, "cameras", theirs), what, "name one of cameras.csv")
    return found
