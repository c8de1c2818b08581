"""Column batches: take rows, join, measure, pack into bytes.

A batch is a `NamedTuple` whose fields are numpy arrays or plain sequences (of
texts or records), all of one length. Nothing here knows which batch it is: what
a column holds is read from the annotations of its class.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

B = TypeVar("B", bound=tuple[Any, ...])


class _Column(NamedTuple):
    """What a column holds: a dtype (of an array) or a decoder (of a sequence)."""

    dtype: np.dtype[Any] | None
    decoder: msgspec.msgpack.Decoder[list[Any]]


def length(batch: tuple[Any, ...]) -> int:
    """Return the number of rows."""
    return len(batch[0]) if batch else 0


def take(batch: B, index: NDArray[Any] | slice) -> B:
    """Return the rows that `index` names, in its order.

    Args:
        batch: Columns of one length.
        index: Positions, a boolean mask of the batch's length, or a slice.
    """
    if isinstance(index, slice):
        return _make(type(batch), [column[index] for column in batch])
    if index.dtype == np.bool_:
        index = np.flatnonzero(index)
    if len(index) <= 1:  # `itemgetter` gives a bare item, not a tuple, for one position
        rows = index.tolist()
        return _make(
            type(batch),
            [c[index] if isinstance(c, np.ndarray) else [c[row] for row in rows] for c in batch],
        )
    pick = itemgetter(*index.tolist())
    return _make(type(batch), [c[index] if isinstance(c, np.ndarray) else pick(c) for c in batch])


def concat(batches: Sequence[B]) -> B:
    """Return the rows of all `batches`, in order.

    Raises:
        ValueError: When there is no batch at all (see `empty`).
    """
    if not batches:
        raise ValueError("nothing to join: use columns.empty(batch_type)")
    if len(batches) == 1:
        return batches[0]
    joined = [
        np.concatenate(parts)
        if isinstance(parts[0], np.ndarray)
        else list(chain.from_iterable(parts))
        for parts in zip(*batches, strict=True)
    ]
    return _make(type(batches[0]), joined)


def empty(batch_type: type[B]) -> B:
    """Return a batch of `batch_type` with no rows."""
    return _make(
        batch_type,
        [[] if c.dtype is None else np.empty(0, c.dtype) for c in _layout(batch_type)],
    )


def pack(batch: tuple[Any, ...]) -> bytes:
    """Return the batch as bytes; equal batches give equal bytes."""
    return msgspec.msgpack.encode(
        [
            np.ascontiguousarray(c).tobytes()
            if isinstance(c, np.ndarray)
            else msgspec.msgpack.encode(list(c))
            for c in batch
        ]
    )


def unpack(batch_type: type[B], raw: bytes) -> B:
    """Return the batch that `pack` wrote.

    Raises:
        ValueError: When `raw` is not a packed batch of this class.
    """
    layout = _layout(batch_type)
    parts = msgspec.msgpack.decode(raw, type=list[bytes])
    if len(parts) != len(layout):
        raise ValueError(f"{len(parts)} columns packed, {batch_type.__name__} has {len(layout)}")
    made: list[Any] = [
        column.decoder.decode(part) if column.dtype is None else np.frombuffer(part, column.dtype)
        for column, part in zip(layout, parts, strict=True)
    ]
    if len({len(column) for column in made}) > 1:
        raise ValueError(f"packed columns of {batch_type.__name__} differ in length")
    return _make(batch_type, made)


def _make(batch_type: type[B], made: list[Any]) -> B:
    """Return a batch of the class; `NamedTuple._make` is not known to `tuple`."""
    return cast("B", batch_type._make(made))  # type: ignore[attr-defined]


@cache
def _layout(batch_type: type[tuple[Any, ...]]) -> list[_Column]:
    """Return what each column of the class holds, from its annotations."""
    layout = []
    for name, hint in get_type_hints(batch_type).items():
        args = get_args(hint)
        if not args:
            raise ValueError(f"{batch_type.__name__}.{name}: say what the column holds")
        is_array = getattr(hint, "__origin__", None) is np.ndarray
        dtype = np.dtype(get_args(args[1])[0]) if is_array else None
        item = Any if is_array else args[0]
        layout.append(_Column(dtype, msgspec.msgpack.Decoder(list[item])))  # type: ignore[valid-type]
    return layout
