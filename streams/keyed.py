"""Keyed state as columns: one row of a numpy structured array for each key.

For rules that look at a whole batch at once. Keys get slots in the order in
which they are first seen; slots are grouped in pages, and a page is what the
changelog carries: bytes that say their own format, keys and rows.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

PAGE_ROWS = 256
_FORMAT = 1
_HOLE = ("", "")  # the name of a slot that no key has


class _Page(msgspec.Struct, array_like=True):
    format: int
    dtype: str
    page_rows: int
    keys: list[tuple[str, str]]
    rows: bytes


class Columns:
    """State of many keys, one array row each; unseen keys start as zeros.

    Args:
        dtype: Structured dtype of a row. A new key's row is all zeros, so zero
            must mean "nothing known".
        page_rows: Rows a page; part of the format.
    """

    def __init__(self, dtype: np.dtype[Any], page_rows: int = PAGE_ROWS) -> None:
        self._dtype = np.dtype(dtype)
        self._dtype_text = str(self._dtype.descr)
        self._opaque = np.dtype((np.void, self._dtype.itemsize))
        self._page_rows = page_rows
        self._slot: dict[str, dict[str, int]] = {}
        self._keys: list[tuple[str, str]] = []
        self._rows = np.zeros(page_rows, self._dtype)
        self._dirty: set[int] = set()

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """Family and key of every slot; both "" where it has none (see `load`)."""
        return self._keys

    @property
    def rows(self) -> NDArray[Any]:
        """The rows of all keys, by slot; read only, and outdated once a key is added."""
        view = self._rows[: len(self._keys)]
        view.flags.writeable = False
        return view

    def slots(self, keys: Sequence[str], family: str = "") -> NDArray[np.int64]:
        """Return the slot of each key, giving new keys the next ones.

        Args:
            keys: Not empty each; they may repeat.
            family: What the keys are keys of, where one subject has several
                states. Cheaper than a longer key.
        """
        known = self._slot.setdefault(family, {})
        try:
            return np.fromiter(map(known.__getitem__, keys), np.int64, len(keys))
        except KeyError:
            self._admit(family, keys)
        return np.fromiter(map(known.__getitem__, keys), np.int64, len(keys))

    def find(self, key: str, family: str = "") -> int | None:
        """Return the slot of `key`, None when it has none."""
        return self._slot.get(family, {}).get(key)

    def put(self, slots: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Write `values` to the rows of `slots`; of a slot named twice the last counts.

        Raises:
            ValueError: When the values are of another dtype.
            IndexError: When a slot was never given out.
        """
        if not len(slots):
            return
        if values.dtype != self._dtype:
            raise ValueError(f"rows of {values.dtype}, not {self._dtype}")
        if int(slots.max()) >= len(self._keys) or int(slots.min()) < 0:
            raise IndexError(f"slots {slots.min()}..{slots.max()} of {len(self._keys)}")
        # As opaque bytes: field by field the same assignment takes ten times as long.
        self._rows.view(self._opaque)[slots] = values.view(self._opaque)
        self._dirty.update(np.unique(slots // self._page_rows).tolist())

    def due(self, watermark_ms: int) -> NDArray[np.int64]:
        """Return the slots whose `due_ms` is set, and at or before `watermark_ms`."""
        due_ms = self.rows["due_ms"]
        return np.flatnonzero((due_ms > 0) & (due_ms <= watermark_ms))

    def dirty_pages(self) -> list[tuple[int, bytes]]:
        """Return the pages written since the last call, by number, and forget which they were."""
        pages = [(page, self._page(page)) for page in sorted(self._dirty)]
        self._dirty.clear()
        return pages

    def load(self, page: int, raw: bytes) -> None:
        """Take a page back in, as `dirty_pages` gave it; pages in rising order.

        Slots that no page accounts for stay empty for ever: a crash between two
        pages of one batch leaves them, and their rows are delivered again.

        Raises:
            ValueError: When the page is of another format, dtype or page size,
                out of order, or names a key that an earlier page has.
        """
        held = msgspec.msgpack.decode(raw, type=_Page)
        theirs = (held.format, held.dtype, held.page_rows)
        ours = (_FORMAT, self._dtype_text, self._page_rows)
        if theirs != ours:
            raise ValueError(f"page {page} holds {theirs}, not {ours}")
        first = page * self._page_rows
        if first < len(self._keys) or len(held.keys) > self._page_rows:
            raise ValueError(f"page {page} comes after {len(self._keys)} keys")
        rows = np.frombuffer(held.rows, self._dtype)
        if len(rows) != len(held.keys):
            raise ValueError(f"page {page} has {len(held.keys)} keys and {len(rows)} rows")
        self._append([_HOLE] * (first - len(self._keys)))
        self._append(held.keys)
        self._rows[first : first + len(rows)] = rows

    def _admit(self, family: str, keys: Sequence[str]) -> None:
        known = self._slot[family]
        fresh = [(family, key) for key in dict.fromkeys(keys) if key not in known]
        if any(not key for _, key in fresh):
            raise ValueError("a key must not be empty")
        first = len(self._keys)
        self._append(fresh)
        pages = range(first // self._page_rows, (len(self._keys) - 1) // self._page_rows + 1)
        self._dirty.update(pages)

    def _append(self, names: Sequence[tuple[str, str]]) -> None:
        first = len(self._keys)
        for slot, (family, key) in enumerate(names, first):
            if key and self._slot.setdefault(family, {}).setdefault(key, slot) != slot:
                raise ValueError(f"{family} {key} stands in two pages")
        self._keys.extend(names)
        if len(self._keys) > len(self._rows):
            grown = np.zeros(max(len(self._keys), 2 * len(self._rows)), self._dtype)
            grown[:first] = self._rows[:first]
            self._rows = grown

    def _page(self, page: int) -> bytes:
        part = slice(page * self._page_rows, (page + 1) * self._page_rows)
        keys = self._keys[part]
        rows = self._rows[part][: len(keys)].tobytes()
        return msgspec.msgpack.encode(_Page(_FORMAT, self._dtype_text, self._page_rows, keys, rows))
