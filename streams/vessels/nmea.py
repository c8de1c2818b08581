r"""NMEA 0183 as text: sentences, tag blocks and time stamps out of raw lines.

One record may hold several lines, one line several sentences, each with a tag
block before it (`\s:station,c:time*hh\!AIVDM,...`), with a proprietary stamp
in a sentence of its own (`$PGHP`, Gatehouse), or with the receiver's fields
behind its checksum (`...*hh,b003669954,1272412827`, US Coast Guard).
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import reduce
from operator import xor
from typing import NamedTuple

from schemas.instants import parse_instant

_BOM = b"\xef\xbb\xbf"
_STARTS = b"!$\\"
LINE_LIMIT = 1024
"""Bytes. IEC 61162-1 allows 82 a sentence; a tag block adds some, logs some."""

CONNECTION_BEGINS = b"# citybrain: connection begins"
"""The door writes it before the first sentence of a connection: what was half
said before is half for ever, and never joined with what comes."""

_AIS_FORMATTERS = (b"VDM", b"VDO")
_MILLISECONDS_FROM = 100_000_000_000
"""A tag block's `c:` above this is in milliseconds: as seconds it is year 5138."""


class Token(StrEnum):
    """What a piece of a line is."""

    AIS = "ais"
    STAMP = "stamp"
    TAG_BLOCK = "tag-block"
    OTHER_SENTENCE = "other-sentence"
    COMMENT = "comment"
    CONNECTION_BEGINS = "connection-begins"
    BLANK = "blank"
    JUNK = "junk"
    TOO_LONG = "too-long"


class TagBlock(NamedTuple):
    """What a tag block says, as far as it matters here.

    `group` is the identifier of `g:`, the same in all sentences of one group.
    """

    station: str = ""
    received_ms: int | None = None
    group: str = ""
    sound: bool = True


class Piece(NamedTuple):
    """One piece of a line; `text` is a sentence from its start character on."""

    token: Token
    text: bytes = b""
    tag: TagBlock = TagBlock()


class Part(NamedTuple):
    """One AIS sentence, taken apart: part `number` of `total` of a message."""

    total: int
    number: int
    sequence: str
    channel: str
    payload: bytes
    fill_bits: int
    station: str
    received_ms: int | None


def pieces(value: bytes) -> Iterator[Piece]:
    """Cut a record's value into its pieces, in order."""
    for line in value.removeprefix(_BOM).splitlines() or [b""]:
        yield from _of_line(line.strip())


def _of_line(line: bytes) -> Iterator[Piece]:
    if not line:
        yield Piece(Token.BLANK)
    elif line == CONNECTION_BEGINS:
        yield Piece(Token.CONNECTION_BEGINS, line)
    elif line.startswith(b"#"):
        yield Piece(Token.COMMENT, line)
    elif len(line) > LINE_LIMIT:
        yield Piece(Token.TOO_LONG, line[:80])
    else:
        found = list(_sentences(line))
        yield from found or [Piece(Token.JUNK, line)]


def _sentences(line: bytes) -> Iterator[Piece]:
    """Yield the sentences of one line; words between them are not looked at."""
    tag, tag_raw, rest = TagBlock(), b"", line
    while rest:
        if rest.startswith(b"\\"):
            inside, closed, rest = rest[1:].partition(b"\\")
            if closed:
                tag, tag_raw = tag_block(inside), inside
            continue
        end = next((i for i in range(1, len(rest)) if rest[i] in _STARTS), len(rest))
        text, rest = rest[:end].rstrip(), rest[end:]
        if text[:1] in (b"!", b"$"):
            yield Piece(_token(text), text, tag)
            tag, tag_raw = TagBlock(), b""
    if tag_raw:
        yield Piece(Token.TAG_BLOCK, tag_raw, tag)


def _token(text: bytes) -> Token:
    if text.startswith(b"!") and text[3:6] in _AIS_FORMATTERS:
        return Token.AIS
    if text.startswith(b"$PGHP,"):
        return Token.STAMP
    return Token.OTHER_SENTENCE


def checksum_agrees(text: bytes) -> bool:
    """Return whether the XOR of what is between start and `*` is as written."""
    body, star, rest = text[1:].partition(b"*")
    try:
        written = int(rest[:2], 16) if len(rest) > 1 else -1
    except ValueError:
        return False
    return bool(star) and reduce(xor, body, 0) == written


def tag_block(inside: bytes) -> TagBlock:
    """Read a tag block, given without its backslashes.

    One whose checksum disagrees says nothing (NMEA 0183 4.x has it ignored),
    so only `sound` is False. `s:` names the station, as Gatehouse's `si:` does.
    """
    if not checksum_agrees(b"\\" + inside):
        return TagBlock(sound=False)
    station, received_ms, group = "", None, ""
    for field in inside.partition(b"*")[0].split(b","):
        name, _, raw = field.partition(b":")
        text = raw.decode("ascii", "replace")
        if name in (b"s", b"si"):
            station = text
        elif name == b"c":
            received_ms = _epoch_ms(text)
        elif name == b"g":
            group = text.rpartition("-")[2]
    return TagBlock(station, received_ms, group)


def _epoch_ms(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > len("1700000000000"):
        return None
    number = int(text)
    return number if number >= _MILLISECONDS_FROM else number * 1000


def stamp_ms(text: bytes) -> int | None:
    """Return the receive time that a `$PGHP` sentence tells, or None.

    Layout: $PGHP,1,year,month,day,hour,minute,second,millisecond,country,...
    in UTC.
    """
    if not checksum_agrees(text):
        return None
    words = [word.decode("ascii", "replace").zfill(2) for word in text.split(b",")[2:9]]
    if len(words) != len(("year", "month", "day", "hour", "minute", "second", "millisecond")):
        return None
    year, month, day, hour, minute, second, ms = words
    told = parse_instant(f"{year}-{month}-{day}T{hour}:{minute}:{second}.{ms.zfill(3)}Z")
    return told if isinstance(told, int) else None


def ais_part(text: bytes) -> Part | None:
    """Take an AIS sentence apart; None when its fields do not make sense.

    The checksum must have been found to agree before.
    """
    body, _, behind = text.partition(b"*")
    fields = body.split(b",")
    if len(fields) != len(("tag", "total", "number", "sequence", "channel", "payload", "fill")):
        return None
    try:
        total, number, fill = int(fields[1]), int(fields[2]), int(fields[6] or b"0")
        sequence, channel = fields[3].decode("ascii"), fields[4].decode("ascii")
    except ValueError:
        return None
    if not 1 <= number <= total <= 9 or not 0 <= fill <= 5:  # noqa: PLR2004 - IEC 61162-1
        return None
    station, received_ms = _receiver(behind)
    return Part(total, number, sequence, channel, fields[5], fill, station, received_ms)


def _receiver(behind: bytes) -> tuple[str, int | None]:
    """Station and time behind a checksum: `70,d-109,S2105,r003669946,1325394060`."""
    words = behind.decode("ascii", "replace").split(",")[1:]
    station = next((w for w in words if len(w) > 1 and w[0] in "rb" and w[1:].isalnum()), "")
    times = [w for w in words if len(w) == len("1272412827") and w.isascii() and w.isdigit()]
    return station, int(times[0]) * 1000 if times else None
