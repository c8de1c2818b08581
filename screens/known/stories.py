"""What happened to each matter, message by message, as it came from the broker."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

_MESSAGE_BYTES, _MATTER_BYTES = 250, 500
"""What keeping a message or a matter takes beside its text: objects, id, place in a table."""


class Stories:
    """The newest messages of the matters heard of last, in bounded memory.

    Args:
        most_bytes: Of all together, with what keeping them takes.
        most_each: Messages of one matter.
    """

    def __init__(self, most_bytes: int = 64 << 20, most_each: int = 60) -> None:
        self._most_bytes, self._most_each = most_bytes, most_each
        self._told: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._bytes = 0

    def add(self, name: str, message: str, raw: bytes) -> None:
        """Add a message of the matter `name`; one that comes twice stands once."""
        told = self._told.get(name)
        if told is None:
            told = self._told[name] = {}
            self._bytes += _MATTER_BYTES
        self._told.move_to_end(name)
        if message in told:
            return
        told[message] = raw
        self._bytes += _MESSAGE_BYTES + len(raw)
        if len(told) > self._most_each:
            self._bytes -= _MESSAGE_BYTES + len(told.pop(next(iter(told))))
        while self._bytes > self._most_bytes:
            _, oldest = self._told.popitem(last=False)
            self._bytes -= _MATTER_BYTES + sum(_MESSAGE_BYTES + len(raw) for raw in oldest.values())

    @property
    def nbytes(self) -> int:
        """Bytes that they take, as they are counted against `most_bytes`."""
        return self._bytes

    def of(self, name: str) -> list[Mapping[str, Any]]:
        """Return the messages of a matter, oldest first."""
        return [orjson.loads(raw) for raw in self._told.get(name, {}).values()]
