"""What happened to each matter, message by message, as it came from the broker."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson


class Stories:
    """The newest messages of the matters heard of last: bounded in both directions."""

    def __init__(self, most: int = 10_000, most_each: int = 60) -> None:
        self._most, self._most_each = most, most_each
        self._told: OrderedDict[str, dict[str, bytes]] = OrderedDict()

    def add(self, name: str, message: str, raw: bytes) -> None:
        """Add a message of the matter `name`; one that comes twice stands once."""
        told = self._told.setdefault(name, {})
        self._told.move_to_end(name)
        told.setdefault(message, raw)
        if len(told) > self._most_each:
            del told[next(iter(told))]
        if len(self._told) > self._most:
            self._told.popitem(last=False)

    def of(self, name: str) -> list[Mapping[str, Any]]:
        """Return the messages of a matter, oldest first."""
        return [orjson.loads(raw) for raw in self._told.get(name, {}).values()]
