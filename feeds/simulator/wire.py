"""Bytes put together, not encoded: what a device says differs in time and value only.

A record is its device's own beginning, the instant, and an end that depends on
the value. Beginnings are made once a device, ends once a value.
"""

import datetime as dt
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MS: Final = tuple(f".{ms:03d}Z".encode() for ms in range(1000))


def stamp(at_ms: int) -> bytes:
    """Return an instant as RFC 3339 with milliseconds, in UTC."""
    seconds, ms = divmod(at_ms, 1000)
    return _seconds(seconds) + _MS[ms]


def stamps(at_ms: NDArray[np.int64]) -> list[bytes]:
    """Return each instant as RFC 3339; instants of one second share their text."""
    seconds, ms = np.divmod(at_ms, 1000)
    known: dict[int, bytes] = {}
    texts: list[bytes] = []
    for second, rest in zip(seconds.tolist(), ms.tolist(), strict=True):
        text = known.get(second)
        if text is None:
            text = known[second] = _seconds(second)
        texts.append(text + _MS[rest])
    return texts


def _seconds(seconds: int) -> bytes:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
