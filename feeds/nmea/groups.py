"""A sentence and the lines that stand before it, as one record."""

from typing import Final

from streams.vessels.nmea import Token, pieces

_BEFORE: Final = frozenset({Token.TAG_BLOCK, Token.STAMP})
MOST_LINES: Final = 16
"""So many lines of tag blocks and stamps wait for their sentence; then they go alone."""


class Groups:
    """Keeps tag blocks and stamps on lines of their own with the sentence that follows.

    The lines of a record are the raw ones, joined by CR LF.
    """

    def __init__(self) -> None:
        self._group: list[bytes] = []

    def take(self, line: bytes) -> bytes | None:
        """Return the record that `line` completes, None while it waits for a sentence."""
        self._group.append(line)
        if len(self._group) < MOST_LINES and all(piece.token in _BEFORE for piece in pieces(line)):
            return None
        return self.rest()

    def rest(self) -> bytes | None:
        """Return what waits, None when nothing does."""
        group, self._group = self._group, []
        return b"\r\n".join(group) if group else None
