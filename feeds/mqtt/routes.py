"""From an MQTT message to items for intake: what its topic says is filled in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from feeds.cameras.platforms import EVERYDAY, Platforms
from feeds.intake.forms import JSON, part_body
from feeds.mqtt.template import Template
from schemas.codec import encode
from schemas.detections import Detection
from schemas.envelope import Envelope
from schemas.records import Reason
from schemas.refused import Refusal
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    VESSEL_POSITIONS,
)
from streams.doors.sender import Sender
from streams.doors.sorting import RECORDS

_FILLED: Final = {"source": "source", "device": "subject", "kind": "kind"}
_TOPICS: Final = {
    "reading": SENSOR_READINGS,
    "detection": CAMERA_DETECTIONS,
    "position": VESSEL_POSITIONS,
    "complaint": CITIZEN_COMPLAINTS,
}
MOST_BYTES: Final = 1024 * 1024
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Route(NamedTuple):
    """What comes by the topics of one template.

    Attributes:
        template: Its topics.
        what: reading, detection, position or complaint; "" for a camera platform.
        platform: Name of the camera platform; "" otherwise.
        sources: That may come this way.
    """

    template: Template
    what: str
    platform: str
    sources: tuple[str, ...]

    @property
    def topic(self) -> str:
        """The input topic that a refused message was meant for."""
        return _TOPICS[self.what] if self.what else CAMERA_DETECTIONS

    @property
    def record(self) -> type[Envelope]:
        """What the items are said to be."""
        return RECORDS[self.what] if self.what else Detection


class Unread(NamedTuple):
    """A part of a message that is no item: why, and what is kept of it; "" keeps nothing."""

    refusal: Refusal
    kept: bytes
    is_everyday: bool = False


class Parted(NamedTuple):
    """What a message holds: items, who sends them, and what is none."""

    items: list[bytes]
    sender: Sender
    unread: list[Unread]


class Routes:
    """The routes of one MQTT broker.

    Args:
        routes: The first whose template fits takes a message.
        platforms: The city's camera platforms.
    """

    def __init__(self, routes: Sequence[Route], platforms: Platforms) -> None:
        self._routes = routes
        self._platforms = platforms

    def subscriptions(self) -> list[str]:
        """Return the topic filters to subscribe to."""
        return sorted({route.template.subscription for route in self._routes})

    def of(self, topic: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route that takes `topic`, and what the topic says; None without one."""
        for route in self._routes:
            said = route.template.match(topic)
            if said is not None:
                return route, said
        return None

    def part(self, route: Route, said: Mapping[str, str], payload: bytes, now_ms: int) -> Parted:
        """Return the items of a message."""
        sources = (said["source"],) if "source" in said else route.sources
        if "source" in said and "*" not in route.sources and said["source"] not in route.sources:
            sources = ()  # nobody: the judge refuses it by name
        sender = Sender(f"mqtt {route.template.text}", sources)
        if len(payload) > MOST_BYTES:
            hint = f"{len(payload)} bytes; send at most {MOST_BYTES} a message"
            return Parted([], sender, [Unread(Refusal(Reason.TOO_LARGE, hint=hint), payload)])
        if route.platform:
            return self._by_platform(route, said, payload)
        parted = part_body(payload, JSON, sender.only_source, now_ms)
        if isinstance(parted, Refusal):
            return Parted([], sender, [Unread(parted, payload)])
        items, unread = list[bytes](), list[Unread]()
        for one in parted:
            told = one.said if isinstance(one.said, Refusal) else _filled(one.said, said, route)
            if isinstance(told, Refusal):
                kept = payload if isinstance(one.said, Refusal) else one.said
                unread.append(Unread(told, kept))
            else:
                items.append(told)
        return Parted(items, sender, unread)

    def _by_platform(self, route: Route, said: Mapping[str, str], payload: bytes) -> Parted:
        sender = Sender(f"mqtt {route.template.text}", (self._platforms.source(route.platform),))
        mapped = self._platforms.take(route.platform, payload, said.get("camera", ""))
        # Never the message itself: platforms write names and plates into it.
        unread = [
            Unread(one.refusal, one.kept, one.refusal.reason in EVERYDAY) for one in mapped.refusals
        ]
        return Parted([encode(one) for one in mapped.detections], sender, unread)


def _filled(item: bytes, said: Mapping[str, str], route: Route) -> bytes | Refusal:
    """Return an item with what its topic says; a refusal when it says otherwise itself."""
    fixed = route.sources[0] if len(route.sources) == 1 and "*" not in route.sources else ""
    told = {_FILLED[name]: word for name, word in said.items() if name in _FILLED}
    if fixed:
        told.setdefault("source", fixed)
    if not told:
        return item
    try:
        event = _OBJECT.decode(item)
    except (ValueError, RecursionError):
        return item  # the judge says what is wrong with it
    missing = {}
    for field, word in told.items():
        own = event.get(field)
        if own is None:
            missing[field] = word
        elif own != word:
            hint = f"the topic says {word!r}; say the same, or leave {field} out"
            return Refusal(Reason.REFUSED_AT_DOOR, field, hint)
    if not missing:
        return item
    begin = msgspec.json.encode(missing)
    rest = item.lstrip()[1:].lstrip()
    return begin[:-1] + (b"" if rest[:1] == b"}" else b",") + rest
