"""The journal: a checkpoint of many rows that a crash keeps whole, or not at all.

An operator whose rows belong together (a matter, the incident it is in, how far
was read) writes them twice: first all of them in one row, then each by itself.
Where a crash cut the second part off, the first one completes it at the restart;
where it cut the first part off, the rows are those of the checkpoint before, and
what was read since is read again. So no other operator needs to wonder which of
its rows are of today.
"""

from collections.abc import Iterable, Sequence

import msgspec

from streams.operator import Row

_KEY = b"\x00journal\x00"
_CHUNK_BYTES = 512 * 1024
"""Below what a topic takes as one record (1 MiB), also when one row is large."""


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of a checkpoint: which one, and how many chunks it has."""

    checkpoint: int
    chunks: int
    rows: list[tuple[bytes, bytes | None]]


class Journal:
    """Writes checkpoints, and reads the last whole one."""

    def __init__(self) -> None:
        self._checkpoint = 0
        self._owed: list[Row] = []

    def wrap(self, rows: Sequence[Row]) -> list[Row]:
        """Return what to write so that `rows` are kept together."""
        if not rows:
            return []
        self._checkpoint += 1
        parts = _cut(rows)
        # First what the last journal has completed: it is about to be written over.
        owed, self._owed = self._owed, []
        return [
            *owed,
            *(
                (
                    _KEY + index.to_bytes(4, "big"),
                    msgspec.msgpack.encode(_Chunk(self._checkpoint, len(parts), part)),
                )
                for index, part in enumerate(parts)
            ),
            *rows,
        ]

    def unwrap(self, rows: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
        """Return the rows of the last whole checkpoint, of all that a crash has left."""
        kept: dict[bytes, bytes] = {}
        chunks: dict[int, _Chunk] = {}
        for key, value in rows:
            if key.startswith(_KEY):
                index = int.from_bytes(key[len(_KEY) :], "big")
                chunks[index] = msgspec.msgpack.decode(value, type=_Chunk)
            else:
                kept[key] = value
        first = chunks.get(0)
        if first is None:
            return kept
        self._checkpoint = max(chunk.checkpoint for chunk in chunks.values())
        whole = [chunks.get(index) for index in range(first.chunks)]
        if any(one is None or one.checkpoint != first.checkpoint for one in whole):
            return kept
        written = [row for chunk in whole for row in (chunk.rows if chunk else ())]
        self._owed = [(key, value) for key, value in written if kept.get(key) != value]
        for key, newest in self._owed:
            if newest is None:
                kept.pop(key, None)
            else:
                kept[key] = newest
        return kept


def _cut(rows: Sequence[Row]) -> list[list[Row]]:
    """Return `rows` in runs that fit into a record each."""
    parts: list[list[Row]] = [[]]
    size = 0
    for key, value in rows:
        length = len(key) + len(value or b"")
        if parts[-1] and size + length > _CHUNK_BYTES:
            parts.append([])
            size = 0
        parts[-1].append((key, value))
        size += length
    return parts
