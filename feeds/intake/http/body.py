"""Reading a request's body: no more of it than is allowed, for no longer than is allowed."""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

import zstandard
from aiohttp import web

from feeds.intake.http.answers import Problem

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Of a body as it is sent."""
MAX_UNPACKED_BYTES: Final = 8 * 1024 * 1024
"""Of a body once it is decompressed."""
HEAD_S: Final = 10.0
"""A connection that has not said a whole request's head by then is closed."""
READ_S: Final = 10.0
"""A body that takes longer to arrive is given up."""

_MAX_WINDOW_BYTES: Final = 8 * 1024 * 1024  # what one zstd frame may make us allocate
_MOST_FRAMES: Final = 64  # of one body: each costs a copy of what is left
_TOO_MANY_FRAMES: Final = f"more than {_MOST_FRAMES} frames"
_PIECE_BYTES: Final = 256  # of zstd at once: blocks of 4 bytes become 128 KiB, so 8 MiB at most

ENCODINGS: Final = ("gzip", "zstd", "identity")


class Limits(NamedTuple):
    """What a request may be, and how long it may take to arrive: its head, its body."""

    sent_bytes: int = MAX_BODY_BYTES
    unpacked_bytes: int = MAX_UNPACKED_BYTES
    head_s: float = HEAD_S
    read_s: float = READ_S


class _TooLargeError(Exception):
    """More comes out than is allowed."""


class _BrokenError(Exception):
    """What came in is not of its encoding, or not whole."""


def _from_gzip(packed: bytes, most: int) -> bytes:
    made = bytearray()
    for _ in range(_MOST_FRAMES):
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            made += unpacker.decompress(packed, most + 1 - len(made))
        except zlib.error as error:
            raise _BrokenError(str(error)) from error
        if len(made) > most:
            raise _TooLargeError
        if not unpacker.eof:
            raise _BrokenError("it ends in the middle")
        packed = unpacker.unused_data  # another member may follow
        if not packed:
            return bytes(made)
    raise _BrokenError(_TOO_MANY_FRAMES)


def _from_zstd(packed: bytes, most: int) -> bytes:
    made = bytearray()
    for _ in range(_MOST_FRAMES):
        unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).decompressobj()
        at = 0
        while not unpacker.eof:
            piece = packed[at : at + _PIECE_BYTES]
            at += len(piece)
            if not piece:
                raise _BrokenError("it ends in the middle")
            try:
                made += unpacker.decompress(piece)
            except zstandard.ZstdError as error:
                raise _BrokenError(str(error)) from error
            if len(made) > most:
                raise _TooLargeError
        packed = unpacker.unused_data + packed[at:]  # another frame may follow
        if not packed:
            return bytes(made)
    raise _BrokenError(_TOO_MANY_FRAMES)


_UNPACKERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _from_gzip,
    "zstd": _from_zstd,
}


async def read_body(request: web.BaseRequest, limits: Limits) -> bytes | Problem:
    """Return the body, decompressed; or why it is not read.

    A body that says a length above the limit is refused before any of it is
    read, one without a length as soon as it is past it.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ENCODINGS:
        return Problem(415, "unsupported-encoding", f"send one of {', '.join(ENCODINGS)}")
    length = request.content_length
    if length is not None and length > limits.sent_bytes:
        return _too_large(limits)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(limits.read_s):
            packed = await _read(request, limits.sent_bytes)
    except TimeoutError:
        return Problem(408, "too-slow", f"the body did not arrive within {limits.read_s:g} s")
    if packed is None:
        return _too_large(limits)
    return unpack(packed, encoding, limits)


async def _read(request: web.BaseRequest, most: int) -> bytes | None:
    """Return the body as it is sent; None when it is larger than allowed."""
    content = request.content
    if content.is_eof() and not content.total_bytes:
        return await content.read()
    pieces, size = [], 0
    while piece := await content.readany():
        size += len(piece)
        if size > most:
            return None
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def unpack(packed: bytes, encoding: str, limits: Limits) -> bytes | Problem:
    """Return a body decompressed, or why it cannot be."""
    if encoding == "identity":
        return packed
    try:
        return _UNPACKERS[encoding](packed, limits.unpacked_bytes)
    except _TooLargeError:
        return Problem(
            413,
            "too-large",
            f"decompressed it is larger than {limits.unpacked_bytes} bytes: send smaller batches",
        )
    except _BrokenError as error:
        return Problem(400, "bad-encoding", f"the body is not {encoding}: {error!s:.100}")


def _too_large(limits: Limits) -> Problem:
    return Problem(413, "too-large", f"the most is {limits.sent_bytes} bytes: send smaller batches")
