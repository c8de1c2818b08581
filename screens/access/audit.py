"""The audit log: who did what, when and why, in an append-only file chained by hashes.

A line is a JSON object; `hash` is SHA-256 over the line without it, `prev_hash` the
hash of the line before. Changing, removing or inserting a line breaks the chain from
there on; cutting lines off its end does not, so keep the newest hash elsewhere.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

_FIRST = "0" * 64


class Verdict(NamedTuple):
    """What a check of a log found.

    Attributes:
        lines: How many are good from the start.
        head: Hash of the last good line.
        fault: Number of the first bad line, counted from 1, and what is wrong; None if sound.
    """

    lines: int
    head: str
    fault: tuple[int, str] | None


class BrokenLogError(ValueError):
    """A log that must not be written to; the text says why."""


class AuditLog:
    """Appends to one file, alone; each line is on the disk when `write` returns.

    Raises:
        BrokenLogError: The file's chain is broken, or another process writes to it.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise BrokenLogError(f"{file}: another gateway writes to it") from None
        verdict = verify(file)
        if verdict.fault is not None:
            os.close(self._file)
            line, what = verdict.fault
            raise BrokenLogError(f"{file}, line {line}: {what}")
        self._head = verdict.head

    def write(self, entry: Mapping[str, Any]) -> None:
        """Append an entry.

        Raises:
            OSError: The disk does not take it; the log stands as it stood before.
        """
        said = {**entry, "prev_hash": self._head}
        head = _hash(said)
        self._append(orjson.dumps({**said, "hash": head}) + b"\n")
        self._head = head

    def _append(self, line: bytes) -> None:
        """Put a line at the end, whole and for good, or leave the file as it is."""
        before = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) == len(line):
                os.fsync(self._file)
                return
        except OSError:
            os.ftruncate(self._file, before)
            raise
        os.ftruncate(self._file, before)  # a part of a line would break the chain for good
        raise OSError(errno.ENOSPC, "the disk took only a part of a line")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def verify(file: Path) -> Verdict:
    """Return whether a log's chain holds; a missing file is an empty log."""
    head, lines = _FIRST, 0
    if not file.exists():
        return Verdict(0, head, None)
    with file.open("rb") as log:
        for number, line in enumerate(log, start=1):
            try:
                entry = orjson.loads(line)
                said = entry.pop("hash")
            except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
                return Verdict(lines, head, (number, "it is no entry"))
            if entry.get("prev_hash") != head:
                return Verdict(lines, head, (number, "it does not follow the line before"))
            if _hash(entry) != said:
                return Verdict(lines, head, (number, "it was changed"))
            head, lines = said, number
    return Verdict(lines, head, None)


def _hash(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)).hexdigest()
