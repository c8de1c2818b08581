"""Another basemap than the city's own: a MapLibre style, and whom the page may ask for it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

OWN_ADDRESS = "/api/v1/city/basemap.json"
# What goes into the policy: a host and a port, and nothing that could end a directive.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](:\d{1,5})?")
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.\-]*://")
_ASKED = ("sources", "glyphs", "sprite")


class Basemap(NamedTuple):
    """A style of somebody else's.

    Attributes:
        address: Where the page finds it.
        origins: Whom the page may ask for it and its tiles, glyphs and sprites.
        body: The style itself, where the gateway serves it.
    """

    address: str
    origins: tuple[str, ...]
    body: bytes = b""


def basemap_of(given: str) -> Basemap:
    """Return the basemap at an address, or in a file.

    Of an address only its own origin may be asked; of a file those that it names.

    Raises:
        ValueError: With what is wrong and what would be right.
    """
    if "://" in given:
        return Basemap(given, (_origin(given),))
    try:
        body = Path(given).read_bytes()
        style = orjson.loads(body)
    except OSError as error:
        raise ValueError(f"{given}: {error.strerror}; name a file or an http(s) address") from None
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{given}: no JSON: {error}") from None
    if not isinstance(style, dict) or style.get("version") != 8 or "layers" not in style:  # noqa: PLR2004 - of the specification
        raise ValueError(f"{given}: no MapLibre style: it needs version 8, sources and layers")
    told = [text for part in _ASKED for text in _texts(style.get(part)) if _ADDRESS.match(text)]
    return Basemap(OWN_ADDRESS, tuple(sorted({_origin(text) for text in told})), body)


def _origin(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    origin = f"{parts.scheme}://{parts.netloc}"
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{address[:120]!r} is no http or https address without user and password")
    return origin


def _texts(said: Any) -> Iterator[str]:
    """Yield every text in a part of a style."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list):
        for value in said:
            yield from _texts(value)
