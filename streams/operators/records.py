"""Keyed state of the operators of city topics: few records, one Struct a key."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

import msgspec
import numpy as np

from schemas.records import RawBatch
from streams.operator import Row

S = TypeVar("S", bound=msgspec.Struct)

_STATE = b"s\x00"
_READ = b"t\x00"  # sorts, and is written, after the states


class Store(Generic[S]):
    """States by key, and how far each input topic was read."""

    def __init__(self, state: type[S]) -> None:
        self._decoder = msgspec.msgpack.Decoder(state)
        self._moved: set[str] = set()
        self._read: dict[str, int] = {}
        self._read_moved = False
        self.states: dict[str, S] = {}

    def fresh(self, raw: RawBatch) -> RawBatch:
        """Return the records that were not taken before, and take them as read."""
        first_new = self._read.get(raw.topic, 0)
        self._read[raw.topic] = max(first_new, int(raw.offsets[-1]) + 1)
        self._read_moved = True
        skip = int(np.searchsorted(raw.offsets, first_new))
        if not skip:
            return raw
        return raw._replace(
            offsets=raw.offsets[skip:],
            ingest_time_ms=raw.ingest_time_ms[skip:],
            keys=raw.keys[skip:],
            values=raw.values[skip:],
            headers=raw.headers[skip:],
        )

    def apply(self, changed: Mapping[str, S | None]) -> None:
        """Take in new states; None forgets a key."""
        for key, state in changed.items():
            if state is None:
                self.states.pop(key, None)
            else:
                self.states[key] = state
        self._moved.update(changed)

    def changes(self) -> list[Row]:
        """Return the rows that moved, what was read last."""
        rows = list(self._changed_states())
        if self._read_moved:
            self._read_moved = False
            rows += [
                (_READ + topic.encode(), str(offset).encode())
                for topic, offset in sorted(self._read.items())
            ]
        return rows

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the state of a partition."""
        for key, value in rows:
            name = key[2:].decode()
            if key.startswith(_READ):
                self._read[name] = int(value)
            else:
                self.states[name] = self._decoder.decode(value)

    def _changed_states(self) -> Iterator[Row]:
        moved, self._moved = self._moved, set()
        for key in sorted(moved):
            state = self.states.get(key)
            value = None if state is None else msgspec.msgpack.encode(state)
            yield _STATE + key.encode(), value
