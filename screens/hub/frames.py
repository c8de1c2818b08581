"""Frames: what a screen is sent, encoded once for all that are to get it."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from screens.hub.subscription import Layer

Fragments = Mapping[Layer, Sequence[bytes]]


class Frame:
    """One message to screens.

    Attributes:
        kind: `snapshot`, `delta`, `resync` or `health`.
        cursor: Where a screen stands after it.
        body: The JSON object, without line breaks.
    """

    def __init__(self, kind: str, cursor: str, body: bytes) -> None:
        self.kind = kind
        self.cursor = cursor
        self.body = body

    @cached_property
    def as_sse(self) -> bytes:
        """The frame as a server-sent event; its id is the cursor."""
        head = f"id: {self.cursor}\nevent: {self.kind}\ndata: ".encode()
        return head + self.body + b"\n\n"

    @cached_property
    def as_text(self) -> str:
        """The frame as the text of a WebSocket message."""
        return self.body.decode()


def snapshot(cursor: str, layers: Fragments, clusters: Mapping[Layer, bytes]) -> Frame:
    """Return all that a subscription sees."""
    body = _members(_head("snapshot", cursor), (("layers", _lists(layers)), _clusters(clusters)))
    return Frame("snapshot", cursor, body)


def delta(
    cursor: str,
    upserts: Fragments,
    changes: Fragments,
    removes: Mapping[Layer, bytes],
    clusters: Mapping[Layer, bytes],
) -> Frame:
    """Return what changed; members with nothing in them are left out."""
    members = (
        ("upserts", _lists(upserts) if upserts else b""),
        ("changes", _lists(changes) if changes else b""),
        ("removes", _object(removes) if removes else b""),
        ("clusters", _object(clusters) if clusters else b""),
    )
    return Frame("delta", cursor, _members(_head("delta", cursor), members))


def resync(cursor: str, reason: str) -> Frame:
    """Return word that what the screen has is void; a snapshot follows."""
    body = _members(_head("resync", cursor), (("reason", f'"{reason}"'.encode()),))
    return Frame("resync", cursor, body)


def health(cursor: str, said: bytes) -> Frame:
    """Return the feeds' ages; `said` are the members, without braces."""
    return Frame("health", cursor, _head("health", cursor) + b"," + said + b"}")


def _head(kind: str, cursor: str) -> bytes:
    return f'{{"type":"{kind}","cursor":"{cursor}"'.encode()


def _members(head: bytes, members: Sequence[tuple[str, bytes]]) -> bytes:
    said = [f',"{name}":'.encode() + value for name, value in members if value]
    return head + b"".join(said) + b"}"


def _clusters(clusters: Mapping[Layer, bytes]) -> tuple[str, bytes]:
    return "clusters", _object(clusters)


def _lists(layers: Fragments) -> bytes:
    return _object({layer: b"[" + b",".join(parts) + b"]" for layer, parts in layers.items()})


def _object(values: Mapping[Layer, bytes]) -> bytes:
    return b"{" + b",".join(f'"{k}":'.encode() + v for k, v in values.items()) + b"}"
