"""The devices: the newest word of `devices.status` for each."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

_MOST = 30_000
"""Half as many again as a large city's registers name; the rule watches no others."""


class _Word(NamedTuple):
    state: str
    raw: bytes


class Devices:
    """How each device stands; past `_MOST` the one heard of longest ago is forgotten.

    Kept as they came: nineteen thousand of them as dictionaries would take four times as much.
    """

    def __init__(self) -> None:
        self._words: OrderedDict[str, _Word] = OrderedDict()

    def take(self, code: str, state: str, raw: bytes) -> None:
        """Take in a status."""
        self._words[code] = _Word(state, raw)
        self._words.move_to_end(code)
        if len(self._words) > _MOST:
            self._words.popitem(last=False)

    def get(self, code: str) -> Mapping[str, Any] | None:
        """Return the newest record about a device, None where there is none."""
        word = self._words.get(code)
        if word is None:
            return None
        record: dict[str, Any] = orjson.loads(word.raw)
        return record

    def state(self, code: str) -> str:
        """Return how a device stands, "" when nobody said."""
        word = self._words.get(code)
        return "" if word is None else word.state
