"""Lines out of a byte stream, however it is cut, and safe against what is no text."""

import re
from typing import Final

from streams.vessels.nmea import LINE_LIMIT

_END: Final = re.compile(rb"[\r\n]+")
_STARTS: Final = re.compile(rb"[!$\\#]")
KEPT_OF_TOO_LONG: Final = LINE_LIMIT + 1
"""Bytes of a line without end that go on, so that the decoder refuses it by name."""


class Lines:
    """Cuts a stream at CR, LF or both; blank lines are left out.

    Of a line longer than the limit the beginning is kept, once, and all up to
    the next line end is passed over; memory stays bounded whatever comes.

    Attributes:
        passed_over: Bytes that were not handed on.
    """

    def __init__(self) -> None:
        self.passed_over = 0
        self._open = b""
        self._too_long = False

    def take(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes."""
        *whole, last = _END.split(self._open + data)
        self._open = b""
        found = [self._cut(line) for line in whole if line]
        if self._too_long and whole:
            # What came before the first line end belongs to the line that was cut.
            self._too_long = False
            head = found.pop(0) if whole[0] else b""
            self.passed_over += len(head)
        if self._too_long:
            self.passed_over += len(last)
        elif len(last) > LINE_LIMIT:
            self._too_long = True
            self.passed_over += len(last) - KEPT_OF_TOO_LONG
            found.append(last[:KEPT_OF_TOO_LONG])
        else:
            self._open = last
        return found

    def rest(self) -> bytes | None:
        """Return the line that the end of the stream left open, None without one."""
        line, self._open = self._open, b""
        return line or None

    def _cut(self, line: bytes) -> bytes:
        self.passed_over += max(0, len(line) - KEPT_OF_TOO_LONG)
        return line[:KEPT_OF_TOO_LONG]


def may_be_nmea(line: bytes) -> bool:
    """Return whether a line holds anything that a sentence, tag block or comment begins with."""
    return _STARTS.search(line) is not None
